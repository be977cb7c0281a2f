package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// asking is a plugin that hands out the client it was given.
func asking(client *catalogcommon.Client) pluginapi.Plugin {
	type asker struct{}
	return pluginapi.Plugin{
		ID: "asking",
		Provide: []any{func(c catalogcommon.Client) *asker {
			*client = c
			return &asker{}
		}},
		Extensions: []pluginapi.Extension{pluginapi.Starts.From("start", pluginapi.Start{}, func(*asker, context.Context) error { return nil })},
	}
}

// TestClients has both implementations of catalogcommon.Client answer the same questions in the same way.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, implementation := range []string{"in process", "HTTP"} {
		t.Run(implementation, func(t *testing.T) {
			t.Parallel()
			var client catalogcommon.Client
			p := start(t, plugintest.Options{}, asking(&client))
			if implementation == "HTTP" {
				client = catalogcommon.NewClient(p.URL+api, &http.Client{})
			}
			conform(t, p, pluginapi.WithPrincipal(t.Context(), pluginapi.Guest()), client)
		})
	}
}

func conform(t *testing.T, p *plugintest.Portal, ctx context.Context, client catalogcommon.Client) {
	t.Helper()
	shop := catalogcommon.Ref{Kind: "Component", Name: "SHOP"}
	none := catalogcommon.Ref{Kind: "component", Name: "none"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, err error, status int, name string) {
		t.Helper()
		var refusal *catalogcommon.Error
		if !errors.As(err, &refusal) || refusal.Status != status || refusal.Name != name {
			t.Errorf("%s: %v (%T); want %d %s", what, err, err, status, name)
		}
	}
	same := func(what string, got, want any) {
		t.Helper()
		if difference := cmp.Diff(want, got); difference != "" {
			t.Errorf("%s: not as wanted (-), but (+):\n%s", what, difference)
		}
	}

	entity, err := client.EntityByRef(ctx, shop)
	must(err)
	same("entity", entity.Metadata.Name, "Shop")
	_, err = client.EntityByRef(ctx, none)
	refused("no entity", err, 404, "NotFoundError")

	refs := []string{"component:default/shop", "component:default/none", "component:default/till"}
	filter := catalogcommon.Filter{{"kind": {"component"}, "spec.lifecycle": {}}}
	found, err := client.EntitiesByRefs(ctx, catalogcommon.ByRefsRequest{EntityRefs: refs, Filter: filter, Query: map[string]any{"spec.type": "service"}, Fields: []string{"metadata.name"}})
	must(err)
	same("by refs", names(found), []string{"Shop", "-", "-"})
	_, err = client.EntitiesByRefs(ctx, catalogcommon.ByRefsRequest{EntityRefs: refs, Query: map[string]any{"$no": 1}})
	refused("by refs with a predicate that is none", err, 400, "InputError")

	request := catalogcommon.QueryRequest{Filter: catalogcommon.Filter{{"kind": {"component", "group"}}}, OrderBy: []catalogcommon.Order{{Field: "metadata.name", Direction: catalogcommon.Descending}}, Limit: new(2), Fields: []string{"metadata.name"}}
	page, err := client.QueryEntities(ctx, request)
	must(err)
	same("page", names(page.Items), []string{"till", "Shop"})
	same("counted", page.TotalItems, 3)
	page, err = client.QueryEntities(ctx, catalogcommon.QueryRequest{Cursor: page.PageInfo.NextCursor, Limit: new(2)})
	must(err)
	same("next page", names(page.Items), []string{"sea"})
	page, err = client.QueryEntities(ctx, catalogcommon.QueryRequest{Cursor: page.PageInfo.PrevCursor, Limit: new(2)})
	must(err)
	same("the page before", names(page.Items), []string{"till", "Shop"})
	page, err = client.QueryEntities(ctx, catalogcommon.QueryRequest{FullText: &catalogcommon.FullText{Term: "HO", Fields: []string{"metadata.name"}}, Total: catalogcommon.TotalExclude})
	must(err)
	same("full text", names(page.Items), []string{"Shop"})
	for what, bad := range map[string]catalogcommon.QueryRequest{"cursor": {Cursor: "x"}, "limit": {Limit: new(-1)}, "field": {Fields: []string{"a[0]"}}, "order": {OrderBy: []catalogcommon.Order{{Field: "x", Direction: "up"}}}, "predicate": {Query: map[string]any{"$no": 1}}} {
		_, err = client.QueryEntities(ctx, bad)
		refused("bad "+what, err, 400, "InputError")
	}
	var all []string
	for entity, err := range catalogcommon.Entities(ctx, client, request) {
		must(err)
		all = append(all, entity.Metadata.Name)
	}
	same("all", all, []string{"till", "Shop", "sea"})

	facets, err := client.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{"spec.type", "nothing"}, Filter: filter})
	must(err)
	same("facets", facets, map[string][]catalogcommon.Facet{"spec.type": {{Value: "service", Count: 1}, {Value: "website", Count: 1}}, "nothing": {}})
	_, err = client.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{"kind"}, Query: map[string]any{"$no": 1}})
	refused("facets with a predicate that is none", err, 400, "InputError")

	ancestry, err := client.Ancestry(ctx, shop)
	must(err)
	same("ancestry", []int{len(ancestry.Items), len(ancestry.Items[0].ParentEntityRefs)}, []int{2, 1})
	same("root", ancestry.RootEntityRef, "component:default/shop")
	_, err = client.Ancestry(ctx, none)
	refused("no ancestry", err, 404, "NotFoundError")

	must(client.RefreshEntity(ctx, shop))
	refused("no refresh", client.RefreshEntity(ctx, none), 404, "NotFoundError")
	must(client.RemoveEntity(ctx, "none"))

	origin := catalogcommon.LocationRef{Type: "url", Target: "https://git.invalid/catalog-info.yaml"}
	text, err := json.Marshal(robot("sea"))
	must(err)
	valid := new(catalogcommon.Entity)
	must(json.Unmarshal(text, valid))
	must(client.ValidateEntity(ctx, valid, origin))
	delete(valid.Spec, "owner")
	var invalid *catalogcommon.ValidationError
	if err := client.ValidateEntity(ctx, valid, origin); !errors.As(err, &invalid) || len(invalid.Errors) != 1 {
		t.Errorf("invalid: %v", err)
	}

	added, err := client.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: origin.Target})
	must(err)
	same("location", added.Location, catalogcommon.Location{ID: added.Location.ID, Type: "url", Target: origin.Target, EntityRef: origin.EntityRef().String()})
	_, err = client.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: origin.Target})
	refused("the same location", err, 409, "ConflictError")
	_, err = client.AddLocation(ctx, catalogcommon.AddLocationRequest{Type: "file", Target: "/etc"})
	refused("a location of another type", err, 400, "InputError")
	again, err := client.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: origin.Target, OnConflict: catalogcommon.OnConflictRefresh})
	must(err)
	same("the same location, refreshed", []any{again.Location, again.Exists != nil && *again.Exists}, []any{added.Location, true})
	second, err := client.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: origin.Target + "?2"})
	must(err)

	locations, err := client.Locations(ctx)
	must(err)
	same("locations", len(locations), 2)
	queried, err := client.QueryLocations(ctx, catalogcommon.LocationsQuery{Limit: new(1)})
	must(err)
	same("first page of locations", []any{queried.Items, queried.TotalItems}, []any{locations[:1], 2})
	queried, err = client.QueryLocations(ctx, catalogcommon.LocationsQuery{Cursor: queried.PageInfo.NextCursor})
	must(err)
	same("second page of locations", []any{queried.Items, queried.PageInfo}, []any{locations[1:], catalogcommon.PageInfo{}})
	queried, err = client.QueryLocations(ctx, catalogcommon.LocationsQuery{Query: map[string]any{"target": second.Location.Target}})
	must(err)
	same("a location", queried.Items, []catalogcommon.Location{second.Location})
	_, err = client.QueryLocations(ctx, catalogcommon.LocationsQuery{Query: map[string]any{"name": "x"}})
	refused("locations by what they do not have", err, 400, "InputError")
	_, err = client.QueryLocations(ctx, catalogcommon.LocationsQuery{Limit: new(0)})
	refused("no locations", err, 400, "InputError")

	location, err := client.LocationByID(ctx, added.Location.ID)
	must(err)
	same("location by id", location, added.Location)
	_, err = client.LocationByID(ctx, "none")
	refused("no location", err, 404, "NotFoundError")
	p.Eventually("the location's entity is there", func() bool {
		location, err = client.LocationByEntity(ctx, origin.EntityRef())
		return err == nil
	})
	same("location by entity", location, added.Location)
	_, err = client.LocationByEntity(ctx, shop)
	refused("an entity without a registered location", err, 404, "NotFoundError")

	updated, err := client.UpdateLocation(ctx, added.Location.ID, catalogcommon.LocationRef{Target: origin.Target + "?3"})
	must(err)
	same("updated", updated, catalogcommon.Location{ID: added.Location.ID, Type: "url", Target: origin.Target + "?3", EntityRef: added.Location.EntityRef})
	_, err = client.UpdateLocation(ctx, added.Location.ID, second.Location.Ref())
	refused("updated to another", err, 409, "ConflictError")
	_, err = client.UpdateLocation(ctx, "none", origin)
	refused("updating none", err, 404, "NotFoundError")
	must(client.RemoveLocation(ctx, added.Location.ID))
	refused("removing it again", client.RemoveLocation(ctx, added.Location.ID), 404, "NotFoundError")

	analysis, err := client.AnalyzeLocation(ctx, catalogcommon.AnalyzeLocationRequest{Location: catalogcommon.LocationRef{Target: "https://git.invalid/acme/shop"}})
	must(err)
	same("proposals", []int{len(analysis.GenerateEntities), len(analysis.ExistingEntityFiles)}, []int{1, 0})
	_, err = client.AnalyzeLocation(ctx, catalogcommon.AnalyzeLocationRequest{Location: catalogcommon.LocationRef{Target: "nonsense"}})
	refused("analysing nonsense", err, 400, "InputError")
}

// TestClientsRefused has both of them act for somebody who may nothing, and the one in the process for nobody.
func TestClientsRefused(t *testing.T) {
	t.Parallel()
	denied := plugintest.Policy{}
	for _, permission := range catalogcommon.Permissions() {
		denied[permission.Name] = pluginapi.Decision{}
	}
	var local catalogcommon.Client
	p := start(t, plugintest.Options{Authorizer: denied}, asking(&local))
	ctx := pluginapi.WithPrincipal(t.Context(), pluginapi.Guest())
	for name, client := range map[string]catalogcommon.Client{"in process": local, "HTTP": catalogcommon.NewClient(p.URL+api, nil)} {
		ref := catalogcommon.Ref{Kind: "component", Name: "shop"}
		place := catalogcommon.LocationRef{Type: "url", Target: "https://git.invalid/x"}
		_, read := client.EntityByRef(ctx, ref)
		_, ancestry := client.Ancestry(ctx, ref)
		_, add := client.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: place.Target})
		_, update := client.UpdateLocation(ctx, "x", place)
		_, analyze := client.AnalyzeLocation(ctx, catalogcommon.AnalyzeLocationRequest{Location: place})
		for what, c := range map[string]struct {
			err    error
			status int
		}{
			"read": {read, 404}, "ancestry": {ancestry, 403}, "refresh": {client.RefreshEntity(ctx, ref), 403}, "remove": {client.RemoveEntity(ctx, "x"), 403}, "add": {add, 403},
			"update": {update, 403}, "analyze": {analyze, 403}, "remove location": {client.RemoveLocation(ctx, "x"), 403}, "validate": {client.ValidateEntity(ctx, new(catalogcommon.Entity), place), 403},
		} {
			var refusal *catalogcommon.Error
			if !errors.As(c.err, &refusal) || refusal.Status != c.status {
				t.Errorf("%s, %s: %v (%T), want status %d", name, what, c.err, c.err, c.status)
			}
		}
	}
	var refusal *catalogcommon.Error
	if err := local.RemoveLocation(t.Context(), "x"); !errors.As(err, &refusal) || refusal.Status != 401 {
		t.Errorf("nobody: %v", err)
	}
}
