package core_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// TestAChangedConfigurationIsFollowed edits the file of a running portal: what is valid applies, what is not is reported and changes nothing.
func TestAChangedConfigurationIsFollowed(t *testing.T) {
	t.Parallel()
	type greetConfig struct {
		Greeting string `yaml:"greeting"`
	}
	plugin := pluginapi.Plugin{
		ID:     "greet",
		Config: pluginapi.ConfigOf(greetConfig{Greeting: "Hello"}),
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/greet", Title: "Greetings"}, func(live *pluginapi.Live[greetConfig]) pluginapi.PageFunc {
				return func(r *http.Request) (pluginapi.View, error) {
					href := pluginapi.RouteRef("page:greet/other").URL(r.Context())
					return pluginapi.View{Body: pluginapi.Drawn("<p>" + live.Get().Greeting + " at [" + href + "]</p>")}, nil
				}
			}),
			pluginapi.Pages.From("other", pluginapi.Page{Path: "/other", Title: "Other"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
		},
	}
	file := filepath.Join(t.TempDir(), "app-config.yaml")
	const base = "backend: {database: {client: better-sqlite3, connection: ':memory:'}, logger: {level: LEVEL}}\n"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.ReplaceAll(base, "LEVEL", "info"))
	log := &lockedBuffer{}
	portal, err := core.New(core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.NewTextHandler(log, nil))}, plugin)
	if err != nil {
		t.Fatal(err)
	}
	portal.Start(t.Context())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := portal.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	<-portal.Settled()
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
		r.Header.Set("Accept", "text/html")
		portal.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	eventually := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s; the log says:\n%s", what, log)
			}
		}
	}
	if _, body := get("/greet"); !strings.Contains(body, "Hello at [/other]") {
		t.Fatalf("before any change: %s", body)
	}

	write(strings.ReplaceAll(base, "LEVEL", "info") + "greet: {greeting: Good day}\napp: {extensions: [{page:greet/other: {config: {path: /moved, title: Moved}}}]}\n")
	eventually("the change was not applied", func() bool {
		_, body := get("/greet")
		status, _ := get("/moved")
		return status == 200 && strings.Contains(body, "Good day at [/moved]") && strings.Index(body, "Moved") < strings.Index(body, ">Greetings<")
	})
	if status, _ := get("/other"); status != 404 {
		t.Errorf("where the page was: status %d", status)
	}

	write(strings.ReplaceAll(base, "LEVEL", "info") + "greet: {greting: Good night}\n")
	eventually("the fault was not reported", func() bool { return strings.Contains(log.String(), "did you mean") })
	if _, body := get("/greet"); !strings.Contains(body, "Good day at [/moved]") {
		t.Errorf("a faulty configuration came into force: %s", body)
	}

	write(strings.ReplaceAll(base, "LEVEL", "info") + "app: {extensions: [{page:greet/other: false}]}\nbackend2: {}\n")
	eventually("the page was not switched off", func() bool { status, _ := get("/moved"); return status == 404 })
	if _, body := get("/greet"); !strings.Contains(body, "Hello at []") || strings.Contains(body, "Moved") {
		t.Errorf("links to a page that is off: %s", body)
	}
}
