package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// Gateway is the proxy. It is safe for concurrent use.
type Gateway struct {
	config     *pluginapi.Live[Config]
	added      *pluginapi.Live[[]Added]
	log        *slog.Logger
	cache      pluginapi.Cache
	authorizer pluginapi.Authorizer
	origins    *http.CrossOriginProtection
	buffers    *buffers
	metrics    *metrics
	noAgent    []string // the User-Agent of requests that come without
	set        atomic.Pointer[set]
}

// set is the endpoints at one time: it is replaced as a whole.
type set struct {
	endpoints []*endpoint // longest path first
}

// Added is an endpoint that another plugin adds.
type Added = pluginapi.Extended[proxynode.Endpoint, proxynode.PrepareFunc]

// New makes the proxy. Its error tells what is not valid.
func New(config *pluginapi.Live[Config], log *slog.Logger, cache pluginapi.Cache, authorizer pluginapi.Authorizer, registerer prometheus.Registerer, added *pluginapi.Live[[]Added]) (*Gateway, error) {
	metrics, err := newMetrics(registerer)
	if err != nil {
		return nil, err
	}
	g := &Gateway{config: config, added: added, log: log, cache: cache, authorizer: authorizer, origins: http.NewCrossOriginProtection(), buffers: newBuffers(), metrics: metrics, noAgent: []string{""}}
	if err := g.apply(config.Get(), added.Get()); err != nil {
		return nil, err
	}
	return g, nil
}

// Follow keeps the endpoints as configured until ctx ends. A configuration that is not valid changes nothing.
func (g *Gateway) Follow(ctx context.Context) error {
	for {
		changed, alsoChanged := g.config.Changed(), g.added.Changed()
		if err := g.apply(g.config.Get(), g.added.Get()); err != nil {
			g.log.ErrorContext(ctx, "proxy endpoints stay as they were: the new configuration is not valid", "error", err)
		}
		select {
		case <-changed:
		case <-alsoChanged:
		case <-ctx.Done():
			for _, e := range g.set.Load().endpoints {
				e.target.Close()
			}
			return ctx.Err()
		}
	}
}

// apply replaces the endpoints. Those that did not change stay, with their connections and counts.
func (g *Gateway) apply(config Config, added []Added) error {
	faults := config.faults()
	if len(faults) > 0 && !config.SkipInvalidProxies {
		return fmt.Errorf("configure proxy: %w", config.Validate())
	}
	before := map[string]*endpoint{}
	first := g.set.Load() == nil
	if !first {
		for _, e := range g.set.Load().endpoints {
			before[e.path] = e
		}
	} else if len(config.Older) > 0 {
		g.log.Warn("proxy endpoints are configured directly under proxy; move them to proxy.endpoints", "endpoints", slices.Sorted(maps.Keys(config.Older)))
	}
	now, err := g.fromCode(added, before)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		at        string
		endpoints map[string]proxynode.Endpoint
	}{{"", config.Older}, {"endpoints.", config.Endpoints}} {
		for _, key := range slices.Sorted(maps.Keys(form.endpoints)) {
			if fault := faults[form.at+key]; fault != nil {
				g.log.Warn("proxy endpoint is left out: it is not valid", "endpoint", form.at+key, "error", fault)
				continue
			}
			path, _ := cleanPath(key) // among the faults
			now[path] = g.newEndpoint(path, form.endpoints[key], "", before[path])
		}
	}
	next := &set{endpoints: slices.Collect(maps.Values(now))}
	slices.SortFunc(next.endpoints, func(a, b *endpoint) int {
		if d := strings.Count(b.path, "/") - strings.Count(a.path, "/"); d != 0 {
			return d
		}
		return strings.Compare(a.path, b.path)
	})
	g.set.Store(next)
	for path, old := range before {
		if now[path] != old {
			old.target.Close()
		}
		if now[path] == nil {
			g.metrics.forget(path)
		}
	}
	if !first && !slices.EqualFunc(next.endpoints, slices.Collect(maps.Values(before)), func(a, _ *endpoint) bool { return before[a.path] == a }) {
		g.log.Info("proxy endpoints are replaced", "endpoints", len(next.endpoints))
	}
	return nil
}

// fromCode makes the endpoints that other plugins add.
func (g *Gateway) fromCode(added []Added, before map[string]*endpoint) (map[string]*endpoint, error) {
	now := map[string]*endpoint{}
	for _, extension := range added {
		path, err := cleanPath(extension.Spec.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: path: %w", extension.ID, err)
		}
		for _, err := range joined(extension.Spec.Check()) {
			var fault *proxynode.Fault
			if errors.As(err, &fault) {
				err = fmt.Errorf("%s: %w", fault.Key, err)
			}
			return nil, fmt.Errorf("%s: %w", extension.ID, err)
		}
		if other := now[path]; other != nil {
			return nil, fmt.Errorf("%s and %s both are proxy endpoint %s", other.source, extension.ID, path)
		}
		e := g.newEndpoint(path, extension.Spec, extension.ID, before[path])
		if e != before[path] {
			e.prepare = func(ctx context.Context, out *http.Request) error {
				return extension.Use(ctx, func(ctx context.Context, prepare proxynode.PrepareFunc) error { return prepare(ctx, out) })
			}
		}
		now[path] = e
	}
	return now, nil
}

// Serve answers requests to the route /{path...}.
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request) error {
	p, err := placeOf(r)
	if err != nil {
		return err
	}
	for _, e := range g.set.Load().endpoints {
		if p.match(e.path) {
			err := e.serve(w, r, p)
			if err != nil {
				e.counters.refused(r, err, p.begun)
			}
			return err
		}
	}
	return errNoEndpoint(r)
}

// serve checks a request to the endpoint and passes it on.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request, p place) error {
	if !e.methods[r.Method] && (e.methods != nil || r.Method == http.MethodTrace || r.Method == http.MethodConnect) { // the answer to a TRACE would show the endpoint's secret headers
		if e.methods != nil {
			w.Header().Set("Allow", strings.Join(e.spec.AllowedMethods, ", "))
		}
		return &pluginapi.Error{Status: http.StatusMethodNotAllowed, Name: "MethodNotAllowedError", Message: fmt.Sprintf("%s is not possible at proxy endpoint %s", r.Method, e.path)}
	}
	who := pluginapi.PrincipalFrom(r.Context())
	if err := e.authorize(r, who); err != nil {
		return err
	}
	if r.ContentLength != 0 {
		limit := e.spec.Limits.Request
		if limit >= 0 && r.ContentLength > limit {
			return tooLarge(e.path, limit)
		}
		r.Body = &clientBody{ReadCloser: r.Body, endpoint: e, control: http.NewResponseController(w), limit: limit, end: p.begun.Add(e.spec.Timeouts.Total)}
	}
	if wait, ok := e.limiter.allow(who.Ref); !ok {
		return tooMany(w, e.path, wait)
	}
	if upgrade := r.Header.Get("Upgrade"); upgrade != "" && mentions(r.Header["Connection"], "Upgrade") {
		return e.upgrade(w, r, p, upgrade)
	}
	return e.forward(w, r, p)
}
