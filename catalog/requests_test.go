package catalog_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestWaysToAsk has the spellings that clients and people use for the same question.
func TestWaysToAsk(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	for name, path := range map[string]string{
		"one filter":             "/entities?filter=kind=component,spec.type=service",
		"escaped":                "/entities?filter=kind%3Dcomponent%2Cspec.type%3Dservice",
		"as a list":              "/entities?filter[]=kind=component,spec.type=service",
		"list's name escaped":    "/entities?filter%5B%5D=kind=component,spec.type=service",
		"space":                  "/entities?filter=+kind+%3D+component+,,+spec.type=service+,",
		"other case":             "/entities?filter=KIND=COMPONENT,Spec.Type=SERVICE",
		"same key twice":         "/entities?filter=kind=component,metadata.name=shop,metadata.name=none",
		"key beside its value":   "/entities?filter=kind,kind=component,metadata.name=shop",
		"tag as a path":          "/entities?filter=metadata.tags.java",
		"tag as a path and true": "/entities?filter=metadata.tags.java=true",
		"relation":               "/entities?filter=relations.dependson=resource:default/db",
		"value with an escape":   `/entities?filter=metadata.annotations.example.com/team=sea,metadata.name=sh\,op,metadata.name=shop`,
		"two sets":               "/entities?filter=kind=nothing&filter=metadata.name=shop",
	} {
		var list []*catalogcommon.Entity
		p.Get(api + path).Want(200).JSON(&list)
		want(t, name, names(list), "Shop")
	}
	for name, path := range map[string]string{
		"in one parameter":   "/entities?filter=metadata.name=shop&fields=kind,metadata.name",
		"in two":             "/entities?filter=metadata.name=shop&fields=kind&fields=metadata.name",
		"as a list":          "/entities?filter=metadata.name=shop&fields[]=kind&fields[]=metadata.name",
		"missing and spaces": "/entities?filter=metadata.name=shop&fields=+kind,metadata.name,spec.nothing,Metadata.name,relations.type",
	} {
		if body := string(p.Get(api + path).Want(200).Body); body != `[{"kind":"Component","metadata":{"name":"Shop"}}]` {
			t.Errorf("fields, %s: %s", name, body)
		}
	}

	// A direction that is left out is ascending, also for the cursor.
	var page catalogcommon.QueryResponse
	p.Get(api + "/entities/by-query?orderField=metadata.name&limit=2&filter=kind=component&filter=kind=group").Want(200).JSON(&page)
	want(t, "first page", names(page.Items), "sea", "Shop")
	p.Get(api + "/entities/by-query?cursor=" + url.QueryEscape(page.PageInfo.NextCursor) + "&orderField=kind,desc&filter=kind=resource&offset=7&totalItems=exclude").Want(200).JSON(&page)
	want(t, "second page, whatever else is asked", names(page.Items), "till")
	if page.TotalItems != 3 {
		t.Errorf("second page: %d are counted", page.TotalItems)
	}
	// Keys that nobody knows are skipped in a body that is not strict.
	p.Post(api+"/entities/by-query", map[string]any{"query": map[string]any{"kind": "group"}, "more": 1}).Want(200).JSON(&page)
	want(t, "with more", names(page.Items), "sea")

	// A list without its limit leaves out what lacks the sort key, a page has it last.
	var list []*catalogcommon.Entity
	filter := "filter=kind=component&filter=kind=group&order=desc:spec.lifecycle&order=asc:metadata.name"
	p.Get(api + "/entities?" + filter).Want(200).JSON(&list)
	want(t, "list", names(list), "Shop", "till")
	r := p.Get(api + "/entities?limit=2&offset=1&" + filter).Want(200)
	r.JSON(&list)
	want(t, "page", names(list), "till", "sea")
	if link := r.Header.Get("Link"); link != "" {
		t.Errorf("the last page has Link %q", link)
	}
	link := p.Get(api + "/entities?limit=1&offset=1&" + filter).Want(200).Header.Get("Link")
	if !strings.HasPrefix(link, "</entities?") || strings.Contains(link, "offset=") || !strings.HasSuffix(link, `>; rel="next"`) {
		t.Errorf("Link %q", link)
	}
	// A reference is compared as it is written, a name in any case.
	var refs catalogcommon.ByRefsResponse
	p.Post(api+"/entities/by-refs", map[string]any{"entityRefs": []string{"Component:default/shop", "shop", "component:shop"}}).Want(200).JSON(&refs)
	want(t, "by refs", names(refs.Items), "-", "-", "-")
}

// TestStrictness has requests that mean well.
func TestStrictness(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	for _, c := range []struct{ method, path, contentType, body, text string }{
		{"GET", "/entities?fields=", "", "", "Empty value found for query parameter 'fields'"},
		{"GET", "/entities/by-query?fullTextFilterTerm=", "", "", "Empty value found for query parameter 'fullTextFilterTerm'"},
		{"GET", "/entities/by-query?cursor=", "", "", "Empty value found for query parameter 'cursor'"},
		{"GET", "/entities/by-query?order=asc:kind", "", "", "Unknown query parameter 'order'"},
		{"GET", "/entities/by-query?orderField=kind,up", "", "", "up"},
		{"GET", "/entities?orderField=kind", "", "", "Unknown query parameter 'orderField'"},
		{"GET", "/entities?order=kind:asc", "", "", "kind:asc"},
		{"GET", "/entities?fields=a[0]", "", "", "write elements of arrays with dots"},
		{"GET", "/entities?offset=1.5", "", "", "request/query/offset must be integer"},
		{"GET", "/entities?after=x", "", "", "after is malformed"},
		{"GET", "/entities?filter=%zz", "", "", "cannot be read"},
		{"GET", "/entity-facets?facet=kind&fields=kind", "", "", "Unknown query parameter 'fields'"},
		{"GET", "/locations?limit=1", "", "", "Unknown query parameter 'limit'"},
		{"POST", "/entities/by-query", "text/plain", "{}", "unsupported media type text/plain"},
		{"POST", "/entities/by-query", "application/json", "[]", "must be an object"},
		{"POST", "/entities/by-query", "application/json", `"x"`, "must be an object"},
		{"POST", "/entities/by-query", "application/json", "{", "not valid JSON"},
		{"POST", "/entities/by-query", "application/json", "{}{}", "must be one JSON object"},
		{"POST", "/entities/by-query", "application/json", `{"limit":"1"}`, "limit must not be string"},
		{"POST", "/entities/by-query", "application/json", `{"query":"kind=group"}`, "query must be an object"},
		{"POST", "/entities/by-query", "application/json", `{"orderBy":[{"field":""}]}`, "field"},
		{"POST", "/entities/by-query?limit=1", "application/json", "{}", "Unknown query parameter 'limit'"},
		{"POST", "/entities/by-refs", "application/json", "", "not valid JSON"},
		{"POST", "/entities/by-refs", "application/json", "null", "must have required property 'entityRefs'"},
		{"POST", "/entities/by-refs", "application/json", `{"entityRefs":"x"}`, "entityRefs must not be string"},
		{"POST", "/entities/by-refs", "application/json", `{"entityRefs":[1]}`, "must not be number"},
		{"POST", "/entity-facets", "application/json", `{"query":{}}`, "must have required property 'facets'"},
		{"POST", "/refresh", "application/json", `{"entityRef":"nonsense"}`, "nonsense"},
		{"POST", "/locations", "application/json", `{"type":"url","target":"https://git.invalid/x","id":"1"}`, "must NOT have additional properties"},
		{"POST", "/locations", "application/json", `{"type":"url","target":"javascript:alert(1)"}`, "script"},
		{"POST", "/locations", "application/json", `{"type":"url","target":"https://git.invalid/x","presence":"maybe"}`, "presence"},
		{"POST", "/locations?onConflict=ignore", "application/json", `{"type":"url","target":"https://git.invalid/x"}`, "onConflict"},
		{"POST", "/locations/by-query", "application/json", `{"limit":1.5}`, "limit must not be number"},
		{"POST", "/locations/by-query", "application/json", `{"cursor":"x"}`, "cursor is malformed"},
		{"POST", "/locations/by-query", "application/json", `{"query":[]}`, "query must not be array"},
		{"POST", "/analyze-location", "application/json", `{"location":{"type":"url","target":"https://git.invalid/x","presence":"required"}}`, "presence"},
		{"POST", "/validate-entity", "application/json", `{"entity":[],"location":"url:https://git.invalid/x"}`, "entity"},
		{"POST", "/validate-entity", "application/json", `{"entity":null,"location":"url:https://git.invalid/x"}`, "must have required property 'entity'"},
		{"PUT", "/locations/x", "application/json", `{"target":"https://git.invalid/x"}`, "must have required property 'type'"},
	} {
		var answer catalogcommon.ErrorBody
		header := http.Header{}
		if c.contentType != "" {
			header.Set("Content-Type", c.contentType)
		}
		r := p.Do(c.method, api+c.path, header, strings.NewReader(c.body)).Want(400).JSON(&answer)
		if answer.Error.Name != "InputError" || !strings.Contains(answer.Error.Message, c.text) || answer.Response.StatusCode != 400 || answer.Request == nil || answer.Request.Method != c.method || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, r.Body)
		}
	}
}

// TestReadonlyOperations changes nothing, and may look at what a change would bring.
func TestReadonlyOperations(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Config: "  readonly: true\n"})
	location := map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/locations", location}, {"POST", "/locations?dryRun=no", location}, {"PUT", "/locations/x", location}, {"DELETE", "/locations/x", nil},
		{"PUT", "/entities/by-name/component/default/kiosk", robot("sea")}, {"DELETE", "/entities/by-name/component/default/shop", nil},
		{"DELETE", "/entities/by-uid/none", nil}, {"DELETE", "/entities/unprocessed/delete/none", nil},
	} {
		var answer catalogcommon.ErrorBody
		p.Do(c.method, api+c.path, nil, c.body).Want(403).JSON(&answer)
		if answer.Error.Name != "NotAllowedError" || answer.Error.Message != "This operation not allowed in readonly mode" {
			t.Errorf("%s %s: %+v", c.method, c.path, answer.Error)
		}
	}
	for _, yes := range []string{"true", "YES", "y", "1", "on"} {
		p.Post(api+"/locations?dryRun="+yes, location).Want(400) // it was tried: the address may not be read
	}
	p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/shop"}).Want(200)
	p.Post(api+"/validate-entity", map[string]any{"entity": robot("sea"), "location": "url:https://git.invalid/x"}).Want(200)
}
