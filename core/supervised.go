package core

import (
	"context"
	"errors"

	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// supervised describes the plugins that run here to the supervisor. Extensions that are switched off are there too, asleep: configuration can switch them on.
func (p *Portal) supervised(b *host.Blueprint) []supervisor.Plugin {
	var all []supervisor.Plugin
	for _, plugin := range b.Plugins {
		if !p.graph.Here(plugin.ID) {
			continue
		}
		s := supervisor.Plugin{ID: plugin.ID, Leases: p.stores[plugin.ID].leases}
		if p.graph.UsesDatabase(plugin.ID) {
			s.Prepare = p.prepare(plugin)
		}
		for _, e := range b.Extensions {
			if e.Plugin == plugin.ID {
				p.supervise(&s, e)
			}
		}
		all = append(all, s)
	}
	return all
}

func (p *Portal) supervise(s *supervisor.Plugin, e host.Extension) {
	hook := supervisor.Hook{ID: e.ID, Run: p.whenOn(e.ID)}
	switch spec := e.Spec.(type) {
	case pluginapi.Start:
		hook.Timeout = spec.Timeout
		s.Starts = append(s.Starts, hook)
	case pluginapi.Stop:
		hook.Timeout = spec.Timeout
		s.Stops = append(s.Stops, hook)
	case pluginapi.Worker:
		hook.Run = p.whileOn(e.ID)
		s.Workers = append(s.Workers, hook)
	case pluginapi.Task:
		hook.Timeout = spec.Timeout
		s.Tasks = append(s.Tasks, supervisor.TaskHook{Hook: hook, Every: spec.Every, First: spec.First, Local: spec.Local})
	case pluginapi.HealthCheck:
		hook.Timeout = spec.Timeout
		s.Checks = append(s.Checks, hook)
	}
}

// whenOn runs an extension that has an end, if it is switched on.
func (p *Portal) whenOn(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		if !p.on.Get()[id] {
			return nil
		}
		return p.graph.Run(ctx, id)
	}
}

// whileOn runs a worker for as long as it is switched on, as often as it is.
func (p *Portal) whileOn(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			changed := p.on.Changed()
			if !p.on.Get()[id] {
				select {
				case <-ctx.Done():
				case <-changed:
				}
				continue
			}
			if stopped, err := p.runUntilOff(ctx, id); !stopped {
				return err
			}
		}
		return ctx.Err()
	}
}

// runUntilOff runs a worker once. stopped tells that it ended because it was switched off.
func (p *Portal) runUntilOff(ctx context.Context, id string) (stopped bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			changed := p.on.Changed()
			if !p.on.Get()[id] {
				cancel(errSwitchedOff)
				return
			}
			select {
			case <-changed:
			case <-ended:
				return
			}
		}
	}()
	defer func() { close(ended); <-watched }() // also when it panics
	err = p.graph.Run(ctx, id)
	return errors.Is(context.Cause(ctx), errSwitchedOff), err
}

var errSwitchedOff = errors.New("switched off")

// prepare makes a plugin's database what its migrations say.
func (p *Portal) prepare(plugin pluginapi.Plugin) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := p.databases.Prepare(ctx, plugin.ID); err != nil {
			return err
		}
		if plugin.Migrations == nil {
			return nil
		}
		return p.databases.Migrate(ctx, plugin.ID, plugin.Migrations)
	}
}
