package lighthouse_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestInABrowser submits the form as people do, sees the page follow the audit to its end, and the report shown in a frame that cannot reach the portal.
func TestInABrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	fake := &auditor{hold: make(chan struct{})}
	portal := startPortal(t, configured(startService(t, fake, nil)))
	b.Open(portal.URL + "/lighthouse")
	b.Click("main a[href='/lighthouse/new']")
	b.Wait(`location.pathname === "/lighthouse/new" && document.querySelector("input[name=url]") !== null`)
	b.Click("input[name=url]")
	b.Keys("https://slow.example/")
	b.Click("main button[type=submit]")
	b.Wait(`location.pathname.startsWith("/lighthouse/audits/") && document.querySelector("ui-refresh") !== null`)
	b.WantNoComplaints()
	close(fake.hold)
	b.Wait(`document.querySelector("iframe.lighthouse-report") !== null && document.readyState === "complete"`)
	// The report of this test tries to change the portal's title, and tells what came of it.
	said := browsertest.Eval[bool](b, `window.addEventListener("message", e => { window.said = e.origin + " " + e.data; }),
		document.querySelector("iframe").src += "?again", document.querySelector("iframe").contentDocument === null`)
	b.Wait(`window.said !== undefined`)
	if words := browsertest.Eval[string](b, "window.said"); !said || words != "null SecurityError" {
		t.Errorf("the report says %q", words)
	}
	if title := browsertest.Eval[string](b, "document.title"); !strings.HasPrefix(title, "slow.example") {
		t.Errorf("the page's title is %q", title)
	}

	b.Scripts(false)
	b.Open(portal.URL + "/lighthouse")
	if rows := browsertest.Eval[int](b, `document.querySelectorAll("tbody tr").length`); rows != 1 {
		t.Errorf("%d websites without JavaScript", rows)
	}
}

// TestLook writes pictures of the pages to the folder that LIGHTHOUSE_PICTURES names, for people to look at.
func TestLook(t *testing.T) {
	dir := os.Getenv("LIGHTHOUSE_PICTURES")
	if dir == "" {
		t.Skip("set LIGHTHOUSE_PICTURES to a folder for pictures of the pages")
	}
	fake := &auditor{hold: make(chan struct{})}
	defer close(fake.hold)
	portal := startPortal(t, configured(startService(t, fake, func(s *auditservice.Settings) { s.Concurrency = 1 })))
	var last, before string
	for i, site := range []string{"https://docs.example", "https://status.example", "https://www.harbour-timetable.example/departures/today", "https://bad.example", "https://shop.example"} {
		for range i + 1 {
			before, last = last, audited(t, portal, site, "mobile")
		}
	}
	failed := audited(t, portal, "https://bad.example", "mobile")
	desktop := audited(t, portal, "https://shop.example", "desktop")
	running := submit(t, portal, url.Values{"url": {"https://slow.example/checkout"}})
	refused := submit(t, portal, url.Values{"url": {"http://10.0.0.1/"}})
	id := func(page string) string { return strings.TrimPrefix(page, "/lighthouse/audits/") }
	look(t, portal, dir, map[string]string{
		"list": "/lighthouse", "audit": last, "failed": failed, "desktop": desktop, "running": running, "create": "/lighthouse/new", "refused": refused,
		"compare": fmt.Sprintf("/lighthouse/compare?before=%s&after=%s", id(before), id(last)),
		"entity":  "/catalog/default/component/shop", "tab": "/catalog/default/component/shop/lighthouse", "bare": "/catalog/default/component/bare",
	})
	look(t, startPortal(t, ""), dir, map[string]string{"not-configured": "/lighthouse"})
	look(t, startPortal(t, configured("http://127.0.0.1:1")), dir, map[string]string{"unreachable": "/lighthouse", "entity-unreachable": "/catalog/default/component/shop"})
}

// look takes pictures of pages, wide and narrow, light and dark.
func look(t *testing.T, portal *plugintest.Portal, dir string, pages map[string]string) {
	t.Helper()
	b := browsertest.Start(t)
	for _, theme := range []string{"light", "dark"} {
		b.Media(map[string]string{"prefers-color-scheme": theme})
		for size, width := range map[string]int64{"wide": 1440, "narrow": 390} {
			b.Emulate(width, 900)
			for name, path := range pages {
				b.Open(portal.URL + path)
				b.Screenshot(filepath.Join(dir, name+"-"+size+"-"+theme+".png"))
			}
		}
	}
}
