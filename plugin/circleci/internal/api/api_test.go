package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"seconds", http.Header{"Retry-After": {"42"}}, 42 * time.Second},
		{"a date", http.Header{"Retry-After": {"Sun, 22 Nov 2026 12:01:30 GMT"}}, 90 * time.Second},
		{"a date that is past", http.Header{"Retry-After": {"Sun, 22 Nov 2026 11:00:00 GMT"}}, 0},
		{"for ever", http.Header{"Retry-After": {"1e300"}}, maxWait},
		{"too long", http.Header{"Retry-After": {"Mon, 22 Nov 2027 12:00:00 GMT"}}, maxWait},
		{"below zero", http.Header{"Retry-After": {"-5"}}, 0},
		{"nonsense", http.Header{"Retry-After": {"soon"}}, 0},
		{"not a number", http.Header{"Retry-After": {"NaN"}}, 0},
		{"nothing", nil, 0},
		{"the limit's own header", http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"7"}}, 7 * time.Second},
		{"a limit that is not reached", http.Header{"X-Ratelimit-Remaining": {"5"}, "X-Ratelimit-Reset": {"7"}}, 0},
	} {
		if got := retryAfter(test.header, now); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Kind{
		301: Unreadable, 400: Refused, 401: Unauthorized, 403: NotAllowed, 404: NotFound, 408: TimedOut, 409: Refused, 422: Refused, 429: RateLimited, 500: Broken, 502: Broken, 503: Broken, 504: TimedOut,
	} {
		if got := faultOf(&http.Response{StatusCode: status}, "", time.Now()); got.Kind != want {
			t.Errorf("status %d is %q, want %q", status, got.Kind, want)
		}
	}
	for _, test := range []struct {
		err  error
		want Kind
	}{
		{NoToken(), NotConfigured},
		{pluginapi.NotFound("there is no proxy endpoint"), NotConfigured},
		{pluginapi.NotAllowed("no"), NotAllowed},
		{pluginapi.Unauthenticated("sign in first"), NotAllowed},
		{&pluginapi.UnavailableError{Plugin: "proxy", State: "starting"}, Unreachable},
		{&pluginapi.Error{Status: 504, Name: "TargetTimeoutError", Message: "did not answer"}, TimedOut},
		{&pluginapi.Error{Status: 504, Name: "TargetUnreachableError", Message: "refused"}, Unreachable},
		{&pluginapi.Error{Status: 502, Name: "TargetUntrustedError", Message: "certificate"}, Unreachable},
		{&pluginapi.Error{Status: 502, Name: "TargetResponseError", Message: "no HTTP"}, Unreadable},
		{&pluginapi.Error{Status: 429, Name: "TooManyRequestsError", Message: "slow"}, RateLimited},
		{errors.New("secret detail"), Unknown},
	} {
		got := AsFault(test.err)
		if got.Kind != test.want {
			t.Errorf("%v is %q, want %q", test.err, got.Kind, test.want)
		}
		if strings.Contains(got.Message, "secret detail") {
			t.Error("people read what is for the log")
		}
		text, err := json.Marshal(got)
		var back Fault
		if err != nil || json.Unmarshal(text, &back) != nil || back != *got {
			t.Errorf("%+v became %s, %+v", got, text, back)
		}
	}
	if AsFault(nil) != nil {
		t.Error("nothing is a fault")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	if got := tail([]byte("short\n")); got.Text != "short\n" || got.Omitted != 0 {
		t.Errorf("%+v", got)
	}
	line := strings.Repeat("x", 99) + "\n"
	long := tail([]byte(strings.Repeat(line, 5000)))
	if kept := strings.Count(long.Text, "\n"); kept+long.Omitted != 5000 || len(long.Text) > maxOutput || len(long.Text)%100 != 0 {
		t.Errorf("%d lines kept, %d left out, %d bytes", kept, long.Omitted, len(long.Text))
	}
	if got := tail([]byte(strings.Repeat("x", maxOutput+10))); len(got.Text) != maxOutput {
		t.Errorf("one endless line: %d bytes", len(got.Text))
	}
}

// TestAnswers reads what the API can answer for a project with a repository and one with ids only, nulls included.
func TestAnswers(t *testing.T) {
	t.Parallel()
	var list List[Pipeline]
	decode(t, `{"next_page_token": null, "items": [
		{"id": "1", "number": 7, "state": "created", "errors": [], "created_at": "2026-11-22T12:00:00.123Z", "trigger": {"type": "webhook", "actor": {"login": "anouk", "avatar_url": null}},
		 "vcs": {"target_repository_url": "https://github.com/acme/shop", "branch": "main", "revision": "0123456789abcdef", "commit": {"subject": "Fix it", "body": null}}},
		{"id": "2", "number": 8, "state": "created", "errors": [], "created_at": "2026-11-22T12:00:00Z", "trigger": {"type": "webhook", "actor": {"login": "", "avatar_url": null}},
		 "trigger_parameters": {"gitlab": {"branch": "feature", "checkout_sha": "fedcba9876543210", "user_username": "bo", "web_url": "https://gitlab.com/acme/shop"}, "git": {"commit_message": "Add it\n\nLong story"}}},
		{"id": "3", "number": 9, "state": "errored", "errors": [{"type": "config", "message": "no"}], "created_at": "2026-11-22T12:00:00Z", "trigger": {"type": "scheduled_pipeline", "actor": {}}, "vcs": null, "trigger_parameters": null}]}`, &list)
	want := []Commit{
		{Branch: "main", Revision: "0123456789abcdef", Subject: "Fix it", By: "anouk", URL: "https://github.com/acme/shop/commit/0123456789abcdef"},
		{Branch: "feature", Revision: "fedcba9876543210", Subject: "Add it", By: "bo", URL: "https://gitlab.com/acme/shop/-/commit/fedcba9876543210"},
		{},
	}
	for i, p := range list.Items {
		if got := p.Commit(); got != want[i] {
			t.Errorf("pipeline %d: %+v, want %+v", i, got, want[i])
		}
	}
	if list.Next != "" || want[0].Short() != "0123456" || want[2].Short() != "" {
		t.Error("token or short revision")
	}
	var tests List[Test]
	decode(t, `{"items": [{"name": "a", "run_time": 1.5, "message": null, "result": "success"}, {"name": "b", "run_time": "0.25", "result": "failure", "message": "m"}, {"name": "c", "run_time": null}, {"name": "d", "run_time": "fast"}]}`, &tests)
	if len(tests.Items) != 4 || tests.Items[0].Seconds() != 1.5 || tests.Items[1].Seconds() != 0.25 || tests.Items[3].Seconds() != 0 {
		t.Errorf("%+v", tests.Items)
	}
	var b build
	decode(t, `{"steps": [{"name": "Test", "actions": [{"step": 103, "index": 1, "status": "failed", "exit_code": 1, "has_output": true, "bash_command": null, "start_time": "2026-11-22T12:00:00.000Z", "end_time": null, "run_time_millis": null, "allocation_id": "a-0-build/1"}]}]}`, &b)
	if a := b.Steps[0].Actions[0]; a.Step != 103 || a.Node != 1 || *a.ExitCode != 1 || !a.EndTime.IsZero() || a.AllocationID != "a-0-build/1" {
		t.Errorf("%+v", a)
	}
}

func decode(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.NewDecoder(strings.NewReader(text)).Decode(to); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
}
