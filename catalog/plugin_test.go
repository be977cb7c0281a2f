package catalog_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

const descriptors = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Shop
  tags: [java, shop]
  annotations: {example.com/team: Sea}
spec: {type: service, lifecycle: production, owner: sea, dependsOn: [resource:db]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: till}
spec: {type: website, lifecycle: experimental, owner: sea}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db}
spec: {type: database, owner: sea}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: sea}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: broken
`

const configuration = `
catalog:
  rules: [{allow: [Component, Resource, Group, Location, User, Robot]}]
  locations: [{type: embedded, target: all.yaml}]
`

func start(t *testing.T, o plugintest.Options, more ...pluginapi.Plugin) *plugintest.Portal {
	t.Helper()
	o.Config = configuration + o.Config
	embedded := fstest.MapFS{"all.yaml": {Data: []byte(descriptors)}}
	return plugintest.StartWith(t, o, append([]pluginapi.Plugin{catalog.Plugin(catalog.Options{Embedded: embedded})}, more...)...)
}

const api = "/api/catalog"

func names(entities []*catalogcommon.Entity) []string {
	list := []string{}
	for _, e := range entities {
		if e == nil {
			list = append(list, "-")
			continue
		}
		list = append(list, e.Metadata.Name)
	}
	return list
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	place := catalogcommon.LocationRef{Type: "embedded", Target: "all.yaml"}.EntityName()

	var list []*catalogcommon.Entity
	p.Get(api + "/entities?limit=10&order=asc:kind&order=asc:metadata.name").Want(200).JSON(&list)
	want(t, "all", names(list), "Shop", "till", "sea", place, "db")
	p.Get(api + "/entities?filter=kind%3Dcomponent&filter=kind%3Dresource%2Cspec.type%3Ddatabase&limit=2&order=desc:metadata.name").Want(200).JSON(&list)
	want(t, "filtered", names(list), "till", "Shop")
	p.Get(api + "/entities?filter=metadata.tags%3Djava&fields=metadata.name,metadata.annotations.example.com/team").Want(200).JSON(&list)
	if len(list) != 1 || list[0].Kind != "" || list[0].Annotation("example.com/team") != "Sea" {
		t.Errorf("projected: %+v", list)
	}

	r := p.Get(api + "/entities?limit=2")
	r.Want(200).JSON(&list)
	link := r.Header.Get("Link")
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if len(list) != 2 || !strings.HasSuffix(link, `rel="next"`) {
		t.Fatalf("a page has %d entities, Link %q", len(list), link)
	}
	first := names(list)
	p.Get(api + next).Want(200).JSON(&list)
	if len(list) != 2 || slices.Equal(first, names(list)) {
		t.Errorf("the next page: %q after %q", names(list), first)
	}

	var entity catalogcommon.Entity
	p.Get(api + "/entities/by-name/COMPONENT/Default/shop").Want(200).JSON(&entity)
	if entity.Metadata.Name != "Shop" || len(entity.Targets("dependsOn")) != 1 {
		t.Errorf("by name: %+v", entity)
	}
	var same catalogcommon.Entity
	p.Get(api + "/entities/by-uid/" + entity.Metadata.UID).Want(200).JSON(&same)
	if same.Metadata.Name != "Shop" {
		t.Errorf("by uid: %+v", same)
	}
	var refs catalogcommon.ByRefsResponse
	p.Post(api+"/entities/by-refs", map[string]any{"entityRefs": []string{"component:default/till", "component:default/none", "Component:Default/Shop", "group:default/sea"}, "fields": []string{"metadata.name"}}).Want(200).JSON(&refs)
	want(t, "by refs", names(refs.Items), "till", "-", "-", "sea")

	var facets catalogcommon.FacetsResponse
	p.Get(api + "/entity-facets?facet=spec.type&facet=nothing&filter=kind%3Dcomponent").Want(200).JSON(&facets)
	if got := facets.Facets["spec.type"]; !slices.Equal(got, []catalogcommon.Facet{{Value: "service", Count: 1}, {Value: "website", Count: 1}}) || facets.Facets["nothing"] == nil {
		t.Errorf("facets: %+v", facets)
	}
	p.Post(api+"/entity-facets", map[string]any{"facets": []string{"kind"}, "query": map[string]any{"kind": "group"}}).Want(200).JSON(&facets)
	if got := facets.Facets["kind"]; !slices.Equal(got, []catalogcommon.Facet{{Value: "Group", Count: 1}}) {
		t.Errorf("facets by query: %+v", facets)
	}

	var ancestry catalogcommon.Ancestry
	p.Get(api + "/entities/by-name/component/default/shop/ancestry").Want(200).JSON(&ancestry)
	if ancestry.RootEntityRef != "component:default/shop" || len(ancestry.Items) != 2 || !slices.Equal(ancestry.Items[0].ParentEntityRefs, []string{"location:default/" + place}) || ancestry.Items[1].ParentEntityRefs == nil {
		t.Errorf("ancestry: %+v", ancestry)
	}
	if !strings.Contains(p.Log(), "all.yaml:26:") {
		t.Errorf("the log does not name the broken document:\n%s", p.Log())
	}
}

func TestQueryByPages(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	page := func(r *plugintest.Response) catalogcommon.QueryResponse {
		t.Helper()
		var answer catalogcommon.QueryResponse
		r.Want(200).JSON(&answer)
		return answer
	}
	one := page(p.Get(api + "/entities/by-query?limit=2&orderField=metadata.name,asc&filter=kind%3Dcomponent&filter=kind%3Dgroup&filter=kind%3Dresource"))
	want(t, "first page", names(one.Items), "db", "sea")
	if one.TotalItems != 4 || one.PageInfo.PrevCursor != "" {
		t.Errorf("first page: %+v", one)
	}
	two := page(p.Get(api + "/entities/by-query?limit=2&cursor=" + url.QueryEscape(one.PageInfo.NextCursor)))
	want(t, "second page", names(two.Items), "Shop", "till")
	if two.TotalItems != 4 || two.PageInfo.NextCursor != "" {
		t.Errorf("second page: %+v", two)
	}
	back := page(p.Post(api+"/entities/by-query", map[string]any{"cursor": two.PageInfo.PrevCursor, "limit": 2}))
	want(t, "back", names(back.Items), "db", "sea")
	if back.PageInfo.NextCursor == "" || back.PageInfo.PrevCursor != "" {
		t.Errorf("back: %+v", back.PageInfo)
	}
	posted := page(p.Post(api+"/entities/by-query", map[string]any{
		"query": map[string]any{"$any": []any{map[string]any{"kind": "Group"}, map[string]any{"spec.type": map[string]any{"$in": []string{"website"}}}}},
		"limit": 1, "orderBy": []map[string]string{{"field": "metadata.name", "order": "desc"}},
	}))
	want(t, "posted", names(posted.Items), "till")
	// Either way takes any cursor.
	got := page(p.Get(api + "/entities/by-query?cursor=" + url.QueryEscape(posted.PageInfo.NextCursor)))
	want(t, "posted, then got", names(got.Items), "sea")

	text := page(p.Get(api + "/entities/by-query?fullTextFilterTerm=HO&fullTextFilterFields=metadata.name,spec.type&totalItems=exclude"))
	want(t, "full text", names(text.Items), "Shop")
	if text.TotalItems != 0 {
		t.Errorf("%d counted", text.TotalItems)
	}
	if none := page(p.Get(api + "/entities/by-query?limit=0")); len(none.Items) != 0 || none.TotalItems != 5 {
		t.Errorf("limit 0: %+v", none)
	}
	if all := page(p.Do("POST", api+"/entities/by-query", nil, nil)); len(all.Items) != 5 {
		t.Errorf("empty body: %d", len(all.Items))
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		name, text   string
	}{
		{"GET", "/entities?x=1", nil, 400, "InputError", "Unknown query parameter 'x'"},
		{"GET", "/entities?filter=", nil, 400, "InputError", "Empty value found for query parameter 'filter'"},
		{"GET", "/entities?limit=0", nil, 400, "InputError", ">= 1"},
		{"GET", "/entities?limit=1&limit=2", nil, 400, "InputError", "limit"},
		{"GET", "/entities?order=name", nil, 400, "InputError", "order"},
		{"GET", "/entities?filter=%3Da", nil, 400, "InputError", ""},
		{"GET", "/entities/by-query?limit=-1", nil, 400, "InputError", "request/query/limit must be >= 0"},
		{"GET", "/entities/by-query?cursor=nonsense", nil, 400, "InputError", "cursor"},
		{"GET", "/entities/by-query?totalItems=some", nil, 400, "InputError", "totalItems"},
		{"POST", "/entities/by-query", map[string]any{"query": map[string]any{"$what": 1}}, 400, "InputError", "$what"},
		{"POST", "/entities/by-refs", map[string]any{}, 400, "InputError", "entityRefs"},
		{"POST", "/entities/by-refs?fields=x", map[string]any{"entityRefs": []string{}}, 400, "InputError", "fields"},
		{"POST", "/entities/by-refs", map[string]any{"entityRefs": []string{strings.Repeat("x", 1<<20)}}, 400, "InputError", "request entity too large"},
		{"GET", "/entity-facets", nil, 400, "InputError", "facet"},
		{"GET", "/entities/by-name/component/default/none", nil, 404, "NotFoundError", "none"},
		{"GET", "/entities/by-name/component/default/shop?fields=kind", nil, 400, "InputError", "fields"},
		{"GET", "/entities/by-name/component/default/none/ancestry", nil, 404, "NotFoundError", ""},
		{"GET", "/entities/by-uid/none", nil, 404, "NotFoundError", ""},
		{"POST", "/refresh", map[string]any{"entityRef": "component:default/none"}, 404, "NotFoundError", ""},
		{"POST", "/refresh", map[string]any{"entityRef": "component:default/shop", "more": 1}, 400, "InputError", "more"},
		{"POST", "/locations", map[string]any{"type": "file", "target": "/etc/passwd"}, 400, "InputError", "file"},
		{"POST", "/locations", map[string]any{"type": "url"}, 400, "InputError", "target"},
		{"PUT", "/locations/none", map[string]any{"type": "url", "target": "https://github.com/a/b/blob/main/c.yaml", "presence": "optional"}, 400, "InputError", "presence"},
		{"GET", "/locations/none", nil, 404, "NotFoundError", "none"},
		{"DELETE", "/locations/none", nil, 404, "NotFoundError", "none"},
		{"POST", "/locations/by-query", map[string]any{"limit": 0}, 400, "InputError", "limit"},
		{"POST", "/locations/by-query", map[string]any{"query": map[string]any{"name": "x"}}, 400, "InputError", "name"},
	} {
		var answer catalogcommon.ErrorBody
		r := p.Do(c.method, api+c.path, nil, c.body)
		r.JSON(&answer)
		if r.Status != c.status || answer.Error.Name != c.name || !strings.Contains(answer.Error.Message, c.text) || answer.Response.StatusCode != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.Status, r.Body)
		}
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	target := "https://github.com/acme/nowhere/blob/main/catalog-info.yaml"
	var added catalogcommon.AddLocationResponse
	p.Post(api+"/locations", map[string]any{"type": "url", "target": target}).Want(201).JSON(&added)
	ref := catalogcommon.LocationRef{Type: "url", Target: target}
	if added.Location.EntityRef != ref.EntityRef().String() || added.Entities == nil || added.Location.ID == "" {
		t.Errorf("added: %+v", added)
	}
	p.Post(api+"/locations", map[string]any{"type": "url", "target": target}).Want(409)
	var again catalogcommon.AddLocationResponse
	p.Post(api+"/locations?onConflict=refresh", map[string]any{"type": "url", "target": target}).Want(201).JSON(&again)
	if again.Location != added.Location {
		t.Errorf("again: %+v", again)
	}
	var all []catalogcommon.LocationItem
	p.Get(api + "/locations").Want(200).JSON(&all)
	if len(all) != 1 || all[0].Data != added.Location {
		t.Errorf("all: %+v", all)
	}
	var page catalogcommon.LocationsPage
	p.Post(api+"/locations/by-query", map[string]any{"query": map[string]any{"target": map[string]any{"$hasPrefix": "HTTPS://github.com"}}}).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.TotalItems != 1 {
		t.Errorf("page: %+v", page)
	}
	p.Post(api+"/locations/by-query", map[string]any{"query": map[string]any{"$all": []any{}}}).Want(200).JSON(&page)
	if len(page.Items) != 0 {
		t.Errorf("empty $all: %+v", page)
	}
	var changed catalogcommon.Location
	p.Do(http.MethodPut, api+"/locations/"+added.Location.ID, nil, map[string]any{"type": "url", "target": target + "2"}).Want(200).JSON(&changed)
	if changed.ID != added.Location.ID || changed.EntityRef != added.Location.EntityRef || changed.Target != target+"2" {
		t.Errorf("changed: %+v", changed)
	}
	p.Do(http.MethodDelete, api+"/locations/"+added.Location.ID, nil, nil).Want(204)
	p.Get(api + "/locations/" + added.Location.ID).Want(404)
	p.Get(api + "/entities/by-name/location/default/" + ref.EntityName()).Want(404)
}

func TestReadonly(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Config: "  readonly: true\n"})
	var entity catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/shop").JSON(&entity)
	p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://github.com/a/b/blob/main/c.yaml"}).Want(403)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+entity.Metadata.UID, nil, nil).Want(403)
	p.Get(api + "/entities/by-name/component/default/shop").Want(200)
}

func TestRemovalComesBack(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var before, after catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/shop").JSON(&before)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+before.Metadata.UID, nil, nil).Want(204)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+before.Metadata.UID, nil, nil).Want(204)
	for range 1000 {
		r := p.Get(api + "/entities/by-name/component/default/shop")
		if r.Status == http.StatusOK {
			r.JSON(&after)
			if after.Metadata.UID == before.Metadata.UID {
				t.Error("it has the same uid")
			}
			return
		}
	}
	t.Errorf("it does not come back\n%s", p.Log())
}

func TestValidate(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	entity := map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": "new"}, "spec": map[string]any{"type": "x", "lifecycle": "y", "owner": "z"}}
	location := "url:https://github.com/a/b/blob/main/catalog-info.yaml"
	p.Post(api+"/validate-entity", map[string]any{"entity": entity, "location": location}).Want(200)
	delete(entity["spec"].(map[string]any), "owner")
	var answer catalogcommon.ValidationError
	p.Post(api+"/validate-entity", map[string]any{"entity": entity, "location": location}).Want(400).JSON(&answer)
	if len(answer.Errors) != 1 || !strings.Contains(answer.Errors[0].Message, "owner") {
		t.Errorf("answer: %+v", answer)
	}
	p.Post(api+"/validate-entity", map[string]any{"entity": entity, "location": "file:/x"}).Want(400).JSON(&answer)
	p.Post(api+"/validate-entity", map[string]any{"entity": entity}).Want(400)
}

func TestDenied(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Authorizer: plugintest.Policy{catalogcommon.PermissionEntityRead: {}, catalogcommon.PermissionLocationCreate: {}, catalogcommon.PermissionLocationRead: {}}})
	var list []*catalogcommon.Entity
	p.Get(api + "/entities").Want(200).JSON(&list)
	want(t, "list", names(list))
	var refs catalogcommon.ByRefsResponse
	p.Post(api+"/entities/by-refs", map[string]any{"entityRefs": []string{"component:default/shop"}}).Want(200).JSON(&refs)
	want(t, "by refs", names(refs.Items), "-")
	var facets catalogcommon.FacetsResponse
	p.Get(api + "/entity-facets?facet=kind").Want(200).JSON(&facets)
	if len(facets.Facets["kind"]) != 0 {
		t.Errorf("facets: %+v", facets)
	}
	p.Get(api + "/entities/by-name/component/default/shop").Want(404)
	p.Get(api + "/entities/by-name/component/default/shop/ancestry").Want(403)
	p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://github.com/a/b/blob/main/c.yaml"}).Want(403)
	var locations []catalogcommon.LocationItem
	p.Get(api + "/locations").Want(200).JSON(&locations)
	if len(locations) != 0 {
		t.Errorf("locations: %+v", locations)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	conditions := pluginapi.Condition{AnyOf: []pluginapi.Condition{
		{Rule: &pluginapi.RuleCall{Name: catalogcommon.RuleIsEntityKind, Params: map[string]any{"kinds": []any{"GROUP"}}}},
		{Rule: &pluginapi.RuleCall{Name: catalogcommon.RuleHasAnnotation, Params: map[string]any{"annotation": "example.com/team", "value": "sea"}}},
	}}
	conditional := pluginapi.Decision{Effect: pluginapi.Conditional, Conditions: conditions}
	p := start(t, plugintest.Options{Authorizer: plugintest.Policy{catalogcommon.PermissionEntityRead: conditional, catalogcommon.PermissionEntityRefresh: conditional}})
	var list []*catalogcommon.Entity
	p.Get(api + "/entities?order=asc:metadata.name").Want(200).JSON(&list)
	want(t, "list", names(list), "sea", "Shop")
	p.Get(api + "/entities/by-name/component/default/shop").Want(200)
	p.Get(api + "/entities/by-name/component/default/till").Want(404)
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/shop"}).Want(200)
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/till"}).Want(403)
}

// fleet is a plugin that extends the catalog and asks it.
func fleet(asked *[]string) pluginapi.Plugin {
	type console struct{ client catalogcommon.Client }
	return pluginapi.Plugin{
		ID:      "fleet",
		Provide: []any{func(c catalogcommon.Client) *console { return &console{c} }},
		Extensions: []pluginapi.Extension{
			catalognode.AddKind("robot", catalognode.Kind{
				Name: "Robot", APIVersions: []string{"example.com/v1"}, Schema: []byte(`{"type":"object","required":["spec"],"properties":{"spec":{"type":"object","required":["crew"],"properties":{"crew":{"type":"string"}}}}}`),
				Relations: []catalognode.RelationField{{Path: "spec.crew", Type: "crewedBy", Reverse: "crews", DefaultKind: "Group"}},
			}),
			catalognode.Providers.From("robots", catalognode.Provider{}, func(ctx context.Context, to catalognode.Connection) error {
				robot := func(name, crew string) catalognode.Deferred {
					return catalognode.Deferred{Entity: &catalogcommon.Entity{APIVersion: "example.com/v1", Kind: "Robot", Metadata: catalogcommon.Metadata{Name: name}, Spec: map[string]any{"crew": crew}}}
				}
				return to.Full(ctx, []catalognode.Deferred{robot("robby", "sea"), robot("marvin", "land")})
			}),
			catalognode.Processors.From("labels", catalognode.Processor{Pure: true}, func() catalognode.Stages {
				return catalognode.Stages{PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					if e.Kind == "Robot" {
						e.Metadata.Labels = map[string]string{"metal": "yes"}
					}
					return e, nil
				}}
			}),
			pluginapi.Routes.From("crew", pluginapi.Route{Pattern: "GET /crew"}, func(c *console, w http.ResponseWriter, r *http.Request) error {
				group, err := c.client.EntityByRef(r.Context(), catalogcommon.Ref{Kind: "group", Name: "sea"})
				if err != nil {
					return err
				}
				for _, ref := range group.Targets("crews") {
					*asked = append(*asked, ref.String())
				}
				w.WriteHeader(http.StatusNoContent)
				return nil
			}),
		},
	}
}

func TestContributions(t *testing.T) {
	t.Parallel()
	var asked []string
	p := start(t, plugintest.Options{}, fleet(&asked))
	var robby catalogcommon.Entity
	for range 2000 {
		if r := p.Get(api + "/entities/by-name/robot/default/robby"); r.Status == http.StatusOK {
			r.JSON(&robby)
			break
		}
	}
	if robby.Metadata.Labels["metal"] != "yes" || len(robby.Targets("crewedBy")) != 1 {
		t.Fatalf("robby = %+v\n%s", robby, p.Log())
	}
	for range 2000 {
		asked = nil
		p.Get("/api/fleet/crew").Want(204)
		if len(asked) > 0 {
			break
		}
	}
	want(t, "crewed by the group", asked, "robot:default/robby")
}

func TestConfiguredLocationsFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "catalog-info.yaml")
	if err := os.WriteFile(file, []byte(descriptors), 0o600); err != nil {
		t.Fatal(err)
	}
	p := plugintest.StartWith(t, plugintest.Options{Config: `
catalog:
  processingInterval: {seconds: 1}
  orphanStrategy: keep
  rules: []
  locations:
    - {type: file, target: ` + file + `, rules: [{allow: [Component, Location]}]}
`}, catalog.Plugin())
	var list []*catalogcommon.Entity
	p.Get(api + "/entities?filter=kind%3Dcomponent,kind%3Dgroup&order=asc:metadata.name").Want(200).JSON(&list)
	want(t, "what its own rules allow", names(list), "Shop", "till")
}
