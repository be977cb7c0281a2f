package catalogcommon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"

	"github.com/google/go-cmp/cmp"
)

// recorder is a server that remembers what it was asked and answers what it is told to.
type recorder struct {
	*httptest.Server
	requests []string // method, URI and body
	status   int
	kind     string // content type
	body     string
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.requests = append(r.requests, strings.TrimSpace(request.Method+" "+request.URL.RequestURI()+" "+string(body)))
		w.Header().Set("Content-Type", r.kind)
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.body)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestClientRequests(t *testing.T) {
	t.Parallel()
	ref := catalogcommon.Ref{Kind: "Component", Name: "Shop"}
	filter := catalogcommon.Filter{{"kind": {"Component", "API"}, "spec.type": nil}, {"metadata.name": {"x"}}}
	const entity = `{"kind":"Component","metadata":{"name":"shop"}}`
	tests := []struct {
		name   string
		do     func(ctx context.Context, c catalogcommon.Client) (any, error)
		status int
		body   string
		asked  string
		want   string // the result as JSON
	}{
		{"by name", func(ctx context.Context, c catalogcommon.Client) (any, error) { return c.EntityByRef(ctx, ref) }, 200, entity, "GET /entities/by-name/component/default/shop", entity},
		{"by refs", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.EntitiesByRefs(ctx, catalogcommon.ByRefsRequest{EntityRefs: []string{"a:b/c", "x:y/z"}, Filter: filter, Fields: []string{"kind"}})
		}, 200, `{"items":[` + entity + `,null]}`, `POST /entities/by-refs?filter=kind%3DComponent%2Ckind%3DAPI%2Cspec.type&filter=metadata.name%3Dx {"entityRefs":["a:b/c","x:y/z"],"fields":["kind"]}`, `[` + entity + `,null]`},
		{"by refs and query", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.EntitiesByRefs(ctx, catalogcommon.ByRefsRequest{EntityRefs: []string{"a:b/c"}, Filter: catalogcommon.Filter{{"kind": {"API"}}}, Query: map[string]any{"x": "y"}})
		}, 200, `{"items":[null]}`, `POST /entities/by-refs {"entityRefs":["a:b/c"],"query":{"$all":[{"kind":"API"},{"x":"y"}]}}`, `[null]`},
		{"query", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.QueryEntities(ctx, catalogcommon.QueryRequest{
				Filter: filter, Fields: []string{"kind", "metadata.name"}, OrderBy: []catalogcommon.Order{{Field: "metadata.name", Direction: catalogcommon.Descending}},
				FullText: &catalogcommon.FullText{Term: "shop", Fields: []string{"a", "b"}}, Limit: new(0), Offset: 5, Total: catalogcommon.TotalExclude,
			})
		}, 200, `{"items":[` + entity + `],"totalItems":3,"pageInfo":{"nextCursor":"n"}}`,
			"GET /entities/by-query?fields=kind%2Cmetadata.name&filter=kind%3DComponent%2Ckind%3DAPI%2Cspec.type&filter=metadata.name%3Dx&fullTextFilterFields=a%2Cb&fullTextFilterTerm=shop&limit=0&offset=5&orderField=metadata.name%2Cdesc&totalItems=exclude",
			`{"items":[` + entity + `],"totalItems":3,"pageInfo":{"nextCursor":"n"}}`},
		{"query with a comma", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.QueryEntities(ctx, catalogcommon.QueryRequest{Filter: catalogcommon.Filter{{"a": {"b,c"}, "d": {}}, {"e": {"f", "g"}}}})
		}, 200, `{}`, `POST /entities/by-query {"query":{"$any":[{"$all":[{"a":"b,c"},{"d":{"$exists":true}}]},{"e":{"$in":["f","g"]}}]}}`, `{"items":null,"totalItems":0,"pageInfo":{}}`},
		{"an opaque cursor", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.QueryEntities(ctx, catalogcommon.QueryRequest{Cursor: "abc", Limit: new(2)})
		}, 200, `{}`, `GET /entities/by-query?cursor=abc&limit=2`, `{"items":null,"totalItems":0,"pageInfo":{}}`},
		{"a cursor of Backstage", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.QueryEntities(ctx, catalogcommon.QueryRequest{Cursor: "eyJxdWVyeSI6e319"})
		}, 200, `{}`, `POST /entities/by-query {"cursor":"eyJxdWVyeSI6e319"}`, `{"items":null,"totalItems":0,"pageInfo":{}}`},
		{"facets", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{"kind", "spec.type"}, Filter: catalogcommon.Filter{{"kind": {"API"}}}})
		}, 200, `{"facets":{"kind":[{"value":"API","count":2}]}}`, "GET /entity-facets?facet=kind&facet=spec.type&filter=kind%3DAPI", `{"kind":[{"value":"API","count":2}]}`},
		{"facets and query", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{"kind"}, Query: map[string]any{"x": "y"}})
		}, 200, `{"facets":{}}`, `POST /entity-facets {"facets":["kind"],"query":{"x":"y"}}`, `{}`},
		{"ancestry", func(ctx context.Context, c catalogcommon.Client) (any, error) { return c.Ancestry(ctx, ref) }, 200, `{"rootEntityRef":"r","items":[{"entity":` + entity + `,"parentEntityRefs":["p"]}]}`,
			"GET /entities/by-name/component/default/shop/ancestry", `{"rootEntityRef":"r","items":[{"entity":` + entity + `,"parentEntityRefs":["p"]}]}`},
		{"refresh", func(ctx context.Context, c catalogcommon.Client) (any, error) { return nil, c.RefreshEntity(ctx, ref) }, 200, ``, `POST /refresh {"entityRef":"component:default/shop"}`, `null`},
		{"remove", func(ctx context.Context, c catalogcommon.Client) (any, error) { return nil, c.RemoveEntity(ctx, "a/b") }, 204, ``, `DELETE /entities/by-uid/a%2Fb`, `null`},
		{"validate", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return nil, c.ValidateEntity(ctx, &catalogcommon.Entity{Kind: "X"}, catalogcommon.LocationRef{Type: "url", Target: "u"})
		}, 200, ``, `POST /validate-entity {"entity":{"kind":"X"},"location":"url:u"}`, `null`},
		{"locations", func(ctx context.Context, c catalogcommon.Client) (any, error) { return c.Locations(ctx) }, 200, `[{"data":{"id":"1","type":"url","target":"t"}}]`, "GET /locations", `[{"id":"1","type":"url","target":"t"}]`},
		{"location", func(ctx context.Context, c catalogcommon.Client) (any, error) { return c.LocationByID(ctx, "1") }, 200, `{"id":"1"}`, "GET /locations/1", `{"id":"1","type":"","target":""}`},
		{"location of", func(ctx context.Context, c catalogcommon.Client) (any, error) { return c.LocationByEntity(ctx, ref) }, 200, `{"id":"1"}`, "GET /locations/by-entity/component/default/shop", `{"id":"1","type":"","target":""}`},
		{"add location", func(ctx context.Context, c catalogcommon.Client) (any, error) {
			return c.AddLocation(ctx, catalogcommon.AddLocationRequest{Target: "t", DryRun: true, OnConflict: catalogcommon.OnConflictRefresh})
		}, 201, `{"location":{"id":"1","type":"url","target":"t"},"entities":[],"exists":true}`, `POST /locations?dryRun=true&onConflict=refresh {"type":"url","target":"t"}`, `{"location":{"id":"1","type":"url","target":"t"},"entities":[],"exists":true}`},
		{"remove location", func(ctx context.Context, c catalogcommon.Client) (any, error) { return nil, c.RemoveLocation(ctx, "1") }, 204, ``, "DELETE /locations/1", `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newRecorder(t)
			server.status, server.body, server.kind = tt.status, tt.body, "application/json; charset=utf-8"
			client := catalogcommon.NewClient(server.URL+"/", nil)
			result, err := tt.do(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			written, err := json.Marshal(result)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(written)); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.asked}, server.requests); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}

			server.status, server.body = 404, `{"error":{"name":"NotFoundError","message":"no such thing","cause":{"name":"E","message":"deep"}},"response":{"statusCode":404}}`
			_, err = tt.do(t.Context(), client)
			var detail *catalogcommon.Error
			if !errors.Is(err, catalogcommon.ErrNotFound) || !errors.As(err, &detail) || detail.Name != "NotFoundError" || detail.Cause.Message != "deep" || !strings.Contains(err.Error(), "no such thing") {
				t.Errorf("not found is %#v", err)
			}
		})
	}
}

func TestClientFailures(t *testing.T) {
	t.Parallel()
	server := newRecorder(t)
	client := catalogcommon.NewClient(server.URL, server.Client())
	server.status, server.kind, server.body = 400, "application/json", `{"errors":[{"name":"InputError","message":"no owner","at":{"source":"url:u","line":3,"column":1}}]}`
	err := client.ValidateEntity(t.Context(), &catalogcommon.Entity{}, catalogcommon.LocationRef{Type: "url", Target: "u"})
	var invalid *catalogcommon.ValidationError
	if !errors.As(err, &invalid) || err.Error() != "entity is not valid: url:u:3:1: no owner" {
		t.Errorf("an invalid entity is %v", err)
	}
	for _, tt := range []struct {
		status     int
		kind, body string
		want       string
		code       int
	}{
		{502, "text/html", "<html>", "GET /locations answered 502 Bad Gateway", 502},
		{500, "application/json", "{", "GET /locations answered 500 Internal Server Error", 500},
		{204, "", "", "GET /locations answered 204 No Content", 502},
		{403, "application/json", `{"error":{"name":"NotAllowedError","message":"no"}}`, "list locations: no", 403},
	} {
		server.status, server.kind, server.body = tt.status, tt.kind, tt.body
		_, err := client.Locations(t.Context())
		var detail *catalogcommon.Error
		if !errors.As(err, &detail) || detail.StatusCode() != tt.code || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("status %d: %v", tt.status, err)
		}
	}
	server.status, server.kind, server.body = 200, "application/json", "[{"
	if _, err := client.Locations(t.Context()); err == nil || !strings.Contains(err.Error(), "read answer") {
		t.Errorf("half an answer: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Locations(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
	if _, err := catalogcommon.NewClient("://", nil).Locations(t.Context()); err == nil {
		t.Error("a base URL that is none was accepted")
	}
}

func TestManyRefsTravelInPieces(t *testing.T) {
	t.Parallel()
	var sizes []int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request catalogcommon.ByRefsRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.ContentLength > 100<<10 {
			t.Errorf("%d bytes, %v", r.ContentLength, err)
		}
		sizes = append(sizes, len(request.EntityRefs))
		answer := catalogcommon.ByRefsResponse{}
		for _, ref := range request.EntityRefs {
			answer.Items = append(answer.Items, &catalogcommon.Entity{Kind: ref})
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	refs := make([]string, 2500)
	for i := range refs {
		refs[i] = fmt.Sprintf("component:default/%0*d", 1+i%200, i)
	}
	items, err := catalogcommon.NewClient(server.URL, nil).EntitiesByRefs(t.Context(), catalogcommon.ByRefsRequest{EntityRefs: refs})
	if err != nil || len(items) != len(refs) {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for i := range items {
		if items[i].Kind != refs[i] {
			t.Fatalf("item %d is %s, want %s", i, items[i].Kind, refs[i])
		}
	}
	if len(sizes) < 4 {
		t.Errorf("pieces of %v", sizes)
	}
}

// pages is a client that has its entities on pages of two.
type pages struct {
	catalogcommon.Client
	names []string
	fail  bool
}

func (p pages) QueryEntities(_ context.Context, request catalogcommon.QueryRequest) (catalogcommon.QueryResponse, error) {
	if p.fail && request.Cursor != "" {
		return catalogcommon.QueryResponse{}, errors.New("no second page")
	}
	start := len(request.Cursor)
	var page catalogcommon.QueryResponse
	for _, name := range p.names[start:min(start+2, len(p.names))] {
		page.Items = append(page.Items, &catalogcommon.Entity{Metadata: catalogcommon.Metadata{Name: name}})
	}
	if start+2 < len(p.names) {
		page.PageInfo.NextCursor = strings.Repeat("x", start+2)
	}
	return page, nil
}

func TestEntitiesOfAllPages(t *testing.T) {
	t.Parallel()
	collect := func(p pages) (names []string, failure error) {
		for entity, err := range catalogcommon.Entities(t.Context(), p, catalogcommon.QueryRequest{}) {
			if err != nil {
				return names, err
			}
			names = append(names, entity.Metadata.Name)
		}
		return names, nil
	}
	if names, err := collect(pages{names: []string{"a", "b", "c", "d", "e"}}); err != nil || strings.Join(names, "") != "abcde" {
		t.Errorf("got %v, %v", names, err)
	}
	if names, err := collect(pages{names: []string{"a", "b", "c"}, fail: true}); err == nil || len(names) != 2 {
		t.Errorf("got %v, %v; want two and an error", names, err)
	}
}
