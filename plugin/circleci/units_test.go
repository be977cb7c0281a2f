package circleci_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// door is an address that is known before the portal behind it exists.
type door struct {
	*httptest.Server
	behind atomic.Pointer[plugintest.Portal]
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if portal := d.behind.Load(); portal != nil {
			portal.Handler().ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(d.Close)
	return d
}

// TestInAUnitOfItsOwn splits the portal in two: one unit with the frame of pages and the catalog, one with CircleCI and the proxy. Together they show what one does.
func TestInAUnitOfItsOwn(t *testing.T) {
	t.Parallel()
	fake := circlecifake.New(circlecifake.Options{Projects: projects()})
	target := serve(t, fake)
	file := filepath.Join(t.TempDir(), "catalog-info.yaml")
	if err := os.WriteFile(file, []byte(descriptors), 0o600); err != nil {
		t.Fatal(err)
	}
	front, back := newDoor(t), newDoor(t)
	list := plugins()
	unit := func(d *door, plugins string, shell bool) *setup {
		config := configuration(target, file, options{}) + fmt.Sprintf(`
backend: {unit: {plugins: %s, shell: %t, secret: 0123456789abcdef0123456789abcdef}}
discovery:
  endpoints:
    - {target: '%s/api/{{pluginId}}', plugins: [catalog]}
    - {target: '%s/api/{{pluginId}}', plugins: [proxy, circleci]}
`, plugins, shell, front.URL, back.URL)
		s := &setup{fake: fake, target: target, Portal: plugintest.Launch(t, plugintest.Options{Config: config}, list...)}
		d.behind.Store(s.Portal)
		return s
	}
	unit(back, "[proxy, circleci]", false)
	s := unit(front, "[catalog]", true)
	s.Eventually("the catalog has read its file", func() bool {
		return s.Do(http.MethodGet, "/api/catalog/entities/by-name/component/default/gone", nil, nil).Status == http.StatusOK
	})
	failed := workflowID(t, s, "payments", "pipeline-45")
	number := jobNumber(t, s, "payments", failed, "unit-tests")
	s.Get(tab("payments", "workflow="+failed, "job="+number)).Want(200).HasText(".ui-log", "one request sent twice")
	s.Get("/circleci").Want(200).HasText("tr", "Payments")
	s.Get("/api/circleci/entities/default/component/payments/view").Want(200).Has("#pipeline-45")
	question := s.Get(tab("payments", "workflow="+failed, "rerun=all")).Want(200)
	to := submit(t, s, question, "#circleci-rerun-form").Want(http.StatusSeeOther).Header.Get("Location")
	s.Get(to).Want(200).HasText(".ui-notice", "was started again").HasText("table tr", "guest")
	s.Get("/api/proxy/circleci/api/v2/me").Want(200)
	for _, icon := range s.Get(tab("payments")).Find("ui-refresh use") {
		if at := icon.Attr("href"); s.Get(at).Status != http.StatusOK {
			t.Fatalf("there is no icon at %s", at)
		}
	}
	for _, style := range s.Get(tab("payments")).Find(".ui-content link") {
		s.Get(style.Attr("href")).Want(200)
	}
}
