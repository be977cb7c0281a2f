package core_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// until waits for something that a change of the configuration brings about.
func until(t *testing.T, what string, log *lockedBuffer, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s; the log says:\n%s", what, log)
		}
	}
}

type spot struct {
	Title string `yaml:"title"`
}

var spots = &pluginapi.Point[spot, pluginapi.RunFunc]{Kind: "spot"}

type sharedConfig struct {
	A string `yaml:"a"`
}

type ownConfig struct {
	B string `yaml:"b"`
}

func reloadable() []pluginapi.Plugin {
	type config struct {
		Needed string `yaml:"needed"`
	}
	return []pluginapi.Plugin{
		{ID: "first", Extensions: []pluginapi.Extension{page("/first", "First", "one"), pluginapi.Tasks.From("t", pluginapi.Task{Every: time.Hour}, func(context.Context) error { return nil })}},
		{ID: "second", Config: pluginapi.ConfigOf(config{}), Extensions: []pluginapi.Extension{page("/second", "Second", "two")}},
		{ID: "third", Extensions: []pluginapi.Extension{page("/third", "Third", "three")}},
		{ID: "fixed", Config: pluginapi.ConfigOf(config{}), Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(sharedConfig{}).At("many")}, Points: []pluginapi.AnyPoint{spots}, Extensions: []pluginapi.Extension{
			pluginapi.Starts.From("now", pluginapi.Start{}, func(config, sharedConfig, []pluginapi.Extended[spot, pluginapi.RunFunc], context.Context) error {
				return nil
			}),
			pluginapi.Starts.From("settled", pluginapi.Start{}, func(ownConfig, context.Context) error { return nil }).Configured(pluginapi.ConfigOf(ownConfig{})),
			pluginapi.Starts.From("following", pluginapi.Start{}, func(*pluginapi.Live[ownConfig], context.Context) error { return nil }).Configured(pluginapi.ConfigOf(ownConfig{})),
			spots.From("one", spot{}, func(context.Context) error { return nil }),
		}},
	}
}

// TestChangesThatAreRefused changes the configuration of a running portal to what could not start: it is reported, and nothing changes.
func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ change, says string }{
		"pages collide":       {"app: {extensions: [{page:first/page: {config: {path: /second}}}]}", "page:first/page and page:second/page are both at /second"},
		"reserved path":       {"app: {extensions: [{page:first/page: {config: {path: /api/x}}}]}", "pages cannot live below /api"},
		"parameter twice":     {"app: {extensions: [{page:first/page: {config: {path: '/{a}/{a}'}}}]}", "two parameters have the name"},
		"unknown extension":   {"app: {extensions: [page:first/other]}", "no extension page:first/other"},
		"not a list":          {"app: {extensions: page:first/page}", "app.extensions"},
		"unknown key":         {"second: {neded: x}", `did you mean \"needed\"?`},
		"a task without time": {"app: {extensions: [{task:first/t: {config: {every: 0s}}}]}", "every must be a duration above 0"},
		"malformed":           {"app: {", "app-config.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, file, log := options(t, inMemory)
			p := newPortal(t, o, reloadable()...)
			p.Start(t.Context())
			<-p.Settled()
			write(t, file, inMemory+test.change)
			until(t, "it was not reported", log, func() bool { return strings.Contains(log.String(), "last good one stays in force") })
			if !strings.Contains(log.String(), test.says) {
				t.Errorf("the log does not say %q:\n%s", test.says, log)
			}
			for _, path := range []string{"/first", "/second", "/third"} {
				if status, body := get(p, path); status != 200 {
					t.Errorf("%s: status %d\n%s", path, status, body)
				}
			}
		})
	}
}

// TestChangesThatTakeEffectAtTheNextStart changes what a running portal cannot: it says so, and goes on as it was.
func TestChangesThatTakeEffectAtTheNextStart(t *testing.T) {
	t.Parallel()
	const third = "app: {plugins: {third: {enabled: false}}}\n"
	for name, test := range map[string]struct{ before, change, says string }{ // says nothing: all of it has effect
		"a plugin's section":             {"fixed: {needed: x}\n", "fixed: {needed: y}\n", "key=fixed at="},
		"a section that goes":            {"fixed: {needed: x}\n", "", "key=fixed"},
		"a shared section":               {"", "many: {a: x}\n", "key=many at="},
		"an extension's own":             {"", "app: {extensions: [{start:fixed/settled: {config: {b: x}}}]}\n", "extension=start:fixed/settled"},
		"an extension's, live":           {"", "app: {extensions: [start:fixed/now, start:fixed/settled, {start:fixed/following: {config: {b: x}}}]}\n", ""},
		"what is added":                  {"", "app: {extensions: [{spot:fixed/one: false}]}\n", "point=spot"},
		"the same in other words":        {"fixed: {needed: x}\n", "fixed: {'needed': \"x\"}\n", ""},
		"a plugin off":                   {"", "app: {plugins: {first: {enabled: false}}}\n", "app.plugins"},
		"a plugin on":                    {third, "app: {plugins: {third: {enabled: true}}}\n", "app.plugins"},
		"without shell":                  {"", "backend: {unit: {shell: false}, database: {client: better-sqlite3, connection: ':memory:'}}\n", "backend.unit"},
		"a part of the portal that goes": {"", "backend: {}\n", "key=backend.database at="},
		"a task's times":                 {"", "app: {extensions: [{task:first/t: {config: {every: 1m}}}]}\n", "task:first/t"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, file, log := options(t, inMemory+test.before)
			p := newPortal(t, o, reloadable()...)
			p.Start(t.Context())
			<-p.Settled()
			before := map[string]int{}
			for _, path := range []string{"/first", "/second", "/third"} {
				before[path], _ = get(p, path)
			}
			text := inMemory + test.change
			if strings.HasPrefix(test.change, "backend") {
				text = test.change
			}
			write(t, file, text)
			until(t, "it was not applied", log, func() bool { return strings.Contains(log.String(), "changed configuration applied") })
			if strings.Contains(log.String(), "takes effect at the next start") != (test.says != "") || !strings.Contains(log.String(), test.says) {
				t.Errorf("the log does not say what has to wait, and only that:\n%s", log)
			}
			for path, want := range before {
				if status, body := get(p, path); status != want {
					t.Errorf("%s: status %d, want %d\n%s", path, status, want, body)
				}
			}
		})
	}
}

// TestRequestsDuringChanges asks for pages, links and health while the configuration changes again and again, and stops the portal in the middle of a change.
func TestRequestsDuringChanges(t *testing.T) {
	t.Parallel()
	o, file, log := options(t, inMemory)
	p := newPortal(t, o, reloadable()...)
	p.Start(t.Context())
	<-p.Settled()
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for ctx.Err() == nil {
				for _, path := range []string{"/first", "/moved", "/second", "/.backstage/health/v1/plugins"} {
					if status, body := get(p, path); status != 200 && status != 404 {
						t.Errorf("%s: status %d\n%s", path, status, body)
						return
					}
				}
			}
		})
	}
	for _, change := range []string{
		"app: {title: A, extensions: [page:second/page, {page:first/page: {config: {path: /moved}}}]}\n",
		"app: {title: B, extensions: [{page:second/page: false}]}\nsecond: {needed: x}\n",
		"app: {title: C}\n",
	} {
		want := " · " + change[13:14] + "</title>"
		write(t, file, inMemory+change)
		until(t, "a change was not applied", log, func() bool { _, body := get(p, "/third"); return strings.Contains(body, want) })
	}
	cancel()
	asking.Wait()
	write(t, file, inMemory+"app: {title: D}\n")
	stop(t, p)
}

// TestWorkersAndTasksAreSwitchedWhileThePortalRuns switches a worker off and on again, and finds that a task that is off does nothing.
func TestWorkersAndTasksAreSwitchedWhileThePortalRuns(t *testing.T) {
	t.Parallel()
	runs, ends, turns := make(chan struct{}, 100), make(chan error, 100), make(chan struct{})
	o, file, log := options(t, inMemory)
	p := newPortal(t, o, pluginapi.Plugin{ID: "busy", Extensions: []pluginapi.Extension{
		pluginapi.Workers.From("w", pluginapi.Worker{}, func(ctx context.Context) error {
			runs <- struct{}{}
			<-ctx.Done()
			ends <- context.Cause(ctx)
			return ctx.Err()
		}),
		pluginapi.Tasks.From("t", pluginapi.Task{Every: time.Millisecond}, func(ctx context.Context) error {
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
			}
			return nil
		}),
		pluginapi.Routes.From("off", pluginapi.Route{Pattern: "GET /off"}, func(http.ResponseWriter, *http.Request) error { return nil }).SwitchedOff(),
	}})
	p.Start(t.Context())
	<-runs
	<-turns
	if status, _ := get(p, "/api/busy/off"); status != 404 {
		t.Errorf("what is off by default: status %d", status)
	}
	write(t, file, inMemory+"app: {extensions: [{worker:busy/w: false}, {task:busy/t: false}, route:busy/off]}\n")
	if err := <-ends; err == nil || err.Error() != "switched off" {
		t.Errorf("the worker was told %v", err)
	}
	until(t, "the route was not switched on", log, func() bool { status, _ := get(p, "/api/busy/off"); return status == 200 })
	select {
	case <-turns: // one may have begun before
	case <-time.After(500 * time.Millisecond):
	}
	select {
	case <-turns:
		t.Error("the task runs although it is off")
	case <-runs:
		t.Error("the worker runs although it is off")
	case <-time.After(50 * time.Millisecond):
	}
	write(t, file, inMemory)
	<-runs
	<-turns
	if strings.Contains(log.String(), "worker ended") {
		t.Errorf("being switched off looks like a failure:\n%s", log)
	}
}
