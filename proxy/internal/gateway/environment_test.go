package gateway_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// Targets are asked by way of the proxy that the environment names, except those that it excludes, and those on this machine.
func TestProxyOfTheEnvironment(t *testing.T) {
	between := newTarget(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "by way of "+r.URL.String()) })
	here := newTarget(t, hello)
	t.Setenv("HTTP_PROXY", between.URL)
	t.Setenv("NO_PROXY", "excluded.invalid")
	private := false
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{
		"/far":      {Target: "http://far.invalid/base"},
		"/excluded": {Target: "http://excluded.invalid"},
		"/here":     {Target: here.URL},
		"/inside":   {Target: "http://10.0.0.1", PrivateNetworks: &private},
	}}})
	p.get(t, "/far/x?q=1").is(t, 200, "by way of http://far.invalid/base/x?q=1")
	p.get(t, "/excluded").fails(t, 504, "TargetUnreachableError", "host name that is unknown")
	p.get(t, "/here").is(t, 200, "hello")
	p.get(t, "/inside").fails(t, 502, "TargetForbiddenError", "must not be used")
	if n := between.count(); n != 1 {
		t.Errorf("%d requests by way of the proxy", n)
	}
}
