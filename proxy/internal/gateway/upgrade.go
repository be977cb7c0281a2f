package gateway

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/upstream"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// upgrade passes on a request that wants the connection for itself, such as a WebSocket. All checks have been made.
func (e *endpoint) upgrade(w http.ResponseWriter, r *http.Request, p place, protocol string) error {
	if !e.spec.WS {
		return pluginapi.BadInput("proxy endpoint %s does not take upgraded connections; its configuration can allow them with ws: true", e.path)
	}
	for name := range strings.SplitSeq(protocol, ",") {
		name, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(name)), "/")
		if name == "h2c" || name == "http" || name == "tls" {
			return pluginapi.BadInput("proxy endpoint %s does not upgrade connections to HTTP: its checks would not hold there", e.path)
		}
	}
	if e.spec.Credentials != proxynode.CredentialsNone {
		// Browsers let every page open WebSockets anywhere, with the user's cookies. Only the Origin tells.
		probe := http.Request{Method: http.MethodPost, URL: r.URL, Host: r.Host, Header: r.Header}
		if err := e.gateway.origins.Check(&probe); err != nil {
			return pluginapi.NotAllowed("this connection comes from a page of another site").Because(err)
		}
	}
	if wait, ok := e.breaker.allow(); !ok {
		return resting(w, e.path, wait)
	}
	out, err := e.request(r.Context(), r, p, nil)
	if err != nil {
		return err
	}
	out.Body, out.ContentLength = nil, 0
	for _, name := range webSocket {
		if values, ok := r.Header[name]; ok {
			out.Header[name] = values
		}
	}
	if e.prepare != nil {
		if err := e.prepare(out.Context(), out); err != nil {
			return err
		}
	}
	var failure error
	proxy := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL, pr.Out.Host, pr.Out.Header = out.URL, out.Host, out.Header
			pr.Out.Header.Set("Connection", "Upgrade")
			pr.Out.Header.Set("Upgrade", protocol)
		},
		Transport:      roundTripper(e.target.Do),
		ModifyResponse: e.answerUpgrade,
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { failure = err },
		ErrorLog:       log.New(quiet{}, "", 0),
		BufferPool:     e.gateway.buffers,
	}
	e.counters.streams.Inc()
	defer e.counters.streams.Dec()
	proxy.ServeHTTP(&tunnel{w, r.Context(), e.spec.Timeouts.Stream}, r)
	if failure == nil {
		e.answered()
		return nil
	}
	e.failed(r.Context(), failure)
	var target *upstream.Error
	if !errors.As(failure, &target) {
		return &pluginapi.Error{Status: http.StatusBadGateway, Name: "TargetResponseError", Message: fmt.Sprintf("the target of proxy endpoint %s did not upgrade the connection as asked", e.path), Cause: failure}
	}
	return e.fail(failure)
}

// answerUpgrade leaves of an answer what may pass.
func (e *endpoint) answerUpgrade(res *http.Response) error {
	e.counters.answered(res.StatusCode)
	pass := e.answerNames
	if res.StatusCode == http.StatusSwitchingProtocols {
		pass = slices.Concat(pass, webSocket)
	}
	for name := range res.Header {
		if !slices.Contains(pass, name) {
			delete(res.Header, name)
		}
	}
	return nil
}

// roundTripper is a function that sends requests.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// quiet is where the standard proxy's own lines go: what matters of them comes as errors.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
