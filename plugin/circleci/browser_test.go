package circleci_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestProxyAndNotDirect shows in a browser why there is a proxy: a page of the portal cannot call CircleCI itself, with or without a content security policy, and it can through the proxy, without ever having the token.
func TestProxyAndNotDirect(t *testing.T) {
	t.Parallel()
	open := options{}
	open.config = "backend: {csp: {connect-src: ['*']}}\n" // so that it is the other origin's rules that forbid the call, not the portal's own policy
	for name, o := range map[string]options{"portal's policy": {}, "any address allowed": open} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			b := browsertest.Start(t)
			b.Open(s.URL + tab("payments"))
			b.Wait(`customElements.get("circleci-trends") !== undefined`)
			b.WantNoComplaints()
			b.Requests()

			// The part of the page that asks by itself, through the proxy.
			b.Click(".circleci-trends summary")
			b.Wait(`document.querySelector(".circleci-trends tbody tr")?.textContent.startsWith("build-and-test")`)
			b.WantNoComplaints()
			through := 0
			for _, address := range b.Requests() {
				if strings.Contains(address, "/api/proxy/circleci/api/v2/insights/gh/nordwind/payments/workflows") {
					through++
				}
				if !strings.HasPrefix(address, s.URL) {
					t.Errorf("the page asked %s", address)
				}
			}
			if through != 1 {
				t.Errorf("%d requests through the proxy", through)
			}

			// The same request, as a page would send it without the proxy: even a token would not help.
			path := "/v2/insights/gh/nordwind/payments/workflows?reporting-window=last-30-days"
			try := func(address, header string) string {
				return browsertest.Eval[string](b, fmt.Sprintf(`fetch(%q, {headers: %s}).then(async (answer) => "read " + answer.status + " " + (await answer.json()).items.length, (cause) => cause.name + ": " + cause.message)`, address, header))
			}
			before := len(s.fake.Requests())
			for _, header := range []string{`{}`, `{"Circle-Token": "` + circlecifake.Token + `"}`} {
				if got := try(s.target+"/api"+path, header); !strings.HasPrefix(got, "TypeError") {
					t.Errorf("the direct call with the header %s: %s", header, got)
				}
			}
			complaints := strings.Join(b.Complaints(), "\n")
			want := "violates the following Content Security Policy directive"
			if name == "any address allowed" {
				want = "blocked by CORS policy"
				if len(s.fake.Requests()) == before {
					t.Error("the browser did not even try")
				}
			}
			if !strings.Contains(complaints, want) {
				t.Errorf("the console does not say %q: %s", want, complaints)
			}
			if got := try("/api/proxy/circleci/api"+path, `{}`); got != "read 200 2" {
				t.Errorf("the call through the proxy: %s", got)
			}
			if html := browsertest.Eval[string](b, `document.documentElement.outerHTML + JSON.stringify({...localStorage}) + document.cookie`); strings.Contains(html, circlecifake.Token) {
				t.Error("the token is in the browser")
			}
		})
	}
}

// TestOpenTab looks on as a pipeline runs to its end, a workflow is run again with a click, and CircleCI fails.
func TestOpenTab(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := start(t, options{fake: circlecifake.Options{Now: clock.now, Projects: []circlecifake.Project{{Slug: "gh/nordwind/ledger", Running: true, Pipelines: 3}, {Slug: "gh/nordwind/payments", Failing: true, Pipelines: 3}}}})
	b := browsertest.Start(t)
	b.Open(s.URL + tab("ledger"))
	b.Wait(`document.querySelector("#pipeline-3 .ui-status").textContent === "Running"`)
	clock.advance(10 * time.Minute)
	b.Wait(`document.querySelector("#pipeline-3 .ui-status").textContent === "Success"`)
	b.Wait(`document.querySelector("ui-refresh > [role=status]").textContent === "3 pipelines"`)
	b.WantNoComplaints()

	// To the job by clicks, and through the question.
	b.Open(s.URL + tab("payments"))
	b.Click("#pipeline-3 .ui-row-link")
	b.Wait(`document.querySelector("h2")?.textContent.includes("#3 build-and-test")`)
	b.Click(`a[href*="rerun=failed"]`)
	b.Wait(`document.querySelector("dialog:modal") !== null`)
	b.Click(`dialog button[form]`)
	b.Wait(`document.querySelector(".ui-notice")?.textContent.includes("was started again")`)
	b.Wait(`document.querySelector("h2 .ui-status").textContent === "Running"`)
	clock.advance(10 * time.Minute)
	b.Wait(`document.querySelector("h2 .ui-status").textContent === "Success"`)
	b.WantNoComplaints()

	// The portal goes away and comes back: the page says so, and recovers.
	b.Call("Network.emulateNetworkConditions", map[string]any{"offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
	b.Wait(`document.querySelector("ui-refresh > p:not([role])") !== null`)
	b.Call("Network.emulateNetworkConditions", map[string]any{"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
	b.Wait(`document.querySelector("ui-refresh > p:not([role])") === null`)

	// Without scripts the question is answered, too.
	b.Scripts(false)
	b.Open(s.URL + tab("payments"))
	b.Click("#pipeline-3 .ui-row-link")
	b.Click(`a[href*="rerun=all"]`)
	b.Click(`dialog button[form]`)
	b.Scripts(true)
	b.Wait(`document.querySelector(".ui-notice").textContent.includes("was started again")`)
	if n := reruns(s); n != 2 {
		t.Errorf("CircleCI was asked %d times to run a workflow again, want 2", n)
	}
}
