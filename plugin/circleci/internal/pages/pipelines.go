package pages

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// soon is when to look again for what is on its way.
const soon = 2 * time.Second

type workflowLink struct {
	href   string
	status pluginapi.Component
	hint   string
}

// pipelines lists a page of the project's pipelines.
func (p *Pages) pipelines(ctx context.Context, v *visit, s state) drawn {
	list := shelf.Get(ctx, p.shelf, p.builds.Pipelines(v.slug, s.branch, s.token()))
	what := "The pipelines of " + v.slug.String()
	d := drawn{every: p.builds.Intervals().Settled}
	reload := v.url(ctx, s.list())
	if !list.Have {
		d.body, d.say = failed(list.Fault, list.Next, what, reload), "The pipelines cannot be shown"
		d.every = soon * 2
		return d
	}
	var parts []pluginapi.Component
	if list.Fault != nil {
		parts = append(parts, outdated(list.Fault, list.At, list.Next, what))
	}
	for _, pipeline := range list.Value.Items { // all at once, so that they are on their way together
		shelf.Peek(p.shelf, p.builds.Workflows(pipeline))
	}
	table := ui.Table{
		Caption: what,
		Columns: []ui.Column{{Title: "Pipeline"}, {Title: "Status", Narrow: true}, {Title: "Workflows", Optional: true}, {Title: "Branch", Optional: true}, {Title: "By", Optional: true, Narrow: true}, {Title: "Started", Narrow: true}},
		Empty:   emptyList(v, s, v.url(ctx, nil)),
	}
	running, missing := 0, 0
	for _, pipeline := range list.Value.Items {
		row, is := p.pipelineRow(ctx, v, s, pipeline)
		table.Rows = append(table.Rows, row)
		switch is {
		case isRunning:
			running++
		case isMissing:
			missing++
		}
	}
	d.say = fmt.Sprintf("%d pipelines", len(list.Value.Items))
	live := pluginapi.Component(nil)
	switch {
	case missing > 0:
		d.every = soon
	case running > 0:
		d.every = p.builds.Intervals().Running
		live = ui.Status{State: ui.StateRunning, Text: fmt.Sprintf("%d running", running)}
		d.say = fmt.Sprintf("%d of %d pipelines running", running, len(list.Value.Items))
	}
	parts = append(parts,
		bar([]pluginapi.Component{branchForm(v.url(ctx, nil), s.branch, branches(list.Value.Items)), chip(ctx, v, s), live},
			[]pluginapi.Component{ui.Inline(ui.Muted("Read"), ui.Time(list.At)), ui.ButtonLink{Text: "Reload", Href: reload, Icon: "refresh-cw", Small: true, Kind: ui.ButtonQuiet}, ui.Link{Text: "CircleCI", Href: v.slug.Web(p.settings().Web)}}),
		table, pager(ctx, v, s, list.Value))
	d.body = ui.Group(parts...)
	return d
}

func chip(ctx context.Context, v *visit, s state) pluginapi.Component {
	if s.branch == "" {
		return nil
	}
	return ui.Chip{Label: "Branch", Text: s.branch, RemoveHref: v.url(ctx, nil)}
}

// pager leads to older pipelines and back. CircleCI knows the way forward only, so the address remembers the way here.
func pager(ctx context.Context, v *visit, s state, list api.List[api.Pipeline]) pluginapi.Component {
	page := ui.Pagination{What: "pipelines"}
	if len(s.tokens) > 0 {
		back := s
		back.tokens = s.tokens[:len(s.tokens)-1]
		page.PrevHref = v.url(ctx, back.list())
	}
	if list.Next != "" && len(s.tokens) < maxTokens {
		forth := s
		forth.tokens = append(slices.Clip(s.tokens), list.Next)
		page.NextHref = v.url(ctx, forth.list())
	}
	return page
}

// emptyList says why there is nothing.
func emptyList(v *visit, s state, all string) pluginapi.Component {
	switch {
	case s.branch != "":
		return ui.EmptyState{Icon: "git-branch", Title: "No pipelines on " + s.branch, Text: "Nothing ran on a branch of this name; capital letters count.", Action: ui.ButtonLink{Text: "All branches", Href: all, Small: true}}
	case len(s.tokens) > 0:
		return ui.EmptyState{Icon: "history", Title: "No older pipelines", Action: ui.ButtonLink{Text: "Newest pipelines", Href: all, Small: true}}
	}
	return ui.EmptyState{Icon: "workflow", Title: "Nothing has run yet", Text: v.slug.String() + " is known to CircleCI. Its first pipeline appears here once it starts."}
}

// branches returns the branches of pipelines, newest first.
func branches(list []api.Pipeline) []string {
	var names []string
	for _, pipeline := range list {
		if name := pipeline.Commit().Branch; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// standing is what matters for how soon to look at a pipeline again.
type standing int

const (
	isSettled standing = iota
	isRunning
	isMissing
)

func (p *Pages) pipelineRow(ctx context.Context, v *visit, s state, pipeline api.Pipeline) (ui.Row, standing) {
	commit := pipeline.Commit()
	subject := commit.Subject
	if subject == "" {
		subject = strings.ReplaceAll(pipeline.Trigger.Type, "_", " ")
	}
	workflows := shelf.Get(ctx, p.shelf, p.builds.Workflows(pipeline))
	row := ui.Row{ID: fmt.Sprintf("pipeline-%d", pipeline.Number), Cells: []pluginapi.Component{
		twoLines(ui.Text(fmt.Sprintf("#%d", pipeline.Number)), oneLine(subject)), nil, nil, branchCell(commit), ui.Text(commit.By), ui.Time(pipeline.CreatedAt),
	}}
	if !workflows.Have && pipeline.State != "errored" {
		row.Cells[1] = ui.Muted("asking …")
		if workflows.Fault != nil && workflows.Fault.Kind != api.TimedOut {
			row.Cells[1] = ui.Status{Text: "Not known", Hint: explain(workflows.Fault, "Its workflows").why}
			return row, isSettled
		}
		return row, isMissing
	}
	latest := builds.Latest(workflows.Value)
	overall := builds.Overall(pipeline, latest)
	row.Cells[1] = builds.Status(overall)
	if len(latest) > 0 {
		row.Href = v.workflowURL(ctx, s, worst(latest, overall).ID)
	}
	row.Cells[2] = p.workflowCell(ctx, v, s, pipeline, latest)
	if builds.Running(overall) && time.Since(pipeline.CreatedAt) < 24*time.Hour {
		return row, isRunning
	}
	return row, isSettled
}

// worst is the workflow that gives a pipeline its status: the one that somebody who opens the pipeline wants to see.
func worst(latest []api.Workflow, overall string) api.Workflow {
	for _, w := range latest {
		if w.Status == overall {
			return w
		}
	}
	return latest[0]
}

func branchCell(c api.Commit) pluginapi.Component {
	name := c.Branch
	icon := "git-branch"
	if name == "" && c.Tag != "" {
		name, icon = c.Tag, "tag"
	}
	if name == "" {
		return nil
	}
	revision := pluginapi.Component(nil)
	if c.Revision != "" {
		revision = ui.Link{Href: c.URL, Body: ui.Mono(c.Short())}
	}
	return twoLines(labelled(icon, name), ui.Group(revision))
}

func (p *Pages) workflowCell(ctx context.Context, v *visit, s state, pipeline api.Pipeline, latest []api.Workflow) pluginapi.Component {
	if pipeline.State == "errored" {
		var messages []string
		for _, e := range pipeline.Errors {
			messages = append(messages, e.Message)
		}
		return wide(clip(strings.Join(messages, "; "), 300))
	}
	links := make([]workflowLink, 0, len(latest))
	for _, w := range latest {
		status := builds.Status(w.Status)
		hint := w.Name + ": " + status.Text
		status.Text, status.Hint = w.Name, ""
		links = append(links, workflowLink{v.workflowURL(ctx, s, w.ID), status, hint})
	}
	if len(links) == 0 {
		return ui.Muted("none")
	}
	return workflowLinks(links)
}
