package core

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/core/internal/unit"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// configure reads the configuration and plans the portal. The error joins everything that is wrong.
func (p *Portal) configure() (*settings, error) {
	snapshot, err := config.Load(p.options.source())
	if err != nil {
		return nil, err
	}
	s, err := read(snapshot, p.plugins, switchedOff(snapshot))
	if err != nil {
		// The functions of the plugins can be checked whatever the configuration says.
		_, more := host.Wire(host.Settings{Blueprint: s.blueprint, Services: p.services, Authorizer: allowAll{}})
		return nil, errors.Join(err, more)
	}
	return s, nil
}

// check finds what is wrong with the configuration and the list of plugins, without connecting to a store, opening a port, or calling a constructor. It tells what is no fault but worth a look.
func check(o Options, plugins []pluginapi.Plugin, to io.Writer) error {
	p := &Portal{options: o, plugins: plugins}
	s, err := p.configure()
	if err != nil {
		return err
	}
	p.network = unit.NewNetwork(unit.NewKeys(s.backend.Unit.Secret), server.RequestID)
	_, err = host.Wire(host.Settings{Blueprint: s.blueprint, Configs: s.plugins, Services: p.services, Authorizer: allowAll{}, Remote: p.remote(s.units), Relays: unit.Relays()})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.backend.Guarded() {
		err = errors.Join(err, server.CheckLoopback(ctx, s.backend.Address()))
	}
	// The stores refuse what only shows with the plugins' ids. They connect to nothing before they are used.
	p.metrics, p.stores = prometheus.NewRegistry(), map[string]stores{}
	err = errors.Join(err, p.open(s), p.close(ctx))
	if err != nil {
		return err
	}
	for _, warning := range s.report.Warnings {
		_, _ = fmt.Fprintln(to, "warning:", warning)
	}
	if notice := s.report.Notice(); notice != "" {
		_, _ = fmt.Fprintln(to, "note:", notice)
	}
	for _, absent := range s.blueprint.Absent {
		_, _ = fmt.Fprintln(to, "note: app.extensions configures what this portal's plugins do not bring:", absent)
	}
	_, _ = fmt.Fprintf(to, "nothing is wrong with %s and the list of %d plugins\n", strings.Join(s.snapshot.Files(), ", "), len(plugins))
	return nil
}
