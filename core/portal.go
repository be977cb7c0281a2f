package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/core/internal/lines"
	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/core/internal/unit"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Portal is a portal whose parts fit together. It is an http.Handler that answers as soon as it is made: plugins that do not run yet say so. All methods are safe for concurrent use.
//
// A Portal shares nothing with others in the process.
type Portal struct {
	options    Options
	plugins    []pluginapi.Plugin
	logger     *slog.Logger
	level      *slog.LevelVar
	lines      *lines.Buffer // of the log; nil when the program brought its own
	graph      *host.Graph
	metrics    *prometheus.Registry
	databases  *database.Databases
	stores     map[string]stores // by plugin
	caches     *cache.Caches
	supervisor *supervisor.Supervisor
	network    *unit.Network
	keys       unit.Keys
	links      *links
	assets     *server.Assets
	authorizer pluginapi.Authorizer

	settings atomic.Pointer[settings]
	server   *server.Handler
	on       *pluginapi.Live[map[string]bool] // ids of the extensions that are switched on
	setOn    func(map[string]bool)

	startOnce sync.Once
	stopOnce  sync.Once
	stopErr   error
	stopWatch context.CancelFunc // nil when nothing was started
	watched   chan struct{}      // closed when configuration is no longer followed
}

// New reads the configuration and puts the plugins together. It starts nothing and connects to nothing. The error says everything that is wrong, a line each.
func New(o Options, plugins ...pluginapi.Plugin) (*Portal, error) {
	p := &Portal{options: o, plugins: plugins, level: &slog.LevelVar{}, metrics: prometheus.NewRegistry(), stores: map[string]stores{}}
	s, err := p.configure()
	if err != nil {
		return nil, err
	}
	p.settings.Store(s)
	p.logger = o.Logger
	if p.logger == nil {
		p.level.Set(s.backend.Logger.Level.Level)
		p.lines = lines.New(os.Stderr)
		p.logger = newLogger(p.lines, s.backend.Logger.Format, p.level)
	}
	err = p.open(s)
	if err == nil {
		err = p.assemble(s)
	}
	if err != nil {
		p.holdNoLines()
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return nil, errors.Join(err, p.close(ctx))
	}
	p.report(s)
	return p, nil
}

// assemble constructs the plugins and everything around them.
func (p *Portal) assemble(s *settings) (err error) {
	p.keys = unit.NewKeys(s.backend.Unit.Secret)
	p.network = unit.NewNetwork(p.keys, server.RequestID)
	p.assets = server.NewAssets(s.app.base(), assetFolders(p.plugins))
	p.links = &links{base: s.app.base(), asset: p.assets.AssetPath}
	p.links.follow(s.blueprint)
	p.on, p.setOn = pluginapi.NewLive(switchedOn(s.blueprint))

	guard := &authorizer{policy: allowAll{}}
	guard.rules = func() []pluginapi.Extended[pluginapi.PermissionRule, pluginapi.RuleFunc] {
		return host.Added(p.graph, pluginapi.PermissionRules).Get()
	}
	if p.options.Authorizer != nil {
		if guard.policy = p.options.Authorizer(allowAll{}); guard.policy == nil {
			return errors.New("the function core.Options.Authorizer returned nil; return what it is given to keep the default")
		}
	}
	p.authorizer = guard

	wiring, err := host.Wire(host.Settings{
		Blueprint:  s.blueprint,
		Configs:    s.plugins,
		Services:   p.services,
		Authorizer: p.authorizer,
		Remote:     p.remote(s.units),
		Relays:     unit.Relays(),
		Enter:      p.enter,
	})
	if err != nil {
		return err
	}
	if p.graph, err = wiring.Construct(); err != nil {
		return err
	}
	if p.supervisor, err = supervisor.New(supervisor.Settings{Plugins: p.supervised(s.blueprint), Logger: p.logger}); err != nil {
		return err
	}
	return p.mount(s)
}

// remote tells the host where plugins run that do not run here.
func (p *Portal) remote(units *unit.Map) func(string) *host.Remote {
	return func(id string) *host.Remote {
		base := units.Base(id)
		if base == "" {
			return nil
		}
		return &host.Remote{
			BaseURL:   base + "/api/" + id,
			Client:    p.network.Client(id),
			Transport: func(extension string) http.RoundTripper { return p.network.Relay(base, id, extension) },
		}
	}
}

// available tells whether a plugin runs, as far as is known here: of one in another unit the first call will tell.
func (p *Portal) available(id string) error {
	switch {
	case p.supervisor == nil: // a constructor asks
		return constructing(id)
	case !p.graph.Here(id):
		return nil
	}
	return p.supervisor.Available(id)
}

// enter is asked before each call of a plugin that runs here.
func (p *Portal) enter(id string) (leave func(), err error) {
	if p.supervisor == nil {
		return nil, constructing(id)
	}
	return p.supervisor.Enter(id)
}

func constructing(id string) error {
	return &pluginapi.UnavailableError{Plugin: id, State: "starting", Err: errors.New("plugins are being constructed")}
}

// report says what the people who run the portal should know about their configuration.
func (p *Portal) report(s *settings) {
	p.logger.Info("configuration read", "files", s.snapshot.Files(), "data", p.databases.String())
	for _, path := range slices.Sorted(maps.Keys(s.report.Readers)) {
		p.logger.Info("shared configuration", "section", path, "readers", s.report.Readers[path])
	}
	for _, warning := range s.report.Warnings {
		p.logger.Warn(warning.Error())
	}
	if notice := s.report.Notice(); notice != "" {
		p.logger.Info(notice)
	}
	if absent := s.blueprint.Absent; len(absent) > 0 {
		p.logger.Info("app.extensions configures what this portal's plugins do not bring", "extensions", absent)
	}
}

// Start begins to run the plugins, all in parallel, and to follow the configuration files. It returns at once; a second call does nothing. What ctx carries reaches the plugins; that it ends does not stop them.
func (p *Portal) Start(ctx context.Context) {
	p.startOnce.Do(func() {
		p.supervisor.Start(pluginapi.WithLinks(context.WithoutCancel(ctx), p.links))
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		p.stopWatch = cancel
		p.watched = make(chan struct{})
		go func() { // Stop waits for it
			defer close(p.watched)
			p.watch(ctx)
		}()
	})
}

// Settled returns a channel that is closed once every plugin runs, or has failed to at its first attempt; never, if Start is not called.
func (p *Portal) Settled() <-chan struct{} { return p.supervisor.Settled() }

// Ready is nil when the portal serves: its plugins have had their first attempt to start, and those that the configuration says it cannot do without run.
// The error is for the log.
func (p *Portal) Ready() error { return errors.Join(p.notReady()...) }

func (p *Portal) notReady() (reasons []error) {
	select {
	case <-p.supervisor.Settled():
	default:
		return []error{pluginapi.Unavailable("plugins are starting")}
	}
	s := p.settings.Load()
	for _, plugin := range s.blueprint.Plugins {
		if !s.backend.Startup.needed(plugin.ID) {
			continue
		}
		if err := p.available(plugin.ID); err != nil {
			reasons = append(reasons, err)
		}
	}
	return reasons
}

// readiness is Ready for anybody to read: without causes.
func (p *Portal) readiness() error {
	var reasons []error
	for _, err := range p.notReady() {
		_, _, message := pluginapi.Describe(err)
		reasons = append(reasons, errors.New(message))
	}
	return errors.Join(reasons...)
}

// ServeHTTP answers a request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.server.ServeHTTP(w, r)
}

// Stop ends the portal in phases: no new requests, requests under way finish, workers and tasks end, stop hooks run, stores close. When ctx ends first, the error names what was left behind.
// A second call waits for the first and returns the same.
func (p *Portal) Stop(ctx context.Context) error {
	p.holdNoLines()
	p.stopOnce.Do(func() {
		p.startOnce.Do(func() {}) // never start after this
		var unwatched error
		if p.stopWatch != nil {
			p.stopWatch()
			select {
			case <-p.watched:
			case <-ctx.Done():
				unwatched = fmt.Errorf("stop following the configuration files: %w", ctx.Err())
			}
		}
		// Each phase leaves some of the time to the next, however long a request or a plugin hangs.
		drained := within(ctx, 1, 2, p.server.Drain)
		stopped := within(ctx, 3, 4, p.supervisor.Stop)
		p.stopErr = errors.Join(unwatched, drained, stopped, p.close(ctx))
	})
	return p.stopErr
}

// within gives a phase a share of the time that is left.
func within(ctx context.Context, share, of time.Duration, phase func(context.Context) error) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*share/of)
		defer cancel()
	}
	return phase(ctx)
}

func (p *Portal) close(ctx context.Context) error {
	var errs []error
	if p.network != nil {
		p.network.Close()
	}
	if p.caches != nil {
		errs = append(errs, p.caches.Close(ctx))
	}
	if p.databases != nil {
		errs = append(errs, p.databases.Close(ctx))
	}
	return errors.Join(errs...)
}

// Available is nil while a plugin runs here; else the error, which matches pluginapi.ErrUnavailable, says what state it is in. Of a plugin in another unit it is nil: the first call will tell.
func (p *Portal) Available(plugin string) error { return p.available(plugin) }
