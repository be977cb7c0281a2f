package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
)

// unit is one process' worth of a split portal, on an address that outlives it.
type unit struct {
	url    string
	config string
	stop   func()
}

const secret = "0123456789abcdef0123456789abcdef"

func address(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// run runs the portal of this example with further configuration.
func run(t *testing.T, at, config string) *unit {
	t.Helper()
	u := &unit{url: "http://" + at, config: filepath.Join(t.TempDir(), "unit.yaml")}
	if err := os.WriteFile(u.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	u.start(t, at)
	return u
}

func (u *unit) start(t *testing.T, at string) {
	t.Helper()
	options := options()
	options.ConfigFiles = []string{"app-config.yaml", u.config}
	options.Environ = []string{`APP_CONFIG_backend_listen="` + at + `"`, `APP_CONFIG_backend_database_connection=":memory:"`}
	options.Logger = slog.New(slog.DiscardHandler)
	portal, err := core.New(options, plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- portal.Serve(ctx, listener) }()
	u.stop = func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("stop a unit: %v", err)
		}
		u.stop = func() {}
	}
	t.Cleanup(func() { u.stop() })
	select {
	case <-portal.Settled():
	case <-time.After(30 * time.Second):
		t.Fatal("the unit's plugins have not started")
	}
}

var (
	client   = &http.Client{Timeout: 20 * time.Second}
	volatile = regexp.MustCompile(`<p class="ui-request-id">.*?</p>|nonce="[^"]*"|<time[^>]*>[^<]*</time>|title="plugin [^"]*"`)
)

// main returns the status of a page, and its main part without what differs from one drawing to the next.
func (u *unit) get(t *testing.T, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(body), "<main")
	if !found {
		return res.StatusCode, string(body)
	}
	text, _, _ = strings.Cut(text, "</main>")
	return res.StatusCode, volatile.ReplaceAllString(text, "")
}

// TestTwoUnitsShowWhatOneProcessShows splits the portal: one unit with the pages' frame and no plugin, one with the plugins. Then it takes the second one away, and brings it back.
func TestTwoUnitsShowWhatOneProcessShows(t *testing.T) {
	t.Parallel()
	whole := run(t, address(t), "")
	backAt, frontAt := address(t), address(t)
	back := run(t, backAt, fmt.Sprintf("backend: {unit: {plugins: [catalog, proxy, hello], shell: false, secret: %s}}", secret))
	front := run(t, frontAt, fmt.Sprintf(`
backend: {unit: {plugins: [], secret: %s}}
discovery: {endpoints: [{target: 'http://%s/api/{{pluginId}}', plugins: ['*']}]}
`, secret, backAt))
	const user = "/catalog/default/user/"
	name := firstUser(t, whole)
	for _, path := range []string{"/catalog?kind=system", "/hello", user + name, "/api/catalog/entities/by-name/user/default/" + name, "/catalog/default/component/nothing-of-that-name"} {
		wantStatus, want := whole.get(t, path)
		status, got := front.get(t, path)
		if strings.HasPrefix(path, "/api/") { // uid and etag are of the one catalog or of the other
			want, got = fmt.Sprint(strings.Contains(want, name)), fmt.Sprint(strings.Contains(got, name))
		}
		if status != wantStatus || got != want {
			t.Errorf("%s: status %d, want %d; the split portal shows\n%s\ninstead of\n%s", path, status, wantStatus, got, want)
		}
	}
	if _, page := front.get(t, user+name); !strings.Contains(page, "greeted 0 times") {
		t.Errorf("the hello plugin's card is not on a user's page:\n%s", page)
	}
	res, err := client.Post(front.url+"/api/hello/"+name, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("POST to a route in the other unit: status %d", res.StatusCode)
	}
	if _, page := front.get(t, "/hello"); !strings.Contains(page, name) {
		t.Errorf("the greeting did not arrive:\n%s", page)
	}

	// Nobody but the portal's own units may use a relay.
	if status, _ := back.get(t, "/.backstage/relay/v1/page:hello/page"); status != http.StatusUnauthorized {
		t.Errorf("a relay without a token: status %d", status)
	}
	if status, _ := back.get(t, "/hello"); status != http.StatusNotFound {
		t.Errorf("a page of a unit without the shell: status %d", status)
	}

	back.stop()
	for _, path := range []string{"/catalog", "/hello", user + name} {
		status, page := front.get(t, path)
		if status != http.StatusServiceUnavailable || !strings.Contains(page, "unreachable") {
			t.Errorf("%s while its unit is away: status %d\n%s", path, status, page)
		}
	}
	if status, _ := front.get(t, "/.backstage/health/v1/readiness"); status != http.StatusOK {
		t.Errorf("readiness of the unit that is left: status %d", status)
	}

	back.start(t, backAt)
	if status, page := front.get(t, user+name); status != http.StatusOK {
		t.Errorf("after the unit came back: status %d\n%s", status, page)
	}
}

func firstUser(t *testing.T, u *unit) string {
	t.Helper()
	_, page := u.get(t, "/catalog?kind=user")
	match := regexp.MustCompile(`/catalog/default/user/([a-z0-9.-]+)`).FindStringSubmatch(page)
	if match == nil {
		t.Fatalf("the example's catalog shows no user:\n%s", page)
	}
	return match[1]
}
