package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

const unitSecret = "0123456789abcdef0123456789abcdef"

// far is a plugin for another unit than the shell's.
func far(more ...pluginapi.Extension) pluginapi.Plugin {
	return pluginapi.Plugin{ID: "far", Extensions: append([]pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/far/{name...}", Title: "Far"}, func(r *http.Request) (pluginapi.View, error) {
			return pluginapi.View{
				Title: r.PathValue("name"),
				Body:  ui.Link{Text: "itself, " + r.Header.Get("Accept"), Href: pluginapi.RouteRef("page:far/page").URL(r.Context(), "name", "x")},
			}, nil
		}),
	}, more...)}
}

// split runs a plugin in a unit of its own, and returns that unit and the one with the shell, both with further configuration and options.
func split(t *testing.T, back, front plugintest.Options, plugins ...pluginapi.Plugin) (there, here *plugintest.Portal) {
	t.Helper()
	const settings = "\nbackend: {unit: {secret: " + unitSecret + ", "
	back.Config += settings + "plugins: [far], shell: false}}\n"
	there = plugintest.StartWith(t, back, plugins...)
	at := there.URL
	if strings.Contains(front.Config, "/portal") {
		at += "/portal"
	}
	front.Config += settings + "plugins: []}}\ndiscovery: {endpoints: [{target: '" + at + "/api/{{pluginId}}', plugins: ['*']}]}\n"
	return there, plugintest.StartWith(t, front, plugins...)
}

func TestUnitsBelowAPath(t *testing.T) {
	t.Parallel()
	const below = "app: {baseUrl: 'http://localhost/portal'}"
	_, front := split(t, plugintest.Options{Config: below}, plugintest.Options{Config: below}, far())
	page := front.Get("/portal/far/a%2Fb/c?tab=1").Want(200).HasText("h1", "a/b/c").HasText("main a", "text/html").Has(`main a[href="/portal/far/x"]`)
	for _, link := range page.Find("[href]") {
		if href := link.Attr("href"); !strings.HasPrefix(href, "/portal/") && !strings.HasPrefix(href, "#") {
			t.Errorf("a link leads out of the portal: %s", href)
		}
	}
}

func TestTheOtherUnitEnforcesTheRulesOfPagesAndRoutes(t *testing.T) {
	t.Parallel()
	secret := pluginapi.Permission{Name: "far.secret"}
	answer := func(w http.ResponseWriter, r *http.Request) error {
		_, err := fmt.Fprintf(w, "for %q", pluginapi.PrincipalFrom(r.Context()).Ref)
		return err
	}
	plugin := far(
		pluginapi.Pages.From("guarded", pluginapi.Page{Path: "/guarded", Title: "Guarded", Permission: &secret}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
		pluginapi.Routes.From("guarded", pluginapi.Route{Pattern: "GET /guarded", Permission: &secret}, answer),
		pluginapi.Routes.From("open", pluginapi.Route{Pattern: "GET /open"}, answer),
		pluginapi.Routes.From("off", pluginapi.Route{Pattern: "GET /off"}, answer),
	)
	back, front := split(t, plugintest.Options{Authorizer: denying{}, Config: "app: {extensions: [{route:far/off: false}]}"}, plugintest.Options{}, plugin)
	front.Get("/guarded").Want(403).HasText("main", "Permission far.secret is denied")
	front.Get("/api/far/guarded").Want(403)
	if got := string(front.Get("/api/far/open").Want(200).Body); got != `for "user:default/guest"` {
		t.Error(got)
	}
	front.Get("/api/far/off").Want(404)
	for _, id := range []string{"page:far/guarded", "page:far/page", "route:far/open"} {
		if status := back.Get("/.backstage/relay/v1/" + id).Status; status != 401 && status != 403 {
			t.Errorf("%s without a token: status %d", id, status)
		}
	}

	strict, lax := split(t, plugintest.Options{}, plugintest.Options{Authorizer: denying{}}, plugin)
	lax.Get("/guarded").Want(403)
	lax.Get("/api/far/guarded").Want(403)
	lax.Get("/far/x").Want(200).HasNot(`nav a[href="/guarded"]`)
	if strings.Contains(strict.Log(), "relay of page:far/guarded") {
		t.Error("the unit with the shell asked before it knew whether it may")
	}
}

func TestRelayedAnswersAreThoseOfOneProcess(t *testing.T) {
	t.Parallel()
	plugin := far(
		pluginapi.Pages.From("big", pluginapi.Page{Path: "/big", Title: "Big"}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{Body: pluginapi.Drawn("<p>" + strings.Repeat("<i></i>\n", 200_000) + "end</p>")}, nil
		}),
		pluginapi.Pages.From("broken", pluginapi.Page{Path: "/broken", Title: "Broken"}, func(*http.Request) (pluginapi.View, error) { panic("the cause") }),
		pluginapi.Routes.From("error", pluginapi.Route{Pattern: "GET /error"}, func(http.ResponseWriter, *http.Request) error {
			return pluginapi.Conflict("it is taken").Because(errors.New("the reason"))
		}),
		pluginapi.Routes.From("own", pluginapi.Route{Pattern: "GET /own"}, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			w.WriteHeader(http.StatusTeapot)
			_, err := w.Write([]byte(`{"error": {"message": "short and stout"}}`))
			return err
		}),
		pluginapi.Routes.From("half", pluginapi.Route{Pattern: "GET /half"}, func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write(make([]byte, 100_000))
			return errors.New("half of it")
		}),
	)
	whole := plugintest.Start(t, plugin)
	back, front := split(t, plugintest.Options{}, plugintest.Options{}, plugin)
	for _, path := range []string{"/api/far/error", "/api/far/own", "/api/far/nothing"} {
		want, got := whole.Get(path), front.Get(path)
		if got.Status != want.Status || string(got.Body) != string(want.Body) {
			t.Errorf("%s: status %d, %s; want %d, %s", path, got.Status, got.Body, want.Status, want.Body)
		}
		for name := range want.Header {
			if len(got.Header[name]) != len(want.Header[name]) || name != "X-Request-Id" && name != "Date" && got.Header.Get(name) != want.Header.Get(name) {
				t.Errorf("%s: %s is %q, want %q", path, name, got.Header[name], want.Header[name])
			}
		}
	}
	front.Get("/big").Want(200).HasText("main p", "end")
	if r, err := http.Get(front.URL + "/api/far/half"); err == nil {
		if _, err = r.Body.Read(make([]byte, 1)); err == nil && r.ContentLength >= 0 {
			t.Error("half an answer looks like a whole one")
		}
		_ = r.Body.Close()
	}
	r := front.Get("/broken").Want(500)
	for _, want := range []string{"the cause", r.Header.Get("X-Request-Id"), "stack="} {
		if !strings.Contains(back.Log(), want) {
			t.Errorf("the log of the plugin's unit does not say %q:\n%s", want, back.Log())
		}
	}
}

// TestAUnitThatStopsFinishesWhatOthersAsked stops the plugin's unit while a page of it is being made for the other.
func TestAUnitThatStopsFinishesWhatOthersAsked(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	back, front := split(t, plugintest.Options{}, plugintest.Options{}, far(
		pluginapi.Routes.From("slow", pluginapi.Route{Pattern: "GET /slow"}, func(w http.ResponseWriter, r *http.Request) error {
			close(asked)
			select {
			case <-release:
			case <-r.Context().Done():
				return context.Cause(r.Context())
			}
			return json.NewEncoder(w).Encode("done")
		}),
	))
	status := make(chan int, 1)
	go func() {
		r, err := http.Get(front.URL + "/api/far/slow")
		if err != nil {
			status <- 0
			return
		}
		_ = r.Body.Close()
		status <- r.StatusCode
	}()
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- back.Stop() }()
	time.AfterFunc(200*time.Millisecond, func() { close(release) })
	if got := <-status; got != 200 {
		t.Errorf("status %d\n%s", got, back.Log())
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
