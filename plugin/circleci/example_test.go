package circleci_test

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

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
	"github.com/proscenium-dev/proscenium/proxy"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// TidesConfig is the section tides.
type TidesConfig struct {
	Station string           `yaml:"station"`
	Key     pluginapi.Secret `yaml:"key"`
}

// Tides describes a plugin that is backed by a third party: a harbour authority's tide tables.
func Tides() pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "tides",
		Config:  pluginapi.ConfigOf(TidesConfig{Station: "hoek-van-holland"}),
		Provide: []any{newTides},
		Extensions: []pluginapi.Extension{
			proxynode.Endpoints.From("api", proxynode.Endpoint{Path: "/tides/api", Target: "https://tides.example.com/v1", AllowedMethods: []string{"GET"}}, (*tides).sign),
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/tides", Title: "Tides", Icon: "waypoints"}, (*tides).page),
		},
	}
}

type tides struct {
	config TidesConfig
	client proxynode.Client
	cache  pluginapi.Cache
	self   pluginapi.Self
}

func newTides(config TidesConfig, client proxynode.Client, cache pluginapi.Cache, self pluginapi.Self) *tides {
	return &tides{config, client, cache, self}
}

// sign adds the key to every request that leaves through the endpoint, the plugin's own and those of browsers.
func (t *tides) sign(_ context.Context, out *http.Request) error {
	out.Header.Set("Api-Key", t.config.Key.Reveal())
	return nil
}

type tide struct {
	At     time.Time `json:"at"`
	Height float64   `json:"height"` // metres
}

// fetch asks the third party, as the plugin and not as whoever looks at the page, since the answer is for all.
func (t *tides) fetch(ctx context.Context) ([]tide, error) {
	r, err := http.NewRequestWithContext(t.self.As(ctx), http.MethodGet, "/tides/api/stations/"+url.PathEscape(t.config.Station), nil)
	if err != nil {
		return nil, fmt.Errorf("ask for tides: %w", err)
	}
	res, err := t.client.Do(r)
	if err != nil {
		return nil, err // what the proxy has to say, in words for people: no answer in time, no such endpoint, ...
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, pluginapi.Unavailable("the harbour authority answers with status %d", res.StatusCode)
	}
	var table []tide
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&table); err != nil {
		return nil, pluginapi.Unavailable("what the harbour authority answers is no table of tides").Because(err)
	}
	return table, nil
}

// page costs the third party one request a minute, however many people look at it, and says what is wrong when there is no answer.
func (t *tides) page(r *http.Request) (pluginapi.View, error) {
	view := pluginapi.View{Subtitle: t.config.Station}
	table, err := pluginapi.Cached(r.Context(), t.cache, "table", time.Minute, t.fetch)
	if err != nil {
		_, _, why := pluginapi.Describe(err)
		view.Body = ui.ErrorPanel{Title: "The tides are not known", Message: why, Remedy: "The harbour authority is asked again when you reload the page.", RetryHref: r.URL.Path}
		return view, nil
	}
	rows := ui.Table{Caption: "Tides", Columns: []ui.Column{{Title: "When"}, {Title: "Height", Numeric: true}}}
	for _, one := range table {
		rows.Rows = append(rows.Rows, ui.Row{Cells: []pluginapi.Component{ui.Time(one.At), ui.Text(fmt.Sprintf("%.1f m", one.Height))}})
	}
	view.Body = rows
	return view, nil
}

// A plugin of this form adds an endpoint to the proxy and asks the third party through it.
func Example() {
	for _, e := range Tides().Extensions {
		fmt.Printf("%s:%s/%s\n", e.Point.PointKind(), Tides().ID, e.Name)
	}
	// Output:
	// proxy-endpoint:tides/api
	// page:tides/page
}

func TestTides(t *testing.T) {
	asked, well := 0, true
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if !well || r.Header.Get("Api-Key") != "sesame" || r.URL.Path != "/v1/stations/vlissingen" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `[{"at": "2026-11-22T14:10:00Z", "height": 2.34}]`)
	}))
	defer authority.Close()
	o := plugintest.Options{Config: `
tides: {station: vlissingen, key: sesame}
app: {extensions: [{'proxy-endpoint:tides/api': {config: {target: '` + authority.URL + `/v1'}}}]}
`}
	plugintest.Check(t, o, Tides(), proxy.Plugin())
	asked = 0
	portal := plugintest.StartWith(t, o, proxy.Plugin(), Tides())
	for range 10 {
		portal.Get("/tides").Want(200).HasText("td", "2.3 m")
	}
	if asked != 1 {
		t.Errorf("10 readers cost %d requests", asked)
	}
	well = false
	other := plugintest.StartWith(t, o, proxy.Plugin(), Tides())
	other.Get("/tides").Want(200).HasText(".ui-error-panel", "The tides are not known").HasText(".ui-error-panel", "answers with status 403")
}
