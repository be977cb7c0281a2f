package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stop stops all plugins in parallel. Each refuses new calls at once, waits for the calls in it, ends its workers and tasks, and then runs its stop hooks, last one first, if it had started.
// A plugin that is still starting has its start cancelled.
//
// ctx's deadline bounds all of it ([Settings.StopTimeout] without one), and no phase can use up what the next ones need. What has not ended by then is left behind, and named in the error.
// A second call waits for the first one's outcome.
func (s *Supervisor) Stop(ctx context.Context) error {
	s.mu.Lock()
	before := s.phase
	s.phase = ending
	s.mu.Unlock()
	if before == ending {
		select {
		case <-s.stopped:
			return s.stopErr
		case <-ctx.Done():
			return fmt.Errorf("wait for plugins to stop: %w", ctx.Err())
		}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.settings.StopTimeout)
		defer cancel()
	}
	stops := make([]func(context.Context) error, len(s.plugins))
	for i, p := range s.plugins { // all refuse before any stops
		stops[i] = p.refuse()
	}
	faults := make([]error, len(stops))
	var all sync.WaitGroup
	for i, stop := range stops {
		all.Go(func() { faults[i] = stop(ctx) })
	}
	all.Wait()
	s.stopErr = errors.Join(faults...)
	close(s.stopped)
	if before == started {
		<-s.settled
	}
	return s.stopErr
}

// refuse lets nobody enter any more and returns the function that does the rest.
func (p *plugin) refuse() (stop func(context.Context) error) {
	p.mu.Lock()
	ran, begun := p.status.State == Running, p.cancel != nil
	p.status = Status{Plugin: p.spec.ID, State: Stopping, Since: time.Now()}
	p.running.Store(false)
	p.mu.Unlock()
	p.sup.notify()
	return func(ctx context.Context) error {
		var left []string
		if begun {
			left = p.windDown(ctx, ran)
		}
		var err error
		if len(left) > 0 {
			err = fmt.Errorf("plugin %s did not stop cleanly: %s", p.spec.ID, strings.Join(left, "; "))
			p.log.LogAttrs(ctx, slog.LevelError, "plugin did not stop cleanly", slog.String("error", strings.Join(left, "; ")))
		}
		p.mu.Lock()
		p.status.State, p.status.Since, p.status.Err = Stopped, time.Now(), err
		p.mu.Unlock()
		p.sup.notify()
		return err
	}
}

// windDown takes a plugin that refuses calls to its end, and returns what went wrong.
func (p *plugin) windDown(ctx context.Context, ran bool) (wrong []string) {
	if ran {
		if n := p.drain(ctx); n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d calls into it had not ended", n))
		}
	}
	p.cancel()
	stops := p.spec.Stops
	if !ran {
		stops = nil
	}
	waiting, cancel := share(ctx, len(stops) > 0)
	select {
	case <-p.done:
	case <-waiting.Done():
	}
	cancel()
	for _, h := range slices.Backward(stops) {
		if err := p.runStop(ctx, h); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if hanging := p.executing(); len(hanging) > 0 {
		return append(wrong, strings.Join(hanging, ", ")+" had not returned")
	}
	select {
	case <-p.done:
	default:
		wrong = append(wrong, "it was still waiting for a lease")
	}
	return wrong
}

// drain waits until nobody is in the plugin, and returns how many are when half of the time that is left has passed.
func (p *plugin) drain(ctx context.Context) int {
	ctx, cancel := share(ctx, true)
	defer cancel()
	p.mu.Lock()
	if p.calls == 0 {
		p.mu.Unlock()
		return 0
	}
	drained := make(chan struct{})
	p.drained = drained
	p.mu.Unlock()
	select {
	case <-drained:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drained = nil
	return p.calls
}

// runStop runs a stop hook, and stops waiting for it when its time or ctx's is up; executing then names it.
func (p *plugin) runStop(ctx context.Context, h Hook) error {
	timeout := orDefault(h.Timeout, defaultStopTimeout)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	limited, cancel := context.WithTimeout(p.base, timeout) // not below ctx, whose values are not the plugin's
	defer cancel()
	done := p.busyWith(h.ID)
	result := make(chan error, 1)
	go func() {
		err := <-goCall(limited, h.Run)
		done()
		result <- err
	}()
	select {
	case err := <-result:
		if err != nil {
			p.log.LogAttrs(limited, slog.LevelError, "stop hook failed", append([]slog.Attr{slog.String("stop", h.ID)}, errAttrs(err)...)...)
			return fmt.Errorf("%s: %w", h.ID, err)
		}
		return nil
	case <-limited.Done():
	}
	// A hook that heeds its context is about to return.
	grace := time.NewTimer(min(timeout, 100*time.Millisecond))
	defer grace.Stop()
	select {
	case err := <-result:
		if err != nil {
			return fmt.Errorf("%s: not done within %s: %w", h.ID, timeout, err)
		}
	case <-grace.C:
	}
	return nil
}

// share returns a context for a phase: half of the time that is left when others follow, else all of it.
func share(ctx context.Context, more bool) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || !more {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
