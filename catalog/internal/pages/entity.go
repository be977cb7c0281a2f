package pages

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Entity shows an entity's overview.
func (p *Pages) Entity(r *http.Request) (pluginapi.View, error) {
	entity, err := p.asked(r)
	if err != nil {
		return pluginapi.View{}, err
	}
	view := p.frame(r.Context(), entity, "")
	wide, side := p.contributed(r.Context(), entity)
	main := []pluginapi.Component{status(entity), about(entity)}
	main = append(main, p.related(r.Context(), entity))
	view.Body = ui.Columns{Main: append(main, wide...), Aside: append([]pluginapi.Component{p.facts(r.Context(), entity), links(entity)}, side...)}
	return view, nil
}

// Tab shows what a plugin has to say about an entity on a tab of its own.
func (p *Pages) Tab(r *http.Request) (pluginapi.View, error) {
	entity, err := p.asked(r)
	if err != nil {
		return pluginapi.View{}, err
	}
	for _, tab := range p.tabs.Get() {
		if tab.Spec.Path != r.PathValue("tab") || !tab.Spec.For.Holds(entity) {
			continue
		}
		if err := p.allowed(r.Context(), tab.Spec.Permission, entity); err != nil {
			return pluginapi.View{}, err
		}
		view := p.frame(r.Context(), entity, tab.Spec.Path)
		shown, err := pluginapi.Ask(r.Context(), tab, func(ctx context.Context, show catalogapi.TabFunc) (content, error) {
			c, err := show(r.WithContext(ctx), entity)
			if err != nil || c == nil {
				return content{none: true}, err
			}
			html, err := pluginapi.Draw(ctx, c)
			return content{html: html}, err
		})
		view.Body = pluginapi.Drawn(shown.html)
		if shown.none {
			view.Body = ui.EmptyState{Title: "There is nothing to show here"}
		}
		if err != nil {
			p.log.WarnContext(r.Context(), "a tab could not be shown", "extension", tab.ID, "entity", entity.Ref().String(), "error", err)
			view.Body = failed(tab.Spec.Title, err, r)
		}
		return view, nil
	}
	return pluginapi.View{}, pluginapi.NotFound("%s has no tab %q", entity.Title(), r.PathValue("tab"))
}

// allowed returns nil if the principal has the permission, or none is required.
func (p *Pages) allowed(ctx context.Context, permission *pluginapi.Permission, e *catalogcommon.Entity) error {
	switch {
	case permission == nil:
		return nil
	case permission.Resource == catalogcommon.ResourceTypeEntity:
		return pluginapi.Require(ctx, p.decides, *permission, e.Ref().String())
	}
	return pluginapi.Require(ctx, p.decides, *permission, "")
}

func (p *Pages) asked(r *http.Request) (*catalogcommon.Entity, error) {
	ref := catalogcommon.Ref{Kind: r.PathValue("kind"), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	entity, err := p.client.EntityByRef(r.Context(), ref)
	var coded interface{ StatusCode() int }
	if errors.As(err, &coded) && coded.StatusCode() == http.StatusNotFound {
		return nil, p.why(r.Context(), ref, err)
	}
	return entity, err
}

// why says why an entity is not in the catalog, as far as that is known. missing is what there is to say otherwise.
func (p *Pages) why(ctx context.Context, ref catalogcommon.Ref, missing error) error {
	all, err := p.ingestion.Problems(ctx)
	if err != nil || len(all) == 0 {
		return missing
	}
	for _, problem := range all {
		if problem.Entity == ref.String() {
			return pluginapi.NotFound("there is no %s in the catalog because of %s: %s", ref, problem.place(), problem.Message)
		}
	}
	return pluginapi.NotFound("there is no %s in the catalog; %d %s could not be read, and it may be in one of them: see %s", ref, len(all), counted(len(all), "descriptor"), problemsPage.URL(ctx))
}

// frame is what all of an entity's tabs have in common.
func (p *Pages) frame(ctx context.Context, e *catalogcommon.Entity, active string) pluginapi.View {
	kind := strings.ToLower(e.Kind)
	view := pluginapi.View{
		Title:       e.Title(),
		Kicker:      kind,
		Breadcrumbs: []pluginapi.Link{{Text: "Catalog", Href: catalogapi.ListPage.URL(ctx)}, {Text: plural(e.Kind), Href: catalogapi.ListPage.URL(ctx, "kind", kind)}},
	}
	if kind := e.SpecString("type"); kind != "" {
		view.Kicker += " · " + kind
	}
	if owners := e.Targets(catalogcommon.RelationOwnedBy); len(owners) > 0 {
		view.Facts = append(view.Facts, pluginapi.Fact{Label: "Owner", Value: refs(owners, "")})
	}
	if stage := e.SpecString("lifecycle"); stage != "" {
		view.Facts = append(view.Facts, pluginapi.Fact{Label: "Lifecycle", Value: lifecycle(stage)})
	}
	ref := e.Ref().Normal()
	params := []string{"namespace", ref.Namespace, "kind", ref.Kind, "name", ref.Name}
	tabs := []pluginapi.Tab{{Link: pluginapi.Link{Text: "Overview", Href: catalogapi.EntityPage.URL(ctx, params...)}, Active: active == ""}}
	for _, tab := range p.tabs.Get() {
		if tab.Spec.For.Holds(e) && p.allowed(ctx, tab.Spec.Permission, e) == nil {
			href := catalogapi.TabURL(ctx, pluginapi.RouteRef(tab.ID), ref)
			tabs = append(tabs, pluginapi.Tab{Link: pluginapi.Link{Text: tab.Spec.Title, Href: href}, Active: active == tab.Spec.Path})
		}
	}
	if len(tabs) > 1 {
		view.Tabs = tabs
	}
	return view
}

// contributed draws other plugins' cards, all at once, each within its own time. One that fails or is late says so in its own frame.
func (p *Pages) contributed(ctx context.Context, e *catalogcommon.Entity) (wide, side []pluginapi.Component) {
	cards := p.cards.Get()
	drawn := make([]pluginapi.Component, len(cards))
	var wait sync.WaitGroup
	for i, card := range cards {
		if card.Spec.For.Holds(e) && p.allowed(ctx, card.Spec.Permission, e) == nil {
			wait.Go(func() { drawn[i] = p.card(ctx, card, e) })
		}
	}
	wait.Wait()
	for i, card := range cards {
		switch {
		case drawn[i] == nil:
		case card.Spec.Side:
			side = append(side, drawn[i])
		default:
			wide = append(wide, drawn[i])
		}
	}
	return wide, side
}

// content is a drawn card or tab, or that there is none.
type content struct {
	html string
	none bool
}

func (p *Pages) card(ctx context.Context, card pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc], e *catalogcommon.Entity) pluginapi.Component {
	c, err := pluginapi.Ask(ctx, card, func(ctx context.Context, show catalogapi.CardFunc) (content, error) {
		body, err := show(ctx, e.Clone())
		if err != nil || body == nil {
			return content{none: true}, err
		}
		html, err := pluginapi.Draw(ctx, body)
		return content{html: html}, err
	})
	frame := ui.Card{Title: card.Spec.Title}
	switch {
	case err != nil:
		p.log.WarnContext(ctx, "a card could not be shown", "extension", card.ID, "entity", e.Ref().String(), "error", err)
		frame.Body = failed(card.Spec.Title, err, nil)
	case c.none:
		return nil
	default:
		frame.Body = pluginapi.Drawn(c.html)
	}
	return frame
}
