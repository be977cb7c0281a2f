package circleci_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// submit sends the form of a page as a browser without JavaScript does.
func submit(t testing.TB, s *setup, page *plugintest.Response, selector string) *plugintest.Response {
	t.Helper()
	forms := page.Find(selector)
	if len(forms) != 1 {
		t.Fatalf("%d forms match %s in\n%s", len(forms), selector, page.Body)
	}
	values := url.Values{}
	for _, input := range page.Find(selector + " input") {
		values.Add(input.Attr("name"), input.Attr("value"))
	}
	return s.Do(http.MethodPost, forms[0].Attr("action"), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"text/html"}}, strings.NewReader(values.Encode()))
}

func reruns(s *setup) (posts int) {
	for _, request := range s.fake.Requests() {
		if request.Method == http.MethodPost {
			posts++
		}
	}
	return posts
}

func TestRerun(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	failed := workflowID(t, s, "payments", "pipeline-45")
	question := s.Get(tab("payments", "workflow="+failed, "rerun=failed")).Want(200).
		Has("dialog[open]").HasText("dialog", "Run build-and-test again?").HasText("dialog", "It is recorded that it was you").Has(`dialog button[form=circleci-rerun-form][type=submit]`).
		Has(`dialog a[href="` + tab("payments", "workflow="+failed) + `"]`)
	if n := reruns(s); n != 0 {
		t.Fatalf("asking the question ran %d workflows", n)
	}
	answer := submit(t, s, question, "#circleci-rerun-form").Want(http.StatusSeeOther)
	to := answer.Header.Get("Location")
	made := parameter(t, to, "workflow")
	if made == failed {
		t.Errorf("it leads to the old workflow")
	}
	s.Get(to).Want(200).HasText(".ui-notice", "build-and-test was started again").HasText("h2", "Running").HasText("table tr", "guest").HasText("table tr", "from the failed jobs on, which made this workflow")
	s.Get(tab("payments", "workflow="+failed)).Want(200).HasText("table tr", "guest from the failed jobs on").HasText("table tr", "Started a new workflow")
	s.Eventually("the list shows the new run", func() bool {
		return strings.Contains(s.Get(tab("payments")).Find("#pipeline-45")[0].Text(), "Running")
	})
	// A form sent twice is one wish.
	twice := submit(t, s, question, "#circleci-rerun-form").Want(http.StatusSeeOther).Header.Get("Location")
	if parameter(t, twice, "workflow") != made || reruns(s) != 1 {
		t.Errorf("sent twice, the form made workflows %s and %s with %d requests", made, parameter(t, twice, "workflow"), reruns(s))
	}
	for _, want := range []string{"a workflow is run again", "actor=user:default/guest", "entity=component:default/payments", "workflow=" + failed, "newWorkflow=" + made} {
		if !strings.Contains(s.Log(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	// What runs cannot be run again.
	s.Get(tab("payments", "workflow="+made)).Want(200).HasNot(`a[href*="rerun="]`)
	s.Get(tab("payments", "workflow="+made, "rerun=all")).Want(200).HasText("dialog", "not possible now").HasNot("#circleci-rerun-form")
}

func TestRerunIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	failed := workflowID(t, s, "payments", "pipeline-45")
	question := s.Get(tab("payments", "workflow="+failed, "rerun=all")).Want(200)
	s.fake.Fail(circlecifake.Fault{Method: http.MethodPost, Status: http.StatusForbidden, Times: 1})
	to := submit(t, s, question, "#circleci-rerun-form").Want(http.StatusSeeOther).Header.Get("Location")
	s.Get(to).Want(200).HasText(".ui-error-panel", "build-and-test was not started again").HasText(".ui-error-panel", "Permission denied").HasText("table tr", "Rejected")

	// CircleCI is asked once at most: a request that timed out may have worked.
	if n := reruns(s); n != 1 {
		t.Errorf("%d requests", n)
	}
	post := func(path, form string) *plugintest.Response {
		return s.Do(http.MethodPost, path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader(form))
	}
	route := "/api/circleci/entities/default/component/payments/workflows/" + failed + "/rerun"
	post(route, "").Want(400)
	post(route, "mode=sideways").Want(400)
	post(route, "mode=all&attempt=../x").Want(400)
	post(strings.Replace(route, failed, "0", 1), "mode=all").Want(404)
	post(strings.Replace(route, "payments", "ledger", 1), "mode=all").Want(404) // another project's
	foreign := s.Do(http.MethodPost, route, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}}, strings.NewReader("mode=all"))
	if foreign.Status != http.StatusForbidden {
		t.Errorf("another site's form: status %d", foreign.Status)
	}
	if n := reruns(s); n != 1 {
		t.Errorf("refused requests reached CircleCI: %d", n-1)
	}
}

func TestRerunNeedsItsPermission(t *testing.T) {
	t.Parallel()
	s := start(t, options{Options: plugintest.Options{Authorizer: plugintest.Policy{"circleci.workflow.rerun": {}}}})
	failed := workflowID(t, s, "payments", "pipeline-45")
	s.Get(tab("payments", "workflow="+failed)).Want(200).HasNot(`a[href*="rerun="]`)
	s.Get(tab("payments", "workflow="+failed, "rerun=all")).Want(200).HasText("dialog", "You may not run workflows again").HasNot("#circleci-rerun-form")
	s.Post("/api/circleci/entities/default/component/payments/workflows/"+failed+"/rerun", nil).Want(403)
}

// TestProxyIsForReading shows what browsers can do with the portal's token, and that they never see it.
func TestProxyIsForReading(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	const api = "/api/proxy/circleci/api"
	pipelines := s.Get(api + "/v2/project/gh/nordwind/payments/pipeline").Want(200)
	var list struct {
		Items []struct{ Number int }
		Next  string `json:"next_page_token"`
	}
	if pipelines.JSON(&list); len(list.Items) != 20 || list.Items[0].Number != 45 || list.Next == "" {
		t.Errorf("through the proxy came %+v", list)
	}
	failed := workflowID(t, s, "payments", "pipeline-45")
	s.Post(api+"/v2/workflow/"+failed+"/rerun", map[string]bool{"from_failed": false}).Want(403)
	if n := reruns(s); n != 0 {
		t.Errorf("%d workflows were run again past the record", n)
	}
	for _, path := range []string{tab("payments"), tab("payments", "workflow="+failed), "/circleci", api + "/v2/me", "/.backstage/config/v1/frontend", api + "/v2/project/gh/nordwind/nothing/pipeline"} {
		answer := s.Get(path).Lacks(circlecifake.Token)
		for _, values := range answer.Header {
			if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, circlecifake.Token) }) {
				t.Errorf("%s: the token is in a header", path)
			}
		}
	}
	if strings.Contains(s.Log(), circlecifake.Token) {
		t.Error("the token is in the log")
	}
	// Requests of pages that come again are answered by the proxy's cache.
	insights := api + "/v2/insights/gh/nordwind/payments/workflows?reporting-window=last-30-days"
	before := len(s.fake.Requests())
	for range 10 {
		s.Get(insights).Want(200)
	}
	asked := 0
	for _, request := range s.fake.Requests()[before:] {
		if strings.Contains(request.Path, "/insights/") {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("10 browsers asked for insights, and CircleCI got %d requests", asked)
	}
}

func TestReadPermission(t *testing.T) {
	t.Parallel()
	s := start(t, options{Options: plugintest.Options{Authorizer: plugintest.Policy{"circleci.api.read": {}}}})
	s.Get("/api/proxy/circleci/api/v2/me").Want(403)
	s.Get(tab("payments")).Want(200).Has("#pipeline-45")
}

// TestConfiguredEndpoint has the endpoint in proxy.endpoints, as configurations made for Backstage do.
func TestConfiguredEndpoint(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]string{"both versions": "", "v1.1 only": "/v1.1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := circlecifake.New(circlecifake.Options{Projects: projects()})
			server := serve(t, fake)
			s := start(t, options{
				proxy:   "proxy: {endpoints: {/circleci/api: {target: '" + server + "/api" + version + "', headers: {Circle-Token: '${CIRCLECI_AUTH_TOKEN}'}}}}\n",
				Options: plugintest.Options{Environ: []string{"CIRCLECI_AUTH_TOKEN=" + circlecifake.Token}},
			})
			page := s.Get(tab("payments")).Want(200)
			if version == "" {
				page.Has("#pipeline-45")
				return
			}
			page.HasText(".ui-error-panel", "The proxy endpoint leads to an older API").HasText(".ui-remedy", "https://circleci.com/api")
		})
	}
}
