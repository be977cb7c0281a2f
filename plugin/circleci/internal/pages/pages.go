// Package pages draws what people see of CircleCI: a tab on entities' pages, a page over all of them, and the fragments that keep both fresh.
package pages

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/reruns"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// The plugin's own routes and pages, to link to.
const (
	viewRoute     pluginapi.RouteRef = "route:circleci/view"
	overviewRoute pluginapi.RouteRef = "route:circleci/overview"
	rerunRoute    pluginapi.RouteRef = "route:circleci/rerun"
	outputRoute   pluginapi.RouteRef = "route:circleci/output"
	overviewPage  pluginapi.RouteRef = "page:circleci/page"
	entityTab     pluginapi.RouteRef = "entity-tab:circleci/tab"
	// proxyRoute is the proxy's; browsers ask CircleCI through it.
	proxyRoute pluginapi.RouteRef = "route:proxy/forward"
)

// budget is how long a page waits for what nobody has asked for before. What is not there then is shown as being on its way.
const budget = 4 * time.Second

// Settings are what operators can decide about pages.
type Settings struct {
	Endpoint string // path of the proxy's endpoint
	Web      string // CircleCI's address for people
}

// Pages draws pages. It is safe for concurrent use.
type Pages struct {
	settings   func() Settings
	catalog    catalogcommon.Client
	shelf      *shelf.Shelf
	builds     *builds.Builds
	client     *api.Client
	reruns     *reruns.Store
	authorizer pluginapi.Authorizer
	log        *slog.Logger
	drawn      memo
}

// New returns Pages.
func New(settings func() Settings, catalog catalogcommon.Client, s *shelf.Shelf, b *builds.Builds, client *api.Client, store *reruns.Store, authorizer pluginapi.Authorizer, log *slog.Logger) *Pages {
	return &Pages{settings: settings, catalog: catalog, shelf: s, builds: b, client: client, reruns: store, authorizer: authorizer, log: log}
}

// visit is somebody looking at an entity's project.
type visit struct {
	entity *catalogcommon.Entity
	slug   project.Slug
	query  url.Values
	tab    string // address of the tab, once it is known
}

// state is what the tab shows, which is in its address.
type state struct {
	branch   string
	tokens   []string // of the pages of pipelines walked through; the last is shown
	pipeline string
	workflow string
	job      int64
	step     string // STEP.NODE; "none" for none
	rerun    string // all or failed: the question whether to run the workflow again
	attempt  string // id of a rerun that was just asked for
}

// id is what CircleCI's ids look like. Others are not asked for.
var id = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// maxTokens bounds how far one can page, by the length of the address.
const maxTokens = 40

func stateOf(query url.Values) (state, error) {
	s := state{branch: query.Get("branch"), tokens: query["page"], step: query.Get("step"), rerun: query.Get("rerun")}
	for _, given := range []struct {
		name string
		to   *string
	}{{"pipeline", &s.pipeline}, {"workflow", &s.workflow}, {"attempt", &s.attempt}} {
		if text := query.Get(given.name); text != "" {
			if !id.MatchString(text) {
				return s, pluginapi.BadInput("%s %q is not an id of CircleCI's", given.name, text)
			}
			*given.to = text
		}
	}
	if text := query.Get("job"); text != "" {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || number <= 0 || s.workflow == "" {
			return s, pluginapi.BadInput("job %q is not the number of a job, or its workflow is missing", text)
		}
		s.job = number
	}
	if len(s.branch) > 255 || len(s.tokens) > maxTokens {
		return s, pluginapi.BadInput("the address is too long; begin at the first page")
	}
	return s, nil
}

// token is that of the page of pipelines to show.
func (s state) token() string {
	if len(s.tokens) == 0 {
		return ""
	}
	return s.tokens[len(s.tokens)-1]
}

// list is the query of the list that this state is reached from.
func (s state) list() url.Values {
	query := url.Values{}
	if s.branch != "" {
		query.Set("branch", s.branch)
	}
	if len(s.tokens) > 0 {
		query["page"] = s.tokens
	}
	return query
}

// with returns a query with names and values, in turn, set or, for "", removed.
func with(query url.Values, pairs ...string) url.Values {
	changed := url.Values{}
	for name, values := range query {
		changed[name] = values
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		changed.Del(pairs[i])
		if pairs[i+1] != "" {
			changed.Set(pairs[i], pairs[i+1])
		}
	}
	return changed
}

// refParams names an entity in the parameters of a page or route.
func refParams(ref catalogcommon.Ref) []string {
	ref = ref.Normal()
	return []string{"namespace", ref.Namespace, "kind", ref.Kind, "name", ref.Name}
}

// tabURL is the address of the tab with a query.
func tabURL(ctx context.Context, ref catalogcommon.Ref, query url.Values) string {
	at := catalogapi.TabURL(ctx, entityTab, ref)
	if at != "" && len(query) > 0 {
		at += "?" + query.Encode()
	}
	return at
}

// url is the address of the tab in another state.
func (v *visit) url(ctx context.Context, query url.Values) string {
	if v.tab == "" {
		v.tab = tabURL(ctx, v.entity.Ref(), nil)
	}
	if v.tab == "" || len(query) == 0 {
		return v.tab
	}
	return v.tab + "?" + query.Encode()
}

// workflowURL is the address of a workflow reached from the list in a state. Lists are full of them.
func (v *visit) workflowURL(ctx context.Context, s state, id string) string {
	if s.branch == "" && len(s.tokens) == 0 && v.url(ctx, nil) != "" {
		return v.tab + "?workflow=" + url.QueryEscape(id)
	}
	return v.url(ctx, with(s.list(), "workflow", id))
}

// visitOf finds the entity that a route is about, as far as who asks may see it, and its project.
func (p *Pages) visitOf(r *http.Request) (*visit, error) {
	entity, err := p.catalog.EntityByRef(r.Context(), catalogcommon.Ref{Kind: r.PathValue("kind"), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")})
	if err != nil {
		return nil, err
	}
	if entity.Annotation(project.Annotation) == "" {
		return nil, pluginapi.NotFound("%s has no annotation %s", entity.Title(), project.Annotation)
	}
	slug, err := project.Of(entity)
	if err != nil {
		return nil, pluginapi.BadInput("annotation %s of %s: %s", project.Annotation, entity.Title(), err).Because(err)
	}
	return &visit{entity: entity, slug: slug, query: r.URL.Query()}, nil
}
