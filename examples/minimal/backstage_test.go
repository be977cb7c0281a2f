package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/core"
)

// TestConfigurationWrittenForBackstageBoots uses files of the shapes that Backstage's own tools write: keys of plugins that are not here are told, and stop nothing.
func TestConfigurationWrittenForBackstageBoots(t *testing.T) {
	t.Parallel()
	const dir = "../../core/internal/config/testdata/backstage"
	for name, test := range map[string]struct {
		files   []string
		environ []string
		page    string // where the catalog's list is
		logged  string
	}{
		"a new app":  {[]string{"app-config.yaml"}, nil, "/", "home-page-widget:home/toolkit"},
		"a back end": {[]string{"app-config.bench.yaml"}, []string{"PORTAL_PORT=7107", "CATALOG_ROOT=catalog/catalog-info.yaml"}, "/catalog", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options()
			for _, file := range test.files {
				o.ConfigFiles = append(o.ConfigFiles, filepath.Join(dir, file))
			}
			o.Environ = append([]string{`APP_CONFIG_backend_database={"client":"better-sqlite3","connection":":memory:"}`}, test.environ...)
			log := &strings.Builder{}
			o.Logger = slog.New(slog.NewTextHandler(log, nil))
			portal, err := core.New(o, plugins()...)
			if err != nil {
				t.Fatal(err)
			}
			portal.Start(t.Context())
			<-portal.Settled()
			w := httptest.NewRecorder()
			portal.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+test.page, nil))
			if err := portal.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<h1>Catalog</h1>") {
				t.Errorf("%s: status %d\n%s", test.page, w.Code, w.Body)
			}
			if !strings.Contains(log.String(), test.logged) {
				t.Errorf("the log does not tell of %s:\n%s", test.logged, log)
			}
		})
	}
}
