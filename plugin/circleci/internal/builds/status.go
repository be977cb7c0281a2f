package builds

import (
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Status says in words and as a state how a pipeline, workflow, job or step fares, by CircleCI's word for it.
func Status(word string) ui.Status {
	switch word {
	case "success":
		return ui.Status{State: ui.StateOK, Text: "Success"}
	case "fixed":
		return ui.Status{State: ui.StateOK, Text: "Fixed"}
	case "running":
		return ui.Status{State: ui.StateRunning, Text: "Running"}
	case "failing":
		return ui.Status{State: ui.StateError, Text: "Failing", Hint: "A job has failed, others still run"}
	case "failed":
		return ui.Status{State: ui.StateError, Text: "Failed"}
	case "error":
		return ui.Status{State: ui.StateError, Text: "Error"}
	case "errored":
		return ui.Status{State: ui.StateError, Text: "Configuration error"}
	case "infrastructure_fail":
		return ui.Status{State: ui.StateError, Text: "Infrastructure failure"}
	case "timedout":
		return ui.Status{State: ui.StateError, Text: "Timed out"}
	case "unauthorized":
		return ui.Status{State: ui.StateError, Text: "Unauthorized", Hint: "Who started it may not use a context that it needs"}
	case "terminated-unknown":
		return ui.Status{State: ui.StateError, Text: "Terminated"}
	case "on_hold":
		return ui.Status{State: ui.StatePending, Text: "On hold", Hint: "It waits for somebody's approval"}
	case "queued":
		return ui.Status{State: ui.StatePending, Text: "Queued"}
	case "scheduled":
		return ui.Status{State: ui.StatePending, Text: "Scheduled"}
	case "created":
		return ui.Status{State: ui.StatePending, Text: "Created"}
	case "pending":
		return ui.Status{State: ui.StatePending, Text: "Pending"}
	case "setup":
		return ui.Status{State: ui.StatePending, Text: "Setting up"}
	case "setup-pending":
		return ui.Status{State: ui.StatePending, Text: "Setting up"}
	case "not_running":
		return ui.Status{State: ui.StatePending, Text: "Not running yet"}
	case "blocked":
		return ui.Status{State: ui.StatePending, Text: "Blocked", Hint: "It waits for other jobs"}
	case "canceled":
		return ui.Status{State: ui.StateAborted, Text: "Canceled"}
	case "not_run":
		return ui.Status{State: ui.StateAborted, Text: "Not run"}
	case "retried":
		return ui.Status{State: ui.StateAborted, Text: "Retried"}
	case "skipped":
		return ui.Status{State: ui.StateAborted, Text: "Skipped"}
	case "no_tests":
		return ui.Status{State: ui.StateWarning, Text: "No tests"}
	}
	text := strings.ReplaceAll(word, "_", " ")
	if text == "" {
		return ui.Status{}
	}
	return ui.Status{State: ui.StateUnknown, Text: strings.ToUpper(text[:1]) + text[1:]}
}

// Running reports whether something with this status will change by itself.
func Running(word string) bool {
	switch word {
	case "running", "failing", "queued", "scheduled", "not_running", "blocked", "created", "pending", "setup", "setup-pending":
		return true
	}
	return false
}

// Latest returns the newest workflow of each name, in the order in which the names first appeared: a workflow that was run again is of interest as it ran last.
func Latest(workflows []api.Workflow) []api.Workflow {
	oldest := slices.Clone(workflows)
	slices.SortStableFunc(oldest, func(a, b api.Workflow) int { return a.CreatedAt.Compare(b.CreatedAt) })
	latest := oldest[:0]
	for _, w := range oldest {
		if at := slices.IndexFunc(latest, func(l api.Workflow) bool { return l.Name == w.Name }); at >= 0 {
			latest[at] = w
		} else {
			latest = append(latest, w)
		}
	}
	return latest
}

// Overall is the one word for a pipeline and the [Latest] of its workflows: what still goes on counts before what went wrong, and that before what went well.
func Overall(p api.Pipeline, latest []api.Workflow) string {
	if p.State == "errored" {
		return "errored"
	}
	if len(latest) == 0 {
		return p.State
	}
	for _, word := range [...]string{"failing", "running", "on_hold", "failed", "error", "unauthorized", "canceled", "not_run"} {
		if slices.ContainsFunc(latest, func(w api.Workflow) bool { return w.Status == word }) {
			return word
		}
	}
	return latest[0].Status
}
