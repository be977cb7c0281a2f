package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// drawn is a view and how it is to be kept fresh.
type drawn struct {
	body  pluginapi.Component
	say   string        // how it stands, in a sentence
	every time.Duration // between two looks
}

// refreshed is the view, which is fetched again from src, "" for the page itself.
func (d drawn) refreshed(src string) pluginapi.Component {
	return ui.Refresh{ID: "circleci", Src: src, Every: d.every, Say: d.say, Body: d.body}
}

// pluginFiles has the addresses of the plugin's own files.
type pluginFiles struct{ module, styles string }

func assets(ctx context.Context) pluginapi.Component {
	return script(pluginFiles{pluginapi.AssetURL(ctx, "circleci", "circleci.js"), pluginapi.AssetURL(ctx, "circleci", "circleci.css")})
}

// Tab shows an entity's project: its pipelines, a workflow, or a job, as the address says.
func (p *Pages) Tab(r *http.Request, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	slug, err := project.Of(entity)
	if err != nil {
		return wrongAnnotation(entity, err), nil
	}
	v := &visit{entity: entity, slug: slug, query: r.URL.Query()}
	state, err := stateOf(v.query)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	d, err := p.draw(ctx, v, state)
	if err != nil {
		return nil, err
	}
	again := with(v.query, "rerun", "", "attempt", "")
	src := viewRoute.URL(ctx, refParams(entity.Ref())...)
	if len(again) > 0 {
		src += "?" + again.Encode()
	}
	parts := []pluginapi.Component{assets(ctx), d.refreshed(src)}
	if state.attempt != "" {
		parts = append(parts[:1:1], p.outcome(ctx, v, state), parts[1])
	}
	if state.rerun != "" && state.workflow != "" {
		parts = append(parts, p.ask(ctx, v, state))
	}
	if state.workflow == "" {
		parts = append(parts, p.trends(ctx, v, state))
	}
	return ui.Stack(parts...), nil
}

// draw draws what the state names.
func (p *Pages) draw(request context.Context, v *visit, s state) (drawn, error) {
	ctx, cancel := context.WithTimeout(request, budget) // for waiting, not for drawing
	defer cancel()
	switch {
	case s.job != 0:
		return p.job(ctx, v, s)
	case s.workflow != "":
		return p.workflow(ctx, v, s)
	}
	key := v.entity.Ref().String() + " " + v.slug.V2() + " " + s.list().Encode()
	return p.drawn.view(request, key, func() drawn { return p.pipelines(ctx, v, s) })
}

// View answers GET /entities/{namespace}/{kind}/{name}/view with the tab's view alone.
func (p *Pages) View(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visitOf(r)
	if err != nil {
		return err
	}
	state, err := stateOf(v.query)
	if err != nil {
		return err
	}
	d, err := p.draw(r.Context(), v, state)
	if err != nil {
		return err
	}
	return fragment(w, r, d)
}

// fragment answers with a view, or that it did not change.
func fragment(w http.ResponseWriter, r *http.Request, d drawn) error {
	var html bytes.Buffer
	if err := d.refreshed("").Render(r.Context(), &html); err != nil {
		return err
	}
	sum := sha256.Sum256(html.Bytes())
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Cache-Control", "no-cache, private")
	h.Set("Etag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write(html.Bytes())
	return err
}

// wrongAnnotation says how to mend an annotation.
func wrongAnnotation(entity *catalogcommon.Entity, err error) pluginapi.Component {
	if entity.Annotation(project.Annotation) == "" {
		return ui.MissingAnnotation{Annotation: project.Annotation, Example: "gh/example/" + entity.Metadata.Name, Kind: entity.Kind, Name: entity.Metadata.Name, Text: "The pipelines appear here once the entity says which project it is at CircleCI. Add the marked line to its descriptor:"}
	}
	return ui.ErrorPanel{
		Title: "The annotation " + project.Annotation + " cannot be read", Message: sentence(err.Error()),
		Remedy: "Correct it in the entity's catalog-info.yaml. The slug is in the project's settings at CircleCI, on the page Overview.",
	}
}

// trends are the part that the browser asks CircleCI for by itself.
func (p *Pages) trends(ctx context.Context, v *visit, s state) pluginapi.Component {
	settings := p.settings()
	query := url.Values{"reporting-window": {"last-30-days"}}
	if s.branch != "" {
		query.Set("branch", s.branch)
	} else {
		query.Set("all-branches", "true")
	}
	src := proxyRoute.URL(ctx, "path", strings.Trim(settings.Endpoint, "/")+"/v2/insights/"+v.slug.V2()+"/workflows")
	if src == "" { // the proxy is elsewhere, or nowhere
		return nil
	}
	return trends(src+"?"+query.Encode(), strings.Replace(v.slug.Web(settings.Web), "/pipelines/", "/insights/", 1))
}
