package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
)

// TestLocationsAndEndpointsFollowTheConfiguration edits the configuration of a running portal: a location and a proxy endpoint that are added work, and ones that are taken away are gone.
func TestLocationsAndEndpointsFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"first", "second"} {
		write(name+".yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: "+name+"}\nspec: {type: service, lifecycle: production, owner: team}\n")
	}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "from the target") }))
	t.Cleanup(target.Close)
	configure := func(location, endpoint string) {
		write("app-config.yaml", fmt.Sprintf(`
backend: {database: {client: better-sqlite3, connection: ':memory:'}}
catalog: {locations: [{type: file, target: %s}]}
proxy: {endpoints: {%s: {target: '%s'}}}
`, filepath.Join(dir, location+".yaml"), endpoint, target.URL))
	}
	configure("first", "/one")
	o := options()
	o.ConfigDir, o.Environ, o.Logger = dir, []string{}, slog.New(slog.DiscardHandler)
	portal, err := core.New(o, plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	portal.Start(t.Context())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := portal.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	<-portal.Settled()
	becomes := func(path string, want int) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			w := httptest.NewRecorder()
			portal.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
			if w.Code == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: status %d, want %d", path, w.Code, want)
			}
		}
	}
	const entity = "/api/catalog/entities/by-name/component/default/"
	becomes(entity+"first", 200)
	becomes("/api/proxy/one/x", 200)
	becomes("/api/proxy/two/x", 404)

	configure("second", "/two")
	becomes(entity+"second", 200)
	becomes(entity+"first", 404)
	becomes("/api/proxy/two/x", 200)
	becomes("/api/proxy/one/x", 404)
}
