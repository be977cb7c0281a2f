package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/proscenium-dev/proscenium/database/databasetest"
	lighthouseservice "github.com/proscenium-dev/proscenium/plugin/lighthouse/service"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// boot runs the showcase with its own configuration, but for addresses and data: nothing has a fixed port, so that tests do not meet each other.
func boot(t *testing.T, auditService string) (portal *plugintest.Portal, outsideURL string) {
	t.Helper()
	server := httptest.NewServer(outside())
	t.Cleanup(server.Close)
	config, err := os.ReadFile("app-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"  baseUrl: http://localhost:7007\n", "",
		"  listen: 127.0.0.1:7007\n", "",
		"connection:\n      directory: data/showcase\n", "connection: ':memory:'\n",
		"http://127.0.0.1:7008", server.URL,
		"http://127.0.0.1:3003", auditService,
	).Replace(string(config))
	for _, fixed := range []string{`:7007\b`, `:7008\b`, `:3003\b`, `data/showcase`} { // a port of the test's own may have the same digits in it
		if regexp.MustCompile(fixed).MatchString(text) {
			t.Fatalf("the test's configuration still has %s", fixed)
		}
	}
	return plugintest.StartWith(t, plugintest.Options{Config: text}, plugins()...), server.URL
}

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

// looker takes pictures of pages in each size and theme, for people: into the folder that SHOWCASE_PICTURES names, or nowhere.
type looker struct {
	*browsertest.Browser
	dir string
}

func look(t *testing.T) *looker {
	t.Helper()
	return &looker{browsertest.Start(t), os.Getenv("SHOWCASE_PICTURES")}
}

func (l *looker) take(name string) {
	l.Helper()
	if l.dir == "" {
		return
	}
	for _, theme := range []string{"light", "dark"} {
		l.Media(map[string]string{"prefers-color-scheme": theme})
		for _, width := range []int64{1440, 390} {
			l.Emulate(width, 900)
			l.Screenshot(filepath.Join(l.dir, fmt.Sprintf("%s-%d-%s.png", name, width, theme)))
		}
	}
	l.Media(nil)
	l.Emulate(1440, 900)
}

// TestClickThrough goes where a visitor goes, by clicks alone.
func TestClickThrough(t *testing.T) {
	t.Parallel()
	portal, _ := boot(t, nobody(t))
	b := look(t)
	wait := func(name, expression string) {
		t.Helper()
		b.Wait(`document.readyState === "complete" && (` + expression + `)`)
		b.WantNoComplaints()
		b.take(name)
	}
	const heading = `document.querySelector("h1")?.textContent.trim() === `

	// From the catalog to what a job of a pipeline wrote.
	b.Open(portal.URL + "/")
	wait("catalog", heading+`"Catalog"`)
	b.Click(`main a[href="/catalog/default/component/booking-service"]`)
	wait("entity", heading+`"booking-service" && document.querySelector("main").textContent.includes("booking-postgresql")`)
	b.Click(`a[href="/catalog/default/component/booking-service/circleci"]`)
	wait("circleci-tab", `document.querySelectorAll("#pipeline-45 .ui-row-link").length === 1`)
	b.Click(`#pipeline-45 .ui-row-link`)
	wait("circleci-workflow", `document.querySelector("h2")?.textContent.includes("#45 build-and-test")`)
	b.Click(`main tbody tr:nth-child(2) a.ui-row-link`) // the one that failed; the log of its faulty step is open
	wait("circleci-job", `document.querySelector(".ui-log")?.textContent.includes("one request sent twice made two")`)

	// From the radar to what is built with a technology.
	b.Click(`nav a[href="/tech-radar"]`)
	wait("radar", `document.querySelectorAll(".tr-blip").length === 41`)
	b.Open(portal.URL + "/tech-radar?entry=rust")
	wait("radar-entry", `document.querySelector("dialog[open]")?.textContent.includes("Lockers and conveyors")`)

	b.Keys(kb.Escape)
	b.Wait(`document.querySelector("dialog[open]") === null`)

	// What is not there says so.
	b.Click(`nav a[href="/lighthouse"]`)
	wait("lighthouse-missing", `document.querySelector(".ui-error-panel")?.textContent.includes("The audit service cannot be reached")`)
	b.Click(`nav a[href="/circleci"]`)
	wait("circleci", `document.querySelectorAll("main tbody tr").length === 10 && !document.querySelector("main").textContent.includes("cannot be found")`)
}

// TestFirstVisit: what a page costs who has never been here, in compressed bytes of HTML, styles, scripts and icons.
func TestFirstVisit(t *testing.T) {
	t.Parallel()
	portal, _ := boot(t, nobody(t))
	b := look(t)
	for _, path := range []string{"/catalog", "/catalog/default/component/booking-service", "/catalog/default/component/booking-service/circleci", "/tech-radar", "/lighthouse", "/circleci"} {
		b.Open(portal.URL + path)
		b.Requests() // returns when the page asks for nothing more
		const bytes = `performance.getEntries().filter((e) => "encodedBodySize" in e).reduce((sum, e) => sum + e.encodedBodySize, 0)`
		const most = 100_000
		size := browsertest.Eval[int](b.Browser, bytes)
		t.Logf("%6d bytes  %s", size, path)
		if size > most || size == 0 {
			t.Errorf("%s: %d bytes, want up to %d", path, size, most)
		}
	}
}

// TestAudit goes from the button to the scores with the real Lighthouse, where it is installed.
func TestAudit(t *testing.T) {
	if testing.Short() {
		t.Skip("audits a website with Lighthouse, which takes half a minute")
	}
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- lighthouseservice.Run(ctx, lighthouseservice.Options{
			Args:   []string{"-port", "0", "-data", t.TempDir(), "-allow-networks", "127.0.0.0/8", "-lighthouse", os.Getenv("LIGHTHOUSE_PATH")},
			Output: io.Discard, Listening: func(at net.Addr) { listening <- at },
		})
	}()
	var at net.Addr
	select {
	case err := <-ended:
		cancel()
		databasetest.Missing(t, "the audit service does not run: "+err.Error()+"; install what it needs: apt-get install nodejs chromium, npm install -g lighthouse@12.8.2, or set LIGHTHOUSE_PATH")
	case at = <-listening:
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the audit service: %v", err)
		}
	})
	portal, outside := boot(t, "http://"+at.String())
	b := look(t)
	b.Open(portal.URL + "/lighthouse/new?url=" + url.QueryEscape(outside+"/business/"))
	b.take("lighthouse-new")
	b.Click("main form button[type=submit]")
	b.Wait(`document.querySelector("iframe.lighthouse-report") !== null`)
	b.Requests() // returns when the report has been fetched
	b.take("lighthouse-audit")
	b.Click(`nav a[href="/lighthouse"]`)
	b.Wait(`document.querySelector("main tbody tr")?.textContent.includes("/business")`)
	b.take("lighthouse")
	b.WantNoComplaints()
}
