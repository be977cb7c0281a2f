package lighthouse_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestInAUnitOfItsOwn runs the plugin in a process apart from the shell and the catalog, as far as a test has processes: pages, form, report, card and tab work as in one.
func TestInAUnitOfItsOwn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "entities.yaml")
	if err := os.WriteFile(file, []byte(entities), 0o600); err != nil {
		t.Fatal(err)
	}
	// Each unit has to know the other's address before it starts.
	address := func() (string, *atomic.Pointer[plugintest.Portal]) {
		var portal atomic.Pointer[plugintest.Portal]
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p := portal.Load(); p != nil {
				p.Handler().ServeHTTP(w, r)
				return
			}
			http.Error(w, "starting", http.StatusServiceUnavailable)
		}))
		t.Cleanup(server.Close)
		return server.URL, &portal
	}
	front, frontPortal := address()
	back, backPortal := address()
	config := func(plugins, shell, other, at string) string {
		return "app: {baseUrl: 'http://localhost:7007'}\nbackend: {unit: {plugins: [" + plugins + "], shell: " + shell + ", secret: '" + strings.Repeat("0123456789abcdef", 4) + "'}}\n" +
			"discovery: {endpoints: [{target: '" + at + "/api/{{pluginId}}', plugins: [" + other + "]}]}\n" +
			"catalog: {locations: [{type: file, target: " + file + "}]}\n"
	}
	service := startService(t, &auditor{}, nil)
	shell := plugintest.Launch(t, plugintest.Options{Config: config("catalog", "true", "lighthouse", back)}, catalog.Plugin(), lighthouse.Plugin())
	frontPortal.Store(shell)
	unit := plugintest.Launch(t, plugintest.Options{Config: config("lighthouse", "false", "catalog", front) + configured(service)}, catalog.Plugin(), lighthouse.Plugin())
	backPortal.Store(unit)

	shell.Eventually("the entity is there", func() bool { return shell.Get("/catalog/default/component/shop").Status == http.StatusOK })
	shell.Eventually("the list is there", func() bool { return shell.Get("/lighthouse").Status == http.StatusOK })
	shell.Get("/catalog/default/component/shop").Want(200).HasText("section[aria-label=Lighthouse]", "Not audited yet")
	audit := audited(t, shell, "https://shop.example", "mobile")
	page := shell.Get(audit).Want(200).HasText("dl.ui-facts", "Performance 40").HasText("dd", "guest").HasText("dd a", "shop")
	report := shell.Get(page.Find("iframe.lighthouse-report")[0].Attr("src")).Want(200).HasText("title", "Report")
	if policy := report.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox ") {
		t.Errorf("the report's policy: %s", policy)
	}
	shell.Get("/catalog/default/component/shop").Want(200).HasText("section[aria-label=Lighthouse] dd", "40")
	shell.Get("/catalog/default/component/shop/lighthouse").Want(200).HasText("td", "Mobile")
	shell.Get(submit(t, shell, url.Values{"url": {"http://10.0.0.1/"}})).Want(200).HasText(".ui-field-error", "may not be audited")
	for _, style := range shell.Get("/lighthouse").Want(200).Find("link[href*='lighthouse.css']") {
		shell.Get(style.Attr("href")).Want(200)
	}
}
