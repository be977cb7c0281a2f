package pages

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/reruns"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// RerunPermission is required to run workflows again.
var RerunPermission = &pluginapi.Permission{Name: "circleci.workflow.rerun", Action: "create"}

// The ways to run a workflow again.
const (
	rerunAll    = "all"
	rerunFailed = "failed"
)

// rerunnable tells which ways are possible for a workflow.
func rerunnable(w api.Workflow) (all, fromFailed bool) {
	if builds.Running(w.Status) || w.Status == "on_hold" || w.Status == "not_run" {
		return false, false
	}
	return true, w.Status == "failed" || w.Status == "error" || w.Status == "canceled" || w.Status == "unauthorized"
}

// rerunButtons lead to the question. They are links, so they work without JavaScript, and the question has an address.
func (p *Pages) rerunButtons(ctx context.Context, v *visit, s state, w api.Workflow) []pluginapi.Component {
	all, fromFailed := rerunnable(w)
	if !all || pluginapi.Require(ctx, p.authorizer, *RerunPermission, "") != nil {
		return nil
	}
	here := with(s.list(), "workflow", w.ID)
	var buttons []pluginapi.Component
	if fromFailed {
		buttons = append(buttons, ui.ButtonLink{Text: "Re-run from failed", Icon: "rotate-ccw", Small: true, Kind: ui.ButtonPrimary, Href: v.url(ctx, with(here, "rerun", rerunFailed))})
	}
	return append(buttons, ui.ButtonLink{Text: "Re-run", Icon: "refresh-cw", Small: true, Href: v.url(ctx, with(here, "rerun", rerunAll))})
}

// ask asks whether to run the workflow again.
func (p *Pages) ask(ctx context.Context, v *visit, s state) pluginapi.Component {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	w, err := p.workflowOf(ctx, v, s.workflow)
	if err != nil || !w.Have {
		return nil // the page says why
	}
	closeTo := v.url(ctx, with(s.list(), "workflow", s.workflow))
	dialog := ui.Dialog{ID: "circleci-rerun", Title: "Run " + w.Value.Name + " again?", Open: true, CloseHref: closeTo}
	all, fromFailed := rerunnable(w.Value)
	text, label := "All jobs of the workflow run again, on the same commit.", "Re-run all jobs"
	possible := all
	if s.rerun == rerunFailed {
		text, label, possible = "The jobs that failed run again, and those that come after them, on the same commit.", "Re-run from failed", fromFailed
	}
	switch {
	case pluginapi.Require(ctx, p.authorizer, *RerunPermission, "") != nil:
		dialog.Body = ui.Paragraph("You may not run workflows again in this portal. Ask whoever runs it.")
		return dialog
	case !possible:
		dialog.Body = ui.Paragraph(fmt.Sprintf("That is not possible now: the workflow's status is %q.", builds.Status(w.Value.Status).Text))
		return dialog
	}
	action := rerunRoute.URL(ctx, append(refParams(v.entity.Ref()), "workflow", s.workflow)...)
	hidden := []ui.Param{{Name: "mode", Value: s.rerun}, {Name: "attempt", Value: rand.Text()}}
	for name, values := range s.list() {
		for _, value := range values {
			hidden = append(hidden, ui.Param{Name: name, Value: value})
		}
	}
	dialog.Body = question(action, hidden, text, "Jobs that deploy deploy again. It is recorded that it was you who asked.")
	dialog.Actions = []pluginapi.Component{
		ui.Button{Text: label, Kind: ui.ButtonPrimary, Form: "circleci-rerun-form"},
		ui.ButtonLink{Text: "Cancel", Href: closeTo, Kind: ui.ButtonQuiet},
	}
	return dialog
}

// Rerun answers POST /entities/{namespace}/{kind}/{name}/workflows/{workflow}/rerun: it has the workflow run again, remembers who wanted that, and leads to the new workflow.
func (p *Pages) Rerun(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visitOf(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return pluginapi.BadInput("the form cannot be read").Because(err)
	}
	workflowID, mode, attempt := r.PathValue("workflow"), r.PostForm.Get("mode"), r.PostForm.Get("attempt")
	switch {
	case mode != rerunAll && mode != rerunFailed:
		return pluginapi.BadInput("mode is %q; it must be %s or %s", mode, rerunAll, rerunFailed)
	case !id.MatchString(workflowID):
		return pluginapi.BadInput("workflow %q is not an id of CircleCI's", workflowID)
	case attempt == "":
		attempt = rand.Text()
	case !id.MatchString(attempt):
		return pluginapi.BadInput("attempt must consist of letters, digits and dashes, 64 at most")
	}
	v.query = r.PostForm
	s, err := stateOf(with(v.query, "workflow", workflowID))
	if err != nil {
		return err
	}
	ctx := r.Context()
	known, err := p.workflowOf(ctx, v, workflowID)
	if err != nil {
		return err
	}
	if !known.Have {
		return unavailable(known.Fault, "The workflow")
	}
	wish := reruns.Rerun{
		ID: attempt, At: time.Now(), Actor: pluginapi.PrincipalFrom(ctx).Ref, Entity: v.entity.Ref().String(), Project: v.slug.V2(),
		Workflow: workflowID, Name: known.Value.Name, FromFailed: mode == rerunFailed,
	}
	begun, err := p.reruns.Begin(ctx, wish)
	if err != nil {
		return err
	}
	if begun {
		if err := p.rerun(ctx, v, wish, known.Value); err != nil {
			return err
		}
	}
	made, _, err := p.reruns.Of(ctx, v.slug.V2(), attempt)
	if err != nil {
		return err
	}
	to := workflowID
	if made.NewWorkflow != "" {
		to = made.NewWorkflow
	}
	http.Redirect(w, r, tabURL(ctx, v.entity.Ref(), with(s.list(), "workflow", to, "attempt", attempt)), http.StatusSeeOther)
	return nil
}

// rerun asks CircleCI and notes what becomes of it. Once CircleCI has been asked, the outcome is noted even if who asked has left.
func (p *Pages) rerun(ctx context.Context, v *visit, wish reruns.Rerun, w api.Workflow) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	made, err := p.client.Rerun(ctx, wish.Workflow, wish.FromFailed)
	fault := api.AsFault(err)
	log := p.log.With("actor", wish.Actor, "entity", wish.Entity, "project", wish.Project, "workflow", wish.Workflow, "name", wish.Name, "fromFailed", wish.FromFailed, "attempt", wish.ID)
	if fault != nil {
		log.WarnContext(ctx, "a workflow could not be run again", "error", fault)
	} else {
		log.InfoContext(ctx, "a workflow is run again", "newWorkflow", made)
	}
	p.shelf.Drop(ctx, p.builds.Workflows(api.Pipeline{ID: w.PipelineID}).Key, p.builds.Workflow(wish.Workflow).Key, p.builds.Jobs(wish.Workflow).Key, p.builds.Pipelines(v.slug, "", "").Key)
	return p.reruns.End(ctx, wish.ID, made, fault)
}

// outcome says what became of the wish that brought here.
func (p *Pages) outcome(ctx context.Context, v *visit, s state) pluginapi.Component {
	r, found, err := p.reruns.Of(ctx, v.slug.V2(), s.attempt)
	if err != nil || !found {
		return nil // it is in the list below, or the page says what is wrong with the database
	}
	switch r.Outcome {
	case reruns.Started:
		text := "All of its jobs run again; this is the new workflow."
		if r.FromFailed {
			text = "It runs from the failed jobs on; this is the new workflow."
		}
		return ui.Notice{Tone: ui.ToneSuccess, Title: r.Name + " was started again", Text: text}
	case reruns.Rejected:
		e := explain(r.Fault(), r.Name)
		title := r.Name + " was not started again"
		if r.Fault().Kind == api.Unauthorized || r.Fault().Kind == api.NotConfigured {
			e.why = e.what + ". " + e.why
		}
		return ui.ErrorPanel{Title: title, Message: e.why, Remedy: e.remedy, Details: r.Fault().Error()}
	}
	return ui.Notice{Tone: ui.ToneWarning, Title: "It is not known whether " + r.Name + " was started again", Text: "The portal was stopped, or CircleCI has not answered yet. Look at the newest workflows."}
}
