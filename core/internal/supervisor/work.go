package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

var errReturned = errors.New("returned although it was not asked to end")

func (p *plugin) addHook(id string, kind HookKind) *HookStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &HookStatus{ID: id, Kind: kind}
	p.hooks = append(p.hooks, h)
	return h
}

// note changes a hook's status, which snapshots read.
func (p *plugin) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// work runs a worker, again and again, until ctx ends and it has returned.
func (p *plugin) work(ctx context.Context, h Hook, status *HookStatus) {
	pauses := backoff{first: p.sup.settings.RetryFirst, max: p.sup.settings.RetryMax}
	for {
		begun := time.Now()
		p.note(func() {
			status.Running, status.LastStart, status.Next, status.Runs = true, begun, time.Time{}, status.Runs+1
		})
		done := p.busyWith(h.ID)
		err := <-goCall(ctx, h.Run)
		done()
		ended := time.Now()
		if ctx.Err() != nil {
			p.note(func() { status.Running, status.LastEnd, status.LastSuccess, status.Err = false, ended, ended, nil })
			return
		}
		if err == nil {
			err = errReturned
		}
		if ended.Sub(begun) >= p.sup.settings.RetryMax { // it had been well for a while
			pauses.reset()
		}
		pause := pauses.next()
		p.note(func() {
			status.Running, status.LastEnd, status.Err, status.Failures = false, ended, err, status.Failures+1
			status.Next = ended.Add(pause)
		})
		p.log.LogAttrs(ctx, slog.LevelError, "worker ended; it is run again",
			append([]slog.Attr{slog.String("worker", h.ID), slog.Duration("next_in", pause.Round(time.Millisecond))}, errAttrs(err)...)...)
		if !sleep(ctx, pause) {
			return
		}
	}
}

// repeat runs a task in its turns until ctx ends. A global one waits for its lease and then keeps it: were the lease given back after each run, every replica would run the task once per period.
func (p *plugin) repeat(ctx context.Context, t TaskHook, status *HookStatus) {
	t.Timeout = orDefault(t.Timeout, defaultTaskTimeout)
	next := time.Now().Add(t.First)
	if t.Local || p.spec.Leases == nil {
		p.takeTurns(ctx, t, status, &next)
		return
	}
	complained := false
	for ctx.Err() == nil {
		var held bool
		err := <-goCall(ctx, func(ctx context.Context) (err error) {
			held, err = p.spec.Leases.TryHold(ctx, "task:"+t.ID, func(ctx context.Context) error {
				p.note(func() { status.Elsewhere = false })
				complained = false
				p.takeTurns(ctx, t, status, &next)
				return nil
			})
			return err
		})
		if ctx.Err() != nil {
			return
		}
		p.note(func() { status.Elsewhere, status.Next = err == nil && !held, time.Time{} })
		switch {
		case err != nil && !complained:
			complained = true
			p.log.LogAttrs(ctx, slog.LevelWarn, "task waits: its lease cannot be asked for", append([]slog.Attr{slog.String("task", t.ID)}, errAttrs(err)...)...)
		case held:
			p.log.LogAttrs(ctx, slog.LevelWarn, "task lost its lease", slog.String("task", t.ID))
		}
		pauses := backoff{first: p.sup.settings.LeaseRetry, max: p.sup.settings.LeaseRetry} // for its spread
		if !sleep(ctx, pauses.next()) {
			return
		}
	}
}

// takeTurns runs a task, each time Every after it ended, until ctx ends. next is when the next run is due; it outlives the lease.
func (p *plugin) takeTurns(ctx context.Context, t TaskHook, status *HookStatus, next *time.Time) {
	for {
		p.note(func() { status.Next = *next })
		if !sleep(ctx, time.Until(*next)) {
			return
		}
		p.runTask(ctx, t, status)
		*next = time.Now().Add(t.Every)
	}
}

func (p *plugin) runTask(ctx context.Context, t TaskHook, status *HookStatus) {
	begun := time.Now()
	p.note(func() {
		status.Running, status.LastStart, status.Next, status.Runs = true, begun, time.Time{}, status.Runs+1
	})
	defer p.busyWith(t.ID)()
	limited, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	result := goCall(limited, t.Run)
	late := time.NewTimer(t.Timeout + p.sup.settings.Grace)
	defer late.Stop()
	var err error
	select {
	case err = <-result:
	case <-late.C:
		p.log.LogAttrs(ctx, slog.LevelError, "task has not returned within its timeout; it is not run again before it does", slog.String("task", t.ID), slog.Duration("timeout", t.Timeout))
		err = <-result
	}
	ended := time.Now()
	interrupted := err != nil && ctx.Err() != nil
	p.note(func() {
		status.Running, status.LastEnd = false, ended
		switch {
		case interrupted:
		case err != nil:
			status.Err, status.Failures = err, status.Failures+1
		default:
			status.Err, status.LastSuccess = nil, ended
		}
	})
	switch {
	case interrupted:
	case err != nil:
		level := slog.LevelError
		if errors.Is(err, pluginapi.ErrUnavailable) {
			level = slog.LevelInfo // another plugin does not run, often not yet; that is said where it is
		}
		p.log.LogAttrs(ctx, level, "task failed",
			append([]slog.Attr{slog.String("task", t.ID), slog.Duration("duration", ended.Sub(begun)), slog.Duration("next_in", t.Every)}, errAttrs(err)...)...)
	default:
		p.log.LogAttrs(ctx, slog.LevelDebug, "task done", slog.String("task", t.ID), slog.Duration("duration", ended.Sub(begun)))
	}
}
