package plugintest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// recorder is a test that is expected to fail.
type recorder struct {
	testing.TB
	said   []string
	logged string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Logf(format string, args ...any) { r.logged += fmt.Sprintf(format, args...) + "\n" }

// stopped is what Fatalf throws.
type stopped struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(stopped{})
}

func TestAssertionsCanFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		assert func(*Response)
		says   string
	}{
		"status":   {func(r *Response) { r.Want(404) }, "status 200, want 404"},
		"json":     {func(r *Response) { r.JSON(new(int)) }, "invalid character"},
		"has":      {func(r *Response) { r.Has("table") }, `nothing matches "table"`},
		"has not":  {func(r *Response) { r.HasNot("p") }, `2 elements match "p"; the first says "one two"`},
		"lacks":    {func(r *Response) { r.Lacks("<b>two") }, `it says "<b>two": …<p>one <b>two</b>`},
		"text":     {func(r *Response) { r.HasText("p", "four") }, `none of the 2 elements that match "p" says "four"`},
		"selector": {func(r *Response) { r.Find("p[") }, `selector "p["`},
		"fine": {func(r *Response) {
			r.Want(200).Has("p").HasNot("table").Lacks("four").HasText("p", "one two").HasText("main p", "three")
		}, ""},
	} {
		to := &recorder{}
		func() {
			defer func() {
				if value := recover(); value != nil && value != (stopped{}) {
					panic(value)
				}
			}()
			test.assert(&Response{Status: 200, Body: []byte("<p>one <b>two</b></p><main><p>three</p></main>"), t: to, asked: "GET /x"})
		}()
		if got := strings.Join(to.said, "\n"); !strings.Contains(got, test.says) || (test.says == "") != (got == "") {
			t.Errorf("%s: it says %q, want %q", name, got, test.says)
		}
	}
}

// TestAFailureSaysWhatTheLogSays asks for a page that fails with another status than expected.
func TestAFailureSaysWhatTheLogSays(t *testing.T) {
	t.Parallel()
	p := Start(t, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/ill", Title: "Ill"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, errors.New("out of ink") }),
	}})
	to := &recorder{TB: t}
	r := p.Get("/ill")
	r.t = to
	func() {
		defer func() { _ = recover() }()
		r.Want(200)
	}()
	if got := strings.Join(to.said, "\n"); !strings.Contains(got, "status 500, want 200") || !strings.Contains(got, "It is in the log") || !strings.Contains(got, "out of ink") || strings.Contains(got, "<main") {
		t.Errorf("it says %s", got)
	}
}

func TestElementAttributes(t *testing.T) {
	t.Parallel()
	r := &Response{Body: []byte(`<a href="/x">y</a>`), t: t}
	if a := r.Find("a"); len(a) != 1 || a[0].Attr("href") != "/x" || a[0].Attr("id") != "" {
		t.Errorf("%+v", a)
	}
}

func greeting() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "greeting", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/greeting", Title: "Greeting"}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{Body: pluginapi.Drawn("<p>Hello</p>")}, nil
		}),
		pluginapi.Routes.From("echo", pluginapi.Route{Pattern: "POST /echo"}, func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprint(w, r.Header.Get("Content-Type"))
			return err
		}),
	}}
}

func TestStart(t *testing.T) {
	t.Parallel()
	p := StartWith(t, Options{Config: "app: {extensions: [{page:greeting/page: {config: {path: /moved}}}]}"}, greeting())
	p.Get("/moved").Want(200).HasText("main p", "Hello")
	if body := string(p.Post("/api/greeting/echo", map[string]int{"a": 1}).Want(200).Body); body != "application/json" {
		t.Errorf("content type of a JSON body: %q", body)
	}
	if !strings.Contains(p.Log(), "POST") {
		t.Errorf("the log does not show the request:\n%s", p.Log())
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	if faults := Faults(t, Options{}, greeting()); faults != nil {
		t.Errorf("a plugin that is fine: %q", faults)
	}
	if faults := Faults(t, Options{}, greeting(), greeting()); len(faults) != 1 || !strings.Contains(faults[0], "two plugins have this id") {
		t.Errorf("two of one id: %q", faults)
	}
}

func TestEventuallyAndPolicy(t *testing.T) {
	t.Parallel()
	plugin := greeting()
	plugin.Extensions = append(plugin.Extensions, pluginapi.Routes.From("guarded", pluginapi.Route{Pattern: "GET /guarded", Permission: &pluginapi.Permission{Name: "greeting.read"}}, func(http.ResponseWriter, *http.Request) error { return nil }),
		pluginapi.Routes.From("open", pluginapi.Route{Pattern: "GET /open", Permission: &pluginapi.Permission{Name: "greeting.other"}}, func(http.ResponseWriter, *http.Request) error { return nil }))
	p := StartWith(t, Options{Authorizer: Policy{"greeting.read": {}}}, plugin)
	p.Get("/api/greeting/guarded").Want(403)
	p.Get("/api/greeting/open").Want(200)
	turns := 0
	p.Eventually("the third turn", func() bool { turns++; return turns == 3 })
	if decision, err := (Policy{}).Authorize(t.Context(), pluginapi.Permission{Name: "x"}, ""); err != nil || decision.Effect != pluginapi.Deny {
		t.Errorf("nobody: %v, %v", decision, err)
	}
}
