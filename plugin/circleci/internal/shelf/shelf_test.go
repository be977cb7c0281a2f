package shelf_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a cache that replicas share.
type memory struct {
	pluginapi.Cache
	mu     sync.Mutex
	values map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[key]
	return value, ok
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

func newMemory() *memory { return &memory{values: map[string][]byte{}} }

// party is a third party that counts.
type party struct {
	mu    sync.Mutex
	asked int
	fails error
	takes time.Duration
}

func (p *party) source(key string, every time.Duration) shelf.Source[int] {
	return shelf.Source[int]{
		Key: key,
		Fetch: func(ctx context.Context) (int, error) {
			p.mu.Lock()
			p.asked++
			n, err, takes := p.asked, p.fails, p.takes
			p.mu.Unlock()
			select {
			case <-time.After(takes):
			case <-ctx.Done():
				return 0, ctx.Err()
			}
			return n, err
		},
		Fresh: func(int, time.Time) time.Duration { return every },
	}
}

func (p *party) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *party) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = err
}

// run runs a shelf for the length of a test in a bubble.
func run(t *testing.T, store pluginapi.Cache) *shelf.Shelf {
	t.Helper()
	s := shelf.New(store, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return s
}

// look has a number of readers look again and again, as open pages do.
func look(t *testing.T, s *shelf.Shelf, source shelf.Source[int], readers int, every, length time.Duration) {
	t.Helper()
	var looking sync.WaitGroup
	for i := range readers {
		looking.Go(func() {
			time.Sleep(every * time.Duration(i) / time.Duration(readers))
			for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(every) {
				if a := shelf.Get(t.Context(), s, source); !a.Have {
					t.Errorf("a reader got nothing: %v", a.Fault)
					return
				}
			}
		})
	}
	looking.Wait()
}

func TestAnyNumberOfReaders(t *testing.T) {
	t.Parallel()
	for _, readers := range []int{1, 100, 1000} {
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &party{takes: 300 * time.Millisecond}
				look(t, run(t, newMemory()), p.source("a", 10*time.Second), readers, 10*time.Second, 5*time.Minute)
				if n := p.count(); n < 26 || n > 31 {
					t.Errorf("%d readers looked for 5 minutes, and the third party was asked %d times; want once per 10s", readers, n)
				}
			})
		})
	}
}

func TestReplicasShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, store := &party{takes: 100 * time.Millisecond}, newMemory()
		var replicas sync.WaitGroup
		for i := range 3 {
			s := run(t, store)
			replicas.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				look(t, s, p.source("a", 10*time.Second), 20, 10*time.Second, 5*time.Minute)
			})
		}
		replicas.Wait()
		if n := p.count(); n > 60 { // once per interval but for those moments in which two meet
			t.Errorf("three replicas asked %d times in 5 minutes", n)
		}
	})
}

func TestNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{}
		s := run(t, newMemory())
		shelf.Get(t.Context(), s, p.source("a", 10*time.Second))
		time.Sleep(time.Hour)
		if n := p.count(); n > 9 {
			t.Errorf("one look, and the third party was asked %d times within an hour", n)
		}
		if state := s.State(); state.Items != 0 {
			t.Errorf("%d items are kept that nobody reads", state.Items)
		}
	})
}

func TestFirstReadersShareOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{takes: time.Second}
		s := run(t, newMemory())
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() {
				if a := shelf.Get(t.Context(), s, p.source("a", time.Minute)); !a.Have || a.Value != 1 {
					t.Errorf("got %+v", a)
				}
			})
		}
		readers.Go(func() { // who leaves does not take the request along
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if a := shelf.Get(ctx, s, p.source("a", time.Minute)); a.Have || a.Fault.Kind != api.TimedOut {
				t.Errorf("who could not wait got %+v", a)
			}
		})
		readers.Wait()
		if p.count() != 1 {
			t.Errorf("%d requests", p.count())
		}
		if a := shelf.Peek(s, p.source("b", time.Minute)); a.Have || a.Fault != nil {
			t.Errorf("peeking waited: %+v", a)
		}
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{}
		s := run(t, newMemory())
		source := p.source("a", 10*time.Second)
		shelf.Get(t.Context(), s, source)
		p.fail(&api.Fault{Kind: api.Broken, Status: 500})
		before := p.count()
		for range 60 { // five minutes
			time.Sleep(5 * time.Second)
			shelf.Peek(s, source)
		}
		a := shelf.Get(t.Context(), s, source)
		if !a.Have || a.Value != 1 || a.Fault == nil || a.Fault.Kind != api.Broken || time.Since(a.At) < 4*time.Minute {
			t.Errorf("after failures there is %+v", a)
		}
		if n := p.count() - before; n < 4 || n > 8 {
			t.Errorf("a third party that fails was asked %d times within 5 minutes; want growing pauses", n)
		}
		p.fail(nil)
		for range 70 {
			time.Sleep(5 * time.Second)
			a = shelf.Peek(s, source)
		}
		if a.Fault != nil || a.Value == 1 {
			t.Errorf("well again there is %+v", a)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{}
		s := run(t, newMemory())
		p.fail(&api.Fault{Kind: api.RateLimited, Status: 429, Wait: 90 * time.Second})
		if a := shelf.Get(t.Context(), s, p.source("a", time.Second)); a.Have || a.Fault.Kind != api.RateLimited {
			t.Errorf("got %+v", a)
		}
		p.fail(nil)
		for range 88 {
			time.Sleep(time.Second)
			if a := shelf.Get(t.Context(), s, p.source("b", time.Second)); a.Have || a.Fault.Kind != api.RateLimited || a.Fault.Wait <= 0 {
				t.Fatalf("during the pause: %+v", a)
			}
		}
		if p.count() != 1 {
			t.Errorf("%d requests during the pause", p.count()-1)
		}
		time.Sleep(4 * time.Second)
		if a := shelf.Get(t.Context(), s, p.source("b", time.Second)); !a.Have || a.Fault != nil {
			t.Errorf("after the pause: %+v", a)
		}
	})
}

func TestDrop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{takes: time.Second}
		s := run(t, newMemory())
		source := p.source("a", time.Hour)
		shelf.Get(t.Context(), s, source)
		s.Drop(t.Context(), "a", "nothing")
		if a := shelf.Peek(s, source); !a.Have || a.Value != 1 {
			t.Errorf("what was dropped cannot be read until there is something newer: %+v", a)
		}
		time.Sleep(500 * time.Millisecond)
		s.Drop(t.Context(), "a") // while the answer to the older question is on its way
		time.Sleep(3 * time.Second)
		if a := shelf.Peek(s, source); a.Value != 3 {
			t.Errorf("after two drops there is %+v, want the answer to the last question", a)
		}
	})
}

func TestRunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &party{takes: 30 * time.Second}
		s := shelf.New(newMemory(), slog.New(slog.DiscardHandler))
		shelf.Peek(s, p.source("a", time.Hour))
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		stop()
		ctx, stop = context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		if a := shelf.Get(t.Context(), s, p.source("a", time.Hour)); !a.Have {
			t.Errorf("after a worker that was stopped in the middle: %+v", a)
		}
		stop()
		<-ended
	})
}

func BenchmarkGet(b *testing.B) {
	caches, err := cache.Open(cache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = caches.Close(context.Background()) }()
	s := shelf.New(caches.For("test"), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	p := &party{}
	shelf.Get(ctx, s, p.source("a", time.Hour))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			shelf.Get(ctx, s, p.source("a", time.Hour))
		}
	})
	stop()
	<-ended
}
