package gateway

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/upstream"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// endpoint is a [proxynode.Endpoint] made ready.
type endpoint struct {
	path   string             // cleaned
	spec   proxynode.Endpoint // with defaults
	given  proxynode.Endpoint // as it was configured, to see whether it changed
	source string             // "" for configuration, or the extension's id

	url          *url.URL
	target       *upstream.Target
	rewrites     []rewrite
	methods      map[string]bool // nil: all
	requestNames names
	answerNames  names
	sandboxed    bool
	fixed        []field
	host         string // the Host to send; "" for the target's; "-" for the client's
	limiter      *limiter
	breaker      *breaker
	counters     *counters

	// prepare has the last word on requests; nil when nobody wants it.
	prepare func(context.Context, *http.Request) error

	gateway *Gateway
}

const clientsHost = "-"

// newEndpoint makes an endpoint of a spec that has been checked. It is old, if that is the same.
func (g *Gateway) newEndpoint(path string, given proxynode.Endpoint, source string, old *endpoint) *endpoint {
	if old != nil && old.source == source && reflect.DeepEqual(old.given, given) {
		return old
	}
	spec := given.WithDefaults()
	e := &endpoint{path: path, spec: spec, given: given, source: source, gateway: g}
	e.url, _ = url.Parse(spec.Target) // checked
	t := spec.Timeouts
	e.target = upstream.New(upstream.Options{
		URL: e.url, Insecure: !*spec.Secure, PrivateNetworks: *spec.PrivateNetworks,
		Connect: t.Connect, Header: t.Header, Idle: t.Idle, Total: t.Total, Stream: t.Stream,
	})
	e.rewrites = newRewrites(spec.PathRewrite)
	if len(spec.AllowedMethods) > 0 {
		e.methods = make(map[string]bool)
		for _, method := range spec.AllowedMethods {
			e.methods[method] = true
		}
	}
	e.requestNames = newNames(bothWays, alwaysRequested, spec.AllowedHeaders, spec.RequestHeaders)
	e.answerNames = newNames(bothWays, alwaysAnswered, spec.AllowedHeaders, spec.ResponseHeaders)
	e.sandboxed = !slices.Contains(e.answerNames, policyHeader)
	if !*spec.ChangeOrigin {
		e.host = clientsHost
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Headers)) {
		value := spec.Headers[name].Reveal()
		if strings.EqualFold(name, "Host") {
			e.host = value
			continue
		}
		e.fixed = append(e.fixed, field{http.CanonicalHeaderKey(name), []string{value}})
	}
	e.limiter = newLimiter(spec.RateLimit)
	if spec.Breaker.Failures > 0 {
		e.breaker = &breaker{limit: int32(spec.Breaker.Failures), pause: spec.Breaker.Pause}
	}
	e.counters = g.metrics.of(path)
	e.counters.resting.Set(0)
	return e
}

// authorize decides whether who asks may.
func (e *endpoint) authorize(r *http.Request, who pluginapi.Principal) error {
	if e.spec.Credentials == proxynode.CredentialsNone {
		return nil
	}
	if who.IsZero() {
		return pluginapi.Unauthenticated("sign in first")
	}
	if e.spec.Permission == "" {
		return nil
	}
	return pluginapi.Require(r.Context(), e.gateway.authorizer, pluginapi.Permission{Name: e.spec.Permission, Action: action(r.Method)}, "")
}

// action is what a method does, in the words of permissions.
func action(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut, http.MethodPatch:
		return "update"
	case http.MethodDelete:
		return "delete"
	}
	return "read"
}

// request makes the request to the target.
func (e *endpoint) request(ctx context.Context, r *http.Request, p place, id []string) (*http.Request, error) {
	var path string
	if e.rewrites == nil {
		path = join(e.url.EscapedPath(), p.below)
	} else {
		path = join(e.url.EscapedPath(), apply(e.rewrites, proxyPath+p.path))
	}
	out := r.WithContext(ctx) // a copy; all that is not set here must not matter to the target
	out.Header, out.Host = e.requestHeader(r, id), ""
	out.RequestURI, out.TransferEncoding, out.Trailer, out.Close = "", nil, nil, false
	if r.ContentLength == 0 {
		out.Body = nil // also http.NoBody, which the transport would have to look at
	}
	out.URL = &url.URL{Scheme: e.url.Scheme, Host: e.url.Host, RawQuery: e.url.RawQuery}
	if err := setPath(out.URL, path); err != nil {
		return nil, err
	}
	switch {
	case out.URL.RawQuery == "":
		out.URL.RawQuery = r.URL.RawQuery
	case r.URL.RawQuery != "":
		out.URL.RawQuery += "&" + r.URL.RawQuery
	}
	switch e.host {
	case "":
	case clientsHost:
		out.Host = r.Host
	default:
		out.Host = e.host
	}
	return out, nil
}

// proxyPath is what the expressions of pathRewrite see before an endpoint's path, wherever the portal itself is mounted.
const proxyPath = "/api/proxy"

// setPath sets an escaped path, and the query that a rewrite may have put behind it.
func setPath(u *url.URL, path string) error {
	path, query, found := strings.Cut(path, "?")
	if found {
		u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	}
	if path == "" {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") {
		return pluginapi.BadInput("the rewritten path does not begin with a slash")
	}
	if err := checkPath(path); err != nil {
		return err
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return pluginapi.BadInput("the path has a percent sign in it that begins no escape").Because(err)
	}
	u.Path, u.RawPath = plain, path
	return nil
}
