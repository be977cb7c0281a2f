package catalog_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// hostileTexts are values of parameters and parts of paths, as they are written in a URL.
func hostileTexts() []string {
	return []string{
		"", "%00", "a%00b", "%ff", "a%ffb", "%ed%a0%80", "%f4%90%80%80", "%zz", "%", "%2e%2e", "..", "%2f", "a%2fb", "%5c", "%0d%0a", "%7f", "%e2%80%ae", "%f0%9f%92%a9", "%c4%b0",
		"%22", "%27+or+1%3d1--", "*", "%25", "_", "{", "[0]", "a[]", ".", "a.", ".a", "a..b", ":", "a:b/c/d", ",", "=", "a=", "=a", ";", "%3b", "%26",
		"-0", "-1", "1.5", "1e3", "0x10", "%2b1", "%201", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "NaN", "null", "true",
		"asc:", "asc:a", ",asc", "a,asc,desc", "eyJ9", "e30%3d", "bnVsbA%3d%3d", "W10%3d",
		strings.Repeat("x", 5000), strings.Repeat("%00", 1000), strings.Repeat("a.", 5000), strings.Repeat("a,", 5000), strings.Repeat("%f0%9f%92%a9", 500),
	}
}

// hostileValues are values in bodies.
func hostileValues() []string {
	return []string{
		`null`, `true`, `-1`, `1.5`, `1e999`, `123456789012345678901234567890`, `""`, `"x"`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"", `" "`, `"javascript:alert(1)"`, `"a:b/c/d"`, `"component:default/a\u0000b"`, `"url:a\u0000b"`, `":"`,
		`[]`, `{}`, `[null]`, `[[]]`, `[{}]`, `[1]`, `[""]`, `["\u0000"]`, "[\"a\xffb\"]", `["a","a"]`, `{"":null}`, `{"\u0000":1}`, `{"$not":{}}`, `{"$all":[]}`, `{"$any":null}`, `{"kind":{"$in":["\u0000"]}}`,
		`{"kind":"\u0000"}`, `{"type":"url","target":"https://git.invalid/\u0000"}`, `{"kind":1e999}`, `{"kind":{"$hasPrefix":"\u0000"}}`, `{"a":{"b":{"c":{}}}}`,
		strings.Repeat("[", 9999) + strings.Repeat("]", 9999), strings.Repeat("[", 20000), `"` + strings.Repeat("x", 100_000) + `"`, `"` + strings.Repeat(`\u0000`, 10_000) + `"`,
	}
}

// hostileBodies are bodies that make sense, by the operations that take them.
func hostileBodies() map[string]string {
	const entity = `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"kiosk","namespace":"default","title":"x","labels":{"a":"b"},"annotations":{"a":"b"},"tags":["a"],"links":[{"url":"https://x"}]},
		"spec":{"type":"a","lifecycle":"b","owner":"c","dependsOn":["component:x"]},"relations":[],"status":{}}`
	return map[string]string{
		"POST /entities/by-query": `{"cursor":"","limit":1,"offset":0,"orderBy":[{"field":"kind","order":"asc"}],"fullTextFilter":{"term":"x","fields":["kind"]},"fields":["kind"],"totalItems":"include","query":{"kind":"component"}}`,
		"POST /entities/by-refs":  `{"entityRefs":["component:default/shop"],"fields":["kind"],"query":{"kind":"component"}}`, "POST /entity-facets": `{"facets":["kind"],"query":{"kind":"component"}}`,
		"POST /refresh": `{"entityRef":"component:default/shop","authorizationToken":"x"}`, "POST /locations": `{"type":"url","target":"https://git.invalid/y","presence":"optional"}`,
		"POST /locations/by-query": `{"cursor":"","limit":10,"query":{"type":"url"}}`, "PUT /locations/x": `{"type":"url","target":"https://git.invalid/x"}`,
		"POST /analyze-location": `{"location":{"type":"url","target":"https://git.invalid/acme/shop"},"catalogFilename":"x"}`,
		"POST /validate-entity":  `{"entity":` + entity + `,"location":"url:https://git.invalid/x"}`, "PUT /entities/by-name/component/default/kiosk": entity,
		"PUT /entities/by-name/location/default/kiosk":             `{"apiVersion":"backstage.io/v1alpha1","kind":"Location","metadata":{"name":"kiosk"},"spec":{"type":"url","target":"https://git.invalid/x","targets":["./x"],"presence":"optional"}}`,
		"POST /.well-known/backstage/permissions/apply-conditions": `{"items":[{"id":"1","resourceRef":"component:default/shop","resourceType":"catalog-entity","conditions":{"rule":"HAS_LABEL","resourceType":"catalog-entity","params":{"label":"x"}}}]}`,
	}
}

// TestHostileRequests asks every operation what makes no sense, on each engine. Whatever it is, the answer is no failure of the portal, comes soon, and says in words what is wrong.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea") + sea}, func(t *testing.T, p *troubled) {
		p.Eventually("it is read", func() bool { return p.entity("component:shop") != nil })
		for path, params := range map[string]string{
			"/entities?": "filter order fields limit offset after x", "/entities/by-query?": "filter fields limit offset orderField cursor totalItems fullTextFilterTerm fullTextFilterFields", "/entity-facets?": "facet", "/entity-facets?facet=kind&": "filter",
			"/entities/graph?": "root", "/entities/graph?root=component:shop&": "type depth limit direction fields", "/changes?": "after limit", "/entities/unprocessed/failed?": "owner", "/entities/unprocessed/pending?": "owner", "/locations?": "x",
		} {
			for param := range strings.FieldsSeq(params) {
				for _, value := range hostileTexts() {
					p.hostile("GET "+path+param+"="+value, "")
				}
				p.hostile("GET "+path+param+"=1&"+param+"=1", "")
			}
		}
		for _, value := range hostileTexts() {
			for _, request := range []string{
				"GET /entities/by-name/#/#/#", "GET /entities/by-name/component/default/#/ancestry", "GET /entities/by-uid/#", "GET /locations/#", "GET /locations/by-entity/component/default/#", "GET /ingestion/by-name/component/default/#", "GET /#",
				"DELETE /entities/by-name/component/default/#", "DELETE /entities/by-uid/#", "DELETE /locations/#", "DELETE /entities/unprocessed/delete/#",
			} {
				p.hostile(strings.ReplaceAll(request, "#", value), "")
			}
			const location = `{"type":"url","target":"https://git.invalid/x"}`
			p.hostile("PUT /locations/"+value, location)
			p.hostile("PUT /entities/by-name/component/default/"+value, `{"kind":"Component","metadata":{"name":"x"}}`)
			p.hostile("POST /locations?dryRun="+value, location)
			p.hostile("POST /locations?onConflict="+value, location)
			p.hostile("POST /entities/by-refs?filter="+value, `{"entityRefs":["x"]}`)
		}
		for _, value := range hostileTexts() {
			for _, path := range []string{"/catalog?kind=#", "/catalog?owner=#&tag=#", "/catalog?q=#", "/catalog?sort=#&from=#", "/catalog?cursor=#", "/catalog/default/component/#", "/catalog/#/#/#", "/catalog/default/component/shop/#"} {
				if r := p.page(strings.ReplaceAll(path, "#", value)); r != nil && (r.StatusCode >= 500 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")) {
					t.Errorf("%.300s: %d, %s", strings.ReplaceAll(path, "#", value), r.StatusCode, r.Header.Get("Content-Type"))
				}
			}
		}
		for request, body := range hostileBodies() {
			for _, value := range hostileValues() {
				p.hostile(request, value)
				for _, changed := range variants(t, body, value) {
					p.hostile(request, changed)
				}
			}
			for _, changed := range []string{
				body, body + body, body + "x", body + "\x00", " \n" + body + "\n ", "\ufeff" + body, body[:len(body)/2], "\x00", "\xff", strings.TrimSuffix(body, "}") + "," + body[1:], strings.ReplaceAll(body, `"`, `'`),
			} {
				p.hostile(request, changed)
			}
		}
		p.Get(api + "/entities/by-name/component/default/shop").Want(200)
	})
}

// page asks for a page as a browser does; nil if no client would.
func (p *troubled) page(path string) *http.Response {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		return nil
	}
	r.Header.Set("Accept", "text/html")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Errorf("%.300s: %v", path, err)
		return nil
	}
	_, _ = io.Copy(io.Discard, answer.Body) // what it says is looked at elsewhere
	_ = answer.Body.Close()
	return answer
}

// hostile sends a request, of which an HTTP client may know better than to send it.
func (p *troubled) hostile(request, body string) {
	p.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+api+path, strings.NewReader(body))
	if err != nil {
		return
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	const soon = 10 * time.Second // no answer takes a hundredth of that
	client := http.Client{Timeout: soon}
	answer, err := client.Do(r)
	if err != nil {
		p.t.Errorf("%.300s %.300q: %v", request, body, err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Errorf("%.300s %.300q: %v", request, body, err)
	}
	var refused catalogcommon.ErrorBody
	explained := strings.HasSuffix(path, "/validate-entity") || json.Unmarshal(text, &refused) == nil && refused.Error.Message != "" && refused.Error.Name != "" && refused.Response.StatusCode == answer.StatusCode
	if answer.StatusCode >= 500 || answer.StatusCode >= 400 && !explained {
		p.t.Errorf("%.300s %.300q: %d %.500s", request, body, answer.StatusCode, text)
	}
}

// variants puts a value in the place of each value within an object.
func variants(t *testing.T, whole, value string) []string {
	t.Helper()
	const mark = "here"
	var root any
	if err := json.Unmarshal([]byte(whole), &root); err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(v any, set func(any))
	walk = func(v any, set func(any)) {
		if set != nil {
			set(mark)
			text, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, strings.Replace(string(text), `"`+mark+`"`, value, 1))
			set(v)
		}
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				walk(member, func(x any) { v[key] = x })
			}
		case []any:
			for i, item := range v {
				walk(item, func(x any) { v[i] = x })
			}
		}
	}
	walk(root, nil)
	return found
}
