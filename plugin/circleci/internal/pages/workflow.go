package pages

import (
	"context"
	"fmt"
	"strconv"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/reruns"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// workflowOf returns a workflow of the visited project. One of another project does not exist here.
func (p *Pages) workflowOf(ctx context.Context, v *visit, id string) (shelf.Answer[api.Workflow], error) {
	w := shelf.Get(ctx, p.shelf, p.builds.Workflow(id))
	if w.Have && !v.slug.Is(w.Value.ProjectSlug) {
		return w, pluginapi.NotFound("%s has no workflow %s", v.slug, id)
	}
	return w, nil
}

// workflow shows a workflow: what it ran for, its jobs, and who had it run again.
func (p *Pages) workflow(ctx context.Context, v *visit, s state) (drawn, error) {
	shelf.Peek(p.shelf, p.builds.Jobs(s.workflow))
	w, err := p.workflowOf(ctx, v, s.workflow)
	if err != nil {
		return drawn{}, err
	}
	here := with(s.list(), "workflow", s.workflow)
	if !w.Have {
		return drawn{body: ui.Stack(back("Pipelines", v.url(ctx, s.list())), failed(w.Fault, w.Next, "The workflow", v.url(ctx, here))), every: 2 * soon, say: "The workflow cannot be shown"}, nil
	}
	pipeline := shelf.Get(ctx, p.shelf, p.builds.Pipeline(w.Value.PipelineID))
	jobs := shelf.Get(ctx, p.shelf, p.builds.Jobs(s.workflow))
	again, err := p.reruns.About(ctx, s.workflow)
	if err != nil {
		return drawn{}, err
	}
	status := builds.Status(w.Value.Status)
	d := drawn{every: p.builds.Intervals().Settled, say: "Workflow " + w.Value.Name + ": " + status.Text}
	if builds.Running(w.Value.Status) || w.Value.Status == "on_hold" {
		d.every = p.builds.Intervals().Running
	}
	parts := []pluginapi.Component{
		heading("Pipelines", v.url(ctx, s.list()), fmt.Sprintf("#%d %s", w.Value.PipelineNumber, w.Value.Name), status),
	}
	if w.Fault != nil {
		parts = append(parts, outdated(w.Fault, w.At, w.Next, "The workflow"))
	}
	parts = append(parts, ui.Card{Title: "Workflow", Actions: p.rerunButtons(ctx, v, s, w.Value), Body: workflowFacts(w.Value, pipeline, p.siblings(ctx, v, s, pipeline), v.slug.Web(p.settings().Web))})
	parts = append(parts, ui.Card{Title: "Jobs", Flush: jobs.Have, Body: p.jobTable(ctx, v, s, jobs)})
	if len(again) > 0 {
		parts = append(parts, ui.Card{Title: "Run again from this portal", Flush: true, Body: rerunTable(ctx, v, s, again)})
	}
	if !jobs.Have && d.every > 2*soon {
		d.every = 2 * soon
	}
	d.body = ui.Group(parts...)
	return d, nil
}

func back(text, href string) pluginapi.Component {
	return ui.Link{Text: text, Href: href, Icon: "arrow-left"}
}

// siblings are the other workflows of the pipeline, among them earlier and later runs of this one. nil when there are none.
func (p *Pages) siblings(ctx context.Context, v *visit, s state, pipeline shelf.Answer[api.Pipeline]) pluginapi.Component {
	if !pipeline.Have {
		return nil
	}
	var links []workflowLink
	for _, other := range shelf.Get(ctx, p.shelf, p.builds.Workflows(pipeline.Value)).Value {
		if other.ID != s.workflow {
			status := builds.Status(other.Status)
			hint := other.Name + ": " + status.Text
			status.Text, status.Hint = other.Name, ""
			links = append(links, workflowLink{v.url(ctx, with(s.list(), "workflow", other.ID)), status, hint})
		}
	}
	if links == nil {
		return nil
	}
	return workflowLinks(links)
}

func workflowFacts(w api.Workflow, pipeline shelf.Answer[api.Pipeline], siblings pluginapi.Component, web string) pluginapi.Component {
	list := ui.DescriptionList{Columns: true}
	add := func(term string, value pluginapi.Component, wide bool) {
		list.Items = append(list.Items, ui.Description{Term: term, Value: value, Wide: wide})
	}
	if pipeline.Have {
		c := pipeline.Value.Commit()
		if c.Subject != "" {
			add("Commit", ui.Text(c.Subject), true)
		}
		if cell := branchCell(c); cell != nil {
			add("Branch", cell, false)
		}
		if c.By != "" {
			add("By", ui.Text(c.By), false)
		}
	}
	add("Started", ui.Time(w.CreatedAt), false)
	add("Took", took(w.CreatedAt, w.StoppedAt), false)
	if siblings != nil {
		add("Other workflows", siblings, false)
	}
	add("At CircleCI", ui.Link{Text: "Open workflow", Href: web + "/" + strconv.FormatInt(w.PipelineNumber, 10) + "/workflows/" + w.ID}, false)
	return list
}

// took is how long something took, or has been going on.
func took(from, to time.Time) pluginapi.Component {
	switch {
	case from.IsZero():
		return ui.Muted("–")
	case to.IsZero():
		return ui.Inline(ui.Duration(time.Since(from).Truncate(time.Second)), ui.Muted("so far"))
	}
	return ui.Duration(to.Sub(from))
}

func (p *Pages) jobTable(ctx context.Context, v *visit, s state, jobs shelf.Answer[[]api.Job]) pluginapi.Component {
	here := with(s.list(), "workflow", s.workflow)
	if !jobs.Have {
		return failed(jobs.Fault, jobs.Next, "The jobs", v.url(ctx, here))
	}
	names := map[string]string{}
	for _, j := range jobs.Value {
		names[j.ID] = j.Name
	}
	table := ui.Table{
		Caption: "Jobs of the workflow",
		Columns: []ui.Column{{Title: "Job"}, {Title: "Status"}, {Title: "After", Optional: true}, {Title: "Started", Narrow: true, Optional: true}, {Title: "Took", Numeric: true, Narrow: true}},
		Empty:   ui.EmptyState{Icon: "list", Title: "No jobs", Text: "CircleCI has made no jobs of this workflow."},
	}
	for _, j := range jobs.Value {
		row := ui.Row{Cells: []pluginapi.Component{ui.Text(j.Name), builds.Status(j.Status), ui.Muted(after(j, names)), ui.Time(j.StartedAt), took(j.StartedAt, j.StoppedAt)}}
		if j.Number > 0 {
			row.Href = v.url(ctx, with(here, "job", strconv.FormatInt(j.Number, 10)))
		}
		if j.Type == "approval" {
			row.Cells[0] = ui.Group(ui.Text(j.Name+" "), ui.Badge{Text: "approval"})
		}
		table.Rows = append(table.Rows, row)
	}
	if jobs.Fault != nil {
		return ui.Group(outdated(jobs.Fault, jobs.At, jobs.Next, "The jobs"), table)
	}
	return table
}

// after names the jobs that a job waits for.
func after(j api.Job, names map[string]string) string {
	text := ""
	for i, dependency := range j.Dependencies {
		if i > 0 {
			text += ", "
		}
		if i == 3 && len(j.Dependencies) > 4 {
			return text + fmt.Sprintf("%d more", len(j.Dependencies)-i)
		}
		if name := names[dependency]; name != "" {
			text += name
		} else {
			text += "another job"
		}
	}
	return text
}

// rerunTable tells who had the workflow run again.
func rerunTable(ctx context.Context, v *visit, s state, list []reruns.Rerun) pluginapi.Component {
	table := ui.Table{Caption: "Who had it run again", Columns: []ui.Column{{Title: "Who"}, {Title: "What"}, {Title: "When", Narrow: true}, {Title: "Outcome"}}}
	for _, r := range list {
		what := "all jobs"
		if r.FromFailed {
			what = "from the failed jobs on"
		}
		if r.NewWorkflow == s.workflow {
			what += ", which made this workflow"
		}
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{actor(r.Actor), ui.Text(what), ui.Time(r.At), outcomeCell(ctx, v, s, r)}})
	}
	return table
}

func actor(ref string) pluginapi.Component {
	parsed, err := catalogcommon.ParseRef(ref, catalogcommon.RefDefaults{})
	if err != nil {
		return ui.Text(ref)
	}
	return catalogapi.EntityLink(parsed, "")
}

func outcomeCell(ctx context.Context, v *visit, s state, r reruns.Rerun) pluginapi.Component {
	switch r.Outcome {
	case reruns.Started:
		if r.NewWorkflow == s.workflow {
			return ui.Status{State: ui.StateOK, Text: "Started"}
		}
		return ui.Link{Href: v.url(ctx, with(s.list(), "workflow", r.NewWorkflow)), Body: ui.Status{State: ui.StateOK, Text: "Started a new workflow"}}
	case reruns.Rejected:
		return ui.Status{State: ui.StateError, Text: "Rejected", Hint: explain(r.Fault(), "It").why}
	}
	return ui.Status{State: ui.StateUnknown, Text: "Not known", Hint: "The portal was stopped before CircleCI answered"}
}
