package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Health is how the plugins are, in words that anybody may read; its JSON is what the health endpoint serves.
type Health struct {
	Status  string         `json:"status"` // "ok", or "degraded" when a plugin does not run or a check fails
	Plugins []PluginHealth `json:"plugins"`
}

// PluginHealth is one plugin's part of [Health].
type PluginHealth struct {
	Plugin string        `json:"plugin"`
	OK     bool          `json:"ok"`
	State  State         `json:"state"`
	Since  time.Time     `json:"since"`
	Error  string        `json:"error,omitempty"`
	Checks []CheckHealth `json:"checks,omitempty"`
}

// CheckHealth is the outcome of one health check.
type CheckHealth struct {
	ID    string  `json:"id"`
	OK    bool    `json:"ok"`
	Took  float64 `json:"tookMilliseconds"`
	Error string  `json:"error,omitempty"`
}

// Health asks all health checks of the plugins that run, in parallel and each within its timeout. Callers that ask at the same time share the checks' answers, and a check that has not returned is not
// asked again: so asking often costs no more than asking.
func (s *Supervisor) Health(ctx context.Context) Health {
	health := Health{Status: "ok", Plugins: make([]PluginHealth, len(s.plugins))}
	var all sync.WaitGroup
	for i, p := range s.plugins {
		all.Go(func() { health.Plugins[i] = p.health(ctx) })
	}
	all.Wait()
	for _, p := range health.Plugins {
		if !p.OK {
			health.Status = "degraded"
		}
	}
	return health
}

func (p *plugin) health(ctx context.Context) PluginHealth {
	status := p.snapshot()
	h := PluginHealth{Plugin: p.spec.ID, OK: status.State == Running, State: status.State, Since: status.Since, Error: safeText(status.Err)}
	if !h.OK || len(p.checks) == 0 {
		return h
	}
	h.Checks = make([]CheckHealth, len(p.checks))
	var all sync.WaitGroup
	for i, c := range p.checks {
		all.Go(func() { h.Checks[i] = c.ask(ctx) })
	}
	all.Wait()
	for _, c := range h.Checks {
		h.OK = h.OK && c.OK
	}
	return h
}

// safeText says what anybody may know of err.
func safeText(err error) string {
	var safe interface{ SafeMessage() string }
	switch {
	case err == nil:
		return ""
	case errors.As(err, &safe):
		return safe.SafeMessage()
	}
	return "failed; the log says why"
}

// check is a health check with its call that is under way, if any.
type check struct {
	plugin *plugin
	hook   Hook

	mu     sync.Mutex
	latest *checkCall
	failed bool // when last heard of
}

type checkCall struct {
	begun time.Time
	done  chan struct{}
	err   error // read after done is closed
	ended time.Time
}

func (c *check) ask(ctx context.Context) CheckHealth {
	timeout := orDefault(c.hook.Timeout, defaultCheckTimeout)
	call := c.join(timeout)
	h := CheckHealth{ID: c.hook.ID}
	if call == nil {
		h.Error = "its plugin is being stopped"
		return h
	}
	late := time.NewTimer(time.Until(call.begun.Add(timeout + c.plugin.sup.settings.Grace)))
	defer late.Stop()
	var err error
	ended := call.begun.Add(timeout)
	select {
	case <-call.done:
		err, ended = call.err, call.ended
	case <-late.C:
		err = pluginapi.Unavailable("has not answered within %s", timeout)
	case <-ctx.Done():
		h.Error = "nobody waited for its answer"
		return h
	}
	h.OK, h.Error = err == nil, safeText(err)
	h.Took = float64(ended.Sub(call.begun)) / float64(time.Millisecond)
	c.report(ctx, err)
	return h
}

// join returns the call that is under way, or begins one. It returns nil when the plugin does not run any more.
func (c *check) join(timeout time.Duration) *checkCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil {
		select {
		case <-c.latest.done:
		default:
			return c.latest
		}
	}
	p := c.plugin
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status.State != Running {
		return nil
	}
	call := &checkCall{begun: time.Now(), done: make(chan struct{})}
	c.latest = call
	p.busy[c.hook.ID]++
	p.group.Go(func() { // while it runs, so before run waits for the group
		ctx, cancel := context.WithTimeout(p.runs, timeout)
		defer cancel()
		call.err = <-goCall(ctx, c.hook.Run)
		call.ended = time.Now()
		p.mu.Lock()
		delete(p.busy, c.hook.ID)
		p.mu.Unlock()
		close(call.done)
	})
	return call
}

// report logs that a check began to fail, or no longer does.
func (c *check) report(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && !c.failed:
		c.plugin.log.LogAttrs(ctx, slog.LevelWarn, "health check fails", append([]slog.Attr{slog.String("check", c.hook.ID)}, errAttrs(err)...)...)
	case err == nil && c.failed:
		c.plugin.log.LogAttrs(ctx, slog.LevelInfo, "health check is well again", slog.String("check", c.hook.ID))
	}
	c.failed = err != nil
}
