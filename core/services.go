package core

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// open makes the stores, which connect to nothing yet.
func (p *Portal) open(s *settings) (err error) {
	p.databases, err = database.Open(database.Options{Config: s.backend.Database, DataDir: "data", Logger: p.logger, Metrics: p.metrics, Tracer: p.options.Tracer})
	if err != nil {
		return err
	}
	p.caches, err = cache.Open(cache.Options{Config: s.backend.Cache, Logger: p.logger, Store: p.options.CacheStore, Metrics: p.metrics})
	if err != nil {
		return err
	}
	var wrong []error
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		wrong = append(wrong, p.metrics.Register(c))
	}
	for _, plugin := range s.blueprint.Plugins {
		if s.units.Base(plugin.ID) != "" {
			continue
		}
		db, err1 := p.databases.For(plugin.ID)
		signals, err2 := p.databases.Signals(plugin.ID)
		leases, err3 := p.databases.Leases(plugin.ID)
		if err := cmp.Or(err1, err2, err3); err != nil {
			wrong = append(wrong, err)
			continue
		}
		p.stores[plugin.ID] = stores{db, signals, leases}
	}
	return errors.Join(wrong...)
}

// stores are what the databases hold for one plugin.
type stores struct {
	db      *sqlx.DB
	signals pluginapi.Signals
	leases  pluginapi.Leases
}

// services is what the plugin of that id gets from the portal.
func (p *Portal) services(id string) host.Services {
	services := host.Services{
		Logger: slog.New(slog.DiscardHandler),
		Self:   &self{id: id, available: p.available},
	}
	if p.logger == nil { // only the list is being checked
		services.Cache, services.Signals, services.Leases = unopened{}, unopened{}, unopened{}
		services.Database, services.Metrics = &sqlx.DB{}, prometheus.NewRegistry()
		return services
	}
	services.Logger = p.logger.With("plugin", id)
	services.Cache = p.caches.For(id)
	services.Metrics = prometheus.WrapRegistererWith(prometheus.Labels{"plugin": id}, p.metrics)
	services.Database, services.Signals, services.Leases = p.stores[id].db, p.stores[id].signals, p.stores[id].leases
	return services
}

// unopened stands for a plugin's services while only the list of plugins is being checked. Nothing is called.
type unopened struct {
	pluginapi.Cache
	pluginapi.Signals
	pluginapi.Leases
}
