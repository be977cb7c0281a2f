package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// nested is a predicate that many times negates another.
func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`{"$not":`, depth) + `{"kind":"component"}` + strings.Repeat("}", depth))
}

// deep is an object in an object and so on.
func deep(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

// values are as many texts, each of that length.
func values(n, length int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%0*d", length, i)
	}
	return list
}

// TestLimits asks for more than there should be. Each question has a clear answer, and large ones that make sense are answered.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	type object = map[string]any
	in := func(values []string) object { return object{"metadata.name": object{"$in": values}} }
	deepSpec := robot("sea")
	deepSpec["spec"].(object)["deep"] = json.RawMessage(deep(700))
	terms := func(n int) string { return url.QueryEscape("kind=" + strings.Join(values(n, 5), ",kind=")) }
	long := strings.Repeat("x", 300<<10)

	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		text         string
	}{
		"filter of 10,000 terms":            {"GET", "/entities/by-query?filter=" + terms(10_000), nil, 400, "more than 5000 conditions"},
		"filter of 4,000 terms":             {"GET", "/entities/by-query?filter=" + terms(4000), nil, 200, ""},
		"10,000 terms in 100 filters":       {"GET", "/entities?" + strings.Repeat("filter="+terms(100)+"&", 100) + "limit=1", nil, 400, "more than 5000 conditions"},
		"10,000 terms for facets":           {"GET", "/entity-facets?facet=kind&filter=" + terms(10_000), nil, 400, "more than 5000 conditions"},
		"10,000 terms beside references":    {"POST", "/entities/by-refs?filter=" + terms(10_000), object{"entityRefs": []string{"a"}}, 400, "more than 5000 conditions"},
		"10,000 values":                     {"POST", "/entities/by-query", object{"query": in(values(10_000, 20))}, 400, "more than 5000"},
		"10,000 values beside references":   {"POST", "/entities/by-refs", object{"entityRefs": []string{"a"}, "query": in(values(10_000, 20))}, 400, "more than 5000"},
		"10,000 values for facets":          {"POST", "/entity-facets", object{"facets": []string{"kind"}, "query": in(values(10_000, 20))}, 400, "more than 5000"},
		"10,000 values for locations":       {"POST", "/locations/by-query", object{"query": object{"target": object{"$in": values(10_000, 20)}}}, 400, "more than 5000"},
		"query of 300 KiB":                  {"POST", "/entities/by-query", object{"query": in(values(4000, 77))}, 200, ""},
		"query of 600 KiB":                  {"POST", "/entities/by-query", object{"query": object{"$any": []object{{"kind": long}, {"kind": long}}}}, 400, "more than 524288 bytes"},
		"filter of 600 KB":                  {"GET", "/entities?filter=" + long + "&filter=" + long, nil, 400, "more than 524288 bytes"},
		"20 deep":                           {"POST", "/entities/by-query", object{"query": nested(20)}, 200, ""},
		"1,000 deep":                        {"POST", "/entities/by-query", object{"query": nested(1000)}, 400, "nested more than 32 deep"},
		"20,000 deep":                       {"POST", "/entities/by-query", strings.NewReader(`{"query":` + string(nested(20_000)) + "}"), 400, ""},
		"1,000 deep for facets":             {"POST", "/entity-facets", object{"facets": []string{"kind"}, "query": nested(1000)}, 400, "nested more than 32 deep"},
		"1,000 deep for locations":          {"POST", "/locations/by-query", object{"query": nested(1000)}, 400, "nested more than 32 deep"},
		"limit":                             {"GET", "/entities?limit=100001", nil, 400, "at most 100000"},
		"limit of a page":                   {"GET", "/entities/by-query?limit=100001", nil, 400, "at most 100000"},
		"limit of a page by query":          {"POST", "/entities/by-query", object{"limit": 1 << 40}, 400, "at most 100000"},
		"limit that is no number":           {"GET", "/entities?limit=99999999999999999999", nil, 400, "integer"},
		"limit that is no number in a body": {"POST", "/entities/by-query", json.RawMessage(`{"limit":1e99}`), 400, "limit must not be number"},
		"great limit of locations":          {"POST", "/locations/by-query", object{"limit": 1 << 40}, 200, ""},
		"offset beyond the end":             {"GET", "/entities/by-query?offset=9223372036854775807", nil, 200, `"items":[]`},
		"offset beyond the end of a list":   {"GET", "/entities?offset=9223372036854775807", nil, 200, "[]"},
		"offset without a limit":            {"GET", "/entities?offset=4&fields=metadata.etag", nil, 200, "[{"},
		"references of 400 KiB":             {"POST", "/entities/by-refs", object{"entityRefs": values(20_000, 18)}, 200, `{"items":[null,`},
		"more references":                   {"POST", "/entities/by-refs", object{"entityRefs": values(20_001, 18)}, 400, "more than 20000"},
		"body of more than 1 MiB":           {"POST", "/entities/by-refs", object{"entityRefs": values(20_000, 60)}, 400, "request entity too large"},
		"entity of more than 1 MiB":         {"PUT", "/entities/by-name/component/default/kiosk", object{"x": strings.Repeat("x", 1<<20)}, 400, "request entity too large"},
		"501 fields":                        {"GET", "/entities?fields=" + strings.Join(values(501, 5), ","), nil, 400, "more than 500 fields"},
		"101 facets":                        {"GET", "/entity-facets?facet=" + strings.Join(values(101, 5), "&facet="), nil, 400, "more than 100 facets"},
		"9 sort keys":                       {"GET", "/entities/by-query?orderField=" + strings.Join(values(9, 5), "&orderField="), nil, 400, "8"},
		"full text":                         {"GET", "/entities/by-query?fullTextFilterTerm=" + strings.Repeat("x", 10_000), nil, 400, "more than 200 characters"},
		"full text in 101 fields":           {"GET", "/entities/by-query?fullTextFilterTerm=x&fullTextFilterFields=" + strings.Join(values(101, 5), ","), nil, 400, "more than 100 fields"},
		"graph":                             {"GET", "/entities/graph?root=component:shop&depth=1000&limit=1000000", nil, 400, "limit"},
		"cursor":                            {"GET", "/entities/by-query?cursor=" + strings.Repeat("A", 800<<10), nil, 400, "more than"},
		"entity that is nested 700 deep":    {"PUT", "/entities/by-name/component/default/kiosk", deepSpec, 400, "deep"},
		"entity that is nested 20,000 deep": {"PUT", "/entities/by-name/component/default/kiosk", strings.NewReader(`{"kind":"Component","metadata":{"name":"Kiosk"},"spec":` + deep(20_000) + "}"), 400, ""},
		"validating one 700 deep":           {"POST", "/validate-entity", object{"entity": deepSpec, "location": "url:https://git.invalid/c.yaml"}, 400, "deep"},
		"conditions nested 1,000 deep":      {"POST", "/.well-known/backstage/permissions/apply-conditions", object{"items": []object{{"id": "1", "resourceRef": "a", "resourceType": "catalog-entity", "conditions": json.RawMessage(strings.ReplaceAll(string(nested(1000)), "$not", "not"))}}}, 400, "deep"},
		"conditions for too many":           {"POST", "/.well-known/backstage/permissions/apply-conditions", object{"items": []object{{"id": "1", "resourceRef": values(10_001, 5), "resourceType": "catalog-entity", "conditions": object{}}}}, 400, "10000"},
	} {
		r := p.Do(c.method, api+c.path, nil, c.body)
		if r.Status != c.status || !strings.Contains(string(r.Body), c.text) {
			t.Errorf("%s: %d %.1000s; want %d and %q", name, r.Status, r.Body, c.status, c.text)
		}
		var failed catalogcommon.ErrorBody
		if c.status == 400 && c.path != "/validate-entity" && (json.Unmarshal(r.Body, &failed) != nil || failed.Error.Name != "InputError") {
			t.Errorf("%s: %.1000s", name, r.Body)
		}
	}
}

// TestLongQueryByPages goes on where the question is so long that the cursor is, too.
func TestLongQueryByPages(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var page catalogcommon.QueryResponse
	p.Post(api+"/entities/by-query", map[string]any{"limit": 1, "query": map[string]any{"kind": map[string]any{"$in": append(values(4900, 100), "component")}}}).Want(200).JSON(&page)
	p.Post(api+"/entities/by-query", map[string]any{"cursor": page.PageInfo.NextCursor}).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.TotalItems != 2 {
		t.Errorf("the second page: %d of %d", len(page.Items), page.TotalItems)
	}
	p.Get(api + "/entities/by-query?cursor=" + url.QueryEscape(page.PageInfo.PrevCursor)).Want(200).JSON(&page)
	if len(page.Items) != 1 {
		t.Errorf("the first page: %d", len(page.Items))
	}
}

// TestLongAnswer is about one that is sent in parts.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	refs := slices.Repeat([]string{"component:default/shop", "component:default/none"}, 5000)
	r := p.Post(api+"/entities/by-refs", map[string]any{"entityRefs": refs}).Want(200)
	var answer catalogcommon.ByRefsResponse
	r.JSON(&answer)
	if len(answer.Items) != len(refs) || len(r.Body) < 1<<20 || r.Header.Get("Content-Length") != "" || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d items in %d bytes, headers %v", len(answer.Items), len(r.Body), r.Header)
	}
	for i, entity := range answer.Items {
		if (entity == nil) != (i%2 == 1) {
			t.Fatalf("item %d is %v", i, entity)
		}
	}
}
