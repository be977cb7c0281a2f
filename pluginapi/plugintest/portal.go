package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// patience bounds every wait of the kit.
const patience = time.Minute

// Options are what a test can decide about its portal. The zero value is a portal with databases and cache in memory.
type Options struct {
	// Config is YAML, as in app-config.yaml, on top of what the kit configures.
	Config string

	// Environ is the environment that the configuration sees, as NAME=value. The test's own is not seen.
	Environ []string

	// Authorizer replaces the one that allows everything.
	Authorizer pluginapi.Authorizer

	// Handler wraps the portal; nil serves it as it is.
	Handler func(http.Handler) http.Handler
}

// Policy is an authorizer for tests: it decides by the names of permissions, and allows everything else to everybody who is somebody. Policy{"hello.greet": {}} denies one.
type Policy map[string]pluginapi.Decision

var _ pluginapi.Authorizer = Policy(nil)

// Authorize implements [pluginapi.Authorizer].
func (p Policy) Authorize(ctx context.Context, permission pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	decision, named := p[permission.Name]
	if !named && !pluginapi.PrincipalFrom(ctx).IsZero() {
		decision.Effect = pluginapi.Allow
	}
	return decision, nil
}

// Portal is a running portal of a test. Its methods fail the test when something is not as it should be; they are to be called from the test's goroutine.
type Portal struct {
	// URL is the portal's address, without a trailing slash.
	URL string

	t      testing.TB
	core   *core.Portal
	server *httptest.Server
	client *http.Client
	log    *logBuffer
}

// Postgres returns lines of configuration that have portals keep their data on a real PostgreSQL, in a database of the test's own. Where none is installed the test is skipped, or fails with PROSCENIUM_TEST_REQUIRE=1.
func Postgres(t testing.TB) string {
	t.Helper()
	return "backend: {database: " + postgres(t) + "}\n"
}

func postgres(t testing.TB) string {
	t.Helper()
	s := databasetest.Postgres(t)
	return fmt.Sprintf(`{"client": "pg", "pluginDivisionMode": "schema", "connection": {"host": "127.0.0.1", "port": %d, "user": %q, "database": %q}}`, s.Port, s.User, s.Database(t))
}

// Start runs a portal of these plugins until the test ends, and returns once every plugin runs. One that does not start fails the test.
func Start(t testing.TB, plugins ...pluginapi.Plugin) *Portal {
	t.Helper()
	return StartWith(t, Options{}, plugins...)
}

// StartWith is [Start] with options.
func StartWith(t testing.TB, o Options, plugins ...pluginapi.Plugin) *Portal {
	t.Helper()
	p := Launch(t, o, plugins...)
	if err := p.core.Ready(); err != nil {
		t.Fatalf("the portal is not ready: %v\n%s", err, p.Troubles())
	}
	for _, plugin := range plugins {
		if err := p.core.Available(plugin.ID); err != nil {
			t.Fatalf("plugin %s does not run: %v\n%s", plugin.ID, err, p.Troubles())
		}
	}
	return p
}

// Launch is [StartWith] for plugins that may fail to start: it returns once each runs or has failed its first attempt.
func Launch(t testing.TB, o Options, plugins ...pluginapi.Plugin) *Portal {
	t.Helper()
	log := &logBuffer{}
	portal, err := core.New(o.core(t, log), plugins...)
	if err != nil {
		t.Fatalf("the portal cannot be put together:\n%v", err)
	}
	var handler http.Handler = portal
	if o.Handler != nil {
		handler = o.Handler(portal)
	}
	p := &Portal{t: t, core: portal, log: log, server: httptest.NewServer(handler)}
	p.URL = p.server.URL
	p.client = &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Errorf("stop the portal: %v", err)
		}
	})
	portal.Start(t.Context())
	select {
	case <-portal.Settled():
	case <-time.After(patience):
		t.Fatalf("the plugins have not started after %s\n%s", patience, p.Troubles())
	}
	return p
}

// Faults returns what is wrong with a list of plugins, or their configuration: a line each, as the portal says it before it starts; none when it would start.
func Faults(t testing.TB, o Options, plugins ...pluginapi.Plugin) []string {
	t.Helper()
	portal, err := core.New(o.core(t, &logBuffer{}), plugins...)
	if err != nil {
		return strings.Split(err.Error(), "\n")
	}
	if err := portal.Stop(t.Context()); err != nil {
		t.Errorf("stop the portal: %v", err)
	}
	return nil
}

const defaults = `
app: {title: Test}
backend:
  listen: 127.0.0.1:0
  database: {client: better-sqlite3, connection: ':memory:'}
`

func (o Options) core(t testing.TB, log io.Writer) core.Options {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	options := core.Options{
		ConfigFiles: []string{write("defaults.yaml", defaults)},
		Environ:     append([]string{}, o.Environ...),
		Logger:      slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if o.Config != "" {
		options.ConfigFiles = append(options.ConfigFiles, write("test.yaml", o.Config))
	}
	if o.Authorizer != nil {
		options.Authorizer = func(pluginapi.Authorizer) pluginapi.Authorizer { return o.Authorizer }
	}
	return options
}

// Stop stops the portal before the test ends. A second call does nothing.
func (p *Portal) Stop() error {
	p.server.Close()
	p.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.core.Stop(ctx)
}

// Handler is the portal itself, for tests that bring a server or a recorder of their own.
func (p *Portal) Handler() http.Handler { return p.core }

// Log returns what the portal and its plugins have logged so far.
func (p *Portal) Log() string { return p.log.String() }

// Troubles returns the warnings and errors of the log, a line each.
func (p *Portal) Troubles() string {
	var lines []string
	for line := range strings.Lines(p.Log()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// Eventually waits until something is so that has no other sign, such as what a task or a changed configuration brings about. It stops the test when that takes more than a minute.
func (p *Portal) Eventually(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not within %s: %s\n%s", patience, what, p.Troubles())
		}
	}
}

// Get asks for a path as a browser does: errors of pages are pages.
func (p *Portal) Get(path string) *Response {
	p.t.Helper()
	return p.Do(http.MethodGet, path, http.Header{"Accept": {"text/html,*/*;q=0.8"}}, nil)
}

// Post sends body as JSON: nil sends none, an io.Reader is sent as it is.
func (p *Portal) Post(path string, body any) *Response {
	p.t.Helper()
	return p.Do(http.MethodPost, path, nil, body)
}

// Do sends a request with further headers. The body is as in [Portal.Post]. Redirects are not followed.
func (p *Portal) Do(method, path string, header http.Header, body any) *Response {
	p.t.Helper()
	reader, contentType, err := encode(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+path, reader)
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	res, err := p.client.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: text, t: p.t, troubles: p.Troubles, asked: fmt.Sprintf("%s %s", method, path)}
}

// logBuffer keeps a log while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

// String returns the log.
func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
