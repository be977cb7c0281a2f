package pages

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Lists on a job's page are cut off here.
const (
	maxTests     = 50
	slowest      = 5 // tests that passed
	maxArtifacts = 50
)

// step is a line of the list of steps.
type step struct {
	id, name, href string
	status, took   pluginapi.Component
	open           bool
	body           pluginapi.Component
}

// job shows a job: its steps with their output, its tests and artifacts.
func (p *Pages) job(ctx context.Context, v *visit, s state) (drawn, error) {
	shelf.Peek(p.shelf, p.builds.Steps(v.slug, s.job))
	w, err := p.workflowOf(ctx, v, s.workflow)
	if err != nil {
		return drawn{}, err
	}
	up := with(s.list(), "workflow", s.workflow)
	here := with(up, "job", strconv.FormatInt(s.job, 10))
	backText := "Workflow"
	if w.Have {
		backText = fmt.Sprintf("#%d %s", w.Value.PipelineNumber, w.Value.Name)
	}
	job := shelf.Get(ctx, p.shelf, p.builds.Job(v.slug, s.job))
	if !job.Have {
		return drawn{body: ui.Stack(back(backText, v.url(ctx, up)), failed(job.Fault, job.Next, "The job", v.url(ctx, here))), every: 2 * soon, say: "The job cannot be shown"}, nil
	}
	status := builds.Status(job.Value.Status)
	d := drawn{every: p.builds.Intervals().Settled, say: "Job " + job.Value.Name + ": " + status.Text}
	if builds.Running(job.Value.Status) {
		d.every = p.builds.Intervals().Running
	}
	shelf.Peek(p.shelf, p.builds.Tests(v.slug, job.Value))
	shelf.Peek(p.shelf, p.builds.Artifacts(v.slug, job.Value))
	parts := []pluginapi.Component{heading(backText, v.url(ctx, up), job.Value.Name, status)}
	if job.Fault != nil {
		parts = append(parts, outdated(job.Fault, job.At, job.Next, "The job"))
	}
	for _, message := range job.Value.Messages {
		parts = append(parts, ui.Notice{Tone: ui.ToneInfo, Text: message.Message})
	}
	stepsCard, all := p.stepsCard(ctx, v, s, job.Value, here)
	tests, haveTests := p.testsCard(ctx, v, job.Value)
	artifacts, haveArtifacts := p.artifactsCard(ctx, v, job.Value)
	if !all || !haveTests || !haveArtifacts {
		d.every = min(d.every, soon)
	}
	main := []pluginapi.Component{stepsCard, tests}
	parts = append(parts, ui.Columns{Main: main, Aside: []pluginapi.Component{ui.Card{Title: "Job", Body: jobFacts(job.Value)}, artifacts}})
	d.body = ui.Group(parts...)
	return d, nil
}

func jobFacts(j api.JobDetail) pluginapi.Component {
	items := []ui.Description{{Term: "Number", Value: ui.Text(strconv.FormatInt(j.Number, 10))}}
	if !j.QueuedAt.IsZero() && j.StartedAt.After(j.QueuedAt) {
		items = append(items, ui.Description{Term: "Waited", Value: ui.Duration(j.StartedAt.Sub(j.QueuedAt))})
	}
	items = append(items, ui.Description{Term: "Started", Value: ui.Time(j.StartedAt)}, ui.Description{Term: "Took", Value: took(j.StartedAt, j.StoppedAt)})
	if executor := strings.TrimSpace(j.Executor.Type + " " + j.Executor.ResourceClass); executor != "" {
		items = append(items, ui.Description{Term: "Executor", Value: ui.Text(executor)})
	}
	if j.Parallelism > 1 {
		items = append(items, ui.Description{Term: "Nodes", Value: ui.Number(int64(j.Parallelism))})
	}
	if len(j.Contexts) > 0 {
		var names []string
		for _, c := range j.Contexts {
			names = append(names, c.Name)
		}
		items = append(items, ui.Description{Term: "Contexts", Value: ui.Text(strings.Join(names, ", "))})
	}
	if j.WebURL != "" {
		items = append(items, ui.Description{Term: "At CircleCI", Value: ui.Link{Text: "Open job", Href: j.WebURL}})
	}
	return ui.DescriptionList{Items: items}
}

// stepsCard lists the steps. all is false while something of it is on its way.
func (p *Pages) stepsCard(ctx context.Context, v *visit, s state, job api.JobDetail, here map[string][]string) (card pluginapi.Component, all bool) {
	list := shelf.Get(ctx, p.shelf, p.builds.Steps(v.slug, s.job))
	if !list.Have {
		return ui.Card{Title: "Steps", Body: failed(list.Fault, list.Next, "The steps", v.url(ctx, here))}, false
	}
	all = true
	chosen := s.step
	if chosen == "" {
		chosen = interesting(list.Value)
	}
	var lines []step
	for _, group := range list.Value {
		for _, action := range group.Actions {
			name := group.Name
			if len(group.Actions) > 1 {
				name += fmt.Sprintf(" (node %d)", action.Node)
			}
			key := stepKey(action)
			line := step{id: "step-" + key, name: name, status: builds.Status(action.Status), open: key == chosen, took: actionTook(action)}
			to := key
			if line.open {
				to = "none"
			}
			line.href = v.url(ctx, with(here, "step", to)) + "#step-" + key
			if line.open {
				var have bool
				line.body, have = p.output(ctx, v, s, action)
				all = all && have
			}
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		text := "CircleCI keeps steps for a while only; those of old jobs are gone."
		if builds.Running(job.Status) {
			text = "They appear once the job has a machine to run on."
		}
		return ui.Card{Title: "Steps", Body: ui.EmptyState{Icon: "terminal", Title: "No steps", Text: text}}, true
	}
	body := pluginapi.Component(steps(lines))
	if list.Fault != nil {
		body = ui.Group(outdated(list.Fault, list.At, list.Next, "The steps"), body)
	}
	return ui.Card{Title: "Steps", Body: body}, all
}

func stepKey(a api.Action) string { return fmt.Sprintf("%d.%d", a.Step, a.Node) }

func actionTook(a api.Action) pluginapi.Component {
	if a.Millis > 0 {
		return ui.Duration(time.Duration(a.Millis) * time.Millisecond)
	}
	return took(a.StartTime, a.EndTime)
}

// interesting is the step that somebody who opens a job wants to see: the first that failed, or else the one that runs.
func interesting(list []api.Step) string {
	running := ""
	for _, group := range list {
		for _, action := range group.Actions {
			switch action.Status {
			case "failed", "timedout", "infrastructure_fail", "error":
				return stepKey(action)
			case "running":
				if !action.Background {
					running = stepKey(action)
				}
			}
		}
	}
	return running
}

// output shows what an action printed. have is false while it is on its way.
func (p *Pages) output(ctx context.Context, v *visit, s state, action api.Action) (c pluginapi.Component, have bool) {
	var parts []pluginapi.Component
	if action.Command != "" {
		parts = append(parts, ui.CodeBlock{Title: "Command", Code: strings.TrimPrefix(action.Command, "#!/bin/bash -eo pipefail\n")})
	}
	log := shelf.Get(ctx, p.shelf, p.builds.Output(v.slug, s.job, action))
	if !log.Have {
		return ui.Group(append(parts, failed(log.Fault, log.Next, "The output", v.url(ctx, v.query)))...), false
	}
	if log.Fault != nil {
		parts = append(parts, outdated(log.Fault, log.At, log.Next, "The output"))
	}
	raw := outputRoute.URL(ctx, append(refParams(v.entity.Ref()), "job", strconv.FormatInt(s.job, 10), "step", strconv.Itoa(action.Step), "node", strconv.Itoa(action.Node))...)
	label := "Output of " + action.Name
	if action.ExitCode != nil {
		label += fmt.Sprintf(", exit code %d", *action.ExitCode)
	}
	parts = append(parts, ui.LogView{ID: "step-" + stepKey(action), Label: label, Text: log.Value.Text, Omitted: log.Value.Omitted, First: log.Value.Omitted + 1, RawHref: raw})
	return ui.Group(parts...), true
}

// Output answers GET /entities/{namespace}/{kind}/{name}/jobs/{job}/steps/{step}/{node} with all that an action printed, as text.
func (p *Pages) Output(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visitOf(r)
	if err != nil {
		return err
	}
	number, err1 := strconv.ParseInt(r.PathValue("job"), 10, 64)
	stepNumber, err2 := strconv.Atoi(r.PathValue("step"))
	node, err3 := strconv.Atoi(r.PathValue("node"))
	if cmp.Or(err1, err2, err3) != nil {
		return pluginapi.BadInput("job, step and node are numbers")
	}
	list := shelf.Get(r.Context(), p.shelf, p.builds.Steps(v.slug, number))
	if !list.Have {
		return unavailable(list.Fault, "The steps")
	}
	for _, group := range list.Value {
		at := slices.IndexFunc(group.Actions, func(a api.Action) bool { return a.Step == stepNumber && a.Node == node })
		if at < 0 {
			continue
		}
		text, err := p.client.RawOutput(r.Context(), v.slug, number, group.Actions[at])
		if err != nil {
			return unavailable(api.AsFault(err), "The output")
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="job-%d-step-%d-%d.txt"`, number, stepNumber, node))
		_, err = w.Write(text)
		return err
	}
	return pluginapi.NotFound("job %d has no step %d on node %d", number, stepNumber, node)
}

// unavailable is the answer of a route to a fault.
func unavailable(fault *api.Fault, what string) error {
	e := explain(fault, what)
	status := http.StatusBadGateway
	switch fault.Kind {
	case api.NotFound:
		status = http.StatusNotFound
	case api.RateLimited, api.NotConfigured:
		status = http.StatusServiceUnavailable
	case api.TimedOut, api.Unreachable:
		status = http.StatusGatewayTimeout
	}
	return &pluginapi.Error{Status: status, Name: "CircleCIError", Message: strings.TrimSuffix(e.what+": "+e.why, "."), Cause: fault}
}

func (p *Pages) testsCard(ctx context.Context, v *visit, job api.JobDetail) (pluginapi.Component, bool) {
	tests := shelf.Get(ctx, p.shelf, p.builds.Tests(v.slug, job))
	if !tests.Have {
		return ui.Card{Title: "Tests", Body: failed(tests.Fault, tests.Next, "The tests", "")}, false
	}
	if len(tests.Value) == 0 {
		if builds.Running(job.Status) {
			return nil, true
		}
		return ui.Card{Title: "Tests", Body: ui.EmptyState{Icon: "check", Title: "No tests reported", Text: "A job that stores test results (store_test_results) shows them here."}}, true
	}
	list := slices.Clone(tests.Value)
	slices.SortStableFunc(list, func(a, b api.Test) int {
		return cmp.Or(cmp.Compare(rank(a.Result), rank(b.Result)), cmp.Compare(b.Seconds(), a.Seconds()))
	})
	counts := map[int]int{}
	for _, test := range list {
		counts[rank(test.Result)]++
	}
	shown := min(counts[0]+counts[1]+slowest, len(list), maxTests)
	table := ui.Table{Caption: "Tests, failed ones first, then by time", Dense: true, Columns: []ui.Column{{Title: "Test"}, {Title: "Result", Narrow: true}, {Title: "Took", Numeric: true, Narrow: true}}}
	for _, test := range list[:shown] {
		name := pluginapi.Component(twoLines(ui.Text(test.Name), oneLine(cmp.Or(test.File, test.ClassName))))
		if rank(test.Result) == 0 && test.Message != "" {
			name = ui.Stack(name, ui.CodeBlock{Code: clip(test.Message, 2000)})
		}
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{name, testStatus(test.Result), ui.Duration(time.Duration(test.Seconds() * float64(time.Second)))}})
	}
	summary := fmt.Sprintf("%d failed, %d skipped, %d passed", counts[0], counts[1], counts[2])
	if shown < len(list) {
		summary += "; shown are those that did not pass, and the slowest of the others"
	}
	return ui.Card{Title: "Tests", Subtitle: summary, Flush: true, Body: table}, true
}

// rank orders results by how much they matter.
func rank(result string) int {
	switch result {
	case "failure", "error", "failed":
		return 0
	case "skipped":
		return 1
	}
	return 2
}

func testStatus(result string) ui.Status {
	switch rank(result) {
	case 0:
		return ui.Status{State: ui.StateError, Text: "Failed"}
	case 1:
		return ui.Status{State: ui.StateAborted, Text: "Skipped"}
	}
	return ui.Status{State: ui.StateOK, Text: "Passed"}
}

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

func (p *Pages) artifactsCard(ctx context.Context, v *visit, job api.JobDetail) (pluginapi.Component, bool) {
	artifacts := shelf.Get(ctx, p.shelf, p.builds.Artifacts(v.slug, job))
	switch {
	case !artifacts.Have:
		return ui.Card{Title: "Artifacts", Body: failed(artifacts.Fault, artifacts.Next, "The artifacts", "")}, false
	case len(artifacts.Value) == 0:
		return nil, true
	}
	var links []pluginapi.Component
	for _, a := range artifacts.Value[:min(len(artifacts.Value), maxArtifacts)] {
		links = append(links, ui.Link{Text: a.Path, Href: a.URL, Icon: "file-text"})
	}
	if rest := len(artifacts.Value) - maxArtifacts; rest > 0 {
		links = append(links, ui.Muted(fmt.Sprintf("and %d more", rest)))
	}
	return ui.Card{Title: "Artifacts", Subtitle: "Kept by CircleCI, which asks you to sign in", Body: ui.Stack(links...)}, true
}
