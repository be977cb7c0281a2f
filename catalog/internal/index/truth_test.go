package index_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// crafted has one entity per letter, each with something of its own.
func crafted(t *testing.T) *index.Index {
	t.Helper()
	ix := index.New(index.Options{})
	long := strings.Repeat("v", 201)
	var changes []index.Change
	for name, entity := range map[string]string{
		"a": `{"kind":"Component","metadata":{"name":"A","tags":["Java","go"],"annotations":{"example.com/a,b":"x,y"}},"spec":{"type":"service","profile":{"email":"a@example.com"},"n":2}}`,
		"b": `{"kind":"Component","metadata":{"name":"b","namespace":"other","tags":["java-script"]},"spec":{"type":"Website","empty":"","none":null,"n":10}}`,
		"c": `{"kind":"API","metadata":{"name":"c"},"spec":{"type":"service","long":"` + long + `","since":"2024-05-01","object":{},"list":[]}}`,
		"d": `{"kind":"Group","metadata":{"name":"d"},"spec":{"members":["user:x"],"links":[{"k":"1","v":"one"},{"k":"2","v":"two"}],"since":"2025-01-01T00:00:00+02:00","done":true},"status":{"items":[{"type":"t"}]},
			"relations":[{"type":"hasMember","targetRef":"user:default/x"},{"type":"parentOf","targetRef":"group:default/e"}]}`,
	} {
		changes = append(changes, index.Change{Ref: name, UID: "uid-" + name, Entity: []byte(entity)})
	}
	for _, p := range ix.Apply(1, changes) {
		t.Fatal(p)
	}
	return ix
}

func names(t *testing.T, ix *index.Index, where query.Predicate) string {
	t.Helper()
	page, err := ix.Query(index.Query{Where: where, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, d := range page.Docs {
		refs = append(refs, d.Ref)
	}
	return strings.Join(refs, "")
}

func TestFilterTruthTable(t *testing.T) {
	t.Parallel()
	ix := crafted(t)
	for _, test := range []struct {
		filters []string
		want    string
	}{
		{nil, "abcd"},
		{[]string{"kind=component"}, "ab"},
		{[]string{"KIND=Component"}, "ab"},
		{[]string{"kind=component,kind=api"}, "abc"},
		{[]string{"kind=component,Kind=api"}, ""}, // keys are one only as written
		{[]string{"kind=component,spec.type=service"}, "a"},
		{[]string{"kind=component,spec.type=service", "kind=group"}, "ad"},
		{[]string{"spec.type"}, "abc"},
		{[]string{"spec.type,spec.type=website"}, "b"},
		{[]string{"spec.empty="}, "b"},
		{[]string{"spec.empty"}, "b"},
		{[]string{"spec.none"}, "b"},
		{[]string{"spec.none="}, ""},
		{[]string{"spec.none=null"}, ""},
		{[]string{"spec.long"}, "c"},
		{[]string{"spec.long=" + strings.Repeat("v", 201)}, ""},
		{[]string{"spec.profile"}, ""}, // objects make no row
		{[]string{"spec.profile.email"}, "a"},
		{[]string{"spec.object", "spec.list"}, ""},
		{[]string{"metadata.tags=java"}, "a"},
		{[]string{"metadata.tags.java"}, "a"},
		{[]string{"metadata.tags.java=true"}, "a"},
		{[]string{"metadata.tags=java,metadata.tags=java-script"}, "ab"},
		{[]string{"metadata.namespace=default"}, "acd"},
		{[]string{"metadata.name=a"}, "a"},
		{[]string{"metadata.uid=uid-c"}, "c"},
		{[]string{"metadata.etag", "status.items.type", "relations"}, ""},
		{[]string{"relations.hasMember=User:default/X"}, "d"},
		{[]string{"relations.parentof"}, "d"},
		{[]string{"spec.links.k=1,spec.links.v=two"}, "d"}, // conditions on one array need not hit one element
		{[]string{"spec.n=10", "spec.done=true"}, "bd"},
		{[]string{`metadata.annotations.example.com/a\,b=x\,y`}, "a"},
		{[]string{"metadata.annotations.example.com/a,b=x"}, ""},
		{[]string{"nobody"}, ""},
	} {
		where, err := query.ParseFilter(test.filters)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, ix, where); got != test.want {
			t.Errorf("%q: %q, want %q", test.filters, got, test.want)
		}
	}
}

func TestPredicateTruthTable(t *testing.T) {
	t.Parallel()
	ix := crafted(t)
	for text, want := range map[string]string{
		`{}`: "abcd",
		`{"kind":"COMPONENT","Spec.Type":"website"}`: "b",
		`{"$all":[]}`:          "abcd",
		`{"$any":[]}`:          "",
		`{"$not":{"$any":[]}}`: "abcd",
		`{"$any":[{"kind":"api"},{"$not":{"spec.type":{"$exists":true}}}]}`: "cd",
		`{"spec.n":2}`:                                     "a",
		`{"spec.done":true}`:                               "d",
		`{"spec.none":{"$exists":true}}`:                   "b",
		`{"spec.none":{"$exists":false}}`:                  "acd",
		`{"spec.profile":{"$exists":true}}`:                "",
		`{"spec.profile":{"$has":true}}`:                   "a",
		`{"spec.object":{"$has":true}}`:                    "",
		`{"spec":{"$has":true}}`:                           "abcd",
		`{"metadata.annotations":{"$has":false}}`:          "bcd",
		`{"kind":{"$in":[]}}`:                              "",
		`{"kind":{"$in":["api","Group"]}}`:                 "cd",
		`{"metadata.tags":{"$hasPrefix":"JAVA"}}`:          "ab",
		`{"metadata.tags":{"$hasPrefix":"java_"}}`:         "",
		`{"metadata.tags":{"$hasPrefix":""}}`:              "ab",
		`{"spec.none":{"$hasPrefix":""}}`:                  "",
		`{"metadata.tags":{"$contains":"go"}}`:             "a",
		`{"relations":{"$contains":{"type":"hasMember"}}}`: "d",
		`{"relations":{"$contains":{"type":"hasMember","targetRef":"user:default/y"}}}`:               "",
		`{"relations":{"$contains":{"type":"parentOf","targetRef":{"$in":["x","group:default/E"]}}}}`: "d",
		`{"metadata.annotations.example.com/a,b":"x,y"}`:                                              "a",
		`{"spec.n":{"$gt":2}}`:                           "b",
		`{"spec.n":{"$gte":2,"$lt":10}}`:                 "a",
		`{"spec.type":{"$gt":0}}`:                        "",
		`{"spec.type":{"$gte":"service"}}`:               "abc",
		`{"spec.type":{"$gt":"SERVICE"}}`:                "b",
		`{"spec.since":{"$lte":"2024-12-31T22:00:00Z"}}`: "cd",
		`{"spec.since":{"$lt":"2024-12-31T22:00:00Z"}}`:  "c",
		`{"spec.since":{"$gt":"2024-05-01"}}`:            "d",
	} {
		where, err := query.ParsePredicate([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, ix, where); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestFacetsCountValuesAsWritten(t *testing.T) {
	t.Parallel()
	got, err := crafted(t).Facets([]string{"spec.type", "metadata.tags", "SPEC.links.k", "spec.none", "spec.long", "relations.parentOf", "nobody"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]index.FacetValue{
		{{Value: "Website", Count: 1}, {Value: "service", Count: 2}}, {{Value: "Java", Count: 1}, {Value: "go", Count: 1}, {Value: "java-script", Count: 1}},
		{{Value: "1", Count: 1}, {Value: "2", Count: 1}}, {}, {}, {{Value: "group:default/e", Count: 1}}, {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListsDifferInWhomTheyLeaveOut(t *testing.T) {
	t.Parallel()
	ix := crafted(t)
	byType := query.Order{Keys: []query.SortKey{{Field: "spec.type"}}}
	for name, test := range map[string]struct {
		order query.Order
		want  string
		total int
	}{
		"without a value: left out":       {byType, "acb", 3},
		"descending, ties too":            {query.Order{Keys: []query.SortKey{{Field: "spec.type", Desc: true}}}, "bca", 3},
		"without a value: last":           {query.Order{Keys: byType.Keys, KeepAll: true}, "acbd", 4},
		"descending, ties ascending":      {query.Order{Keys: []query.SortKey{{Field: "spec.type", Desc: true}}, KeepAll: true}, "bacd", 4},
		"several values: once each":       {query.Order{Keys: []query.SortKey{{Field: "metadata.tags"}}}, "aab", 2},
		"several values: once":            {query.Order{Keys: []query.SortKey{{Field: "metadata.tags"}}, KeepAll: true}, "abcd", 4},
		"nobody has it":                   {query.Order{Keys: []query.SortKey{{Field: "nobody"}}}, "", 0},
		"nobody has it, keep all":         {query.Order{Keys: []query.SortKey{{Field: "nobody"}}, KeepAll: true}, "abcd", 4},
		"text order, not number order":    {query.Order{Keys: []query.SortKey{{Field: "spec.n"}}}, "ba", 2},
		"only null or too long: left out": {query.Order{Keys: []query.SortKey{{Field: "spec.long"}}}, "", 0},
		"second key":                      {query.Order{Keys: []query.SortKey{{Field: "metadata.namespace"}, {Field: "kind", Desc: true}}}, "dacb", 4},
		"by ref":                          {query.Order{ByRef: true}, "abcd", 4},
	} {
		page, err := ix.Query(index.Query{Order: test.order, Limit: 10, Total: true})
		if err != nil {
			t.Fatal(err)
		}
		var refs []string
		for _, d := range page.Docs {
			refs = append(refs, d.Ref)
		}
		if got := strings.Join(refs, ""); got != test.want || page.Total != test.total {
			t.Errorf("%s: %q of %d, want %q of %d", name, got, page.Total, test.want, test.total)
		}
	}
}

func TestQueryRefuses(t *testing.T) {
	t.Parallel()
	ix := crafted(t)
	id := "x"
	for name, q := range map[string]index.Query{
		"huge limit":              {Limit: query.MaxLimit + 1},
		"negative limit":          {Limit: -2},
		"negative offset":         {Offset: -1},
		"place of other order":    {After: []*string{&id, &id}, Limit: 1},
		"place without id":        {After: []*string{nil}, Limit: 1},
		"many sort keys":          {Order: query.Order{Keys: make([]query.SortKey, 100)}},
		"nil value where none is": {Order: query.Order{Keys: []query.SortKey{{Field: "kind"}}}, After: []*string{nil, &id}, Limit: 1},
	} {
		var fault *query.Error
		if _, err := ix.Query(q); !errors.As(err, &fault) || fault.StatusCode() != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page, err := ix.Query(index.Query{Limit: 5, Offset: 1 << 62}); err != nil || len(page.Docs) != 0 {
		t.Errorf("offset beyond the end: %v, %v", page, err)
	}
	for name, q := range map[string]index.GraphQuery{
		"no root": {}, "deep": {Roots: []string{"a"}, Depth: 1000}, "many nodes": {Roots: []string{"a"}, MaxNodes: 1 << 30}, "negative": {Roots: []string{"a"}, Depth: -1},
	} {
		var fault *query.Error
		if _, err := ix.Graph(q); !errors.As(err, &fault) {
			t.Errorf("graph, %s: %v", name, err)
		}
	}
}

func TestApplyReportsProblemsAndGoesOn(t *testing.T) {
	t.Parallel()
	ix := crafted(t)
	problems := ix.Apply(7, []index.Change{
		{Ref: "a", UID: "uid-a", Entity: []byte(`{"broken"`)},
		{Ref: "", UID: "none", Entity: []byte(`{}`)},
		{Ref: "e", UID: "uid-e", Entity: []byte(`{"kind":"X","metadata":{"labels":{"Key":"1","key":"2"}}}`)},
		{Ref: "nobody"},
	})
	var got []string
	for _, p := range problems {
		got = append(got, p.Ref+" "+strings.Join(p.Clashes, ","))
	}
	if want := []string{"a ", " ", "e metadata.labels.key"}; !slices.Equal(got, want) || problems[0].Err == nil || problems[2].Err != nil {
		t.Errorf("problems %v", problems)
	}
	if got := names(t, ix, query.In{Key: "metadata.labels.key", Values: []string{"2"}}); got != "e" {
		t.Errorf("clashing key finds %q", got)
	}
	if got := names(t, ix, query.In{Key: "kind", Values: []string{"component"}}); got != "ab" {
		t.Errorf("after a broken change components are %q", got)
	}
	if ix.Seq() != 7 {
		t.Errorf("at %d", ix.Seq())
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	ix := index.New(index.Options{})
	entity := func(ref string, relations ...string) index.Change {
		var list []string
		for _, r := range relations {
			kind, target, _ := strings.Cut(r, " ")
			list = append(list, `{"type":"`+kind+`","targetRef":"`+target+`"}`)
		}
		return index.Change{Ref: ref, UID: "uid " + ref, Entity: []byte(`{"metadata":{"name":"` + ref + `"},"relations":[` + strings.Join(list, ",") + `]}`)}
	}
	ix.Apply(1, []index.Change{
		entity("web", "dependsOn db", "ownedBy team", "dependsOn gone"), entity("db", "dependencyOf web", "ownedBy team", "dependsOn disk"),
		entity("disk", "dependencyOf db"), entity("team", "ownerOf web", "ownerOf db"), entity("loner"),
	})
	show := func(g *index.Graph) string {
		var parts []string
		for _, n := range g.Nodes {
			name := n.Ref
			if n.Missing {
				name += "?"
			}
			parts = append(parts, name)
		}
		for _, e := range g.Edges {
			parts = append(parts, e.Source+"-"+e.Type+"-"+e.Target)
		}
		if g.Truncated {
			parts = append(parts, "…")
		}
		return strings.Join(parts, " ")
	}
	for name, test := range map[string]struct {
		q    index.GraphQuery
		want string
	}{
		"one step out":  {index.GraphQuery{Roots: []string{"web"}}, "web db gone? team web-dependsOn-db web-dependsOn-gone web-ownedBy-team"},
		"by type":       {index.GraphQuery{Roots: []string{"web"}, Types: []string{"DEPENDSON", "nix"}, Depth: 5}, "web db gone? disk db-dependsOn-disk web-dependsOn-db web-dependsOn-gone"},
		"in":            {index.GraphQuery{Roots: []string{"gone"}, Direction: index.In, Depth: 2, Types: []string{"dependsOn"}}, "gone? web web-dependsOn-gone"},
		"both":          {index.GraphQuery{Roots: []string{"disk"}, Direction: index.Both}, "disk db db-dependsOn-disk disk-dependencyOf-db"},
		"budget":        {index.GraphQuery{Roots: []string{"web"}, Depth: 9, MaxNodes: 2}, "web db db-dependencyOf-web web-dependsOn-db …"},
		"hidden":        {index.GraphQuery{Roots: []string{"web"}, Depth: 9, Where: query.Not{Of: query.In{Key: "metadata.name", Values: []string{"db"}}}}, "web team team-ownerOf-web web-ownedBy-team"},
		"hidden root":   {index.GraphQuery{Roots: []string{"db"}, Where: query.In{Key: "metadata.name", Values: []string{"web"}}}, ""},
		"without links": {index.GraphQuery{Roots: []string{"loner", "loner"}, Direction: index.Both}, "loner"},
	} {
		g, err := ix.Graph(test.q)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(g); got != test.want {
			t.Errorf("%s: %s\nwant %s", name, got, test.want)
		}
	}
}
