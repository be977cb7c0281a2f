package databasetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// listen collects what arrives on a topic until the test ends.
func listen(t *testing.T, s *database.Signals, topic string) <-chan string {
	t.Helper()
	heard := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.Listen(ctx, topic, func(payload string) { heard <- payload }) })
	t.Cleanup(func() { cancel(); done.Wait() })
	if first := receive(t, heard); first != "" {
		t.Errorf("the first thing heard is %q", first)
	}
	return heard
}

func receive(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was heard")
		return ""
	}
}

func signalsOf(t *testing.T, d *database.Databases, id string) *database.Signals {
	t.Helper()
	prepared(t, d, id)
	s, err := d.Signals(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signals(t *testing.T, d *database.Databases) {
	s := signalsOf(t, d, "a")
	one, two := listen(t, s, "topic"), listen(t, s, "topic")
	for _, payload := range []string{"1", "2", "it's ünïcode"} {
		if err := s.Publish(t.Context(), "topic", payload); err != nil {
			t.Fatal(err)
		}
		for _, heard := range []<-chan string{one, two} {
			if got := receive(t, heard); got != payload {
				t.Errorf("heard %q, want %q", got, payload)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Listen(ctx, "topic", func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen ends with %v", err)
	}
}

func signalsStayApart(t *testing.T, d *database.Databases) {
	a, b := signalsOf(t, d, "a"), signalsOf(t, d, "b")
	heardA, heardB := listen(t, a, "topic"), listen(t, b, "topic")
	other := listen(t, a, "other")
	for _, s := range []*database.Signals{b, a} {
		if err := s.Publish(t.Context(), "topic", map[*database.Signals]string{a: "a", b: "b"}[s]); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Publish(t.Context(), "other", "o"); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, heardA) + receive(t, heardB) + receive(t, other); got != "abo" {
		t.Errorf("heard %q, want %q", got, "abo")
	}
}

func leases(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	l, err := d.Leases("a")
	if err != nil {
		t.Fatal(err)
	}
	var tokens []int64
	for range 2 {
		held, err := l.TryHold(t.Context(), "job", func(ctx context.Context) error {
			token, ok := database.LeaseToken(ctx)
			if !ok {
				t.Error("no token")
			}
			tokens = append(tokens, token)
			if again, err := l.TryHold(t.Context(), "job", func(context.Context) error { return nil }); again || err != nil {
				t.Errorf("held twice: %v, %v", again, err)
			}
			if other, err := l.TryHold(t.Context(), "other", func(context.Context) error { return nil }); !other || err != nil {
				t.Errorf("another lease: %v, %v", other, err)
			}
			return database.InTx(ctx, db, func(tx *sqlx.Tx) error { return database.CheckLease(ctx, tx) })
		})
		if !held || err != nil {
			t.Fatalf("TryHold = %v, %v", held, err)
		}
	}
	if tokens[1] <= tokens[0] {
		t.Errorf("tokens %v do not rise", tokens)
	}
	failure := errors.New("no")
	if held, err := l.TryHold(t.Context(), "job", func(context.Context) error { return failure }); !held || !errors.Is(err, failure) {
		t.Errorf("TryHold = %v, %v, want its function's error", held, err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = l.TryHold(t.Context(), "job", func(context.Context) error { panic("no") })
	}()
	var running, ran atomic.Int32
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			held, err := l.TryHold(t.Context(), "job", func(context.Context) error {
				if running.Add(1) > 1 {
					t.Error("two hold one lease")
				}
				time.Sleep(5 * time.Millisecond)
				running.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if held {
				ran.Add(1)
			}
		})
	}
	work.Wait()
	if ran.Load() == 0 {
		t.Error("nobody got the lease after it was given up by a panic")
	}
}

func closeEndsListening(t *testing.T, d *database.Databases) {
	s := signalsOf(t, d, "a")
	ended, began := make(chan error, 1), make(chan struct{}, 1)
	go func() {
		ended <- s.Listen(t.Context(), "topic", func(string) { began <- struct{}{} })
	}()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("Listen ended without a reason")
		}
	case <-ctx.Done():
		t.Fatal("Listen goes on after Close")
	}
	if _, err := d.For("b"); err == nil {
		t.Error("a closed Databases opens more")
	}
}
