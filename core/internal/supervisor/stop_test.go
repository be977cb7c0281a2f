package supervisor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestStopHasPhases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []string
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{
			ID: "hello",
			Workers: []supervisor.Hook{{ID: "worker:hello", Run: func(ctx context.Context) error {
				<-ctx.Done()
				order = append(order, "worker ends")
				return nil
			}}},
			Stops: []supervisor.Hook{{ID: "stop:hello", Run: func(ctx context.Context) error {
				if ctx.Err() != nil || pluginapi.PrincipalFrom(ctx).Ref != "plugin:hello" {
					t.Errorf("stop hook's context: %v", ctx)
				}
				order = append(order, "stop hook")
				return nil
			}}},
		}}})
		leave, err := sup.Enter("hello")
		if err != nil {
			t.Fatal(err)
		}
		if n := sup.Status()[0].InFlight; n != 1 {
			t.Errorf("%d calls in flight, want 1", n)
		}
		stopped := make(chan error, 2)
		go func() { stopped <- sup.Stop(context.Background()) }()
		go func() { stopped <- sup.Stop(context.Background()) }()
		wantState(t, sup, "hello", supervisor.Stopping)
		var unavailable *pluginapi.UnavailableError
		if _, err := sup.Enter("hello"); !errors.As(err, &unavailable) || unavailable.State != "stopped" {
			t.Errorf("Enter while stopping = %v", err)
		}
		pass(time.Second)
		order = append(order, "call leaves")
		leave()
		for range 2 {
			if err := <-stopped; err != nil {
				t.Errorf("Stop = %v", err)
			}
		}
		if err := sup.Stop(context.Background()); err != nil {
			t.Errorf("Stop once more = %v", err)
		}
		if diff := cmp.Diff([]string{"call leaves", "worker ends", "stop hook"}, order); diff != "" {
			t.Error(diff)
		}
		wantState(t, sup, "hello", supervisor.Stopped)
	})
}

func TestStopNamesWhatItLeavesBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		hanging := func(context.Context) error { <-hang; return nil }
		var mu sync.Mutex
		stopped := map[string]bool{}
		stops := func(id string) []supervisor.Hook {
			return []supervisor.Hook{{ID: "stop:" + id, Run: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				stopped[id] = true
				return nil
			}}}
		}
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{
			{ID: "well", Stops: stops("well")},
			{ID: "entered", Stops: stops("entered")},
			{ID: "worker", Workers: []supervisor.Hook{{ID: "worker:worker/x", Run: hanging}}, Stops: stops("worker")},
			{ID: "task", Tasks: []supervisor.TaskHook{task("task:task/x", time.Hour, hanging)}, Stops: stops("task")},
			{ID: "starting", Starts: []supervisor.Hook{{ID: "start:starting/x", Run: hanging}}, Stops: stops("starting")},
			{ID: "failed", Starts: []supervisor.Hook{{ID: "start:failed/x", Run: func(context.Context) error { return errBoom }}}, Stops: stops("failed")},
			{ID: "stop", Stops: append(stops("stop"), supervisor.Hook{ID: "stop:stop/hang", Timeout: time.Second, Run: hanging}, supervisor.Hook{ID: "stop:stop/fail", Run: func(context.Context) error { return errBoom }})},
		}})
		if _, err := sup.Enter("entered"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err := sup.Stop(within(t, 20*time.Second))
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("Stop took %s", took)
		}
		for _, want := range []string{
			"plugin entered did not stop cleanly: 1 calls into it had not ended",
			"plugin worker did not stop cleanly: worker:worker/x had not returned",
			"plugin task did not stop cleanly: task:task/x had not returned",
			"plugin starting did not stop cleanly: start:starting/x had not returned",
			"plugin stop did not stop cleanly: stop:stop/fail: boom; stop:stop/hang had not returned",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Stop = %v\nwant: %s", err, want)
			}
		}
		for _, clean := range []string{"plugin well", "plugin failed"} {
			if strings.Contains(err.Error(), clean) {
				t.Errorf("Stop blames %s: %v", clean, err)
			}
		}
		want := map[string]bool{"well": true, "entered": true, "worker": true, "task": true, "stop": true}
		if diff := cmp.Diff(want, stopped); diff != "" {
			t.Errorf("stop hooks that ran: %s", diff)
		}
	})
}

func TestStopDuringStartCancelsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{
			{ID: "starting", Starts: []supervisor.Hook{{ID: "start:starting", Run: untilEnd}}},
			{ID: "pausing", Prepare: func(context.Context) error { return errBoom }},
		}})
		begin := time.Now()
		if err := sup.Stop(within(t, time.Minute)); err != nil {
			t.Errorf("Stop = %v", err)
		}
		if took := time.Since(begin); took > time.Millisecond {
			t.Errorf("took %s", took)
		}
		if !settled(sup) {
			t.Error("Settled outlives Stop")
		}
	})
}

func TestStartAfterStopDoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup, err := supervisor.New(supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Prepare: func(context.Context) error {
			t.Error("prepared")
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := sup.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		sup.Start(t.Context())
		wantState(t, sup, "hello", supervisor.Stopped)
	})
}

func TestSecondStopDoesNotWaitLongerThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Stops: []supervisor.Hook{{ID: "stop:hello", Run: func(context.Context) error {
			time.Sleep(5 * time.Second)
			return nil
		}}}}}})
		go func() { _ = sup.Stop(context.Background()) }()
		synctest.Wait()
		if err := sup.Stop(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop = %v", err)
		}
		if err := sup.Stop(t.Context()); err != nil {
			t.Errorf("Stop = %v", err)
		}
	})
}
