package builds_test

import (
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// TestEveryPublishedStatus has words of its own: those of pipelines, workflows, jobs and, of API v1.1, builds.
func TestEveryPublishedStatus(t *testing.T) {
	t.Parallel()
	for _, word := range []string{
		"created", "errored", "setup-pending", "setup", "pending",
		"success", "running", "not_run", "failed", "error", "failing", "on_hold", "canceled", "unauthorized",
		"retried", "queued", "not_running", "infrastructure_fail", "timedout", "terminated-unknown", "blocked",
		"scheduled", "no_tests", "fixed",
	} {
		if status := builds.Status(word); status.State == ui.StateUnknown || status.Text == "" {
			t.Errorf("%q is %+v", word, status)
		}
	}
	if got := builds.Status("brand_new"); got.State != ui.StateUnknown || got.Text != "Brand new" {
		t.Errorf("a status that nobody knows yet: %+v", got)
	}
	if got := builds.Status(""); got.Text != "" {
		t.Errorf("no status: %+v", got)
	}
}

func TestOverall(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := func(name, status string, minute int) api.Workflow {
		return api.Workflow{Name: name, Status: status, CreatedAt: at.Add(time.Duration(minute) * time.Minute)}
	}
	for _, test := range []struct {
		name      string
		pipeline  string
		workflows []api.Workflow
		want      string
	}{
		{"all went well", "created", []api.Workflow{w("b", "success", 1), w("a", "success", 0)}, "success"},
		{"one failed", "created", []api.Workflow{w("a", "success", 0), w("b", "failed", 0)}, "failed"},
		{"one failed, another runs", "created", []api.Workflow{w("a", "running", 0), w("b", "failed", 0)}, "running"},
		{"failed, and went well when it was run again", "created", []api.Workflow{w("a", "success", 5), w("a", "failed", 0)}, "success"},
		{"failed again", "created", []api.Workflow{w("a", "failed", 0), w("a", "canceled", 5)}, "canceled"},
		{"waits for approval", "created", []api.Workflow{w("a", "success", 0), w("b", "on_hold", 0)}, "on_hold"},
		{"nothing yet", "pending", nil, "pending"},
		{"faulty configuration", "errored", nil, "errored"},
		{"a status that nobody knows yet", "created", []api.Workflow{w("a", "brand_new", 0)}, "brand_new"},
	} {
		if got := builds.Overall(api.Pipeline{State: test.pipeline}, builds.Latest(test.workflows)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
