package core

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// watch follows the configuration files until ctx ends.
func (p *Portal) watch(ctx context.Context) {
	var next *settings // what passed Check and is about to be applied
	watcher := config.Watcher{
		Options: p.options.source(),
		Current: p.settings.Load().snapshot,
		Check: func(snapshot *config.Snapshot) (err error) {
			next, err = read(snapshot, p.plugins, p.settings.Load().off)
			return err
		},
		Apply: func(*config.Snapshot) { p.apply(next) },
		Failed: func(err error) {
			p.logger.Error("the changed configuration cannot be used; the last good one stays in force", "error", err)
		},
	}
	if err := watcher.Run(ctx); err != nil {
		p.logger.Warn("changes of the configuration files will go unnoticed until the next start", "error", err)
	}
}

// apply takes over what can be changed while the portal runs, and names what cannot.
func (p *Portal) apply(next *settings) {
	last := p.settings.Load()
	keys := append(last.snapshot.At("backend").Keys(), next.snapshot.At("backend").Keys()...) // what goes is a change, too
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		path := "backend." + key
		if followed := next.report.Readers[path] != nil; key != "logger" && !followed {
			p.warnIfChanged(last, next, path)
		}
	}
	for _, path := range []string{"backend.logger.format", "discovery", "app.plugins", "app.baseUrl"} {
		p.warnIfChanged(last, next, path)
	}
	for _, e := range next.blueprint.Extensions {
		if fixed(e.Spec) && !reflect.DeepEqual(e.Spec, last.spec(e.ID)) {
			p.late("extension", e.ID)
		}
	}
	logging := next.backend.Logger
	next.backend, next.units = last.backend, last.units
	next.backend.Logger = logging
	p.level.Set(next.backend.Logger.Level.Level)
	for _, plugin := range next.blueprint.Plugins {
		sections := host.Sections(plugin)
		for i, value := range next.plugins[plugin.ID] {
			if !reflect.DeepEqual(value, last.plugins[plugin.ID][i]) && p.graph.SetConfig(plugin.ID, i, value) {
				p.warnIfChanged(last, next, cmp.Or(sections[i].Key(), plugin.ID))
			}
		}
	}
	p.links.follow(next.blueprint)
	extensions, points := p.graph.Replan(next.blueprint)
	for _, id := range extensions {
		p.late("extension", id)
	}
	for _, kind := range points {
		p.late("point", kind)
	}
	p.setOn(switchedOn(next.blueprint))
	p.settings.Store(next)
	if err := p.server.SetTable(p.table(next)); err != nil {
		p.logger.Error("the changed configuration could not be applied to the server", "error", err)
		return
	}
	p.logger.Info("changed configuration applied", "files", next.snapshot.Files())
}

// fixed reports whether a spec is the supervisor's, which takes it at start.
func fixed(spec any) bool {
	switch spec.(type) {
	case pluginapi.Start, pluginapi.Stop, pluginapi.Task, pluginapi.HealthCheck:
		return true
	}
	return false
}

func (p *Portal) warnIfChanged(last, next *settings, path string) {
	if !last.snapshot.At(path).Equal(next.snapshot.At(path)) {
		p.late("key", path, "at", next.snapshot.At(path).Position().String())
	}
}

func (p *Portal) late(what ...any) {
	p.logger.Warn("this change takes effect at the next start", what...)
}

func switchedOn(b *host.Blueprint) map[string]bool {
	on := map[string]bool{}
	for _, e := range b.Extensions {
		on[e.ID] = !e.Off
	}
	return on
}
