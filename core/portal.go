package core

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/core/internal/host"
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
	graph      *host.Graph
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
	stopWatch context.CancelFunc
	watching  sync.WaitGroup
}

// New reads the configuration and puts the plugins together. It starts nothing and connects to nothing. The error says everything that is wrong, a line each.
func New(o Options, plugins ...pluginapi.Plugin) (*Portal, error) {
	snapshot, err := o.load()
	if err != nil {
		return nil, err
	}
	p := &Portal{options: o, plugins: plugins, level: &slog.LevelVar{}, stores: map[string]stores{}, stopWatch: func() {}}
	s, err := read(snapshot, plugins)
	if err != nil {
		// The functions of the plugins can be checked whatever the configuration says.
		_, more := host.Wire(host.Settings{Blueprint: s.blueprint, Services: func(string) host.Services { return p.services("") }, Authorizer: allowAll{}})
		return nil, errors.Join(err, more)
	}
	p.settings.Store(s)
	p.logger = o.Logger
	if p.logger == nil {
		p.level.Set(s.backend.Logger.Level.Level)
		p.logger = newLogger(os.Stderr, s.backend.Logger.Format, p.level)
	}
	if err := p.open(s); err != nil {
		return nil, err
	}
	if err := p.assemble(s); err != nil {
		return nil, errors.Join(err, p.close(context.Background()))
	}
	p.report(s)
	return p, nil
}

// assemble constructs the plugins and everything around them.
func (p *Portal) assemble(s *settings) (err error) {
	p.keys = unit.NewKeys(s.backend.Unit.Secret)
	p.network = unit.NewNetwork(p.keys)
	p.assets = server.NewAssets(s.app.base(), assetFolders(p.plugins))
	p.links = &links{base: s.app.base(), asset: p.assets.AssetPath}
	p.links.follow(s.blueprint)
	p.on, p.setOn = pluginapi.NewLive(switchedOn(s.blueprint))

	guard := &authorizer{policy: allowAll{}}
	guard.rules = func() []pluginapi.Extended[pluginapi.PermissionRule, pluginapi.RuleFunc] {
		return host.Added(p.graph, pluginapi.PermissionRules).Get()
	}
	if p.options.Authorizer != nil {
		guard.policy = p.options.Authorizer(allowAll{})
	}
	p.authorizer = guard

	wiring, err := host.Wire(host.Settings{
		Blueprint:  s.blueprint,
		Configs:    s.plugins,
		Services:   p.services,
		Authorizer: p.authorizer,
		Remote:     p.remote(s.units),
		Relays:     unit.Relays(),
		Enter:      func(id string) (func(), error) { return p.supervisor.Enter(id) },
		Logger:     p.logger,
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
	if !p.graph.Here(id) {
		return nil
	}
	return p.supervisor.Available(id)
}

// report says what the people who run the portal should know about their configuration.
func (p *Portal) report(s *settings) {
	p.logger.Info("configuration read", "files", s.snapshot.Files())
	for _, warning := range s.report.Warnings {
		p.logger.Warn(warning.Error())
	}
	if notice := s.report.Notice(); notice != "" {
		p.logger.Info(notice)
	}
}

// Start begins to run the plugins, all in parallel, and to follow the configuration files. It returns at once; a second call does nothing. What ctx carries reaches the plugins; that it ends does not stop them.
func (p *Portal) Start(ctx context.Context) {
	p.startOnce.Do(func() {
		p.supervisor.Start(pluginapi.WithLinks(context.WithoutCancel(ctx), p.links))
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		p.stopWatch = cancel
		p.watching.Go(func() { p.watch(ctx) })
	})
}

// Settled returns a channel that is closed once every plugin runs, or has failed to at its first attempt.
func (p *Portal) Settled() <-chan struct{} { return p.supervisor.Settled() }

// Ready is nil when the portal serves: its plugins have had their first attempt to start, and those that the configuration says it cannot do without run.
func (p *Portal) Ready() error {
	select {
	case <-p.supervisor.Settled():
	default:
		return errors.New("plugins are starting")
	}
	s := p.settings.Load()
	var down []error
	for _, plugin := range s.blueprint.Plugins {
		if s.backend.Startup.needed(plugin.ID) && p.graph.Here(plugin.ID) {
			down = append(down, p.supervisor.Available(plugin.ID))
		}
	}
	return errors.Join(down...)
}

// ServeHTTP answers a request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.server.ServeHTTP(w, r)
}

// Stop ends the portal in phases: no new requests, requests under way finish, workers and tasks end, stop hooks run, stores close. When ctx ends first, the error names what was left behind.
// A second call waits for the first and returns the same.
func (p *Portal) Stop(ctx context.Context) error {
	p.stopOnce.Do(func() {
		p.startOnce.Do(func() {}) // never start after this
		p.stopWatch()
		p.watching.Wait()
		// Each phase leaves some of the time to the next, however long a request or a plugin hangs.
		drained := within(ctx, 1, 2, p.server.Drain)
		stopped := within(ctx, 3, 4, p.supervisor.Stop)
		p.stopErr = errors.Join(drained, stopped, p.close(ctx))
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

func elem(pointer any) any { return reflect.ValueOf(pointer).Elem().Interface() }

// Available is nil while a plugin runs here; else the error, which matches pluginapi.ErrUnavailable, says what state it is in. Of a plugin in another unit it is nil: the first call will tell.
func (p *Portal) Available(plugin string) error { return p.available(plugin) }
