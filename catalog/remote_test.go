package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// sourceHost answers like the APIs of a GitHub with the private repository acme/private and a GitLab with g/sub/p, and has open files below /open/ and others below /closed/. Files can change.
type sourceHost struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string // by path in the repository or below the server
	token string            // of the GitHub
	open  atomic.Int64      // connections
}

func newSourceHost(t *testing.T, files map[string]string) *sourceHost {
	t.Helper()
	s := &sourceHost{files: files, token: "gh-hunter2"}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler. What needs a token does not exist without it, as on GitHub.
func (s *sourceHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, allowed := "", false
	gitHub, gitLab := r.Header.Get("Authorization") == "token "+s.token, r.Header.Get("PRIVATE-TOKEN") == "gl-hunter2"
	switch where := r.URL.EscapedPath(); {
	case gitHub && where == "/github/repos/acme/private", gitLab && where == "/gitlab/projects/g%2Fsub%2Fp":
		_, _ = w.Write([]byte(`{"default_branch": "main"}`))
		return
	case gitHub && where == "/github/repos/acme/private/git/trees/main":
		_, _ = fmt.Fprintf(w, `{"sha": "1", "tree": %s}`, s.list(func(file string) bool { return file[0] != '/' && !strings.HasPrefix(file, "gitlab/") }))
		return
	case gitLab && where == "/gitlab/projects/g%2Fsub%2Fp/repository/tree":
		_, _ = w.Write(s.list(func(file string) bool { return strings.HasPrefix(file, "gitlab/") }))
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/github/repos/acme/private/contents/"); ok {
		file, allowed = rest, gitHub && r.URL.Query().Get("ref") == "main"
	} else if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/gitlab/projects/g%2Fsub%2Fp/repository/files/"); ok {
		file, allowed = "gitlab/"+strings.TrimSuffix(rest, "/raw"), gitLab
	} else {
		file, allowed = r.URL.Path, true
	}
	if text, ok := s.files[file]; ok && allowed {
		_, _ = w.Write([]byte(text))
		return
	}
	http.NotFound(w, r)
}

// list lists files as the APIs do.
func (s *sourceHost) list(which func(file string) bool) []byte {
	type item struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	items := []item{}
	for file := range s.files {
		if which(file) {
			name, _ := url.PathUnescape(strings.TrimPrefix(file, "gitlab/"))
			items = append(items, item{name, "blob"})
		}
	}
	text, _ := json.Marshal(items)
	return text
}

func (s *sourceHost) set(file, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[file] = text
}

func component(name string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name + "}\nspec: {type: service, lifecycle: production, owner: sea}\n"
}

// remote is a configuration that reads from a sourceHost; targets are locations of type url.
func (s *sourceHost) remote(targets ...string) string {
	at := strings.TrimPrefix(s.URL, "http://")
	port := at[strings.LastIndex(at, ":"):]
	text := fmt.Sprintf(`
integrations:
  github:
    - {host: ghe.example.com, apiBaseUrl: '%[1]s/github', token: '${GITHUB_TOKEN}'}
    - {token: '${NOT_SET}'}
  gitlab:
    - {host: gitlab.example.com, apiBaseUrl: '%[1]s/gitlab', token: '${GITLAB_TOKEN}'}
  azure:
    - {host: dev.azure.com, token: '${NOT_SET}'}
backend:
  reading:
    allow:
      - {host: '%[2]s', paths: [/open/]}
      - {host: '*.0.0.2%[3]s'}
catalog:
  rules: [{allow: [Component, API, Location]}]
  locations:
`, s.URL, at, port)
	for _, target := range targets {
		text += "    - {type: url, target: '" + target + "'}\n"
	}
	return text
}

// tokens is the environment that goes with it.
func tokens() []string { return []string{"GITHUB_TOKEN=gh-hunter2", "GITLAB_TOKEN=gl-hunter2"} }

const private = "https://ghe.example.com/acme/private/blob/main/"

// TestReadingFromSourceHosts brings entities from private repositories and from a server on the allow-list, and says of all that must not be read why, and what would help.
func TestReadingFromSourceHosts(t *testing.T) {
	t.Parallel()
	s := newSourceHost(t, map[string]string{
		"catalog-info.yaml":            "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {targets: [./shop/catalog-info.yaml, /till.yaml, ./none.yaml]}\n",
		"shop/catalog-info.yaml":       component("shop"),
		"till.yaml":                    component("till"),
		"gitlab/catalog%2Finfo.yaml":   component("gitlab"),
		"/open/plain.yaml":             component("plain"),
		"/closed/closed.yaml":          component("closed"),
		"gitlab/deep%2Fwell%2Fp.yaml":  component("deep"),
		"/github/unknown/catalog.yaml": component("unknown"),
	})
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	p := plugintest.StartWith(t, plugintest.Options{Environ: tokens(), Config: s.remote(
		private+"catalog-info.yaml", "https://gitlab.example.com/g/sub/p/-/blob/main/catalog/info.yaml", s.URL+"/open/plain.yaml",
		s.URL+"/closed/closed.yaml", "https://elsewhere.example.com/x.yaml", "http://127.0.0.2"+port+"/open/plain.yaml", "https://gitlab.example.com/g/sub/q/-/blob/main/x.yaml",
	)}, catalog.Plugin())
	var list []*catalogcommon.Entity
	p.Eventually("what may be read is in the catalog", func() bool {
		p.Get(api + "/entities?filter=kind%3Dcomponent&order=asc:metadata.name").Want(200).JSON(&list)
		return slices.Equal(names(list), []string{"gitlab", "plain", "shop", "till"})
	})
	shop := list[2]
	for annotation, want := range map[string]string{
		catalogcommon.AnnotationLocation:       "url:https://ghe.example.com/acme/private/tree/main/shop/catalog-info.yaml",
		catalogcommon.AnnotationOriginLocation: "url:" + private + "catalog-info.yaml",
		catalogcommon.AnnotationEditURL:        "https://ghe.example.com/acme/private/edit/main/shop/catalog-info.yaml",
		catalogcommon.AnnotationSourceLocation: "url:https://ghe.example.com/acme/private/tree/main/shop/",
	} {
		if got := shop.Annotation(annotation); got != want {
			t.Errorf("%s: %s, want %s", annotation, got, want)
		}
	}
	var problems struct {
		Items []struct {
			EntityRef string
			Error     catalogcommon.ErrorInfo
		}
	}
	wants := []string{
		"Reading from " + s.URL + "/closed/closed.yaml is not allowed; add its host to backend.reading.allow",
		"Reading from https://elsewhere.example.com/x.yaml is not allowed; add its host to backend.reading.allow",
		"127.0.0.2 has the private address 127.0.0.2" + port + ", and the configuration does not name this host",
		"none.yaml, it does not exist, or the token under integrations may not read it",
		"/g/sub/q/-/blob/main/x.yaml, it does not exist, or the token under integrations may not read it",
	}
	p.Eventually("each of the others has its reason", func() bool {
		p.Get(api + "/ingestion/problems").Want(200).JSON(&problems)
		return len(problems.Items) >= len(wants)
	})
	for _, want := range wants {
		if !slices.ContainsFunc(problems.Items, func(item struct {
			EntityRef string
			Error     catalogcommon.ErrorInfo
		}) bool {
			return strings.Contains(item.Error.Message, want)
		}) {
			t.Errorf("no problem says %q: %+v", want, problems.Items)
		}
	}
	p.Get("/catalog-problems").Want(200).HasText("main", "add its host to backend.reading.allow")
	for _, want := range []string{"integrations.github[1].token: the environment variable NOT_SET is not set", "integrations.azure (", `section=backend.reading readers="[plugin catalog]"`} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.Log())
		}
	}
	seen := p.Log()
	for _, path := range []string{
		"/catalog", "/catalog-problems", "/catalog/default/component/shop", "/.backstage/config/v1/frontend", "/.backstage/health/v1/plugins", "/.backstage/metrics",
		api + "/entities", api + "/locations", api + "/ingestion/problems", api + "/entities/unprocessed/failed", api + "/changes", api + "/openapi.json", api + "/ingestion/by-name/component/default/shop",
	} {
		seen += string(p.Get(path).Want(200).Body)
	}
	if strings.Contains(seen, "hunter2") {
		t.Error("a token is shown")
	}
}

// TestPlaceholdersFromSourceHosts puts files beside descriptors into entities. When one cannot be read any more, that entity alone says so, at its place, and stays as it was.
func TestPlaceholdersFromSourceHosts(t *testing.T) {
	t.Parallel()
	const apis = `apiVersion: backstage.io/v1alpha1
kind: API
metadata:
  name: shop
spec:
  type: openapi
  lifecycle: production
  owner: sea
  definition:
    $openapi: ./openapi.yaml
  notes: {$text: ../notes.md}
  limits: {$json: /limits.json}
  people: {$yaml: ./people.yaml}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: events}
spec: {type: asyncapi, lifecycle: production, owner: sea, definition: {$asyncapi: ./asyncapi.yaml}}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: foreign}
spec: {type: openapi, lifecycle: production, owner: sea, definition: {$text: 'https://ghe.example.com/acme/other/blob/main/x.yaml'}}
`
	s := newSourceHost(t, map[string]string{
		"apis/catalog-info.yaml": apis,
		"apis/openapi.yaml":      "openapi: 3.0.0\npaths:\n  /pets: {get: {schema: {$ref: './schemas/pet.yaml#/Pet'}}}\n",
		"apis/schemas/pet.yaml":  "Pet: {type: object, owner: {$ref: '../people.yaml#/owner'}}\n",
		"apis/people.yaml":       "owner: Ada\n",
		"apis/asyncapi.yaml":     "asyncapi: 3.0.0\nchannels: {$ref: schemas/pet.yaml}\n",
		"notes.md":               "# Notes\n",
		"limits.json":            `{"most": 3}`,
	})
	p := plugintest.StartWith(t, plugintest.Options{Environ: tokens(), Config: s.remote(private + "apis/catalog-info.yaml")}, catalog.Plugin())
	var shop, events catalogcommon.Entity
	get := func(name string, into *catalogcommon.Entity) bool {
		*into = catalogcommon.Entity{}
		r := p.Get(api + "/entities/by-name/api/default/" + name)
		return r.Status == http.StatusOK && r.JSON(into) != nil
	}
	p.Eventually("both APIs are in the catalog", func() bool { return get("shop", &shop) && get("events", &events) })
	const bundled = "openapi: 3.0.0\npaths:\n  /pets:\n    get:\n      schema:\n        type: object\n        owner: Ada\n"
	if got := shop.SpecString("definition"); got != bundled {
		t.Errorf("bundled:\n%s", got)
	}
	if got := events.SpecString("definition"); got != "asyncapi: 3.0.0\nchannels:\n  Pet:\n    type: object\n    owner: Ada\n" {
		t.Errorf("bundled:\n%s", got)
	}
	if got := fmt.Sprint(shop.SpecString("notes"), shop.Spec["limits"], shop.Spec["people"]); got != "# Notes\nmap[most:3] map[owner:Ada]" {
		t.Errorf("the other placeholders: %s", got)
	}
	var foreign struct{ Errors []catalogcommon.ErrorInfo }
	p.Eventually("another repository is refused", func() bool {
		p.Get(api + "/ingestion/by-name/api/default/foreign").Want(200).JSON(&foreign)
		return len(foreign.Errors) == 1 && strings.Contains(foreign.Errors[0].Message, "in another repository than")
	})

	s.set("apis/schemas/pet.yaml", "Pet: {$ref: './gone.yaml'}\n")
	s.set("notes.md", "# More\n")
	p.Post(api+"/refresh", map[string]any{"entityRef": "api:default/shop"}).Want(200)
	var problem catalogcommon.ErrorInfo
	p.Eventually("a $ref that leads nowhere is an error of the entity", func() bool {
		get("shop", &shop)
		if shop.Status == nil || len(shop.Status.Items) != 1 {
			return false
		}
		problem = *shop.Status.Items[0].Error
		return true
	})
	for _, want := range []string{"Placeholder $openapi failed to bundle ./openapi.yaml", `$ref "./gone.yaml" in url:https://ghe.example.com/acme/private/tree/main/apis/schemas/pet.yaml`, "it does not exist, or the token"} {
		if !strings.Contains(problem.Message, want) {
			t.Errorf("the error does not say %q: %s", want, problem.Message)
		}
	}
	if at := problem.At; at == nil || at.Line != 9 || at.Pointer != "/spec/definition" || !strings.HasSuffix(at.Source, "/apis/catalog-info.yaml") {
		t.Errorf("the error is at %+v", at)
	}
	if shop.SpecString("definition") != bundled || shop.SpecString("notes") != "# Notes\n" {
		t.Errorf("it did not stay as it was: %+v", shop.Spec)
	}
	if get("events", &events); events.Status != nil {
		t.Errorf("a neighbour has %+v", events.Status)
	}

	s.set("apis/schemas/gone.yaml", "found: true\n")
	p.Post(api+"/refresh", map[string]any{"entityRef": "api:default/shop"}).Want(200)
	p.Eventually("the entity recovers", func() bool { return get("shop", &shop) && shop.Status == nil })
	if got := shop.SpecString("definition") + shop.SpecString("notes"); !strings.Contains(got, "found: true") || !strings.Contains(got, "# More") {
		t.Errorf("recovered: %s", got)
	}
}

// TestStopClosesConnections looks at the other end of what a portal reads from.
func TestStopClosesConnections(t *testing.T) {
	t.Parallel()
	s := newSourceHost(t, map[string]string{"/open/plain.yaml": component("plain")})
	p := plugintest.StartWith(t, plugintest.Options{Environ: tokens(), Config: s.remote(s.URL + "/open/plain.yaml")}, catalog.Plugin())
	p.Get(api + "/entities/by-name/component/default/plain").Want(200)
	if s.open.Load() == 0 {
		t.Fatal("nothing is open, so nothing is shown")
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); s.open.Load() > 0; time.Sleep(5 * time.Millisecond) { // idle connections would stay for half a minute
		if time.Now().After(end) {
			t.Fatalf("%d connections are open", s.open.Load())
		}
	}
}

// TestIntegrationsFollow changes the configuration of a running portal: a new token and a path that is allowed now are used at once.
func TestIntegrationsFollow(t *testing.T) {
	t.Parallel()
	s := newSourceHost(t, map[string]string{"catalog-info.yaml": component("shop"), "/closed/closed.yaml": component("closed")})
	s.token = "gh-changed"
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	text := s.remote(private+"catalog-info.yaml", s.URL+"/closed/closed.yaml")
	files := []string{write("base.yaml", "backend: {listen: '127.0.0.1:0', database: {client: better-sqlite3, connection: ':memory:'}}"), write("more.yaml", text)}
	var log lockedBuffer
	portal, err := core.New(core.Options{ConfigFiles: files, Environ: tokens(), Logger: slog.New(slog.NewTextHandler(&log, nil))}, catalog.Plugin())
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
	get := func(path string) string {
		w := httptest.NewRecorder()
		portal.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
		return w.Body.String()
	}
	eventually := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not so: %s\n%s", what, &log)
			}
		}
	}
	eventually("neither can be read", func() bool {
		problems := get(api + "/ingestion/problems")
		return strings.Contains(problems, "it does not exist, or the token") && strings.Contains(problems, "/closed/closed.yaml is not allowed")
	})
	components := func() string { return get(api + "/entities?filter=kind%3Dcomponent") }
	text = strings.Replace(text, "${GITHUB_TOKEN}", "gh-changed", 1)
	write("more.yaml", text)
	eventually("the repository is read", func() bool { return strings.Contains(components(), `"shop"`) })
	if strings.Contains(components(), `"closed"`) {
		t.Error("what is not allowed is read")
	}
	write("more.yaml", strings.Replace(text, "/open/", "/closed/", 1))
	eventually("what is allowed now is read", func() bool { return strings.Contains(components(), `"closed"`) })
	if strings.Contains(log.String(), "next start") {
		t.Errorf("something waits for the next start:\n%s", &log)
	}
	write("more.yaml", text+"  orphanProviderStrategy: keep\n  processorOptions: {a: {disabled: true}}\n")
	eventually("the log names what has to wait", func() bool {
		return strings.Contains(log.String(), "next start\" plugin=catalog key=catalog.processorOptions") && strings.Contains(log.String(), "key=catalog.orphanProviderStrategy")
	})
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
