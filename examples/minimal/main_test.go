package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
)

// boot runs the example as it comes, but for where its data is, and returns a function that asks it for a path.
func boot(t *testing.T, data string, config ...string) (ask func(path string) (int, string), log *strings.Builder, stop func()) {
	t.Helper()
	o := options()
	o.ConfigDir = t.TempDir() // not the folder of the example: it has to work from any
	o.Environ = append([]string{`APP_CONFIG_backend_database_connection_directory="` + data + `"`}, config...)
	log = &strings.Builder{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	portal, err := core.New(o, plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	portal.Start(t.Context())
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := portal.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-portal.Settled():
	case <-time.After(30 * time.Second):
		t.Fatal("the plugins have not started")
	}
	return func(path string) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil)
		r.Header.Set("Accept", "text/html")
		portal.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}, log, stop
}

type entity struct {
	Kind     string
	Metadata struct{ Name, UID string }
}

func TestTheCatalogOfTheExample(t *testing.T) {
	t.Parallel()
	ask, log, stop := boot(t, t.TempDir())
	var all []entity
	status, text := ask("/api/catalog/entities")
	if err := json.Unmarshal([]byte(text), &all); status != http.StatusOK || err != nil {
		t.Fatalf("status %d, %v\n%s", status, err, text)
	}
	if len(all) < 40 {
		t.Errorf("%d entities, want 40 or more", len(all))
	}
	kinds := map[string]bool{}
	for _, e := range all {
		kinds[e.Kind] = true
	}
	for _, kind := range []string{"Component", "API", "Resource", "System", "Domain", "Group", "User", "Location", "Template"} {
		if !kinds[kind] {
			t.Errorf("there is no %s", kind)
		}
	}
	const broken = "catalog/systems/ticketing.yaml:70:17" // where a comment says that it is broken on purpose
	status, page := ask("/catalog")
	if status != http.StatusOK || !strings.Contains(page, broken) {
		t.Errorf("the list, status %d, does not name the broken document at %s\n%s", status, broken, page)
	}
	stop()
	if !strings.Contains(log.String(), broken) {
		t.Errorf("the log does not name the broken document at %s\n%s", broken, log)
	}
}

func TestRestartingKeepsTheData(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	uids := func() map[string]string {
		ask, _, stop := boot(t, data)
		defer stop()
		var all []entity
		_, text := ask("/api/catalog/entities")
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		found := map[string]string{}
		for _, e := range all {
			found[e.Kind+"/"+e.Metadata.Name] = e.Metadata.UID
		}
		return found
	}
	first := uids()
	second := uids()
	if len(first) == 0 || len(first) != len(second) {
		t.Fatalf("%d entities, then %d", len(first), len(second))
	}
	for name, uid := range first {
		if second[name] != uid {
			t.Errorf("%s: uid %s, then %s", name, uid, second[name])
		}
	}
}

// TestMainIsShort keeps the example what it is there to show.
func TestMainIsShort(t *testing.T) {
	t.Parallel()
	for file, most := range map[string]int{"main.go": 40, "hello/hello.go": 120} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			if strings.TrimSpace(line) != "" {
				n++
			}
		}
		if n >= most {
			t.Errorf("%s has %d lines that are not blank, not under %d", file, n, most)
		}
	}
}
