package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// plugin is one supervised plugin. One goroutine, run, takes it through its states; stop ends that goroutine.
type plugin struct {
	sup     *Supervisor
	spec    Plugin
	log     *slog.Logger
	checks  []*check
	running atomic.Bool // status.State == Running, for the fast path

	settled    chan struct{} // closed when it runs or has failed once
	settleOnce sync.Once
	done       chan struct{} // closed when run is through: nothing of the plugin's executes any more, stop hooks and calls from others apart
	group      sync.WaitGroup

	mu      sync.Mutex
	status  Status // without Hooks
	hooks   []*HookStatus
	busy    map[string]int     // ids of hooks that are executing
	calls   int                // entered and not left
	leaving func()             // leave, as a value that costs nothing to hand out
	drained chan struct{}      // closed when calls reaches zero while somebody waits for that
	base    context.Context    // values for hooks; never ends
	runs    context.Context    // ends when workers, tasks and checks have to
	cancel  context.CancelFunc // ends runs; nil until started
}

func newPlugin(sup *Supervisor, spec Plugin) *plugin {
	p := &plugin{
		sup:     sup,
		spec:    spec,
		log:     sup.log.With("plugin", spec.ID),
		settled: make(chan struct{}),
		done:    make(chan struct{}),
		status:  Status{Plugin: spec.ID, State: Waiting, Since: time.Now()},
		busy:    map[string]int{},
	}
	p.leaving = p.leave
	for _, h := range spec.Checks {
		p.checks = append(p.checks, &check{plugin: p, hook: h})
	}
	return p
}

// start begins to run the plugin, unless it was stopped before.
func (p *plugin) start(ctx context.Context) {
	ctx = pluginapi.WithPrincipal(ctx, pluginapi.PluginSelf(p.spec.ID))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.State != Waiting {
		return
	}
	p.base = ctx
	p.runs, p.cancel = context.WithCancel(ctx)
	go func() {
		defer close(p.done)
		p.run(p.runs)
	}()
}

// run prepares and starts the plugin, sets its workers and tasks going, and returns when ctx has ended and they have.
func (p *plugin) run(ctx context.Context) {
	begun := time.Now()
	defer p.settle()
	if p.spec.Prepare != nil {
		step := Hook{ID: "prepare", Timeout: p.sup.settings.PrepareTimeout, Run: p.spec.Prepare}
		if !p.untilDone(ctx, Preparing, step) {
			return
		}
	}
	for _, step := range p.spec.Starts {
		step.Timeout = orDefault(step.Timeout, defaultStartTimeout)
		if !p.untilDone(ctx, Starting, step) {
			return
		}
	}
	if !p.become(func(s *Status) { *s = Status{Plugin: s.Plugin, State: Running} }) {
		return
	}
	p.settle()
	p.log.LogAttrs(ctx, slog.LevelInfo, "plugin runs", slog.Duration("after", time.Since(begun)))
	for _, h := range p.spec.Workers {
		status := p.addHook(h.ID, WorkerHook)
		p.group.Go(func() { p.work(ctx, h, status) })
	}
	for _, t := range p.spec.Tasks {
		kind := GlobalTaskHook
		if t.Local {
			kind = LocalTaskHook
		}
		status := p.addHook(t.ID, kind)
		p.group.Go(func() { p.repeat(ctx, t, status) })
	}
	<-ctx.Done()
	p.group.Wait()
}

// untilDone tries a step, with growing pauses, until it succeeds. It returns false when ctx ended before.
func (p *plugin) untilDone(ctx context.Context, state State, step Hook) bool {
	pauses := backoff{first: p.sup.settings.RetryFirst, max: p.sup.settings.RetryMax}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		p.become(func(s *Status) {
			if attempt == 1 {
				s.State = state
			}
			s.Step, s.Attempt, s.Next = step.ID, attempt, time.Time{}
		})
		err := p.attempt(ctx, step)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			return true
		}
		pause := pauses.next()
		p.become(func(s *Status) { s.State, s.Err, s.Next = Degraded, err, time.Now().Add(pause) })
		p.settle()
		p.log.LogAttrs(ctx, slog.LevelError, "plugin cannot start yet",
			append([]slog.Attr{slog.String("step", step.ID), slog.Int("attempt", attempt), slog.Duration("next_in", pause.Round(time.Millisecond))}, errAttrs(err)...)...)
		if !sleep(ctx, pause) {
			return false
		}
	}
	return false
}

// attempt runs a step once and waits for it to return, however long that takes: it must not be called again while it runs.
func (p *plugin) attempt(ctx context.Context, step Hook) error {
	limited, cancel := context.WithTimeout(ctx, step.Timeout)
	defer cancel()
	defer p.busyWith(step.ID)()
	begun := time.Now()
	result := goCall(limited, step.Run)
	late := time.NewTimer(step.Timeout + p.sup.settings.Grace)
	defer late.Stop()
	select {
	case err := <-result:
		if err != nil && limited.Err() == context.DeadlineExceeded {
			err = fmt.Errorf("not done within %s: %w", step.Timeout, err)
		}
		return err
	case <-late.C:
	}
	var before State
	stuck := p.become(func(s *Status) {
		before, s.State = s.State, Stuck
		s.Err = fmt.Errorf("%s has not returned within %s", step.ID, step.Timeout)
	})
	if stuck {
		p.settle()
		p.log.LogAttrs(ctx, slog.LevelError, "plugin is stuck; it is not tried again before the call returns", slog.String("step", step.ID), slog.Duration("timeout", step.Timeout))
	}
	err := <-result
	if stuck && p.become(func(s *Status) { s.State = before }) {
		p.log.LogAttrs(ctx, slog.LevelWarn, "plugin is no longer stuck", slog.String("step", step.ID), slog.Duration("after", time.Since(begun)))
	}
	return err
}

// become changes the status and tells who follows it, unless the plugin is being stopped: then only stop changes it, and become returns false.
func (p *plugin) become(change func(*Status)) bool {
	p.mu.Lock()
	if p.status.State == Stopping || p.status.State == Stopped {
		p.mu.Unlock()
		return false
	}
	before := p.status.State
	change(&p.status)
	if p.status.State != before {
		p.status.Since = time.Now()
	}
	p.running.Store(p.status.State == Running)
	p.mu.Unlock()
	p.sup.notify()
	return true
}

func (p *plugin) settle() { p.settleOnce.Do(func() { close(p.settled) }) }

// busyWith notes that a hook executes, until the function it returns is called.
func (p *plugin) busyWith(id string) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy[id]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.busy[id]--; p.busy[id] == 0 {
			delete(p.busy, id)
		}
	}
}

func (p *plugin) available() error {
	if p.running.Load() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unavailable()
}

// unavailable is called with the lock held.
func (p *plugin) unavailable() error {
	word := p.status.State
	switch word {
	case Running:
		return nil
	case Waiting, Preparing:
		word = Starting
	case Stopping:
		word = Stopped
	}
	return &pluginapi.UnavailableError{Plugin: p.spec.ID, State: string(word), Err: p.status.Err}
}

func (p *plugin) enter() (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.State != Running {
		return nil, p.unavailable()
	}
	p.calls++
	return p.leaving, nil
}

func (p *plugin) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls--; p.calls == 0 && p.drained != nil {
		close(p.drained)
		p.drained = nil
	}
}

func (p *plugin) snapshot() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := p.status
	status.InFlight = p.calls
	for _, h := range p.hooks {
		status.Hooks = append(status.Hooks, *h)
	}
	return status
}

func (p *plugin) executing() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.busy))
}
