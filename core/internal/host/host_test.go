package host_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

type greetings struct{ greeting string }

func newGreetings(c greetingConfig, _ *slog.Logger) *greetings { return &greetings{c.Greeting} }

type greetingConfig struct {
	Greeting string `yaml:"greeting"`
}

func (g *greetings) refresh(ctx context.Context) error { return ctx.Err() }

func (g *greetings) page(*http.Request) (pluginapi.View, error) {
	return pluginapi.View{Title: g.greeting}, nil
}

func (g *greetings) card(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) {
	return pluginapi.Drawn(g.greeting), nil
}

func hello() pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "hello",
		Config:  pluginapi.ConfigOf(greetingConfig{Greeting: "Hello"}),
		Provide: []any{newGreetings},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/hello", Title: "Hello"}, (*greetings).page),
			pluginapi.Tasks.From("refresh", pluginapi.Task{Every: time.Hour}, (*greetings).refresh),
			catalogapi.EntityCards.From("greeting", catalogapi.Card{Title: "Greeting"}, (*greetings).card),
		},
	}
}

// directory stands for the catalog: it owns the cards, and exports a client that shares a constructor's result with them.
type directory struct {
	catalogcommon.Client
	cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]]
}

func newDirectory(cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]]) *directory {
	return &directory{cards: cards}
}

func catalog(got **directory) pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "catalog",
		Points:  []pluginapi.AnyPoint{catalogapi.EntityCards},
		Exports: []pluginapi.Export{pluginapi.ExportOf[catalogcommon.Client](newDirectory, catalogcommon.NewClient)},
		Extensions: []pluginapi.Extension{
			pluginapi.Starts.From("keep", pluginapi.Start{}, func(d *directory) pluginapi.RunFunc {
				*got = d
				return func(context.Context) error { return nil }
			}),
		},
	}
}

func assemble(plugins []pluginapi.Plugin, overrides ...host.Override) (*host.Graph, *host.Blueprint, error) {
	blueprint, err := host.Plan(plugins, nil, overrides)
	wiring, err2 := host.Wire(host.Settings{
		Blueprint: blueprint,
		Services:  func(string) host.Services { return host.Services{Logger: slog.New(slog.DiscardHandler)} },
		Timeout:   time.Second,
	})
	if err := errors.Join(err, err2); err != nil {
		return nil, blueprint, err
	}
	graph, err := wiring.Construct()
	return graph, blueprint, err
}

func TestContributionsReachTheirOwner(t *testing.T) {
	t.Parallel()
	var d *directory
	graph, _, err := assemble([]pluginapi.Plugin{hello(), catalog(&d)})
	if err != nil {
		t.Fatal(err)
	}
	cards := d.cards.Get()
	if len(cards) != 1 || cards[0].ID != "entity-card:hello/greeting" || cards[0].Plugin != "hello" || cards[0].Spec.Title != "Greeting" {
		t.Fatalf("cards: %+v", cards)
	}
	html, err := pluginapi.Ask(t.Context(), cards[0], func(ctx context.Context, card catalogapi.CardFunc) (string, error) {
		c, err := card(ctx, nil)
		if err != nil {
			return "", err
		}
		return pluginapi.Draw(ctx, c)
	})
	if html != "Hello" || err != nil {
		t.Errorf("card: %q, %v", html, err)
	}
	pages := host.Added(graph, pluginapi.Pages).Get()
	if len(pages) != 1 || pages[0].Spec.Path != "/hello" {
		t.Errorf("pages: %+v", pages)
	}
	if err := graph.Run(t.Context(), "task:hello/refresh"); err != nil {
		t.Errorf("task: %v", err)
	}
}

type fakeValues map[string]any

func (v fakeValues) Keys() (keys []string) {
	for key := range v {
		keys = append(keys, key)
	}
	return keys
}

func (v fakeValues) Decode(key string, target any) error {
	text, ok := target.(*string)
	if !ok {
		return fmt.Errorf("%s: expected a text", key)
	}
	*text = v[key].(string)
	return nil
}

func (v fakeValues) Where(string) string { return "f:1:1" }

func (v fakeValues) Report(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("f:1:1: " + err.Error())
}

func TestConfigurationSwitchesOrdersMovesAndFollows(t *testing.T) {
	t.Parallel()
	second := hello()
	second.ID = "second"
	second.Extensions = []pluginapi.Extension{pluginapi.Pages.From("page", pluginapi.Page{Path: "/second", Title: "Second"}, (*greetings).page)}
	plugins := []pluginapi.Plugin{hello(), second, catalog(new(*directory))}
	graph, _, err := assemble(plugins)
	if err != nil {
		t.Fatal(err)
	}
	live := host.Added(graph, pluginapi.Pages)
	paths := func() string {
		var all []string
		for _, page := range live.Get() {
			all = append(all, page.Spec.Path)
		}
		return strings.Join(all, " ")
	}
	if got := paths(); got != "/hello /second" {
		t.Fatalf("paths at start: %s", got)
	}
	changed := live.Changed()
	blueprint, err := host.Plan(plugins, nil, []host.Override{
		{ID: "page:second/page", Config: fakeValues{"path": "/moved"}},
		{ID: "entity-card:hello/greeting", Off: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	graph.Replan(blueprint)
	if got := paths(); got != "/moved /hello" {
		t.Errorf("paths after the change: %s", got)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
}

type needsMissing struct{}

type a1 struct{}
type b1 struct{}

func newA(*b1) *a1 { return &a1{} }
func newB(*a1) *b1 { return &b1{} }

func failing() (*a1, error)                          { return nil, errors.New("no luck") }
func panicking() *b1                                 { panic("ouch") }
func dependent(*a1, *b1) *greetings                  { panic("must not be called") }
func wantsClient(catalogcommon.Client) *needsMissing { return &needsMissing{} }

func starts(fn any) []pluginapi.Extension {
	return []pluginapi.Extension{pluginapi.Starts.From("x", pluginapi.Start{}, fn)}
}

func TestWiringFaults(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context) error { return nil }
	page := func(id, name, path string) pluginapi.Plugin {
		return pluginapi.Plugin{ID: id, Extensions: []pluginapi.Extension{
			pluginapi.Pages.From(name, pluginapi.Page{Path: path, Title: "Page"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
		}}
	}
	for name, test := range map[string]struct {
		plugins   []pluginapi.Plugin
		overrides []host.Override
		want      []string
	}{
		"duplicate id": {plugins: []pluginapi.Plugin{{ID: "a"}, {ID: "b"}, {ID: "a"}}, want: []string{"a: two plugins have this id: number 1 and number 3 in the list; remove one, or give it another id"}},
		"bad id":       {plugins: []pluginapi.Plugin{{ID: "Hello World"}}, want: []string{`plugin "Hello World" (number 1 in the list): an id has 1 to 40 lower-case letters, digits and dashes, and starts with a letter`}},
		"two pages on one path": {
			plugins: []pluginapi.Plugin{page("a", "p", "/x/{id}"), page("b", "q", "/x/{name}")},
			want:    []string{"b: page:a/p and page:b/q are both at /x/{name}; move one with app.extensions"},
		},
		"page in a reserved place": {plugins: []pluginapi.Plugin{page("a", "p", "/api/x")}, want: []string{"a: page:a/p: pages cannot live below /api; choose another path"}},
		"malformed path":           {plugins: []pluginapi.Plugin{page("a", "p", "x")}, want: []string{`a: page:a/p: path "x": must start with a slash`}},
		"unowned point": {
			plugins: []pluginapi.Plugin{hello()},
			want:    []string{`hello: entity-card:hello/greeting: no plugin of this portal has the point "entity-card"; add catalog.Plugin()`},
		},
		"missing need": {
			plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{wantsClient}, Extensions: starts(func(*needsMissing) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: wantsClient needs catalogcommon.Client; add catalog.Plugin()"},
		},
		"private need": {
			plugins: []pluginapi.Plugin{hello(), catalog(new(*directory)), {ID: "a", Extensions: starts(func(*greetings) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: start:a/x needs *host_test.greetings, which nothing provides; list a constructor of it under Provide of a"},
		},
		"cycle": {
			plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{newA, newB}}},
			want:    []string{"a: constructors need each other in a circle: newA of a needs newB of a needs newA again; let one of them ask later, in a start hook"},
		},
		"failing constructors": {
			plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{failing, panicking, dependent}, Extensions: starts((*greetings).refresh)}},
			want:    []string{"a: failing failed: no luck", "a: panicking failed: panicked: ouch"},
		},
		"hanging constructor": {
			plugins: []pluginapi.Plugin{{ID: "a", Extensions: starts(func() pluginapi.RunFunc { select {} })}},
			want:    []string{"a: start:a/x has not returned after 1s; constructors do no I/O and wait for nothing: move that to a start hook or a worker"},
		},
		"behaviour of another type": {
			plugins: []pluginapi.Plugin{{ID: "a", Extensions: starts(func(int) string { return "" })}},
			want:    []string{"a: start:a/x: its behaviour must be a pluginapi.RunFunc (func(context.Context) error), or that with needs in front, or a constructor of it; it is a func(int) string"},
		},
		"a pointer to the configuration": {
			plugins: []pluginapi.Plugin{{ID: "a", Config: pluginapi.ConfigOf(greetingConfig{}), Extensions: starts(func(*greetingConfig) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: start:a/x needs *host_test.greetingConfig; ask for host_test.greetingConfig, or for *pluginapi.Live of it"},
		},
		"a pointer to a shared section": {
			plugins: []pluginapi.Plugin{{ID: "a", Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(greetingConfig{}).At("x")}, Extensions: starts(func(*greetingConfig) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: start:a/x needs *host_test.greetingConfig; ask for host_test.greetingConfig, or for *pluginapi.Live of it"},
		},
		"shared sections of one type, and nowhere": {
			plugins: []pluginapi.Plugin{{ID: "a", Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(greetingConfig{}).At("x"), pluginapi.ConfigOf(greetingConfig{}), nil}}},
			want: []string{
				"a: two of its sections of configuration have the type host_test.greetingConfig; give each one of its own",
				"a: its shared section of type host_test.greetingConfig has no path; write pluginapi.ConfigOf(T{}).At(PATH)",
				"a: one of its shared sections is nil; write pluginapi.ConfigOf(T{}).At(PATH)",
			},
		},
		"a shared section that another plugin declares": {
			plugins: []pluginapi.Plugin{{ID: "b", Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(greetingConfig{}).At("x")}}, {ID: "a", Extensions: starts(func(greetingConfig) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: start:a/x needs host_test.greetingConfig, which is a shared section of b; declare it under Shared of a, too"},
		},
		"configuration that is not declared": {
			plugins: []pluginapi.Plugin{{ID: "a", Extensions: starts(func(*pluginapi.Live[greetingConfig]) pluginapi.RunFunc { return nothing })}},
			want:    []string{"declare the plugin's configuration: Config: pluginapi.ConfigOf(...)"},
		},
		"a value instead of its pointer": {
			plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{func() *a1 { return &a1{} }}, Extensions: starts(func(a1) pluginapi.RunFunc { return nothing })}},
			want:    []string{"a: start:a/x needs host_test.a1; did you mean *host_test.a1, which TestWiringFaults.func"},
		},
		"a condition that is none": {
			plugins: []pluginapi.Plugin{catalog(new(*directory)), {ID: "a", Extensions: []pluginapi.Extension{
				catalogapi.EntityCards.From("card", catalogapi.Card{Title: "Card", For: "kin:group"}, catalogapi.CardFunc(func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) { return nil, nil })),
			}}},
			want: []string{`a: entity-card:a/card: condition "kin:group": there is no key "kin"`},
		},
		"a parameter with a colon": {plugins: []pluginapi.Plugin{page("a", "p", "/d/:id")}, want: []string{`a: page:a/p: path "/d/:id": ":id": a parameter is written {id}`}},
		"a permission without a name": {
			plugins: []pluginapi.Plugin{{ID: "a", Extensions: []pluginapi.Extension{
				pluginapi.Routes.From("r", pluginapi.Route{Pattern: "POST /api/a/x", Permission: &pluginapi.Permission{}}, func(http.ResponseWriter, *http.Request) error { return nil }),
			}}},
			want: []string{"a: route:a/r: its permission has no name; call it something like a.update", `a: route:a/r: pattern "POST /api/a/x": a route's path counts from /api/a, which is not repeated in it`},
		},
		"nil behaviour":      {plugins: []pluginapi.Plugin{{ID: "a", Extensions: starts(nil)}}, want: []string{"or a constructor of it; it is nil"}},
		"not a constructor":  {plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{42}}}, want: []string{"a: int is not a constructor"}},
		"two of one type":    {plugins: []pluginapi.Plugin{{ID: "a", Provide: []any{newGreetings, dependent}, Config: pluginapi.ConfigOf(greetingConfig{})}}, want: []string{"a: newGreetings and dependent both make a *host_test.greetings"}},
		"export of a struct": {plugins: []pluginapi.Plugin{{ID: "a", Exports: []pluginapi.Export{pluginapi.ExportOf[*greetings](dependent, nil)}}}, want: []string{"a: it exports *host_test.greetings; an export is an interface declared in a common, api or node layer"}},
		"two exporters": {
			plugins: []pluginapi.Plugin{catalog(new(*directory)), {ID: "other", Exports: []pluginapi.Export{pluginapi.ExportOf[catalogcommon.Client](wantsNothing, nil)}}},
			want:    []string{"other: it exports catalogcommon.Client, as catalog does; one of them must go"},
		},
		"unknown extension": {
			plugins:   []pluginapi.Plugin{page("a", "page", "/a")},
			overrides: []host.Override{{ID: "page:a/pgae", Where: "app-config.yaml:3:7"}},
			want:      []string{"app-config.yaml:3:7: app.extensions: this portal has no extension page:a/pgae; did you mean page:a/page?"},
		},
		"unknown key of an extension": {
			plugins:   []pluginapi.Plugin{{ID: "a", Extensions: starts(nothing)}},
			overrides: []host.Override{{ID: "start:a/x", Where: "f:1:1", Config: fakeValues{"pace": "1"}}},
			want:      []string{"f:1:1: pace: unknown key; this extension has timeout"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := assemble(test.plugins, test.overrides...)
			if err == nil {
				t.Fatal("no fault was found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("%d faults, want %d:\n%s", len(lines), len(test.want), err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("missing:\n%s\nin:\n%s", want, err)
				}
			}
		})
	}
}

func wantsNothing() *directory { return nil }

func BenchmarkHost(b *testing.B) {
	plugins := make([]pluginapi.Plugin, 50)
	for i := range plugins {
		plugins[i] = pluginapi.Plugin{
			ID:      fmt.Sprintf("plugin-%d", i),
			Config:  pluginapi.ConfigOf(greetingConfig{}),
			Provide: []any{newGreetings, func(*greetings) *a1 { return &a1{} }, func(*a1) *b1 { return &b1{} }, func(*a1, *b1) *needsMissing { return &needsMissing{} }},
			Extensions: []pluginapi.Extension{
				pluginapi.Pages.From("page", pluginapi.Page{Path: fmt.Sprintf("/p%d", i), Title: "Page"}, (*greetings).page),
				pluginapi.Tasks.From("refresh", pluginapi.Task{Every: time.Hour}, (*greetings).refresh),
				pluginapi.Starts.From("start", pluginapi.Start{}, func(*needsMissing) pluginapi.RunFunc { return func(context.Context) error { return nil } }),
			},
		}
	}
	for b.Loop() {
		if _, _, err := assemble(plugins); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSharedSections injects one section into two plugins, as it was at start and live, and changes it for one of them.
func TestSharedSections(t *testing.T) {
	t.Parallel()
	seen := map[string]*pluginapi.Live[greetingConfig]{}
	plugin := func(id string) pluginapi.Plugin {
		type own struct {
			Text string `yaml:"text"`
		}
		return pluginapi.Plugin{
			ID: id, Config: pluginapi.ConfigOf(own{"own"}), Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(greetingConfig{"default"}).At("x")},
			Extensions: starts(func(first own, at greetingConfig, live *pluginapi.Live[greetingConfig]) pluginapi.RunFunc {
				if first.Text != "own" || at != live.Get() {
					t.Errorf("%s: %+v, %+v, %+v", id, first, at, live.Get())
				}
				seen[id] = live
				return func(context.Context) error { return nil }
			}),
		}
	}
	graph, _, err := assemble([]pluginapi.Plugin{plugin("a"), plugin("b")})
	if err != nil {
		t.Fatal(err)
	}
	graph.SetConfig("a", 1, greetingConfig{"changed"})
	if a, b := seen["a"].Get().Greeting, seen["b"].Get().Greeting; a != "changed" || b != "default" {
		t.Errorf("a has %s, b has %s", a, b)
	}
}

func TestOnlyWhoIsConcernedHearsOfAChange(t *testing.T) {
	t.Parallel()
	graph, _, err := assemble([]pluginapi.Plugin{hello(), catalog(new(*directory))})
	if err != nil {
		t.Fatal(err)
	}
	pages, tasks := host.Added(graph, pluginapi.Pages).Changed(), host.Added(graph, pluginapi.Tasks).Changed()
	blueprint, err := host.Plan([]pluginapi.Plugin{hello(), catalog(new(*directory))}, nil, []host.Override{{ID: "page:hello/page", Config: fakeValues{"path": "/moved"}}})
	if err != nil {
		t.Fatal(err)
	}
	graph.Replan(blueprint)
	select {
	case <-pages:
	default:
		t.Error("who follows pages was not told")
	}
	select {
	case <-tasks:
		t.Error("who follows tasks was told, although they are as they were")
	default:
	}
}

// TestPointsThatDoNotReachAcross splits a portal between a point without a relay and who adds something there.
func TestPointsThatDoNotReachAcross(t *testing.T) {
	t.Parallel()
	point := &pluginapi.Point[struct{}, func()]{Kind: "thing"}
	plugins := []pluginapi.Plugin{
		{ID: "owner", Points: []pluginapi.AnyPoint{point}},
		{ID: "adder", Extensions: []pluginapi.Extension{point.From("x", struct{}{}, func() {})}},
	}
	blueprint, err := host.Plan(plugins, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for far, want := range map[string]string{
		"owner": `adder: thing:adder/x: owner runs in another process, and a point of the kind "thing" does not reach across; run both in one unit`,
		"adder": `adder: thing:adder/x: it runs in another process than owner, and a point of the kind "thing" does not reach across; run both in one unit`,
	} {
		_, err := host.Wire(host.Settings{
			Blueprint: blueprint,
			Services:  func(string) host.Services { return host.Services{} },
			Remote: func(id string) *host.Remote {
				if id != far {
					return nil
				}
				return &host.Remote{Transport: func(string) http.RoundTripper { return http.DefaultTransport }}
			},
		})
		if err == nil || err.Error() != want {
			t.Errorf("%s elsewhere: %v", far, err)
		}
	}
}
