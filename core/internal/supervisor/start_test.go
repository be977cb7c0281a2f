package supervisor_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	run := func(context.Context) error { return nil }
	_, err := supervisor.New(supervisor.Settings{Plugins: []supervisor.Plugin{
		{ID: "a"}, {ID: "a"},
		{ID: "b", Workers: []supervisor.Hook{{ID: "worker:b/x"}, {ID: "worker:b/y", Run: run}, {ID: "worker:b/y", Run: run}}},
		{ID: "c", Tasks: []supervisor.TaskHook{{Hook: supervisor.Hook{ID: "task:c/x", Run: run}}}},
	}})
	for _, want := range []string{`"a": the id is given twice`, "worker:b/x has no function", "worker:b/y is given twice", "task:c/x needs a period above zero"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want something about %s", err, want)
		}
	}
}

func TestStartRunsStepsInOrderAsThePlugin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []string
		var who []string
		note := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				order = append(order, name)
				who = append(who, pluginapi.PrincipalFrom(ctx).Ref)
				if _, ok := ctx.Deadline(); !ok {
					t.Errorf("%s has no deadline", name)
				}
				return nil
			}
		}
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{
			ID: "hello", Prepare: note("prepare"),
			Starts: []supervisor.Hook{{ID: "start:hello/a", Run: note("a")}, {ID: "start:hello/b", Run: note("b")}},
			Stops:  []supervisor.Hook{{ID: "stop:hello/a", Run: note("stop a")}, {ID: "stop:hello/b", Run: note("stop b")}},
		}}})
		wantState(t, sup, "hello", supervisor.Running)
		if err := sup.Available("hello"); err != nil {
			t.Errorf("Available = %v", err)
		}
		if !settled(sup) {
			t.Error("not settled")
		}
		if err := sup.Stop(t.Context()); err != nil {
			t.Errorf("Stop = %v", err)
		}
		if diff := cmp.Diff([]string{"prepare", "a", "b", "stop b", "stop a"}, order); diff != "" {
			t.Error(diff)
		}
		for _, ref := range who {
			if ref != "plugin:hello" {
				t.Errorf("a hook ran as %q", ref)
			}
		}
		wantState(t, sup, "hello", supervisor.Stopped)
	})
}

func TestFailedStepIsTriedAgainFromWhereItFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var prepared, first, second atomic.Int32
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{
			ID:      "hello",
			Prepare: func(context.Context) error { prepared.Add(1); return nil },
			Starts: []supervisor.Hook{
				{ID: "start:hello/a", Run: func(context.Context) error { first.Add(1); return nil }},
				{ID: "start:hello/b", Run: func(context.Context) error {
					if second.Add(1) < 4 {
						panic("not yet")
					}
					return nil
				}},
			},
		}}})
		wantState(t, sup, "hello", supervisor.Degraded)
		if !settled(sup) {
			t.Error("a failed attempt did not settle it")
		}
		var unavailable *pluginapi.UnavailableError
		err := sup.Available("hello")
		if !errors.As(err, &unavailable) || unavailable.State != "degraded" || !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("Available = %v", err)
		}
		if _, err := sup.Enter("hello"); !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("Enter = %v", err)
		}
		status := sup.Status()[0]
		if status.Step != "start:hello/b" || status.Attempt != 1 || !status.Next.After(time.Now()) || !strings.Contains(status.Err.Error(), "not yet") {
			t.Errorf("status = %+v", status)
		}
		// 1, 2 and 4 seconds, give or take a fifth.
		pass(5 * time.Second)
		wantState(t, sup, "hello", supervisor.Degraded)
		if n := second.Load(); n != 3 {
			t.Errorf("tried %d times in 5 s, want 3", n)
		}
		pass(4 * time.Second)
		wantState(t, sup, "hello", supervisor.Running)
		if a, b, c := prepared.Load(), first.Load(), second.Load(); a != 1 || b != 1 || c != 4 {
			t.Errorf("prepared %d, first %d, second %d times; want 1, 1, 4", a, b, c)
		}
		if status := sup.Status()[0]; status.Err != nil || status.Step != "" {
			t.Errorf("a running plugin still shows %+v", status)
		}
	})
}

func TestPausesDoNotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Prepare: func(context.Context) error { tries.Add(1); return errBoom }}}})
		pass(10 * time.Minute)
		before := tries.Load()
		pass(10 * time.Minute)
		if got := tries.Load() - before; got < 8 || got > 13 {
			t.Errorf("%d tries in ten minutes, want one a minute or so", got)
		}
	})
}

func TestStuckStepIsNotCalledTwice(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]error{"it succeeds at last": nil, "it fails at last": errBoom} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				release := make(chan error)
				sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{
					ID: "hello",
					Starts: []supervisor.Hook{{ID: "start:hello/hang", Timeout: 5 * time.Second, Run: func(context.Context) error {
						if calls.Add(1) > 1 {
							return nil
						}
						return <-release
					}}},
				}}})
				wantState(t, sup, "hello", supervisor.Starting)
				if settled(sup) {
					t.Error("settled while starting")
				}
				pass(7 * time.Second)
				wantState(t, sup, "hello", supervisor.Stuck)
				if !settled(sup) {
					t.Error("a stuck plugin keeps the portal from settling")
				}
				pass(time.Hour)
				if n := calls.Load(); n != 1 {
					t.Errorf("called %d times while the first call runs", n)
				}
				wantState(t, sup, "hello", supervisor.Stuck)
				release <- outcome
				if outcome != nil {
					wantState(t, sup, "hello", supervisor.Degraded)
					pass(2 * time.Second)
				}
				wantState(t, sup, "hello", supervisor.Running)
			})
		})
	}
}

func TestStepThatHeedsItsDeadlineIsDegradedNotStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Starts: []supervisor.Hook{{ID: "start:hello/slow", Run: untilEnd}}}}})
		pass(30 * time.Second)
		wantState(t, sup, "hello", supervisor.Degraded)
		if err := sup.Status()[0].Err; !strings.Contains(err.Error(), "not done within 30s") {
			t.Errorf("error = %v", err)
		}
	})
}

func TestOnePluginsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		goexit := func(context.Context) error { panicless(); return nil }
		sup := started(t, supervisor.Settings{BootTimeout: 10 * time.Second, Plugins: []supervisor.Plugin{
			{ID: "well"},
			{ID: "fails", Prepare: func(context.Context) error { return errBoom }},
			{ID: "hangs", Prepare: func(context.Context) error { <-hang; return nil }},
			{ID: "exits", Prepare: goexit},
		}})
		wantState(t, sup, "well", supervisor.Running)
		wantState(t, sup, "fails", supervisor.Degraded)
		wantState(t, sup, "hangs", supervisor.Preparing)
		wantState(t, sup, "exits", supervisor.Degraded)
		pass(9 * time.Second)
		if settled(sup) {
			t.Error("settled before its time")
		}
		pass(2 * time.Second)
		if !settled(sup) {
			t.Error("not settled although the boot timeout has passed")
		}
		if err := sup.Available("nobody"); !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("Available of an unknown plugin = %v", err)
		}
		if err := sup.Stop(within(t, 20*time.Second)); err == nil || !strings.Contains(err.Error(), "plugin hangs did not stop cleanly: prepare had not returned") {
			t.Errorf("Stop = %v", err)
		}
	})
}

func TestChangedTellsEveryState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup, err := supervisor.New(supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Starts: []supervisor.Hook{{ID: "start:hello", Run: func(context.Context) error {
			time.Sleep(time.Second)
			return nil
		}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		seen := []supervisor.State{sup.State("hello")}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				changed := sup.Changed()
				if now := sup.State("hello"); now != seen[len(seen)-1] {
					if seen = append(seen, now); now == supervisor.Stopped {
						return
					}
				}
				<-changed
			}
		}()
		synctest.Wait()
		sup.Start(t.Context())
		pass(2 * time.Second)
		if err := sup.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		<-ended
		if got := seen[len(seen)-1]; got != supervisor.Stopped || seen[0] != supervisor.Waiting || len(seen) < 4 {
			t.Errorf("saw %v", seen)
		}
	})
}

func TestPanicLogsItsStack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		sup := started(t, supervisor.Settings{
			Logger:  slog.New(slog.NewTextHandler(&log, nil)),
			Plugins: []supervisor.Plugin{{ID: "hello", Starts: []supervisor.Hook{{ID: "start:hello", Run: func(context.Context) error { panic("ouch") }}}}},
		})
		wantState(t, sup, "hello", supervisor.Degraded)
		if err := sup.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"plugin=hello", "ouch", "start_test.go", "attempt=1"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log lacks %s:\n%s", want, log.String())
			}
		}
	})
}
