package circleci_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/plugin/circleci"
	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/proxy"
)

func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, circleci.Plugin(), catalog.Plugin(), proxy.Plugin())
}

func TestPipelines(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	first := s.Get(tab("payments")).Want(200).
		HasText("#pipeline-45 td", "#45").HasText("#pipeline-45 td", "Failed").HasText("#pipeline-45 .circleci-workflows", "build-and-test").
		HasText("#pipeline-45 td", "main").Has("#pipeline-26").HasNot("#pipeline-25")
	older := first.Find(`.ui-pages a`)
	if len(older) == 0 {
		t.Fatalf("there is no link to older pipelines in\n%s", first.Body)
	}
	second := s.Get(older[len(older)-1].Attr("href")).Want(200).Has("#pipeline-25").Has("#pipeline-6").HasNot("#pipeline-26")
	links := second.Find(`.ui-pages a`)
	third := s.Get(links[len(links)-1].Attr("href")).Want(200).Has("#pipeline-5").Has("#pipeline-1").HasNot("#pipeline-6")
	if back := third.Find(`.ui-pages a`); len(back) != 1 || back[0].Attr("href") != older[len(older)-1].Attr("href") {
		t.Errorf("the last page leads back to %v", back)
	}
	branch := s.Get(tab("payments", "branch=chore%2Flogging")).Want(200)
	for _, row := range branch.Find("tbody tr td:nth-child(4)") {
		if !strings.HasPrefix(row.Text(), "chore/logging") {
			t.Errorf("filtered by chore/logging, a row says %q", row.Text())
		}
	}
	branch.HasText("tbody tr", "chore/logging").HasText(".ui-chip", "chore/logging")
	s.Get(tab("payments", "branch=nobody")).Want(200).HasText("main", "No pipelines on nobody")

	// Each form of slug, and each state of projects.
	s.Get(tab("ledger")).Want(200).HasText("#pipeline-8 .ui-status", "Running").HasText(".circleci-bar", "1 running")
	s.Get(tab("website")).Want(200).HasText("#pipeline-21 .ui-status", "On hold")
	s.Get(tab("tickets")).Want(200).HasText("#pipeline-5 .ui-status", "Configuration error").HasText("#pipeline-5 td", "Unknown variable").HasText("#pipeline-4 td", "main").
		HasText("#pipeline-4 .circleci-workflows", "release")
	s.Get(tab("importer")).Want(200).HasText("main", "Nothing has run yet")
	s.Get(tab("typo")).Want(200).HasText(".ui-error-panel", `"gitlab" in the project slug`).HasText(".ui-error-panel", "catalog-info.yaml")
	s.Get(tab("gone")).Want(200).HasText(".ui-error-panel", "The pipelines of nordwind/gone cannot be found").HasText(".ui-remedy", "circleci.com/project-slug")
	s.Get(tab("plain")).Want(404)
	for _, bad := range []string{"workflow=..%2F..%2Fme", "workflow=x&job=abc", "job=1", "workflow=x&job=-1"} {
		s.Get(tab("payments", bad)).Want(200).HasText(".ui-error-panel", "")
	}
	for _, request := range s.fake.Requests() {
		if request.Token != circlecifake.Token || strings.Contains(request.Path, "..") || strings.Contains(request.Query, "token="+circlecifake.Token) {
			t.Errorf("CircleCI was asked for %s?%s with token %q", request.Path, request.Query, request.Token)
		}
	}
}

func TestWorkflowAndJob(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	failed := workflowID(t, s, "payments", "pipeline-45")
	page := s.Get(tab("payments", "workflow="+failed)).Want(200).
		HasText("h2", "#45 build-and-test").HasText("h2", "Failed").
		HasText("table tr", "unit-tests Failed").HasText("table tr", "package Not run").HasText("table tr", "lint, unit-tests, integration-tests")
	if links := page.Find("a.ui-button"); len(links) != 2 || !strings.Contains(links[0].Attr("href"), "rerun=failed") {
		t.Errorf("a failed workflow has %d buttons", len(links))
	}
	number := jobNumber(t, s, "payments", failed, "unit-tests")
	job := s.Get(tab("payments", "workflow="+failed, "job="+number)).Want(200).
		HasText("h2", "unit-tests").HasText(".circleci-step", "Run unit tests").HasText(".ui-log", "one request sent twice made two payments").
		HasText("ui-refresh", "1 failed, 1 skipped, 22 passed").HasText("table tr", "TestSearchPayments4").HasText("table pre", "request 4711")
	if open := job.Find(".circleci-open"); len(open) != 1 || !strings.Contains(open[0].Text(), "Run unit tests") {
		t.Errorf("%d steps are open", len(open))
	}
	raw := job.Find(".ui-log a.ui-link")[0].Attr("href")
	text := s.Get(raw).Want(200)
	if !strings.Contains(string(text.Body), "Exited with code exit status 1") || !strings.HasPrefix(text.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("the plain text is %q, %.200q", text.Header, text.Body)
	}
	s.Get(tab("payments", "workflow="+failed, "job="+number, "step=none")).Want(200).HasNot(".ui-log")
	s.Get(tab("payments", "workflow="+failed, "job="+number, "step=101.0")).Want(200).HasText(".ui-log", "HEAD is now at").HasNot(".ui-log-lines .ui-warning")
	s.Get(strings.Replace(raw, "/jobs/"+number, "/jobs/999999", 1)).Want(404)

	good := workflowID(t, s, "payments", "pipeline-42")
	s.Get(tab("payments", "workflow="+good)).Want(200).HasText(".circleci-workflows", "release").Has(`a[href*="rerun=all"]`).HasNot(`a[href*="rerun=failed"]`)

	// Another project's workflow does not exist on this entity.
	s.Get(tab("ledger", "workflow="+failed)).Want(200).HasText(".ui-error-panel", "nordwind/ledger has no workflow").HasNot("table")
	s.Get("/api/circleci/entities/default/component/ledger/view?workflow=" + failed).Want(404)
	s.Get(tab("payments", "workflow=00000000-0000-0000-0000-000000000000")).Want(200).HasText(".ui-error-panel", "The workflow cannot be found")
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.Get("/circleci").Want(200).HasText("nav a", "CircleCI").
		HasText("tr", "Payments github/nordwind/payments Failed #45").HasText("tr", "Ledger gh/nordwind/ledger Running").HasText("tr", "Ticketing").
		HasText("tr", "typo gitlab/nordwind/typo Wrong annotation").HasText("tr", "gone gh/nordwind/gone Not known nordwind/gone cannot be found").HasText("tr", "team-payments").HasText(".ui-pages", "7 projects")
	s.Get("/circleci?q=pay").Want(200).HasText("tr", "Payments").HasText(".ui-pages", "1–1 of 1 projects")
	s.Get("/circleci?q=nothing-like-it").Want(200).HasText("main", "Nothing matches")
	s.Get("/circleci?page=2").Want(200)
	s.Get("/circleci?page=x").Want(400)
	s.Get("/api/circleci/overview?q=pay").Want(200).Has("ui-refresh[data-every]").HasText("tr", "Payments").HasNot("h1")
}

// TestLive looks at a pipeline from its start to its end, as an open tab does.
func TestLive(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := start(t, options{fake: circlecifake.Options{Now: clock.now, Projects: []circlecifake.Project{{Slug: "gh/nordwind/ledger", Running: true, Pipelines: 2}}}})
	view := "/api/circleci/entities/default/component/ledger/view"
	s.Get(view).Want(200).HasText("#pipeline-2 .ui-status", "Running").Has(`[data-every="1"]`)
	clock.advance(10 * time.Minute)
	s.Eventually("the pipeline has ended", func() bool { return strings.Contains(string(s.Get(view).Body), `data-say="2 pipelines"`) })
	settled := s.Get(view).Want(200).HasText("#pipeline-2 .ui-status", "Success").Has(`[data-every="2"]`)
	tag := settled.Header.Get("Etag")
	again := s.Do(http.MethodGet, view, http.Header{"If-None-Match": {tag}}, nil)
	if again.Status != http.StatusNotModified && again.Header.Get("Etag") == tag {
		t.Errorf("asked with its tag, the same view came with status %d", again.Status)
	}
}

// TestWhoMayNotSeeTheEntity gets nothing of its project either.
func TestWhoMayNotSeeTheEntity(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.Get("/api/circleci/entities/default/component/nobody/view").Want(404)
	s.Get("/api/circleci/entities/default/component/plain/view").Want(404)
	s.Get("/api/circleci/entities/default/component/nobody/jobs/1/steps/0/0").Want(404)
	s.Post("/api/circleci/entities/default/component/nobody/workflows/x/rerun", nil).Want(404)
}
