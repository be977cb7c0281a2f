package core_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

const inMemory = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"

// options are those of a portal whose configuration is in a file of its own.
func options(t testing.TB, config string) (o core.Options, file string, log *lockedBuffer) {
	t.Helper()
	log, file = &lockedBuffer{}, filepath.Join(t.TempDir(), "app-config.yaml")
	write(t, file, config)
	return core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.NewTextHandler(log, nil))}, file, log
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func newPortal(t testing.TB, o core.Options, plugins ...pluginapi.Plugin) *core.Portal {
	t.Helper()
	p, err := core.New(o, plugins...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, p) })
	return p
}

func stop(t testing.TB, p *core.Portal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// get asks a portal for a page.
func get(p http.Handler, path string) (status int, body string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
	r.Header.Set("Accept", "text/html")
	p.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestPortalsLeaveNothingBehind must not run beside others.
func TestPortalsLeaveNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	worker := pluginapi.Workers.From("w", pluginapi.Worker{}, func(ctx context.Context) error { <-ctx.Done(); return nil })
	busy := func() pluginapi.Plugin {
		return pluginapi.Plugin{ID: "busy", Extensions: []pluginapi.Extension{page("/busy", "Busy", "x"), worker,
			pluginapi.Tasks.From("t", pluginapi.Task{Every: time.Millisecond}, func(context.Context) error { return nil })}}
	}
	for name, life := range map[string]func(p *core.Portal){
		"never started": func(*core.Portal) {},
		"stopped at once, by two": func(p *core.Portal) {
			p.Start(t.Context())
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { stop(t, p) })
			}
			both.Wait()
		},
		"started after it was stopped": func(p *core.Portal) {
			stop(t, p)
			p.Start(t.Context())
			if status, _ := get(p, "/busy"); status != 503 {
				t.Errorf("status %d", status)
			}
		},
		"started and stopped at the same time": func(p *core.Portal) {
			var both sync.WaitGroup
			both.Go(func() { p.Start(t.Context()) })
			both.Go(func() { stop(t, p) })
			both.Wait()
		},
		"stopped while it serves": func(p *core.Portal) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- p.Serve(ctx, listener) }()
			stop(t, p)
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		},
	} {
		o, _, log := options(t, inMemory)
		p, err := core.New(o, busy())
		if err != nil {
			t.Fatal(err)
		}
		life(p)
		stop(t, p)
		if err := goleak.Find(before); err != nil {
			t.Errorf("%s: %v\n%s", name, err, log)
		}
	}
	o, _, _ := options(t, inMemory)
	if _, err := core.New(o, pluginapi.Plugin{ID: "a", Provide: []any{func() (*int, error) { return nil, io.EOF }}, Extensions: []pluginapi.Extension{start(nil, 0)}}); err == nil {
		t.Error("a portal that cannot be")
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("a portal that was not made: %v", err)
	}
}

// TestPortalsInOneProcessShareNothing runs two portals of the same plugins below two paths of one server.
func TestPortalsInOneProcessShareNothing(t *testing.T) {
	t.Parallel()
	type config struct {
		Text string `yaml:"text"`
	}
	plugin := pluginapi.Plugin{ID: "twin", Config: pluginapi.ConfigOf(config{}), Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/twin", Title: "Twin"}, func(c config, cache pluginapi.Cache) pluginapi.PageFunc {
			return func(r *http.Request) (pluginapi.View, error) {
				before, _ := cache.Get(r.Context(), "text")
				return pluginapi.View{Body: pluginapi.Drawn("<p>[" + string(before) + "]</p>")}, cache.Set(r.Context(), "text", []byte(c.Text), time.Minute)
			}
		}),
	}}
	mux := http.NewServeMux()
	for _, name := range []string{"first", "second"} {
		o, _, _ := options(t, fmt.Sprintf("%stwin: {text: %[2]s}\napp: {title: %[2]s, baseUrl: 'http://localhost/%[2]s'}\n", inMemory, name))
		p := newPortal(t, o, plugin)
		p.Start(t.Context())
		<-p.Settled()
		mux.Handle("/"+name+"/", p)
	}
	for _, name := range []string{"first", "second", "first", "second"} {
		status, body := get(mux, "/"+name+"/twin")
		for _, want := range []string{`href="/` + name + `/twin"`, `href="/` + name + `/assets/`, " · " + name + "</title>", `aria-current="page"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: status %d, no %s in\n%s", name, status, want, body)
			}
		}
	}
	for _, name := range []string{"first", "second"} {
		if _, body := get(mux, "/"+name+"/twin"); !strings.Contains(body, "["+name+"]") {
			t.Errorf("%s has the other's cache:\n%s", name, body)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/"+name+"/", nil))
		if to := w.Header().Get("Location"); to != "/"+name+"/twin" {
			t.Errorf("the root of %s leads to %q", name, to)
		}
	}
}

// TestRunThatIsToldToStopBeforeItListens ends well, as if it had been told later.
func TestRunThatIsToldToStopBeforeItListens(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o, _, _ := options(t, inMemory)
	if err := core.Run(ctx, o, healthy()); err != nil {
		t.Error(err)
	}
}

// TestStopHasAnEnd stops a portal with a request and a worker that heed nothing.
func TestStopHasAnEnd(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	asked := make(chan struct{})
	o, _, _ := options(t, inMemory)
	p, err := core.New(o, pluginapi.Plugin{ID: "deaf", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("r", pluginapi.Route{Pattern: "GET /r"}, func(http.ResponseWriter, *http.Request) error { close(asked); <-hold; return nil }),
		pluginapi.Workers.From("w", pluginapi.Worker{}, func(context.Context) error { <-hold; return nil }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.Start(t.Context())
	<-p.Settled()
	answered := make(chan struct{})
	go func() { defer close(answered); get(p, "/api/deaf/r") }()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = p.Stop(ctx)
	for _, want := range []string{"GET /api/deaf/r", "worker:deaf/w had not returned"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q: %v", want, err)
		}
	}
	close(hold)
	<-answered
}

// TestConstructorsThatAskTooEarly has a constructor use what only a running portal can do.
func TestConstructorsThatAskTooEarly(t *testing.T) {
	t.Parallel()
	point := &pluginapi.Point[struct{}, func()]{Kind: "thing"}
	var early, used error
	o, _, _ := options(t, inMemory)
	newPortal(t, o, pluginapi.Plugin{ID: "early", Points: []pluginapi.AnyPoint{point}, Extensions: []pluginapi.Extension{
		point.From("x", struct{}{}, func() {}),
		pluginapi.Starts.From("s", pluginapi.Start{}, func(self pluginapi.Self, things []pluginapi.Extended[struct{}, func()]) pluginapi.RunFunc {
			early = self.Available()
			used = things[0].Use(context.Background(), func(context.Context, func()) error { return nil })
			return func(context.Context) error { return nil }
		}),
	}})
	for _, err := range []error{early, used} {
		if status, _, message := pluginapi.Describe(err); status != 503 || message != "plugin early is starting" {
			t.Errorf("%v", err)
		}
	}
}
