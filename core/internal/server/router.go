package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// endpoint is an [Endpoint] in the tree.
type endpoint struct {
	Endpoint
	pattern pattern
	own     bool // the server's: who asks makes no difference, so nobody finds out

	counters *counters
}

// router is a [Table] made into a tree. It does not change; a new table makes a new one.
//
// chi's tree only finds the pattern. The endpoint behind it is called directly, so that a request needs neither chi's context nor its path values beside our own.
type router struct {
	handler   *Handler
	tree      *chi.Mux
	endpoints map[target]*endpoint
	searches  sync.Pool // of *chi.Context
}

// target is what the tree finds. The method is "" where all are meant.
type target struct{ method, pattern string }

// newRouter makes the tree. Its error names everything in the table that cannot be served.
func (h *Handler) newRouter(t Table) (*router, error) {
	var all []*endpoint
	var faults []error
	parse := func(e Endpoint, prefix string) {
		p, err := parsePattern(e.Pattern, prefix)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", e.ID, err))
			return
		}
		all = append(all, &endpoint{Endpoint: e, pattern: p, counters: h.metrics.of(e.Plugin)})
	}
	for _, e := range h.ownEndpoints() {
		parse(e, "")
	}
	for _, e := range all {
		e.own = true
	}
	for _, e := range t.Routes {
		parse(routeEndpoint(e), "/api/"+e.Plugin)
	}
	for _, e := range t.Endpoints {
		parse(e, "")
	}
	taken := map[string]string{}
	for _, e := range all {
		if e.Run == nil {
			faults = append(faults, fmt.Errorf("%s: nothing answers %q", e.ID, e.Pattern))
		}
		if other, is := taken[e.pattern.shape]; is {
			faults = append(faults, fmt.Errorf("%s and %s both answer %q", other, e.ID, e.pattern.shape))
		}
		taken[e.pattern.shape] = e.ID
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	// What is registered later wins: a pattern with a method over one without, HEAD over what GET does with it.
	rank := map[string]int{"": 0, http.MethodGet: 1}
	slices.SortStableFunc(all, func(a, b *endpoint) int {
		ra, known := rank[a.pattern.method]
		if !known {
			ra = 2
		}
		rb, known := rank[b.pattern.method]
		if !known {
			rb = 2
		}
		return ra - rb
	})
	r := &router{handler: h, tree: chi.NewMux(), endpoints: make(map[target]*endpoint, len(all))}
	r.searches.New = func() any { return chi.NewRouteContext() }
	add := func(method, path string, e *endpoint) {
		r.endpoints[target{method, path}] = e
		if method == "" {
			r.tree.Handle(path, http.NotFoundHandler()) // never called
			return
		}
		r.tree.Method(method, path, http.NotFoundHandler())
	}
	for _, e := range all {
		for _, path := range e.pattern.chi {
			if e.pattern.method == http.MethodGet {
				add(http.MethodHead, path, e)
			}
			add(e.pattern.method, path, e)
		}
	}
	return r, nil
}

// serve finds the endpoint and runs it.
func (r *router) serve(x *exchange, req *http.Request) {
	search := r.searches.Get().(*chi.Context)
	search.Reset()
	e := r.find(search, req.Method, x.path)
	found := e != nil && e.setParams(x, req, search)
	r.searches.Put(search)
	switch {
	case found:
		r.handler.serve(e, x, req)
	case e != nil:
		x.endpoint = e
		r.handler.fail(x, req, pluginapi.NotFound("there is nothing at %s", req.URL.Path))
	default:
		r.notFound(x, req)
	}
}

// find returns the endpoint for a method at a path, or nil.
func (r *router) find(search *chi.Context, method, path string) *endpoint {
	pattern := r.tree.Find(search, method, path)
	if pattern == "" {
		return nil
	}
	if e := r.endpoints[target{method, pattern}]; e != nil {
		return e
	}
	return r.endpoints[target{"", pattern}]
}

// routeEndpoint is a plugin's route, as an endpoint.
func routeEndpoint(e pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]) Endpoint {
	return Endpoint{
		ID: e.ID, Plugin: e.Plugin, Pattern: e.Spec.Pattern,
		Public: e.Spec.Public, Permission: e.Spec.Permission, Stream: e.Spec.Stream, MaxBody: e.Spec.MaxBody,
		Run: func(w http.ResponseWriter, r *http.Request) error {
			return e.Use(r.Context(), func(ctx context.Context, answer pluginapi.RouteFunc) error {
				if ctx != r.Context() {
					r = r.WithContext(ctx)
				}
				return answer(w, r)
			})
		},
	}
}

// setParams gives the request its path values. It returns false when one is empty that must not be.
func (e *endpoint) setParams(x *exchange, r *http.Request, search *chi.Context) bool {
	r.Pattern = e.Pattern
	for _, name := range e.pattern.params {
		value := search.URLParam(name)
		if value == "" {
			return false
		}
		if x.escaped {
			value = unescape(value)
		}
		r.SetPathValue(name, value)
	}
	if e.pattern.rest != "" {
		value := search.URLParam("*")
		if x.escaped {
			value = unescape(value)
		}
		r.SetPathValue(e.pattern.rest, value)
	}
	return true
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// notFound answers where no endpoint does.
func (r *router) notFound(x *exchange, req *http.Request) {
	if allowed := r.allowed(x.path); allowed != nil {
		r.methodNotAllowed(x, req, allowed)
		return
	}
	// People write slashes at the end of addresses. A path that starts with two would lead to another host.
	short := strings.TrimRight(x.path, "/")
	if safe(req.Method) && short != "" && short != x.path && !strings.HasPrefix(x.path, "//") && !isAPI(x.path) && r.find(chi.NewRouteContext(), req.Method, short) != nil {
		to := url.URL{Path: strings.TrimRight(req.URL.Path, "/"), RawPath: strings.TrimRight(req.URL.RawPath, "/"), RawQuery: req.URL.RawQuery}
		http.Redirect(&x.w, req, to.String(), http.StatusMovedPermanently)
		return
	}
	x.handler.fail(x, req, pluginapi.NotFound("there is nothing at %s", req.URL.Path))
}

// allowed returns the methods that are possible at a path, sorted; nil when there are none.
func (r *router) allowed(path string) []string {
	var allowed []string
	for _, method := range methods {
		if method != http.MethodOptions && r.find(chi.NewRouteContext(), method, path) != nil {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return nil
	}
	allowed = append(allowed, http.MethodOptions)
	slices.Sort(allowed)
	return allowed
}

func (r *router) methodNotAllowed(x *exchange, req *http.Request, allowed []string) {
	x.w.Header().Set("Allow", strings.Join(allowed, ", "))
	if req.Method == http.MethodOptions {
		x.w.WriteHeader(http.StatusNoContent)
		return
	}
	x.handler.fail(x, req, &pluginapi.Error{
		Status: http.StatusMethodNotAllowed, Name: "MethodNotAllowedError",
		Message: fmt.Sprintf("%s is not possible at %s, only %s", req.Method, req.URL.Path, strings.Join(allowed, ", ")),
	})
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }
