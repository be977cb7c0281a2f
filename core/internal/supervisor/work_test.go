package supervisor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// panicless ends the goroutine the way testing.T.FailNow does.
func panicless() { runtime.Goexit() }

func TestWorkersAreRunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{
			ID: "hello",
			Workers: []supervisor.Hook{
				{ID: "worker:hello/frail", Run: func(ctx context.Context) error {
					if _, ok := ctx.Deadline(); ok {
						t.Error("a worker has a deadline")
					}
					switch runs.Add(1) {
					case 1:
						return errBoom
					case 2:
						panic("ouch")
					case 3:
						return nil
					case 4:
						panicless()
					}
					return untilEnd(ctx)
				}},
				{ID: "worker:hello/sound", Run: untilEnd},
			},
		}}})
		if h := sup.Status()[0].Hooks[0]; h.Running || h.Failures != 1 || !errors.Is(h.Err, errBoom) || h.Next.IsZero() {
			t.Errorf("after its first end: %+v", h)
		}
		pass(20 * time.Second)
		wantState(t, sup, "hello", supervisor.Running)
		hooks := sup.Status()[0].Hooks
		if h := hooks[0]; runs.Load() != 5 || !h.Running || h.Runs != 5 || h.Failures != 4 {
			t.Errorf("ran %d times, status %+v", runs.Load(), h)
		}
		if h := hooks[1]; !h.Running || h.Runs != 1 || h.Failures != 0 {
			t.Errorf("the sound worker: %+v", h)
		}
		if err := sup.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if h := sup.Status()[0].Hooks[0]; h.Running {
			t.Error("runs after stop")
		}
	})
}

func TestWorkersPausesShrinkAfterItWasWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ends []time.Time
		var begins []time.Time
		started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Workers: []supervisor.Hook{{ID: "worker:hello", Run: func(ctx context.Context) error {
			begins = append(begins, time.Now())
			if len(begins) > 5 {
				select {
				case <-time.After(2 * time.Minute):
				case <-ctx.Done():
				}
			}
			ends = append(ends, time.Now())
			return errBoom
		}}}}}})
		pass(10 * time.Minute)
		if pause := begins[5].Sub(ends[4]); pause < 10*time.Second {
			t.Errorf("the fifth pause is %s, want 16 s or so", pause)
		}
		if pause := begins[6].Sub(ends[5]); pause > 2*time.Second {
			t.Errorf("the pause after two good minutes is %s, want 1 s or so", pause)
		}
	})
}

func task(id string, every time.Duration, run func(context.Context) error) supervisor.TaskHook {
	return supervisor.TaskHook{Hook: supervisor.Hook{ID: id, Run: run}, Every: every}
}

func TestTasksAreMeasuredFromEndToStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		hook := task("task:hello/slow", time.Minute, func(ctx context.Context) error {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 5*time.Minute {
				t.Errorf("deadline %v", deadline)
			}
			if ref := pluginapi.PrincipalFrom(ctx).Ref; ref != "plugin:hello" {
				t.Errorf("runs as %q", ref)
			}
			at = append(at, time.Since(begin))
			time.Sleep(10 * time.Second)
			if len(at) == 2 {
				panic("ouch")
			}
			return nil
		})
		hook.First = 5 * time.Second
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Tasks: []supervisor.TaskHook{hook}}}})
		if h := sup.Status()[0].Hooks[0]; h.Next.Sub(begin) != 5*time.Second {
			t.Errorf("first run is due at %s", h.Next.Sub(begin))
		}
		pass(90 * time.Second)
		h := sup.Status()[0].Hooks[0]
		if h.Runs != 2 || h.Failures != 1 || h.Err == nil || h.LastSuccess.Sub(begin) != 15*time.Second || h.Next.Sub(begin) != 145*time.Second {
			t.Errorf("after a success and a panic: %+v", h)
		}
		pass(90 * time.Second)
		if len(at) != 3 || at[0] != 5*time.Second || at[1] != 75*time.Second || at[2] != 145*time.Second {
			t.Errorf("ran at %v", at)
		}
	})
}

func TestHungTaskIsNotRunTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		hook := task("task:hello/hang", time.Second, func(context.Context) error {
			if calls.Add(1) == 1 {
				<-release
			}
			return nil
		})
		hook.Timeout = time.Second
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Tasks: []supervisor.TaskHook{hook}}}})
		pass(time.Hour)
		if n := calls.Load(); n != 1 || !sup.Status()[0].Hooks[0].Running {
			t.Errorf("called %d times", n)
		}
		close(release)
		pass(time.Minute)
		if calls.Load() < 2 {
			t.Error("not run again after it returned")
		}
	})
}

// leases are the leases of a few replicas in one test.
type leases struct {
	mu   sync.Mutex
	held map[string]context.CancelFunc
	err  error
}

func (l *leases) TryHold(ctx context.Context, name string, fn func(context.Context) error) (bool, error) {
	l.mu.Lock()
	if l.err != nil || l.held[name] != nil {
		defer l.mu.Unlock()
		return false, l.err
	}
	ctx, cancel := context.WithCancel(ctx)
	l.held[name] = cancel
	l.mu.Unlock()
	defer func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, name)
	}()
	return true, fn(ctx)
}

func (l *leases) lose(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[name]()
}

func TestGlobalTaskRunsInOneReplicaLocalInAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &leases{held: map[string]context.CancelFunc{}}
		var mu sync.Mutex
		runs := map[string]int{}
		ran := func(what string) func(context.Context) error {
			return func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				runs[what]++
				return nil
			}
		}
		replica := func(name string) *supervisor.Supervisor {
			local := task("task:hello/local", time.Minute, ran(name+" local"))
			local.Local = true
			global := task("task:hello/global", time.Minute, ran(name+" global"))
			return started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Tasks: []supervisor.TaskHook{local, global}, Leases: shared}}})
		}
		a := replica("a")
		b := replica("b")
		pass(10*time.Minute + 30*time.Second)
		if runs["a local"] != 11 || runs["b local"] != 11 || runs["a global"]+runs["b global"] != 11 || runs["b global"] != 0 {
			t.Errorf("in ten minutes: %v", runs)
		}
		if h := b.Status()[0].Hooks[1]; !h.Elsewhere {
			t.Errorf("b does not know that the task runs elsewhere: %+v", h)
		}
		// The other takes over when the holder goes, and when the lease is lost.
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		pass(15 * time.Second)
		if runs["b global"] != 1 || b.Status()[0].Hooks[1].Elsewhere {
			t.Errorf("b did not take over: %v", runs)
		}
		shared.lose("task:task:hello/global")
		pass(2 * time.Minute)
		if runs["b global"] != 3 {
			t.Errorf("b did not go on after it lost the lease: %v", runs)
		}
	})
}

func TestTaskSurvivesAFailingLeaseStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &leases{held: map[string]context.CancelFunc{}, err: errBoom}
		var runs atomic.Int32
		started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello", Leases: shared, Tasks: []supervisor.TaskHook{
			task("task:hello/x", time.Minute, func(context.Context) error { runs.Add(1); return nil }),
		}}}})
		pass(5 * time.Minute)
		if n := runs.Load(); n != 0 {
			t.Errorf("ran %d times without a lease", n)
		}
		shared.mu.Lock()
		shared.err = nil
		shared.mu.Unlock()
		pass(15 * time.Second)
		if n := runs.Load(); n != 1 {
			t.Errorf("ran %d times once there were leases again", n)
		}
	})
}
