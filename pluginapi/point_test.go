package pluginapi_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

type label struct{ Text string }

type labelFunc func(ctx context.Context, text string) (string, error)

func listOf(p *pluginapi.Point[label, labelFunc], behaviour labelFunc) []pluginapi.Extended[label, labelFunc] {
	return p.List([]pluginapi.Contribution{{
		ID: "label:a/x", Plugin: "a", Spec: label{"X"},
		Call: func(ctx context.Context, fn func(context.Context, any) error) error { return fn(ctx, behaviour) },
	}})
}

func TestUseAddsThePointsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		point := &pluginapi.Point[label, labelFunc]{Kind: "label", Timeout: time.Second}
		e := listOf(point, func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() })[0]
		err := e.Use(t.Context(), func(ctx context.Context, f labelFunc) error { _, err := f(ctx, ""); return err })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAskReturnsWhenTheBehaviourDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		point := &pluginapi.Point[label, labelFunc]{Kind: "label", Timeout: time.Second}
		e := listOf(point, func(context.Context, string) (string, error) { <-release; return "late", nil })[0]
		ask := func() error {
			_, err := pluginapi.Ask(t.Context(), e, func(ctx context.Context, f labelFunc) (string, error) { return f(ctx, "") })
			return err
		}
		for range 16 {
			if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("err = %v", err)
			}
		}
		if err := ask(); !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("with 16 calls left behind: %v", err)
		}
		close(release)
		synctest.Wait()
		if text, err := pluginapi.Ask(t.Context(), e, func(ctx context.Context, f labelFunc) (string, error) { return f(ctx, "") }); text != "late" || err != nil {
			t.Errorf("after they returned: %q, %v", text, err)
		}
	})
}

func TestLiveTellsWhoWaits(t *testing.T) {
	t.Parallel()
	live, set := pluginapi.NewLive(1)
	changed := live.Changed()
	set(2)
	select {
	case <-changed:
	default:
		t.Error("the change was not told")
	}
	select {
	case <-live.Changed():
		t.Error("a change was told that has not been")
	default:
	}
	if live.Get() != 2 {
		t.Errorf("Get = %d", live.Get())
	}
}

// TestAskSurvivesWhateverEndsTheCall has a behaviour end in the ways that pass through Use: the goroutine is Ask's, so nobody else could catch them.
func TestAskSurvivesWhateverEndsTheCall(t *testing.T) {
	t.Parallel()
	point := &pluginapi.Point[struct{}, func()]{Kind: "thing"}
	for name, behaviour := range map[string]func(){"abort": func() { panic(http.ErrAbortHandler) }, "exit": runtime.Goexit} {
		list := point.List([]pluginapi.Contribution{{ID: "thing:a/x", Plugin: "a", Spec: struct{}{}, Call: func(ctx context.Context, fn func(context.Context, any) error) error { return fn(ctx, behaviour) }}})
		_, err := pluginapi.Ask(t.Context(), list[0], func(_ context.Context, b func()) (int, error) { b(); return 1, nil })
		if err == nil || !strings.HasPrefix(err.Error(), "thing:a/x: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStuckCallsAreCountedAcrossChanges changes the list while calls hang: they still count.
func TestStuckCallsAreCountedAcrossChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pluginapi.Point[label, labelFunc]{Kind: "label", Timeout: time.Second}
		hold := make(chan struct{})
		contributions := []pluginapi.Contribution{{ID: "label:a/x", Plugin: "a", Spec: label{"X"}, Call: func(context.Context, func(context.Context, any) error) error {
			<-hold
			return nil
		}}}
		made, set := p.Live(contributions)
		live := made.(*pluginapi.Live[[]pluginapi.Extended[label, labelFunc]])
		ask := func() error {
			_, err := pluginapi.Ask(t.Context(), live.Get()[0], func(context.Context, labelFunc) (int, error) { return 0, nil })
			return err
		}
		for range 16 {
			if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			set(contributions)
		}
		if err := ask(); !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("the call after 16 that hang: %v", err)
		}
		close(hold)
	})
}
