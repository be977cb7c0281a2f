package catalog_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// contract is the API's own description, against which requests and answers are held. It keeps what was seen of it.
type contract struct {
	t      *testing.T
	doc    *openapi3.T
	router routers.Router
	seen   map[string]bool // "GET /path 200"
}

func contractOf(t *testing.T, p *plugintest.Portal) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(p.Get(api + "/openapi.json").Want(200).Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{t: t, doc: doc, router: router, seen: map[string]bool{}}
}

// operations are all that the document has, as "METHOD /path".
func (c *contract) operations() map[string]*openapi3.Operation {
	all := map[string]*openapi3.Operation{}
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			all[method+" "+path] = operation
		}
	}
	return all
}

// do sends a request and holds the answer against the document; the request, too, unless it is one that has to be refused.
func (c *contract) do(p *plugintest.Portal, method, path string, header http.Header, body any, status int) *plugintest.Response {
	c.t.Helper()
	response := p.Do(method, api+path, header, body).Want(status)
	c.check(p, method, path, header, body, response.Status, response.Header, response.Body)
	return response
}

func (c *contract) check(p *plugintest.Portal, method, path string, header http.Header, body any, status int, answered http.Header, answer []byte) {
	c.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			c.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, p.URL+api+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.URL.Scheme, r.URL.Host = "", ""
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
		return
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	options.ExcludeResponseBody = strings.HasPrefix(answered.Get("Content-Type"), "text/event-stream") // which is text, and without an end
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if status != http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(c.t.Context(), input); err != nil {
			c.t.Errorf("%s %s: the request is not as described: %v", method, path, err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: status, Header: answered, Body: io.NopCloser(bytes.NewReader(answer)), Options: options}
	if err := openapi3filter.ValidateResponse(c.t.Context(), output); err != nil {
		c.t.Errorf("%s %s: the answer %d is not as described: %v\n%s", method, path, status, err, answer)
	}
	if documented := route.Operation.Responses.Status(status); documented != nil && documented.Value.Content == nil && len(answer) > 0 {
		c.t.Errorf("%s %s: the answer %d has a body, of which the document says nothing: %s", method, path, status, answer)
	}
	c.seen[method+" "+route.Path+" "+itoa(int64(status))] = true
}

func TestEveryRouteIsDocumented(t *testing.T) {
	t.Parallel()
	c := contractOf(t, start(t, plugintest.Options{}))
	documented := c.operations()
	for _, extension := range catalog.Plugin().Extensions {
		route, ok := extension.Spec.(pluginapi.Route)
		if !ok {
			continue
		}
		if documented[route.Pattern] == nil {
			t.Errorf("the route %s is not in openapi.yaml", route.Pattern)
		}
		delete(documented, route.Pattern)
	}
	for operation := range documented {
		t.Errorf("openapi.yaml has %s, for which there is no route", operation)
	}
}

// TestContract drives every operation, and makes it answer with every status that the document gives it.
func TestContract(t *testing.T) {
	t.Parallel()
	file := served(t, descriptors[:strings.Index(descriptors, "---")])
	host := newSourceHost(t, map[string]string{"catalog-info.yaml": component("found")})
	p := start(t, plugintest.Options{Config: "backend: {reading: {allow: [{host: '" + strings.TrimPrefix(file, "http://") + "'}]}}\nintegrations: {github: [{host: ghe.example.com, apiBaseUrl: '" + host.URL + "/github', token: " + host.token + "}]}\n"})
	c := contractOf(t, p)
	get := func(path string, status int) *plugintest.Response {
		t.Helper()
		return c.do(p, http.MethodGet, path, nil, nil, status)
	}
	post := func(path string, body any, status int) *plugintest.Response {
		t.Helper()
		return c.do(p, http.MethodPost, path, nil, body, status)
	}
	type object = map[string]any
	type list = []any
	const (
		shop   = "/by-name/component/default/shop"
		none   = "/by-name/component/default/none"
		kiosk  = "/by-name/component/default/kiosk"
		target = "https://git.invalid/catalog-info.yaml" // which no configuration lets the catalog read
	)

	for _, operation := range []string{"/openapi.json", "/.well-known/backstage/permissions/metadata", "/locations", "/ingestion/problems", "/entities" + shop, "/ingestion" + shop, "/entities" + shop + "/ancestry"} {
		get(operation, 200)
		get(operation+"?x=1", 400)
	}

	get("/entities", 200)
	link := get("/entities?filter=kind%3Dcomponent,spec.type&filter=kind%3Dgroup&order=asc:kind&order=desc:metadata.name&limit=1&fields=kind,metadata.name,relations.0.type", 200).Header.Get("Link")
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	get(next, 200)
	get("/entities?offset=-1", 400)

	var page catalogcommon.QueryResponse
	get("/entities/by-query?limit=1&orderField=metadata.name,asc&filter=kind%3Dcomponent&fullTextFilterTerm=sh&fullTextFilterFields=metadata.name&totalItems=include&fields=metadata", 200)
	get("/entities/by-query?limit=2", 200).JSON(&page)
	get("/entities/by-query?limit=2&cursor="+page.PageInfo.NextCursor, 200).JSON(&page)
	post("/entities/by-query", object{"cursor": page.PageInfo.PrevCursor}, 200)
	post("/entities/by-query", object{
		"limit": 1, "offset": 1, "orderBy": list{object{"field": "metadata.name", "order": "desc"}}, "fullTextFilter": object{"term": "s", "fields": list{"metadata.name"}},
		"fields": list{"kind"}, "totalItems": "exclude", "query": object{"$not": object{"kind": "user"}},
	}, 200)
	get("/entities/by-query?limit=x", 400)
	post("/entities/by-query", object{"limit": -1}, 400)

	post("/entities/by-refs?filter=kind%3Dcomponent", object{"entityRefs": list{"component:default/shop", "component:default/none"}, "fields": list{"spec"}, "query": object{"spec.type": "service"}}, 200)
	post("/entities/by-refs", object{}, 400)

	var entity catalogcommon.Entity
	get("/entities"+shop, 200).JSON(&entity)
	uid := entity.Metadata.UID
	get("/entities/by-uid/"+uid, 200)
	get("/entities/by-uid/"+uid+"?fields=kind", 400)
	for _, missing := range []string{"/entities/by-uid/none", "/entities" + none, "/entities" + none + "/ancestry", "/locations/none", "/locations" + strings.Replace(shop, "name", "entity", 1)} {
		get(missing, 404)
	}

	get("/entities/graph?root=component:shop&type=ownedBy,dependsOn&depth=2&direction=both&limit=10&fields=kind", 200)
	get("/entities/graph", 400)
	get("/entity-facets?facet=kind&facet=metadata.tags&filter=kind%3Dcomponent", 200)
	get("/entity-facets", 400)
	post("/entity-facets", object{"facets": list{"spec.type"}, "query": object{"kind": "component"}}, 200)
	post("/entity-facets", object{"facets": list{}}, 400)
	post("/refresh", object{"entityRef": "component:default/shop", "authorizationToken": "x"}, 200)
	post("/refresh", object{"entityRef": "component:default/none"}, 404)
	post("/refresh", object{"entity": "x"}, 400)

	post("/validate-entity", object{"entity": robot("sea"), "location": "url:" + target}, 200)
	post("/validate-entity", object{"entity": object{"kind": "Component"}, "location": "url:" + target}, 400)
	post("/validate-entity", object{"entity": 1, "location": 2}, 400)
	post("/analyze-location", object{"location": object{"type": "url", "target": "https://git.invalid/acme/shop"}, "catalogFilename": "catalog.yaml"}, 200)
	post("/analyze-location", object{"location": object{"type": "url", "target": "https://ghe.example.com/acme/private"}}, 200)
	post("/analyze-location", object{"location": object{"type": "url", "target": "https://ghe.example.com/acme/none"}}, 404)
	post("/analyze-location", object{}, 400)

	// Written directly.
	put := func(path string, header http.Header, body any, status int) {
		t.Helper()
		c.do(p, http.MethodPut, path, header, body, status)
	}
	remove := func(path string, header http.Header, status int) {
		t.Helper()
		c.do(p, http.MethodDelete, path, header, nil, status)
	}
	put("/entities"+kiosk, http.Header{"If-None-Match": {"*"}}, robot("sea"), 201)
	put("/entities"+kiosk, http.Header{"If-Match": {"*"}}, robot("land"), 200)
	put("/entities"+kiosk, http.Header{"If-None-Match": {"*"}}, robot("land"), 412)
	put("/entities"+kiosk, nil, object{"kind": "Component"}, 400)
	put("/entities"+shop, nil, object{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": object{"name": "Shop"}, "spec": object{"type": "a", "lifecycle": "b", "owner": "c"}}, 409)
	remove("/entities"+shop, nil, 409)
	orders := "/entities/by-name/api/default/orders"
	put(orders, nil, object{"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": object{"name": "orders"}, "spec": object{"type": "graphql", "lifecycle": "b", "owner": "c", "definition": "type Query"}}, 201)
	get(orders+"/definition", 200)
	get(orders+"/definition?x=1", 400)
	get("/entities"+shop+"/definition", 404)
	remove("/entities"+kiosk+"?x=1", nil, 400)
	remove("/entities"+kiosk, http.Header{"If-Match": {`"x"`}}, 412)
	remove("/entities"+kiosk, nil, 204)
	remove("/entities"+kiosk, nil, 404)

	// Locations.
	var added catalogcommon.AddLocationResponse
	post("/locations", object{"type": "url", "target": target, "presence": "optional"}, 201).JSON(&added)
	post("/locations?onConflict=reject", object{"type": "url", "target": target}, 409)
	post("/locations?onConflict=refresh", object{"type": "url", "target": target}, 201)
	post("/locations", object{"type": "url", "target": target + "2"}, 201)
	post("/locations?dryRun=true", object{"type": "url", "target": target + "3"}, 400)
	var tried catalogcommon.AddLocationResponse
	post("/locations?dryRun=true", object{"type": "url", "target": file + "/catalog-info.yaml"}, 201).JSON(&tried)
	if !slices.Contains(names(tried.Entities), "Shop") {
		t.Errorf("a dry run brought %q", names(tried.Entities))
	}
	var locations catalogcommon.LocationsPage
	post("/locations/by-query", object{"limit": 1, "query": object{"type": "url"}}, 200).JSON(&locations)
	post("/locations/by-query", object{"cursor": locations.PageInfo.NextCursor}, 200)
	post("/locations/by-query", object{"limit": 0}, 400)
	location := "/locations/" + added.Location.ID
	get(location, 200)
	get(location+"?x=1", 400)
	put(location, nil, object{"type": "url", "target": target + "1"}, 200)
	put(location, nil, object{"type": "url", "target": target + "2"}, 409)
	put(location, nil, object{"type": "url"}, 400)
	put("/locations/none", nil, object{"type": "url", "target": target + "4"}, 404)
	ref := catalogcommon.LocationRef{Type: "url", Target: target}.EntityName()
	get("/locations/by-entity/location/default/"+ref+"?x=1", 400)
	remove(location+"?x=1", nil, 400)
	remove(location, nil, 204)
	remove(location, nil, 404)

	// How entities fare.
	get("/ingestion"+none, 200)
	get("/changes?after=1&limit=3", 200)
	get("/changes?limit=0", 400)
	get("/changes?after=1000000", 410)
	get("/changes/stream?after=1000000", 410)
	get("/changes/stream?after=x", 400)
	for _, kind := range []string{"failed", "pending"} {
		get("/entities/unprocessed/"+kind+"?owner=sea", 200)
		get("/entities/unprocessed/"+kind+"?x=1", 400)
	}
	remove("/entities/unprocessed/delete/"+uid+"?x=1", nil, 400)
	remove("/entities/unprocessed/delete/none", nil, 204)
	remove("/entities/by-uid/"+uid+"?x=1", nil, 400)
	remove("/entities/by-uid/"+uid, nil, 204)

	// Permissions.
	rule := object{"rule": catalogcommon.RuleIsEntityKind, "resourceType": "catalog-entity", "params": object{"kinds": list{"group"}}}
	post("/.well-known/backstage/permissions/apply-conditions", object{"items": list{
		object{"id": "1", "resourceRef": "group:default/sea", "resourceType": "catalog-entity", "conditions": rule},
		object{"id": "2", "resourceRef": list{"group:default/sea", "component:default/till"}, "resourceType": "catalog-entity", "conditions": object{"anyOf": list{object{"not": rule}, object{"allOf": list{rule}}}}},
	}}, 200)
	post("/.well-known/backstage/permissions/apply-conditions", object{}, 400)

	c.refusals()
	c.stream(p)
	c.complete()
}

// refusals is for who may nothing, and for a catalog that nobody may change.
func (c *contract) refusals() {
	c.t.Helper()
	denied := plugintest.Policy{}
	for _, permission := range catalogcommon.Permissions() {
		denied[permission.Name] = pluginapi.Decision{}
	}
	p := start(c.t, plugintest.Options{Authorizer: denied})
	location := map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}
	for _, refused := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/entities/by-name/component/default/shop/ancestry", nil},
		{"PUT", "/entities/by-name/component/default/kiosk", robot("sea")},
		{"DELETE", "/entities/by-name/component/default/shop", nil},
		{"DELETE", "/entities/by-uid/none", nil},
		{"POST", "/refresh", map[string]any{"entityRef": "component:default/shop"}},
		{"POST", "/validate-entity", map[string]any{"entity": robot("sea"), "location": "url:https://github.com/acme/shop/blob/main/catalog-info.yaml"}},
		{"POST", "/analyze-location", map[string]any{"location": map[string]string{"type": "url", "target": "https://git.invalid/acme/shop"}}},
		{"POST", "/locations", location},
		{"PUT", "/locations/none", location},
		{"DELETE", "/locations/none", nil},
		{"GET", "/ingestion/by-name/component/default/shop", nil},
		{"GET", "/entities/unprocessed/failed", nil},
		{"GET", "/entities/unprocessed/pending", nil},
		{"DELETE", "/entities/unprocessed/delete/none", nil},
	} {
		c.do(p, refused.method, refused.path, nil, refused.body, 403)
	}
	// An entity whose location is registered.
	p = start(c.t, plugintest.Options{})
	var added catalogcommon.AddLocationResponse
	p.Post(api+"/locations", location).Want(201).JSON(&added)
	kind, name, _ := strings.Cut(added.Location.EntityRef, ":")
	p.Eventually("the location's entity is there", func() bool {
		return p.Get(api+"/entities/by-name/"+kind+"/"+name).Status == http.StatusOK
	})
	c.do(p, http.MethodGet, "/locations/by-entity/"+kind+"/"+name, nil, nil, 200)
}

// stream reads the beginning of an answer that has no end.
func (c *contract) stream(p *plugintest.Portal) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, p.URL+api+"/changes/stream?after=0", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	some := make([]byte, 100)
	if _, err := io.ReadFull(answer.Body, some); err != nil {
		c.t.Fatal(err)
	}
	c.check(p, http.MethodGet, "/changes/stream?after=0", http.Header{"Last-Event-Id": {"1"}}, nil, answer.StatusCode, answer.Header, some)
}

// complete tells what the document promises and nothing above made happen. Nobody is anonymous in a portal without sign-in, and nothing fails here.
func (c *contract) complete() {
	c.t.Helper()
	var missing []string
	for name, operation := range c.operations() {
		for status := range operation.Responses.Map() {
			if status != "401" && status != "5XX" && !c.seen[name+" "+status] {
				missing = append(missing, name+" "+status)
			}
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		c.t.Errorf("never seen:\n%s", strings.Join(missing, "\n"))
	}
}
