package auditservice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	s := start(t, open(t, databasetest.SQLite), &auditor{}, nil)
	s.do("GET", "/_ping", nil).want(200, "OK")
	s.do("GET", "/_health", nil).want(200, `"ok"`)
	s.do("GET", "/v1/websites", nil).want(200, `{"items":[],"total":0,"limit":25,"offset":0}`)

	done := s.audited("https://shop.example/")
	if done.Status != auditapi.Completed || done.TimeCompleted == nil || !strings.Contains(string(done.Report), "requestedUrl") || done.Categories != nil || done.FormFactor != auditapi.Mobile {
		t.Errorf("%+v", done)
	}
	one := "/v1/audits/" + done.ID
	s.do("GET", one, nil, "Accept", "application/json").want(200, `"report":{"requestedUrl"`)
	for _, accept := range []string{"", "*/*", "text/html", "application/json, text/html", "application/json;q=1"} {
		page := s.do("GET", one, nil, "Accept", accept).want(200, "<title>Report</title>")
		if kind, policy := page.header.Get("Content-Type"), page.header.Get("Content-Security-Policy"); !strings.HasPrefix(kind, "text/html") || !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-same-origin") {
			t.Errorf("Accept %q: %s, %s", accept, kind, policy)
		}
	}
	list := decode[auditapi.List[auditapi.Audit]](s.do("GET", "/v1/audits?limit=10&offset=0", nil).want(200, `"limit":10`))
	if len(list.Items) != 1 || *list.Items[0].Categories["performance"].Score != 0.75 || strings.Contains(string(s.do("GET", "/v1/audits", nil).body), "requestedUrl") {
		t.Errorf("%+v", list)
	}
	for _, spelling := range []string{"https://shop.example", "https://shop.example/", "HTTPS://SHOP.example"} {
		site := decode[auditapi.Website](s.do("GET", "/v1/websites/"+url.PathEscape(spelling), nil).want(200, ""))
		if site.LastAudit.ID != done.ID || len(site.Audits) != 1 {
			t.Errorf("%s: %+v", spelling, site)
		}
	}
	s.do("GET", one+"/website", nil).want(200, `"lastAudit":{`)
	if kind := s.do("GET", "/v1/websites/"+url.PathEscape("https://other.example"), nil).want(404, "no audited website found for url").header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("an error is %s", kind)
	}
	s.do("DELETE", one, nil).want(200, `"report":{`)
	for _, method := range []string{"GET", "DELETE"} {
		s.do(method, one, nil, "Accept", "application/json").want(404, "no audit found")
	}
	s.do("GET", one+"/website", nil).want(404, "no audit found")
	s.do("GET", "/v1/audits/not-an-id", nil).want(404, "no audit found")
	s.do("GET", "/v2/audits", nil).want(404, "")
	s.do("GET", "/metrics", nil).want(200, `lighthouse_audits_total{result="completed"} 1`)
}

func TestFailedAudits(t *testing.T) {
	t.Parallel()
	s := start(t, open(t, databasetest.SQLite), &auditor{}, nil)
	bad := s.audited("https://bad.example")
	if bad.Status != auditapi.Failed || bad.Reason != "the page did not answer within 30s" || bad.Report != nil || bad.TimeCompleted == nil {
		t.Errorf("%+v", bad)
	}
	s.do("GET", "/v1/audits/"+bad.ID, nil).want(404, "the page did not answer")
	if answer := s.do("GET", "/v1/audits/"+bad.ID, nil, "Accept", "application/json").want(200, `"FAILED"`); strings.Contains(string(answer.body), "secret detail") {
		t.Errorf("the cause is told: %s", answer.body)
	}
	if broken := s.audited("https://panic.example"); broken.Status != auditapi.Failed || broken.Reason == "" {
		t.Errorf("%+v", broken)
	}
	if after := s.audited("https://good.example"); after.Status != auditapi.Completed {
		t.Errorf("after a panic: %+v", after)
	}
}

func TestRequestsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	fake := &auditor{}
	s := start(t, open(t, databasetest.SQLite), fake, nil)
	options := func(text string) string { return `{"url":"https://a.example","options":` + text + `}` }
	config := func(text string) string { return options(`{"lighthouseConfig":` + text + `}`) }
	for body, want := range map[string]string{
		``:                               "no JSON",
		`{}`:                             "names no url",
		`[]`:                             "not the JSON",
		`{"url":5}`:                      "not the JSON",
		`{"url":"example.com"}`:          "must begin with http",
		`{"url":"file:///etc/passwd"}`:   "must begin with http",
		`{"url":"http://10.0.0.1/"}`:     "private or reserved",
		`{"url":"http://[::1]/"}`:        "this machine's own",
		`{"url":"http://a:b@c.example"}`: "holds a password",
		`{"url":"http://169.254.169.254/latest"}`:              "private or reserved",
		options(`{"chromePath":"/bin/sh"}`):                    "chromePath is not accepted",
		options(`{"upTimeout":1e9}`):                           "upTimeout must be",
		options(`{"upTimeout":"soon"}`):                        "not the JSON",
		config(`[]`):                                           "must be an object",
		config(`{"plugins":["/tmp/evil.js"]}`):                 "lighthouseConfig.plugins is not accepted",
		config(`{"artifacts":[{"id":"A","gatherer":"/tmp"}]}`): "lighthouseConfig.artifacts is not accepted",
		config(`{"extends":"/tmp/evil.js"}`):                   "extends can only be",
		config(`{"settings":{"gatherMode":"/tmp"}}`):           "settings.gatherMode is not accepted",
		config(`{"settings":{"formFactor":"watch"}}`):          "must be mobile or desktop",
		config(`{"settings":7}`):                               "settings must be an object",
	} {
		var sent any = body
		if body == "" {
			sent = nil
		}
		if kind := s.do("POST", "/v1/audits", sent).want(400, want).header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("%s: the error is %s", body, kind)
		}
	}
	s.do("POST", "/v1/audits", `{"url":"https://a.example"}`, "Content-Type", "text/plain").want(400, "no JSON")
	s.do("POST", "/v1/audits", `{"url":"https://a.example/`+strings.Repeat("x", 2<<20)+`"}`).want(400, "longer than a megabyte")
	for _, list := range []string{"audits", "websites"} {
		for _, query := range []string{"limit=x", "offset=x", "limit=-1", "offset=1.5", "limit=NaN", "limit=Infinity"} {
			s.do("GET", "/v1/"+list+"?"+query, nil).want(400, "must be a number")
		}
		s.do("GET", "/v1/"+list+"?limit=&offset=2", nil).want(200, `"limit":0,"offset":2`)
	}
	if len(fake.ran) > 0 {
		t.Errorf("audits ran: %v", fake.ran)
	}
}

func TestConfigurationOfLighthouse(t *testing.T) {
	t.Parallel()
	fake := &auditor{}
	s := start(t, open(t, databasetest.SQLite), fake, nil)
	for i, test := range []struct{ given, factor, want string }{
		{`{}`, "mobile", `{"extends":"lighthouse:default","settings":{}}`},
		{`{"settings":{"formFactor":"desktop","screenEmulation":{"width":800},"emulatedUserAgent":"x"}}`, "desktop", `"screenEmulation":{"width":800}`},
		{`{"extends":"lighthouse:default","settings":{"formFactor":"desktop"}}`, "desktop", `"width":1350`},
		{`{"settings":{"emulatedFormFactor":"desktop"}}`, "desktop", `"formFactor":"desktop"`},
		{`{"settings":{"onlyCategories":["seo"]}}`, "mobile", `"onlyCategories":["seo"]`},
	} {
		audit := decode[auditapi.Audit](s.do("POST", "/v1/audits", `{"url":"https://a.example","options":{"awaitAuditCompleted":true,"upTimeout":1500,"lighthouseConfig":`+test.given+`}}`).want(201, ""))
		if job := fake.ran[i]; audit.FormFactor != test.factor || !strings.Contains(string(job.Config), test.want) || job.UpTimeout.Milliseconds() != 1500 {
			t.Errorf("%s: %s, ran %s within %s", test.given, audit.FormFactor, job.Config, job.UpTimeout)
		}
	}
}

// TestChromePortIsIgnored: clients that send it are right to think that it does no harm; they are told that it does nothing.
func TestChromePortIsIgnored(t *testing.T) {
	t.Parallel()
	s := start(t, open(t, databasetest.SQLite), &auditor{}, nil)
	answer := s.do("POST", "/v1/audits", `{"url":"https://a.example","options":{"chromePort":9222,"chromePath":null}}`).want(201, `"RUNNING"`)
	if said := answer.header.Get("Lighthouse-Ignored"); !strings.Contains(said, "chromePort") {
		t.Errorf("it says %q", said)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := start(t, open(t, databasetest.SQLite), &auditor{}, func(s *auditservice.Settings) { s.Token = "secret" })
	for _, path := range []string{"/v1/audits", "/v1/websites", "/v1/audits/x", "/v1/websites/x"} {
		s.do("GET", path, nil).want(401, "token")
		s.do("GET", path, nil, "Authorization", "Bearer wrong").want(401, "token")
		s.do("GET", path, nil, "Authorization", "Basic secret").want(401, "token")
	}
	s.do("POST", "/v1/audits", `{"url":"https://a.example"}`).want(401, "token")
	s.do("DELETE", "/v1/audits/x", nil).want(401, "token")
	s.do("GET", "/v1/audits", nil, "Authorization", "Bearer secret").want(200, "")
	s.do("GET", "/v1/audits", nil, "Authorization", "bearer secret").want(200, "")
	s.do("GET", "/_ping", nil).want(200, "OK")
	s.do("GET", "/metrics", nil).want(200, "lighthouse_queue")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.SQLite)
	closed := start(t, d, &auditor{}, nil)
	if origin := closed.do("GET", "/v1/audits", nil, "Origin", "https://portal.example").header.Get("Access-Control-Allow-Origin"); origin != "" {
		t.Errorf("without the setting: %q", origin)
	}
	closed.stop()
	s := start(t, d, &auditor{}, func(s *auditservice.Settings) { s.CORS, s.Token = true, "secret" })
	if origin := s.do("GET", "/v1/audits", nil, "Origin", "https://portal.example").want(http.StatusUnauthorized, "").header.Get("Access-Control-Allow-Origin"); origin != "*" {
		t.Errorf("Access-Control-Allow-Origin %q", origin)
	}
	asked := s.do("OPTIONS", "/v1/audits", nil, "Origin", "https://portal.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type").want(204, "")
	if got := asked.header.Get("Access-Control-Allow-Headers"); got != "authorization,content-type" {
		t.Errorf("Access-Control-Allow-Headers %q", got)
	}
}
