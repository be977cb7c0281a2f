package circleci_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestFaults shows that each way in which CircleCI can fail has a state that says what, why and what to do, and that it goes by when CircleCI is well again.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault             circlecifake.Fault
		config            string
		what, why, remedy string
		down              bool // the target is gone altogether
		passes            bool // within the test's time
	}{
		"401":       {fault: circlecifake.Fault{Status: 401}, what: "CircleCI does not accept this portal's token", why: "status 401: Invalid token provided", remedy: "makes a new personal API token", passes: true},
		"403":       {fault: circlecifake.Fault{Status: 403}, what: "may not be read", why: "Permission denied", remedy: "needs access to the project", passes: true},
		"404":       {fault: circlecifake.Fault{Status: 404}, what: "The pipelines of nordwind/payments cannot be found", why: "Project not found", remedy: "Check the annotation", passes: true},
		"429":       {fault: circlecifake.Fault{Status: 429, RetryAfter: 2 * time.Second}, what: "CircleCI asks for a pause", why: "Rate limit exceeded", remedy: "Nothing needs to be done", passes: true},
		"500":       {fault: circlecifake.Fault{Status: 500}, what: "could not be read", why: "status 500: Internal Server Error", remedy: "CircleCI's own problem", passes: true},
		"503":       {fault: circlecifake.Fault{Status: 503}, what: "could not be read", why: "status 503", remedy: "CircleCI's own problem"},
		"bad JSON":  {fault: circlecifake.Fault{Garbage: true}, what: "could not be read", why: "not what CircleCI's API promises", remedy: "sign-in page of a web proxy"},
		"cut off":   {fault: circlecifake.Fault{Cut: true}, what: "could not be read", why: "", remedy: ""},
		"silence":   {fault: circlecifake.Fault{Hang: true}, what: "could not be read", why: "did not answer in time", remedy: "busy"},
		"no token":  {config: "circleci: {refresh: {running: 1s, settled: 2s}}\n", what: "This portal is not connected to CircleCI", why: "No CircleCI token is configured", remedy: "circleci.token"},
		"bad token": {config: "circleci: {token: nonsense}\n", what: "CircleCI does not accept this portal's token", why: "You must log in first", remedy: "personal API token"},
		"down":      {down: true, what: "could not be read", why: "cannot be reached", remedy: "firewall"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options{config: test.config}
			if test.down {
				o.proxy = "proxy: {endpoints: {/circleci/api: 'http://127.0.0.1:1'}}\n"
			}
			s := start(t, o)
			if test.fault != (circlecifake.Fault{}) {
				s.fake.Fail(test.fault)
			}
			s.Get(tab("payments")).Want(200).HasText("h1", "Payments").HasText(".ui-error-panel .ui-panel-title", test.what).HasText(".ui-error-panel", test.why).HasText(".ui-remedy", test.remedy).
				HasText(".ui-remedy", "tried again").Lacks(circlecifake.Token)
			s.Get("/circleci").Want(200).HasText("tr", "Payments")
			s.Get("/catalog/default/component/payments").Want(200)
			if test.passes {
				s.fake.Mend()
				s.Eventually("the pipelines are there", func() bool { return len(s.Get(tab("payments")).Want(200).Find("#pipeline-45")) == 1 })
			}
		})
	}
}

// TestStale shows what was read before while CircleCI fails, with its age and the reason.
func TestStale(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.Get(tab("payments")).Want(200).Has("#pipeline-45").HasNot(".ui-notice")
	s.fake.Fail(circlecifake.Fault{Status: 500})
	s.Eventually("the page says that it is old", func() bool { return len(s.Get(tab("payments")).Find(".ui-notice")) == 1 })
	s.Get(tab("payments")).Want(200).Has("#pipeline-45").HasText(".ui-notice", "status 500").HasText(".ui-notice", "What you see is from")
	s.fake.Mend()
	s.Eventually("the page is up to date", func() bool { return len(s.Get(tab("payments")).Find(".ui-notice")) == 0 })
}

// TestRetryAfter shows that nothing at all is asked while CircleCI wants to be left alone, whoever looks at whatever.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.Get(tab("payments")).Want(200).Has("#pipeline-45")
	s.fake.Fail(circlecifake.Fault{Status: http.StatusTooManyRequests, RetryAfter: 10 * time.Minute, Times: 1})
	s.Eventually("CircleCI has said so", func() bool { return strings.Contains(string(s.Get(tab("payments")).Body), "CircleCI asks for a pause") })
	before := len(s.fake.Requests())
	for range 3 {
		s.Get(tab("payments")).Want(200).Has("#pipeline-45")
		s.Get(tab("website")).Want(200).HasText(".ui-error-panel", "CircleCI asks for a pause").HasText(".ui-remedy", "It is tried again at")
		s.Get("/circleci").Want(200).HasText(".ui-notice", "CircleCI asks for a pause")
	}
	after := s.fake.Requests()[before:]
	if len(after) > 4 { // what was under way when the answer came
		t.Errorf("%d requests during the pause: %v", len(after), after)
	}
	health := s.Do(http.MethodGet, "/.backstage/health/v1/readiness", nil, nil)
	if health.Status != http.StatusOK {
		t.Errorf("the portal is not ready because CircleCI wants a pause: %d %s", health.Status, health.Body)
	}
}

// TestLogFaults shows that one part of a page can fail by itself.
func TestLogFaults(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	failed := workflowID(t, s, "payments", "pipeline-45")
	number := jobNumber(t, s, "payments", failed, "unit-tests")
	s.fake.Fail(circlecifake.Fault{Path: "/output/", Status: 500})
	s.fake.Fail(circlecifake.Fault{Path: "/tests", Garbage: true})
	s.Get(tab("payments", "workflow="+failed, "job="+number)).Want(200).HasText(".circleci-step", "Run unit tests").HasText(".circleci-step-body .ui-error-panel", "The output could not be read").
		HasText(".ui-error-panel", "The tests could not be read").HasNot(".ui-log")
	s.Get("/api/circleci/entities/default/component/payments/jobs/" + number + "/steps/103/0").Want(502)
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"circleci: {tokn: x}":                         `circleci.tokn: unknown key; did you mean "token"?`,
		"circleci: {endpoint: circleci/api}":          "path of an endpoint",
		"circleci: {web: app.circleci.com}":           "https://app.circleci.com",
		"circleci: {refresh: {running: 1ms}}":         "at least 1s",
		"circleci: {refresh: {settled: often}}":       "refresh.settled",
		"circleci: {token: '${CIRCLECI_AUTH_TOKEN}'}": "CIRCLECI_AUTH_TOKEN",
	} {
		faults := strings.Join(plugintest.Faults(t, plugintest.Options{Config: text}, plugins()...), "\n")
		if !strings.Contains(faults, says) {
			t.Errorf("%s: %q, want %q", text, faults, says)
		}
	}
	if faults := plugintest.Faults(t, plugintest.Options{}, plugins()[2]); len(faults) == 0 || !strings.Contains(strings.Join(faults, "\n"), "proxynode.Client") {
		t.Errorf("without proxy and catalog: %q", faults)
	}
}
