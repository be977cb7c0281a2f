package builds

import (
	"slices"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Status says in words and as a state how a pipeline, workflow, job or step fares, by CircleCI's word for it.
func Status(word string) ui.Status {
	known := map[string]ui.Status{
		"success":             {State: ui.StateOK, Text: "Success"},
		"fixed":               {State: ui.StateOK, Text: "Fixed"},
		"running":             {State: ui.StateRunning, Text: "Running"},
		"failing":             {State: ui.StateError, Text: "Failing", Hint: "A job has failed, others still run"},
		"failed":              {State: ui.StateError, Text: "Failed"},
		"error":               {State: ui.StateError, Text: "Error"},
		"errored":             {State: ui.StateError, Text: "Configuration error"},
		"infrastructure_fail": {State: ui.StateError, Text: "Infrastructure failure"},
		"timedout":            {State: ui.StateError, Text: "Timed out"},
		"unauthorized":        {State: ui.StateError, Text: "Unauthorized", Hint: "Who started it may not use a context that it needs"},
		"terminated-unknown":  {State: ui.StateError, Text: "Terminated"},
		"on_hold":             {State: ui.StatePending, Text: "On hold", Hint: "It waits for somebody's approval"},
		"queued":              {State: ui.StatePending, Text: "Queued"},
		"scheduled":           {State: ui.StatePending, Text: "Scheduled"},
		"created":             {State: ui.StatePending, Text: "Created"},
		"pending":             {State: ui.StatePending, Text: "Pending"},
		"setup":               {State: ui.StatePending, Text: "Setting up"},
		"setup-pending":       {State: ui.StatePending, Text: "Setting up"},
		"not_running":         {State: ui.StatePending, Text: "Not running yet"},
		"blocked":             {State: ui.StatePending, Text: "Blocked", Hint: "It waits for other jobs"},
		"canceled":            {State: ui.StateAborted, Text: "Canceled"},
		"not_run":             {State: ui.StateAborted, Text: "Not run"},
		"retried":             {State: ui.StateAborted, Text: "Retried"},
		"skipped":             {State: ui.StateAborted, Text: "Skipped"},
		"no_tests":            {State: ui.StateWarning, Text: "No tests"},
	}
	if status, ok := known[word]; ok {
		return status
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
	newest := map[string]api.Workflow{}
	first := map[string]time.Time{}
	var names []string
	for _, w := range workflows {
		if at, seen := first[w.Name]; !seen {
			names = append(names, w.Name)
			first[w.Name] = w.CreatedAt
		} else if w.CreatedAt.Before(at) {
			first[w.Name] = w.CreatedAt
		}
		if last, seen := newest[w.Name]; !seen || w.CreatedAt.After(last.CreatedAt) {
			newest[w.Name] = w
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return first[a].Compare(first[b]) })
	latest := make([]api.Workflow, 0, len(names))
	for _, name := range names {
		latest = append(latest, newest[name])
	}
	return latest
}

// Overall is the one word for a pipeline and its workflows: what still goes on counts before what went wrong, and that before what went well.
func Overall(p api.Pipeline, workflows []api.Workflow) string {
	if p.State == "errored" {
		return "errored"
	}
	if len(workflows) == 0 {
		return p.State
	}
	for _, word := range []string{"failing", "running", "on_hold", "failed", "error", "unauthorized", "canceled", "not_run"} {
		for _, w := range Latest(workflows) {
			if w.Status == word {
				return word
			}
		}
	}
	return Latest(workflows)[0].Status
}
