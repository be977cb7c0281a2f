package pluginapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

type Config struct {
	Greeting string `yaml:"greeting"`
}

type greeter struct{ config Config }

func newGreeter(c Config) *greeter { return &greeter{c} }

func (g *greeter) greet(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("name") == "nobody" {
		return pluginapi.NotFound("nobody is not here")
	}
	_, err := fmt.Fprintln(w, g.config.Greeting+",", r.PathValue("name"))
	return err
}

func (g *greeter) page(*http.Request) (pluginapi.View, error) {
	return pluginapi.View{Body: pluginapi.Drawn("<p>Hello</p>")}, nil
}

// A plugin is a value. Its handlers are methods whose receiver is what the plugin provides.
func ExamplePlugin() {
	hello := pluginapi.Plugin{
		ID:      "hello",
		Config:  pluginapi.ConfigOf(Config{Greeting: "Hello"}),
		Provide: []any{newGreeter},
		Extensions: []pluginapi.Extension{
			pluginapi.Routes.From("greet", pluginapi.Route{Pattern: "GET /{name}"}, (*greeter).greet),
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/hello", Title: "Hello"}, (*greeter).page),
		},
	}
	for _, e := range hello.Extensions {
		fmt.Println(e.Point.PointKind(), e.Name)
	}
	// Output:
	// route greet
	// page page
}

// A badge is what other plugins can add to this plugin's page.
type badge struct {
	Text string `yaml:"text"`
}

type badgeFunc func(ctx context.Context, name string) (bool, error)

// A plugin declares a point in a variable of its api or node layer, lists it under Points, and its constructor receives what others add.
func ExamplePoint() {
	badges := &pluginapi.Point[badge, badgeFunc]{Kind: "badge", Timeout: time.Second}

	type board struct {
		badges []pluginapi.Extended[badge, badgeFunc]
	}
	newBoard := func(all []pluginapi.Extended[badge, badgeFunc]) *board { return &board{all} }

	owner := pluginapi.Plugin{ID: "board", Points: []pluginapi.AnyPoint{badges}, Provide: []any{newBoard}}
	other := pluginapi.Plugin{ID: "other", Extensions: []pluginapi.Extension{
		badges.From("long", badge{Text: "long name"}, func(_ context.Context, name string) (bool, error) { return len(name) > 5, nil }),
	}}
	fmt.Println(owner.ID, "has the point", owner.Points[0].PointKind()+",", other.ID, "adds", other.Extensions[0].Name)
	// Output: board has the point badge, other adds long
}

// The owner of a point calls what was added through its handle, and is told who failed.
func ExampleExtended_Use() {
	badges := &pluginapi.Point[badge, badgeFunc]{Kind: "badge"}
	var long badgeFunc = func(_ context.Context, name string) (bool, error) { return len(name) > 5, nil }
	added := badges.List([]pluginapi.Contribution{{
		ID: "badge:other/long", Plugin: "other", Spec: badge{"long name"},
		Call: func(ctx context.Context, fn func(context.Context, any) error) error { return fn(ctx, long) },
	}})
	for _, b := range added {
		err := b.Use(context.Background(), func(ctx context.Context, applies badgeFunc) error {
			ok, err := applies(ctx, "Proscenium")
			fmt.Println(b.ID, ok)
			return err
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output: badge:other/long true
}

// Errors carry a status and a message for people; the cause is for the log.
func ExampleError_Because() {
	err := fmt.Errorf("load radar: %w", pluginapi.NotFound("there is no radar %q", "2019").Because(errors.New("open /srv/radars/2019.json: no such file")))
	status, name, message := pluginapi.Describe(err)
	fmt.Println(status, name, message)
	fmt.Println(err)
	// Output:
	// 404 NotFoundError there is no radar "2019"
	// load radar: there is no radar "2019": open /srv/radars/2019.json: no such file
}

type places map[pluginapi.RouteRef]string

func (p places) Pattern(ref pluginapi.RouteRef) (string, bool) { path, ok := p[ref]; return path, ok }
func (p places) Asset(plugin, name string) (string, bool)      { return "", false }

// Links are made from refs, so that they follow a page that an app moves.
func ExampleRouteRef_URL() {
	ctx := pluginapi.WithLinks(context.Background(), places{"page:catalog/entity": "/things/{kind}/{name}"})
	entity := pluginapi.RouteRef("page:catalog/entity")
	fmt.Println(entity.URL(ctx, "kind", "component", "name", "a/b", "tab", "docs"))
	fmt.Printf("%q\n", entity.URL(ctx, "kind", "component"))
	fmt.Printf("%q\n", pluginapi.RouteRef("page:nobody/page").URL(ctx))
	// Output:
	// /things/component/a%2Fb?tab=docs
	// ""
	// ""
}

// Several plugins need what belongs to none of them. Each says which keys it wants, in a type of its own.
func ExamplePlugin_shared() {
	type host struct {
		Host  string           `yaml:"host"`
		Token pluginapi.Secret `yaml:"token"`
	}
	type integrations struct {
		GitHub []host `yaml:"github"` // integrations.azure is somebody else's, and no fault
	}
	type stars struct{ hosts []host }
	newStars := func(i integrations) *stars { return &stars{i.GitHub} } // or *pluginapi.Live[integrations]

	plugin := pluginapi.Plugin{
		ID:      "stars",
		Shared:  []*pluginapi.ConfigSection{pluginapi.ConfigOf(integrations{}).At("integrations")},
		Provide: []any{newStars},
	}
	fmt.Println(plugin.ID, "reads", plugin.Shared[0].Key())
	// Output: stars reads integrations
}

// Live configuration follows the files.
func ExampleLive() {
	live, change := pluginapi.NewLive(Config{Greeting: "Hello"})
	fmt.Println(live.Get().Greeting)
	change(Config{Greeting: "Good day"})
	fmt.Println(live.Get().Greeting)
	// Output:
	// Hello
	// Good day
}
