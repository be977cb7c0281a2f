package lighthouse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// A portal with this plugin.
func Example() {
	core.Main(core.Options{},
		catalog.Plugin(),
		lighthouse.Plugin(),
	)
}

// A small plugin of the same form: a portal's face of a service of its own.
func Example_serviceBacked() {
	for _, e := range tides().Extensions {
		fmt.Println(e.Point.PointKind(), e.Name)
	}
	// Output:
	// page page
	// health-check service
}

// TidesConfig is the section tides.
type TidesConfig struct {
	BaseURL string           `yaml:"baseUrl"` // of the service
	Token   pluginapi.Secret `yaml:"token"`   // it never prints
}

// Validate is asked before the portal starts.
func (c TidesConfig) Validate() error {
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "") {
		return pluginapi.BadConfig("baseUrl", "%q is no URL", c.BaseURL)
	}
	return nil
}

// tides describes the plugin: its configuration, a client of the service, and what shows it.
func tides() pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "tides",
		Config:  pluginapi.ConfigOf(TidesConfig{}),
		Provide: []any{newTidesClient},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/tides", Title: "Tides", Icon: "activity"}, (*tidesClient).page),
			pluginapi.HealthChecks.From("service", pluginapi.HealthCheck{}, (*tidesClient).check),
		},
	}
}

// tidesClient asks the service. A constructor does no I/O, so a service that is down keeps nobody from starting.
type tidesClient struct {
	config TidesConfig
	cache  pluginapi.Cache
	client *http.Client
}

func newTidesClient(c TidesConfig, cache pluginapi.Cache) *tidesClient {
	return &tidesClient{c, cache, &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// tide is what the service tells.
type tide struct {
	Harbour string    `json:"harbour"`
	High    time.Time `json:"high"`
}

// fetch turns whatever goes wrong into an error that people may read; the cause is for the log.
func (t *tidesClient) fetch(ctx context.Context) (all []tide, err error) {
	if t.config.BaseURL == "" {
		return nil, pluginapi.Unavailable("no tide service is configured; set tides.baseUrl")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.config.BaseURL+"/v1/tides", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+t.config.Token.Reveal())
	res, err := t.client.Do(r)
	if err != nil {
		return nil, pluginapi.Unavailable("the tide service cannot be reached").Because(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, pluginapi.Unavailable("the tide service answers with status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&all); err != nil {
		return nil, pluginapi.Unavailable("what answers is no tide service").Because(err)
	}
	return all, nil
}

// page shows what the service tells, or why it does not. However many people look, the service is asked once a minute.
func (t *tidesClient) page(r *http.Request) (pluginapi.View, error) {
	all, err := pluginapi.Cached(r.Context(), t.cache, "tides", time.Minute, t.fetch)
	if err != nil {
		_, _, message := pluginapi.Describe(err)
		return pluginapi.View{Body: ui.ErrorPanel{Title: "The tides could not be shown", Message: message, RetryHref: r.URL.Path}}, nil
	}
	table := ui.Table{Caption: "Tides", Columns: []ui.Column{{Title: "Harbour"}, {Title: "High water"}}}
	for _, one := range all {
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(one.Harbour), ui.Time(one.High)}})
	}
	return pluginapi.View{Body: table}, nil
}

// check marks the plugin degraded while its service is, without taking anything down.
func (t *tidesClient) check(ctx context.Context) error {
	_, err := t.fetch(ctx)
	return err
}

func TestTides(t *testing.T) {
	healthy := true
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !healthy || r.Header.Get("Authorization") != "Bearer t" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode([]tide{{"Nordhavn", time.Now()}})
	}))
	defer service.Close()
	config := "tides: {baseUrl: '" + service.URL + "', token: t}"
	plugintest.Check(t, plugintest.Options{Config: config}, tides())

	portal := plugintest.StartWith(t, plugintest.Options{Config: config}, tides())
	portal.Get("/tides").Want(200).HasText("td", "Nordhavn")
	healthy = false
	portal.Get("/tides").Want(200).HasText("td", "Nordhavn") // remembered

	down := plugintest.StartWith(t, plugintest.Options{Config: config}, tides())
	down.Get("/tides").Want(200).HasText(".ui-error-panel", "answers with status 401")
	plugintest.Start(t, tides()).Get("/tides").Want(200).HasText(".ui-error-panel", "no tide service is configured")
	if err := (TidesConfig{BaseURL: "harbour"}).Validate(); err == nil {
		t.Error("an address without a host is taken")
	}
}
