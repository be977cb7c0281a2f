package core_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// page is a page that says text.
func page(path, title, text string) pluginapi.Extension {
	return pluginapi.Pages.From("page", pluginapi.Page{Path: path, Title: title}, func(*http.Request) (pluginapi.View, error) {
		return pluginapi.View{Body: pluginapi.Drawn("<p>" + text + "</p>")}, nil
	})
}

func healthy() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "healthy", Extensions: []pluginapi.Extension{page("/healthy", "Healthy", "all is well")}}
}

func start(hook pluginapi.RunFunc, timeout time.Duration) pluginapi.Extension {
	return pluginapi.Starts.From("start", pluginapi.Start{Timeout: timeout}, hook)
}

// TestRunTimeFaultsStayWithTheirPlugin has one plugin go wrong in every way it can, beside one that is well.
func TestRunTimeFaultsStayWithTheirPlugin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		extensions []pluginapi.Extension
		path       string
		status     int
		says       string // on the page
		logged     string
		mark       string // in the navigation
	}{
		"start fails": {
			extensions: []pluginapi.Extension{page("/ill", "Ill", ""), start(func(context.Context) error { return errors.New("no disk") }, 0)},
			path:       "/ill", status: 503, says: "Plugin ill is degraded", logged: "no disk", mark: "plugin ill is degraded",
		},
		"start panics": {
			extensions: []pluginapi.Extension{page("/ill", "Ill", ""), start(func(context.Context) error { panic("oh no") }, 0)},
			path:       "/ill", status: 503, says: "Plugin ill is degraded", logged: "panicked: oh no", mark: "plugin ill is degraded",
		},
		"page panics": {
			extensions: []pluginapi.Extension{pluginapi.Pages.From("page", pluginapi.Page{Path: "/ill", Title: "Ill"}, func(*http.Request) (pluginapi.View, error) { panic("page broke") })},
			path:       "/ill", status: 500, says: "An internal error occurred", logged: "page:ill/page: panicked: page broke",
		},
		"page fails while it is drawn": {
			extensions: []pluginapi.Extension{pluginapi.Pages.From("page", pluginapi.Page{Path: "/ill", Title: "Ill"}, func(*http.Request) (pluginapi.View, error) {
				return pluginapi.View{Body: pluginapi.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("half a table") })}, nil
			})},
			path: "/ill", status: 500, says: "An internal error occurred", logged: "half a table",
		},
		"page says no": {
			extensions: []pluginapi.Extension{pluginapi.Pages.From("page", pluginapi.Page{Path: "/ill", Title: "Ill"}, func(*http.Request) (pluginapi.View, error) {
				return pluginapi.View{}, pluginapi.NotFound("there is no radar %q", "x").Because(errors.New("hidden cause"))
			})},
			path: "/ill", status: 404, says: `There is no radar "x"`,
		},
		"task panics": {
			extensions: []pluginapi.Extension{page("/ill", "Ill", "fine"), pluginapi.Tasks.From("t", pluginapi.Task{Every: time.Hour}, func(context.Context) error { panic("task broke") })},
			path:       "/ill", status: 200, says: "fine", logged: "task broke",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plugintest.Launch(t, plugintest.Options{}, healthy(), pluginapi.Plugin{ID: "ill", Extensions: test.extensions})
			p.Get("/healthy").Want(200).HasText("p", "all is well")
			r := p.Get(test.path).Want(test.status)
			r.HasText("main", test.says).Lacks("hidden cause").Lacks("goroutine ")
			if test.mark != "" {
				r.Has(`nav [title="` + test.mark + `"]`)
			}
			p.Eventually("the log says "+test.logged, func() bool { return strings.Contains(p.Log(), test.logged) })
			p.Get("/.backstage/health/v1/readiness").Want(200)
		})
	}
}

func TestAStartThatHangsIsStuckAndNotCalledTwice(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	release := make(chan struct{})
	p := plugintest.Launch(t, plugintest.Options{}, healthy(), pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		page("/ill", "Ill", ""),
		start(func(context.Context) error {
			calls.Add(1)
			<-release
			return nil
		}, 50*time.Millisecond),
	}})
	p.Get("/healthy").Want(200)
	p.Get("/ill").Want(503).HasText("main", "Plugin ill is stuck").Has(`nav [title="plugin ill is stuck"]`)
	close(release)
	p.Eventually("it goes on after the call returned", func() bool { return p.Get("/ill").Status == 200 })
	if n := calls.Load(); n != 1 {
		t.Errorf("the start hook was called %d times", n)
	}
}

func TestAPluginThatRecoversServesAgain(t *testing.T) {
	t.Parallel()
	attempts := make(chan struct{}, 10)
	p := plugintest.Launch(t, plugintest.Options{}, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		page("/ill", "Ill", "better now"),
		start(func(context.Context) error {
			attempts <- struct{}{}
			if len(attempts) < 2 {
				return errors.New("not yet")
			}
			return nil
		}, 0),
	}})
	p.Get("/ill").Want(503)
	p.Eventually("it is tried again", func() bool { return p.Get("/ill").Status == 200 })
}

func TestReadinessNeedsWhatTheConfigurationSays(t *testing.T) {
	t.Parallel()
	p := plugintest.Launch(t, plugintest.Options{Config: "backend: {startup: {plugins: {ill: {onPluginBootFailure: abort}}}}"},
		pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{start(func(context.Context) error { return errors.New("no") }, 0)}})
	p.Get("/.backstage/health/v1/liveness").Want(200)
	p.Get("/.backstage/health/v1/readiness").Want(503)
}

func TestRoutesAnswerInOneShape(t *testing.T) {
	t.Parallel()
	secret := pluginapi.Permission{Name: "ill.secret"}
	p := plugintest.StartWith(t, plugintest.Options{Authorizer: denying{}}, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("fails", pluginapi.Route{Pattern: "GET /fails"}, func(http.ResponseWriter, *http.Request) error { return errors.New("password=1234") }),
		pluginapi.Routes.From("panics", pluginapi.Route{Pattern: "GET /panics"}, func(http.ResponseWriter, *http.Request) error { panic("password=1234") }),
		pluginapi.Routes.From("guarded", pluginapi.Route{Pattern: "GET /guarded", Permission: &secret}, func(http.ResponseWriter, *http.Request) error { return nil }),
	}})
	for path, want := range map[string]struct {
		status        int
		name, message string
	}{
		"/api/ill/fails":   {500, "Error", "an internal error occurred"},
		"/api/ill/panics":  {500, "Error", "an internal error occurred"},
		"/api/ill/guarded": {403, "NotAllowedError", "permission ill.secret is denied"},
		"/api/ill/nothing": {404, "NotFoundError", ""},
		"/api/nobody/x":    {404, "NotFoundError", ""},
	} {
		var answer struct {
			Error    struct{ Name, Message string }
			Request  struct{ Method, URL string }
			Response struct{ StatusCode int }
		}
		p.Get(path).Want(want.status).JSON(&answer)
		if answer.Error.Name != want.name || want.message != "" && answer.Error.Message != want.message ||
			answer.Response.StatusCode != want.status || answer.Request.Method != "GET" || answer.Request.URL != path {
			t.Errorf("%s: %+v", path, answer)
		}
	}
}

type denying struct{}

func (denying) Authorize(context.Context, pluginapi.Permission, string) (pluginapi.Decision, error) {
	return pluginapi.Decision{Effect: pluginapi.Deny}, nil
}
