package server_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	h := handler(t, server.Settings{Metrics: registry, Table: routes(get("/x", say("x")), route("other", pluginapi.Route{Pattern: "GET /s", Stream: true}, say("x")))})
	if _, err := server.New(server.Settings{Metrics: registry}); err == nil {
		t.Error("two handlers count the same")
	}
	for _, path := range []string{"/api/hello/x", "/api/hello/x", "/api/other/s", "/nowhere", "/.backstage/health/v1/liveness"} {
		ask(t, h, "GET", path)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "proscenium_http_")
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"requests_total 2xx hello": 2, "requests_total 2xx other": 1, "requests_total 2xx portal": 1, "requests_total 4xx portal": 1, "requests_total 5xx hello": 0,
		"request_duration_seconds hello": 2, "request_duration_seconds other": 0, "request_duration_seconds portal": 2,
	} {
		if value, found := got[name]; value != want || !found {
			t.Errorf("%s = %v %t, want %v", name, value, found, want)
		}
	}
}
