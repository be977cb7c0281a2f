package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// metric returns the value of a metric, of a histogram the number of observations, and whether there is one with these labels, given as names and values in turn.
func (p *portal) metric(t testing.TB, name string, labels ...string) (value float64, found bool) {
	t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "proscenium_proxy_"+name {
			continue
		}
	metrics:
		for _, m := range family.GetMetric() {
			has := map[string]string{}
			for _, label := range m.GetLabel() {
				has[label.GetName()] = label.GetValue()
			}
			for i := 0; i+1 < len(labels); i += 2 {
				if has[labels[i]] != labels[i+1] {
					continue metrics
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func (p *portal) wantMetric(t testing.TB, want float64, name string, labels ...string) {
	t.Helper()
	if got, found := p.metric(t, name, labels...); got != want || !found {
		t.Errorf("%s %q = %v %t, want %v", name, labels, got, found, want)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-release
		default:
			_, _ = io.Copy(io.Discard, r.Body)
			hello(w, r)
		}
	})
	dead := proxynode.Endpoint{Target: nowhere, Breaker: proxynode.Breaker{Failures: 2}, Retries: proxynode.Retries{Pause: 1}}
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/t": {Target: g.URL, AllowedMethods: []string{"GET", "POST"}}, "/dead": dead}}})
	p.get(t, "/t/x").is(t, 200, "hello")
	p.do(t, "POST", "/t/x", nil, strings.NewReader("12345678")).is(t, 200, "hello")
	p.get(t, "/t/missing")
	p.do(t, "DELETE", "/t/x", nil, nil).fails(t, 405, "MethodNotAllowedError", "")
	p.get(t, "/elsewhere").fails(t, 404, "NotFoundError", "")
	p.wantMetric(t, 2, "requests_total", "endpoint", "/t", "code", "2xx")
	p.wantMetric(t, 2, "requests_total", "endpoint", "/t", "code", "4xx")
	p.wantMetric(t, 4, "request_duration_seconds", "endpoint", "/t")
	p.wantMetric(t, 8, "body_bytes_total", "endpoint", "/t", "direction", "sent")
	p.wantMetric(t, float64(2*len("hello")+len("404 page not found\n")), "body_bytes_total", "endpoint", "/t", "direction", "received")

	p.get(t, "/dead").fails(t, 504, "TargetUnreachableError", "")
	p.get(t, "/dead").fails(t, 503, "ServiceUnavailableError", "")
	p.wantMetric(t, 2, "requests_total", "endpoint", "/dead", "code", "5xx")
	p.wantMetric(t, 2, "target_errors_total", "endpoint", "/dead", "kind", "refused")
	p.wantMetric(t, 1, "retries_total", "endpoint", "/dead")
	p.wantMetric(t, 1, "breaker_open", "endpoint", "/dead")
	p.wantMetric(t, 0, "breaker_open", "endpoint", "/t")

	res, err := p.client().Get(p.URL + "/t/events")
	if err != nil {
		t.Fatal(err)
	}
	p.wantMetric(t, 1, "streams", "endpoint", "/t")
	close(release)
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	eventually(t, "the stream is closed", func() bool { open, _ := p.metric(t, "streams", "endpoint", "/t"); return open == 0 })

	p.set(gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/t": {Target: g.URL}}})
	eventually(t, "an endpoint that is no more is forgotten", func() bool { _, found := p.metric(t, "requests_total", "endpoint", "/dead"); return !found })
	p.wantMetric(t, 3, "requests_total", "endpoint", "/t", "code", "2xx") // one that changed goes on
}
