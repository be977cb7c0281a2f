package circleci_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/plugin/circleci"
	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/proxy"
)

// descriptors are a small company that builds at CircleCI, in each of the forms that a slug can have.
const descriptors = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: payments, title: Payments, annotations: {circleci.com/project-slug: github/nordwind/payments}}
spec: {type: service, lifecycle: production, owner: team-payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger, title: Ledger, annotations: {circleci.com/project-slug: gh/nordwind/ledger}}
spec: {type: service, lifecycle: production, owner: team-payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: website, title: Website, annotations: {circleci.com/project-slug: bb/nordwind/website}}
spec: {type: website, lifecycle: production, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: tickets, title: Ticketing, annotations: {circleci.com/project-slug: circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP}}
spec: {type: service, lifecycle: experimental, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: importer, annotations: {circleci.com/project-slug: gh/nordwind/importer}}
spec: {type: service, lifecycle: production, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: typo, annotations: {circleci.com/project-slug: gitlab/nordwind/typo}}
spec: {type: service, lifecycle: production, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: gone, annotations: {circleci.com/project-slug: gh/nordwind/gone}}
spec: {type: service, lifecycle: production, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: plain}
spec: {type: library, lifecycle: production, owner: team-web}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-payments}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-web}
spec: {type: team, children: []}
`

func projects() []circlecifake.Project {
	return []circlecifake.Project{
		{Slug: "gh/nordwind/payments", Failing: true},
		{Slug: "gh/nordwind/ledger", Running: true, Pipelines: 8},
		{Slug: "bb/nordwind/website", OnHold: true, Pipelines: 21},
		{Slug: "circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP", Broken: true, Pipelines: 5},
		{Slug: "gh/nordwind/importer", Empty: true},
	}
}

// setup is a portal with the plugin, and the CircleCI behind it.
type setup struct {
	*plugintest.Portal
	fake   *circlecifake.Server
	target string
}

// options of a setup.
type options struct {
	plugintest.Options
	fake   circlecifake.Options
	config string // further lines of app-config.yaml
	proxy  string // instead of the plugin's own endpoint: the section proxy
}

func start(t testing.TB, o options) *setup {
	t.Helper()
	if o.fake.Projects == nil {
		o.fake.Projects = projects()
	}
	s := &setup{fake: circlecifake.New(o.fake)}
	s.target = serve(t, s.fake)
	file := filepath.Join(t.TempDir(), "catalog-info.yaml")
	if err := os.WriteFile(file, []byte(descriptors), 0o600); err != nil {
		t.Fatal(err)
	}
	if o.Options.Config == "" {
		o.Options.Config = configuration(s.target, file, o)
	}
	s.Portal = plugintest.StartWith(t, o.Options, plugins()...)
	s.Eventually("the catalog has read its file", func() bool {
		return s.Do(http.MethodGet, "/api/catalog/entities/by-name/component/default/gone", nil, nil).Status == http.StatusOK
	})
	return s
}

func configuration(target, file string, o options) string {
	text := fmt.Sprintf(`
catalog:
  rules: [{allow: [Component, Group]}]
  locations: [{type: file, target: %q}]
`, file)
	if o.proxy != "" {
		return text + o.proxy + o.config
	}
	if !strings.Contains(o.config, "circleci:") {
		text += "circleci: {token: " + circlecifake.Token + ", refresh: {running: 1s, settled: 2s}}\n"
	}
	if !strings.Contains(o.config, "app:") {
		text += "app: {title: Nordwind, extensions: [{'proxy-endpoint:circleci/api': {config: {target: '" + target + "/api'}}}]}\n"
	}
	return text + o.config
}

// tab is the address of a component's tab.
func tab(name string, query ...string) string {
	at := "/catalog/default/component/" + name + "/circleci"
	for i, pair := range query {
		at += []string{"?", "&"}[min(i, 1)] + pair
	}
	return at
}

// workflowID reads the id of the workflow that a row of the list of pipelines leads to.
func workflowID(t testing.TB, s *setup, name, row string) string {
	t.Helper()
	links := s.Get(tab(name)).Want(200).Find("#" + row + " a.ui-row-link")
	if len(links) != 1 {
		t.Fatalf("row %s of %s has %d links", row, name, len(links))
	}
	return parameter(t, links[0].Attr("href"), "workflow")
}

// jobNumber reads the number of a job of a workflow.
func jobNumber(t testing.TB, s *setup, name, workflow, job string) string {
	t.Helper()
	for _, link := range s.Get(tab(name, "workflow="+workflow)).Want(200).Find("a.ui-row-link") {
		if link.Text() == job {
			return parameter(t, link.Attr("href"), "job")
		}
	}
	t.Fatalf("workflow %s of %s has no job %s", workflow, name, job)
	return ""
}

func parameter(t testing.TB, address, name string) string {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil || at.Query().Get(name) == "" {
		t.Fatalf("%q has no parameter %s (%v)", address, name, err)
	}
	return at.Query().Get(name)
}

// serve runs a CircleCI until the test ends.
func serve(t testing.TB, fake *circlecifake.Server) string {
	t.Helper()
	server := httptest.NewUnstartedServer(fake)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func plugins() []pluginapi.Plugin {
	return []pluginapi.Plugin{catalog.Plugin(), proxy.Plugin(), circleci.Plugin()}
}

// clock is CircleCI's, which goes on only when the test says so: nothing ends before it was looked at.
type clock struct {
	began   time.Time
	forward atomic.Int64
}

func newClock() *clock { return &clock{began: time.Now()} }

func (c *clock) now() time.Time           { return c.began.Add(time.Duration(c.forward.Load())) }
func (c *clock) advance(by time.Duration) { c.forward.Add(int64(by)) }
