package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// endpoint is an [Endpoint] in the tree.
type endpoint struct {
	Endpoint
	pattern pattern
	own     bool // the server's: who asks makes no difference, so nobody finds out
}

// router is a [Table] made into a tree. It does not change; a new table makes a new one.
type router struct {
	handler *Handler
	mux     *chi.Mux
}

// newRouter makes the tree. Its error names everything in the table that cannot be served.
func (h *Handler) newRouter(t Table) (*router, error) {
	var all []*endpoint
	var faults []error
	add := func(e Endpoint, prefix string) {
		p, err := parsePattern(e.Pattern, prefix)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", e.ID, err))
			return
		}
		all = append(all, &endpoint{Endpoint: e, pattern: p})
	}
	for _, e := range h.ownEndpoints() {
		add(e, "")
	}
	for _, e := range all {
		e.own = true
	}
	for _, e := range t.Routes {
		add(routeEndpoint(e), "/api/"+e.Plugin)
	}
	for _, e := range t.Endpoints {
		add(e, "")
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
	r := &router{handler: h, mux: chi.NewMux()}
	r.mux.NotFound(r.notFound)
	r.mux.MethodNotAllowed(r.methodNotAllowed)
	for _, e := range all {
		serve := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { h.serve(e, w, req) })
		for _, path := range e.pattern.chi {
			switch e.pattern.method {
			case "":
				r.mux.Handle(path, serve)
			case http.MethodGet:
				r.mux.Method(http.MethodHead, path, serve)
				fallthrough
			default:
				r.mux.Method(e.pattern.method, path, serve)
			}
		}
	}
	return r, nil
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
func (e *endpoint) setParams(x *exchange, r *http.Request) bool {
	r.Pattern = e.Pattern
	for _, name := range e.pattern.params {
		value := r.PathValue(name) // from chi
		if value == "" {
			return false
		}
		if x.escaped {
			r.SetPathValue(name, unescape(value))
		}
	}
	if e.pattern.rest != "" {
		value := r.PathValue("*")
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

func (r *router) notFound(w http.ResponseWriter, req *http.Request) {
	x := exchangeFrom(req.Context())
	// People write slashes at the end of addresses. A path that starts with two would lead to another host.
	short := strings.TrimRight(x.path, "/")
	if safe(req.Method) && short != "" && short != x.path && !strings.HasPrefix(x.path, "//") && !isAPI(x.path) && r.mux.Match(chi.NewRouteContext(), req.Method, short) {
		to := url.URL{Path: strings.TrimRight(req.URL.Path, "/"), RawPath: strings.TrimRight(req.URL.RawPath, "/"), RawQuery: req.URL.RawQuery}
		http.Redirect(w, req, to.String(), http.StatusMovedPermanently)
		return
	}
	x.handler.fail(x, req, pluginapi.NotFound("there is nothing at %s", req.URL.Path))
}

func (r *router) methodNotAllowed(w http.ResponseWriter, req *http.Request) {
	x := exchangeFrom(req.Context())
	allowed := []string{http.MethodOptions}
	for _, method := range methods {
		if method != http.MethodOptions && r.mux.Match(chi.NewRouteContext(), method, x.path) {
			allowed = append(allowed, method)
		}
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if req.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	x.handler.fail(x, req, &pluginapi.Error{
		Status: http.StatusMethodNotAllowed, Name: "MethodNotAllowedError",
		Message: fmt.Sprintf("%s is not possible at %s, only %s", req.Method, req.URL.Path, strings.Join(allowed, ", ")),
	})
}

func safe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }
