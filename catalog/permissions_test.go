package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// changing is a policy that a test can change.
type changing struct {
	now atomic.Pointer[plugintest.Policy]
}

func (c *changing) Authorize(ctx context.Context, permission pluginapi.Permission, resource string) (pluginapi.Decision, error) {
	return c.now.Load().Authorize(ctx, permission, resource)
}

func (c *changing) to(p plugintest.Policy) { c.now.Store(&p) }

func ruled(name string, params map[string]any) pluginapi.Condition {
	return pluginapi.Condition{Rule: &pluginapi.RuleCall{Name: name, Params: params}}
}

func when(c pluginapi.Condition) pluginapi.Decision {
	return pluginapi.Decision{Effect: pluginapi.Conditional, Conditions: c}
}

// onlyWebsites are components of type website, which in the catalog of these tests is till alone.
func onlyWebsites() pluginapi.Decision {
	return when(pluginapi.Condition{AllOf: []pluginapi.Condition{
		ruled(catalogcommon.RuleIsEntityKind, map[string]any{"kinds": []string{"component"}}),
		{Not: new(ruled(catalogcommon.RuleHasSpec, map[string]any{"key": "type", "value": "service"}))},
	}})
}

// TestHidden asks every operation that reads entities as somebody who may read only one of them.
func TestHidden(t *testing.T) {
	t.Parallel()
	var authorizer changing
	authorizer.to(plugintest.Policy{})
	p := start(t, plugintest.Options{Authorizer: &authorizer})
	var shop, till catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/shop").Want(200).JSON(&shop)
	p.Get(api + "/entities/by-name/component/default/till").Want(200).JSON(&till)
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/kiosk", nil, robot("sea")).Want(201)
	var open catalogcommon.QueryResponse
	p.Get(api + "/entities/by-query?limit=1&orderField=metadata.name").Want(200).JSON(&open)
	var location catalogcommon.AddLocationResponse
	p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}).Want(201).JSON(&location)
	locationName := strings.Replace(strings.Replace(location.Location.EntityRef, ":", "/", 1), "location/", "/location/", 1)
	p.Eventually("the location's entity is there", func() bool { return p.Get(api+"/entities/by-name"+locationName).Status == 200 })

	authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: onlyWebsites()})
	var list []*catalogcommon.Entity
	for _, path := range []string{"/entities", "/entities?limit=10", "/entities?order=asc:metadata.name", "/entities?filter=kind%3Dcomponent&filter=kind%3Dgroup"} {
		p.Get(api + path).Want(200).JSON(&list)
		want(t, path, names(list), "till")
	}
	p.Get(api + "/entities?filter=spec.type%3Dservice").Want(200).JSON(&list)
	want(t, "what is hidden", names(list))
	var page catalogcommon.QueryResponse
	p.Get(api + "/entities/by-query?orderField=metadata.name").Want(200).JSON(&page)
	want(t, "page", names(page.Items), "till")
	if page.TotalItems != 1 {
		t.Errorf("%d are counted", page.TotalItems)
	}
	p.Post(api+"/entities/by-query", map[string]any{"query": map[string]any{"$not": map[string]any{"kind": "nothing"}}}).Want(200).JSON(&page)
	want(t, "posted page", names(page.Items), "till")
	p.Get(api + "/entities/by-query?cursor=" + url.QueryEscape(open.PageInfo.NextCursor)).Want(200).JSON(&page)
	want(t, "page of a cursor that somebody else got", names(page.Items), "till")
	p.Get(api + "/entities/by-query?fullTextFilterTerm=s&fullTextFilterFields=metadata.name").Want(200).JSON(&page)
	want(t, "full text", names(page.Items))
	var refs catalogcommon.ByRefsResponse
	p.Post(api+"/entities/by-refs", map[string]any{"entityRefs": []string{"component:default/shop", "component:default/till"}}).Want(200).JSON(&refs)
	want(t, "by refs", names(refs.Items), "-", "till")
	p.Get(api + "/entities/by-uid/" + till.Metadata.UID).Want(200)
	hidden, missing := p.Get(api+"/entities/by-uid/"+shop.Metadata.UID).Want(404), p.Get(api+"/entities/by-uid/none").Want(404)
	if strings.ReplaceAll(string(hidden.Body), shop.Metadata.UID, "none") != string(missing.Body) {
		t.Errorf("what is hidden is not as what is missing: %s and %s", hidden.Body, missing.Body)
	}
	hidden, missing = p.Get(api+"/entities/by-name/component/default/shop").Want(404), p.Get(api+"/entities/by-name/component/default/none").Want(404)
	if strings.ReplaceAll(string(hidden.Body), "shop", "none") != string(missing.Body) {
		t.Errorf("what is hidden is not as what is missing: %s and %s", hidden.Body, missing.Body)
	}
	var facets catalogcommon.FacetsResponse
	p.Get(api + "/entity-facets?facet=kind&facet=metadata.tags").Want(200).JSON(&facets)
	if !slices.Equal(facets.Facets["kind"], []catalogcommon.Facet{{Value: "Component", Count: 1}}) || len(facets.Facets["metadata.tags"]) != 0 {
		t.Errorf("facets: %+v", facets)
	}
	p.Post(api+"/entity-facets", map[string]any{"facets": []string{"spec.type"}}).Want(200).JSON(&facets)
	if !slices.Equal(facets.Facets["spec.type"], []catalogcommon.Facet{{Value: "website", Count: 1}}) {
		t.Errorf("facets by query: %+v", facets)
	}
	var ancestry catalogcommon.Ancestry
	p.Get(api + "/entities/by-name/component/default/till/ancestry").Want(200).JSON(&ancestry)
	if len(ancestry.Items) != 1 || len(ancestry.Items[0].ParentEntityRefs) != 0 {
		t.Errorf("the ancestry goes on above what may be read: %+v", ancestry)
	}
	p.Get(api + "/entities/by-name/component/default/shop/ancestry").Want(404)
	p.Get(api + "/locations/by-entity" + locationName).Want(404)
	p.Get(api + "/locations/" + location.Location.ID).Want(200) // locations have a permission of their own
	var graph struct {
		Nodes []struct{ EntityRef string }
		Edges []any
	}
	p.Get(api + "/entities/graph?root=component:shop&depth=3&direction=both").Want(200).JSON(&graph)
	for _, node := range graph.Nodes {
		if node.EntityRef != "component:default/shop" { // the root, which the caller named
			t.Errorf("the graph shows %s", node.EntityRef)
		}
	}
	if len(graph.Edges) != 0 {
		t.Errorf("the graph shows %v", graph.Edges)
	}
	var changes struct {
		Items      []struct{ EntityRef string }
		Next, Last int64
	}
	p.Get(api + "/changes?limit=1000").Want(200).JSON(&changes)
	for _, change := range changes.Items {
		if change.EntityRef != "component:default/till" {
			t.Errorf("the change log tells of %s", change.EntityRef)
		}
	}
	if len(changes.Items) == 0 || changes.Next != changes.Last {
		t.Errorf("the change log: %+v", changes)
	}

	// Who takes an entity for missing must not write over it.
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/kiosk", http.Header{"If-None-Match": {"*"}}, robot("land")).Want(403)
	authorizer.to(plugintest.Policy{})
	var kiosk catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/kiosk").Want(200).JSON(&kiosk)
	if kiosk.SpecString("owner") != "sea" {
		t.Errorf("it was written over: %+v", kiosk)
	}
	// Who may write what it may not read is told what became of it.
	authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: onlyWebsites()})
	var other catalogcommon.Entity
	body := robot("sea")
	body["metadata"] = map[string]any{"name": "other"}
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/other", nil, body).Want(201).JSON(&other)
	if other.Metadata.UID == "" {
		t.Errorf("written: %+v", other)
	}
}

// TestDecidedPerEntity has permissions other than reading that depend on the entity.
func TestDecidedPerEntity(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Authorizer: plugintest.Policy{
		catalogcommon.PermissionEntityDelete:  when(ruled(catalogcommon.RuleIsEntityOwner, map[string]any{"claims": []any{"group:default/SEA"}})),
		catalogcommon.PermissionEntityRefresh: when(ruled(catalogcommon.RuleHasAnnotation, map[string]any{"annotation": "example.com/team"})),
	}})
	var shop, sea catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/shop").Want(200).JSON(&shop)
	p.Get(api + "/entities/by-name/group/default/sea").Want(200).JSON(&sea)
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/shop"}).Want(200)
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/till"}).Want(403)
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/none"}).Want(403)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+sea.Metadata.UID, nil, nil).Want(403)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+shop.Metadata.UID, nil, nil).Want(204)
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/kiosk", nil, robot("sea")).Want(201)
	p.Do(http.MethodDelete, api+"/entities/by-name/component/default/kiosk", nil, nil).Want(204)
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/kiosk", nil, robot("land")).Want(201)
	p.Do(http.MethodDelete, api+"/entities/by-name/component/default/kiosk", nil, nil).Want(403)
}

// TestLocationsHidden is for who may not read locations: there are none.
func TestLocationsHidden(t *testing.T) {
	t.Parallel()
	var authorizer changing
	authorizer.to(plugintest.Policy{})
	p := start(t, plugintest.Options{Authorizer: &authorizer})
	var location catalogcommon.AddLocationResponse
	p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}).Want(201).JSON(&location)
	authorizer.to(plugintest.Policy{catalogcommon.PermissionLocationRead: {}, catalogcommon.PermissionIngestionRead: {}})
	if body := string(p.Get(api + "/locations").Want(200).Body); body != "[]" {
		t.Errorf("locations: %s", body)
	}
	var page catalogcommon.LocationsPage
	p.Post(api+"/locations/by-query", nil).Want(200).JSON(&page)
	if len(page.Items) != 0 || page.TotalItems != 0 {
		t.Errorf("locations by query: %+v", page)
	}
	p.Get(api + "/locations/" + location.Location.ID).Want(404)
	p.Get(api + "/locations/by-entity/component/default/shop").Want(404)
	if body := string(p.Get(api + "/ingestion/problems").Want(200).Body); body != `{"items":[]}` {
		t.Errorf("problems: %s", body)
	}
}

// TestSenselessConditions hide everything: a policy that cannot be understood must not allow more than one that can.
func TestSenselessConditions(t *testing.T) {
	t.Parallel()
	var authorizer changing
	authorizer.to(plugintest.Policy{})
	p := start(t, plugintest.Options{Authorizer: &authorizer})
	deep := ruled(catalogcommon.RuleIsEntityKind, map[string]any{"kinds": []string{"component"}})
	for range 100 {
		deep = pluginapi.Condition{Not: &deep}
	}
	for name, condition := range map[string]pluginapi.Condition{
		"empty":                      {},
		"two forms":                  {AllOf: []pluginapi.Condition{}, AnyOf: []pluginapi.Condition{}},
		"unknown rule":               ruled("IS_NICE", nil),
		"negated unknown rule":       {Not: new(ruled("IS_NICE", nil))},
		"parameter is missing":       ruled(catalogcommon.RuleHasLabel, nil),
		"parameter is of other type": {Not: new(ruled(catalogcommon.RuleIsEntityKind, map[string]any{"kinds": "group"}))},
		"item is of other type":      {Not: new(ruled(catalogcommon.RuleIsEntityKind, map[string]any{"kinds": []any{"group", 1}}))},
		"value is of other type":     ruled(catalogcommon.RuleHasSpec, map[string]any{"key": "type", "value": 1}),
		"unknown parameter":          ruled(catalogcommon.RuleHasSpec, map[string]any{"key": "type", "vale": "x"}),
		"empty key":                  {Not: new(ruled(catalogcommon.RuleHasMetadata, map[string]any{"key": ""}))},
		"too deep":                   deep,
	} {
		authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: when(condition)})
		if body := string(p.Get(api + "/entities").Want(200).Body); body != "[]" {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestPermissionMetadata reads what a permission service reads before it decides.
func TestPermissionMetadata(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var metadata struct {
		Permissions []struct {
			Type, Name, ResourceType string
			Attributes               struct{ Action string }
		}
		Rules []struct {
			Name, Description, ResourceType string
			ParamsSchema                    struct {
				Properties map[string]struct{ Type string }
				Required   []string
			}
		}
	}
	p.Get(api + "/.well-known/backstage/permissions/metadata").Want(200).JSON(&metadata)
	found := map[string]string{}
	for _, permission := range metadata.Permissions {
		found[permission.Name] = strings.Join([]string{permission.Type, permission.Attributes.Action, permission.ResourceType}, " ")
	}
	for name, want := range map[string]string{
		"catalog.entity.read": "resource read catalog-entity", "catalog.entity.create": "basic create ", "catalog.entity.delete": "resource delete catalog-entity",
		"catalog.entity.refresh": "resource update catalog-entity", "catalog.entity.validate": "basic  ", "catalog.location.read": "basic read ",
		"catalog.location.create": "basic create ", "catalog.location.delete": "basic delete ", "catalog.location.analyze": "basic  ",
		"catalog.ingestion.read": "basic read ", "catalog.ingestion.manage": "basic update ",
	} {
		if found[name] != want {
			t.Errorf("%s is %q, want %q", name, found[name], want)
		}
	}
	rules := map[string][]string{}
	for _, rule := range metadata.Rules {
		for name, property := range rule.ParamsSchema.Properties {
			optional := "?"
			if slices.Contains(rule.ParamsSchema.Required, name) {
				optional = ""
			}
			rules[rule.Name] = append(rules[rule.Name], name+optional+" "+property.Type)
		}
		slices.Sort(rules[rule.Name])
		if rule.ResourceType != "catalog-entity" || rule.Description == "" {
			t.Errorf("rule %+v", rule)
		}
	}
	for name, params := range map[string][]string{
		"HAS_ANNOTATION": {"annotation string", "value? string"}, "HAS_LABEL": {"label string", "value? string"}, "HAS_METADATA": {"key string", "value? string"},
		"HAS_SPEC": {"key string", "value? string"}, "IS_ENTITY_KIND": {"kinds array"}, "IS_ENTITY_OWNER": {"claims array"},
	} {
		want(t, name, rules[name], params...)
	}
}

// TestApplyConditions has every rule decide about single entities, and compares with what the same conditions let a list show: the two must agree.
func TestApplyConditions(t *testing.T) {
	t.Parallel()
	var authorizer changing
	authorizer.to(plugintest.Policy{})
	p := start(t, plugintest.Options{Authorizer: &authorizer})
	const path = api + "/.well-known/backstage/permissions/apply-conditions"
	all := []string{"component:default/shop", "component:default/till", "group:default/sea", "resource:default/db"}
	leaf := func(rule string, params map[string]any) map[string]any {
		return map[string]any{"rule": rule, "resourceType": "catalog-entity", "params": params}
	}
	type answer struct {
		Items []struct {
			ID     string
			Result json.RawMessage
		}
	}
	for name, c := range map[string]struct {
		rule   string
		params map[string]any
		want   []string
	}{
		"annotation":               {"HAS_ANNOTATION", map[string]any{"annotation": "EXAMPLE.com/team"}, all[:1]},
		"annotation with a value":  {"HAS_ANNOTATION", map[string]any{"annotation": "example.com/team", "value": "sEa"}, all[:1]},
		"annotation, other value":  {"HAS_ANNOTATION", map[string]any{"annotation": "example.com/team", "value": "land"}, nil},
		"label":                    {"HAS_LABEL", map[string]any{"label": "x"}, nil},
		"metadata":                 {"HAS_METADATA", map[string]any{"key": "tags", "value": "JAVA"}, all[:1]},
		"metadata without a value": {"HAS_METADATA", map[string]any{"key": "name"}, all},
		"spec":                     {"HAS_SPEC", map[string]any{"key": "lifecycle"}, all[:2]},
		"spec with a value":        {"HAS_SPEC", map[string]any{"key": "type", "value": "Team"}, all[2:3]},
		"kind":                     {"IS_ENTITY_KIND", map[string]any{"kinds": []string{"GROUP", "resource"}}, all[2:]},
		"no kind":                  {"IS_ENTITY_KIND", map[string]any{"kinds": []string{}}, nil},
		"owner":                    {"IS_ENTITY_OWNER", map[string]any{"claims": []string{"user:default/x", "Group:default/sea"}}, []string{all[0], all[1], all[3]}},
	} {
		authorizer.to(plugintest.Policy{})
		upper := []string{}
		for _, ref := range all {
			upper = append(upper, strings.ToUpper(ref))
		}
		var got answer
		p.Post(path, map[string]any{"items": []any{
			map[string]any{"id": "a", "resourceRef": append(upper, "component:default/none"), "resourceType": "catalog-entity", "conditions": leaf(c.rule, c.params)},
			map[string]any{"id": "b", "resourceRef": all, "resourceType": "catalog-entity", "conditions": map[string]any{"not": map[string]any{"anyOf": []any{leaf(c.rule, c.params), map[string]any{"allOf": []any{leaf(c.rule, c.params)}}}}}},
		}}).Want(200).JSON(&got)
		decided, negated := []string{}, []string{}
		if len(got.Items) != 2 || got.Items[0].ID != "a" || json.Unmarshal(got.Items[0].Result, &decided) != nil || json.Unmarshal(got.Items[1].Result, &negated) != nil || len(decided) != 5 || decided[4] != "DENY" {
			t.Fatalf("%s: %+v", name, got)
		}
		holds := []string{}
		for i, ref := range all {
			if decided[i] == "ALLOW" {
				holds = append(holds, ref)
			}
			if decided[i] == negated[i] {
				t.Errorf("%s: %s and its opposite are both %s", name, ref, decided[i])
			}
		}
		want(t, name, holds, c.want...)

		authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: when(ruled(c.rule, c.params))})
		var listed []*catalogcommon.Entity
		p.Get(api + "/entities").Want(200).JSON(&listed)
		holds = []string{}
		for _, entity := range listed {
			if entity.Kind != "Location" {
				holds = append(holds, entity.Ref().String())
			}
		}
		slices.Sort(holds)
		want(t, name+" in a list", holds, c.want...)
	}

	// One reference, one result. What the caller may not read is denied, even by conditions that hold for it.
	authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: onlyWebsites()})
	var got answer
	item := func(ref string) map[string]any {
		return map[string]any{"id": ref, "resourceRef": ref, "resourceType": "catalog-entity", "conditions": map[string]any{"not": leaf("IS_ENTITY_KIND", map[string]any{"kinds": []string{"nothing"}})}}
	}
	p.Post(path, map[string]any{"items": []any{item(all[0]), item(all[1])}}).Want(200).JSON(&got)
	if string(got.Items[0].Result) != `"DENY"` || string(got.Items[1].Result) != `"ALLOW"` {
		t.Errorf("answer: %+v", got)
	}

	for name, bad := range map[string]map[string]any{
		"no items":           {},
		"other type":         {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "y", "conditions": leaf("HAS_LABEL", map[string]any{"label": "x"})}}},
		"no conditions":      {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity"}}},
		"no reference":       {"items": []any{map[string]any{"id": "1", "resourceType": "catalog-entity", "conditions": leaf("HAS_LABEL", map[string]any{"label": "x"})}}},
		"unknown rule":       {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity", "conditions": leaf("HAS_NOTHING", nil)}}},
		"missing parameter":  {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity", "conditions": leaf("HAS_LABEL", nil)}}},
		"rule of other type": {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity", "conditions": map[string]any{"rule": "HAS_LABEL", "resourceType": "y", "params": map[string]any{"label": "x"}}}}},
		"empty list":         {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity", "conditions": map[string]any{"anyOf": []any{}}}}},
		"two forms":          {"items": []any{map[string]any{"id": "1", "resourceRef": "x", "resourceType": "catalog-entity", "conditions": map[string]any{"not": leaf("HAS_LABEL", map[string]any{"label": "x"}), "anyOf": []any{leaf("HAS_LABEL", map[string]any{"label": "x"})}}}}},
	} {
		var failed catalogcommon.ErrorBody
		if p.Post(path, bad).Want(400).JSON(&failed); failed.Error.Name != "InputError" {
			t.Errorf("%s: %+v", name, failed)
		}
	}
}

// TestAddedRules has a plugin that says what else conditions can be about.
func TestAddedRules(t *testing.T) {
	t.Parallel()
	named := catalognode.Rule{Name: "IS_NAMED", Description: "Allow entities of the names", Params: []catalognode.RuleParam{{Name: "names", Description: "Names.", List: true}, {Name: "kind", Description: "Kind.", Optional: true}}}
	plugin := pluginapi.Plugin{ID: "rules", Extensions: []pluginapi.Extension{
		catalognode.Rules.From("named", named, func(_ context.Context, params map[string][]string) (map[string]any, error) {
			where := map[string]any{"metadata.name": map[string]any{"$in": params["names"]}}
			if kind := params["kind"]; kind != nil {
				where["kind"] = kind[0]
			}
			return where, nil
		}),
		catalognode.Rules.From("broken", catalognode.Rule{Name: "IS_BROKEN"}, func(context.Context, map[string][]string) (map[string]any, error) { return nil, errors.New("broken") }),
		catalognode.Rules.From("senseless", catalognode.Rule{Name: "IS_SENSELESS"}, func(context.Context, map[string][]string) (map[string]any, error) {
			return map[string]any{"$no": 1}, nil
		}),
		catalognode.Rules.From("kind", catalognode.Rule{Name: catalogcommon.RuleIsEntityKind}, func(context.Context, map[string][]string) (map[string]any, error) { return map[string]any{}, nil }),
		pluginapi.Routes.From("may", pluginapi.Route{Pattern: "GET /may/{name}"}, func(a pluginapi.Authorizer, w http.ResponseWriter, r *http.Request) error { // a permission of the plugin's own, about one entity
			decision, err := a.Authorize(r.Context(), pluginapi.Permission{Name: "rules.use", Resource: catalogcommon.ResourceTypeEntity}, r.PathValue("name"))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(w, decision.Effect == pluginapi.Allow)
			return err
		}),
	}}
	var authorizer changing
	authorizer.to(plugintest.Policy{})
	p := start(t, plugintest.Options{Authorizer: &authorizer}, plugin)
	var metadata struct {
		Rules []struct{ Name, Description string }
	}
	p.Get(api + "/.well-known/backstage/permissions/metadata").Want(200).JSON(&metadata)
	var listed []string
	for _, rule := range metadata.Rules {
		listed = append(listed, rule.Name)
	}
	want(t, "rules", listed[len(listed)-3:], "IS_NAMED", "IS_BROKEN", "IS_SENSELESS")

	for name, c := range map[string]struct {
		condition pluginapi.Condition
		want      []string
	}{
		"names":              {ruled("IS_NAMED", map[string]any{"names": []any{"SHOP", "sea"}}), []string{"sea", "Shop"}},
		"names and kind":     {ruled("IS_NAMED", map[string]any{"names": []any{"shop", "sea"}, "kind": "group"}), []string{"sea"}},
		"its parameter":      {ruled("IS_NAMED", map[string]any{"names": "shop"}), nil},
		"unknown parameter":  {ruled("IS_NAMED", map[string]any{"names": []any{"shop"}, "more": 1}), nil},
		"broken":             {pluginapi.Condition{Not: new(ruled("IS_BROKEN", nil))}, nil},
		"senseless":          {pluginapi.Condition{Not: new(ruled("IS_SENSELESS", nil))}, nil},
		"the catalog's wins": {ruled(catalogcommon.RuleIsEntityKind, map[string]any{"kinds": []any{"group"}}), []string{"sea"}},
	} {
		authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRead: when(c.condition)})
		var list []*catalogcommon.Entity
		p.Get(api + "/entities?order=asc:metadata.name").Want(200).JSON(&list)
		want(t, name, names(list), c.want...)

		authorizer.to(plugintest.Policy{"rules.use": when(c.condition)})
		for _, ref := range []string{"component:default/Shop", "group:default/sea", "component:default/till", "component:default/none"} {
			_, entity, _ := strings.Cut(ref, "/")
			r := p.Get("/api/rules/may/" + url.PathEscape(ref))
			if may := r.Status == 200 && string(r.Body) == "true"; may != slices.Contains(c.want, entity) {
				t.Errorf("%s: whether it may with %s: %d %s", name, ref, r.Status, r.Body)
			}
		}
	}
	authorizer.to(plugintest.Policy{})
	body := map[string]any{"items": []any{map[string]any{
		"id": "1", "resourceRef": []string{"group:default/sea", "component:default/till"}, "resourceType": "catalog-entity",
		"conditions": map[string]any{"rule": "IS_NAMED", "resourceType": "catalog-entity", "params": map[string]any{"names": []string{"sea"}}},
	}}}
	if got := string(p.Post(api+"/.well-known/backstage/permissions/apply-conditions", body).Want(200).Body); got != `{"items":[{"id":"1","result":["ALLOW","DENY"]}]}` {
		t.Errorf("applied: %s", got)
	}
}
