package techradar_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/plugin/techradar"
)

// TestThePageFollows changes what configuration says about the page of a running portal.
func TestThePageFollows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "app-config.yaml")
	write := func(subtitle string) {
		t.Helper()
		text := "backend: {listen: '127.0.0.1:0', database: {client: better-sqlite3, connection: ':memory:'}}\napp: {extensions: [{page:tech-radar: {config: {subtitle: " + subtitle + "}}}]}\n"
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
	}
	write("What we use")
	portal, err := core.New(core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.DiscardHandler)}, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 3)}}}))
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
	says := func(subtitle string) bool {
		w := httptest.NewRecorder()
		portal.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/tech-radar", nil))
		return strings.Contains(w.Body.String(), subtitle)
	}
	if !says("What we use") {
		t.Fatal("the page does not say what configuration says")
	}
	write("What we left")
	for deadline := time.Now().Add(20 * time.Second); !says("What we left"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the page does not say what configuration says now")
		}
	}
}
