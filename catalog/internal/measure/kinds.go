package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const api = "/api/catalog"

// kind is one kind of request, of which there are many different ones.
type kind struct {
	name     string
	requests [][]byte // as they go over the connection
}

func get(path string, params ...string) []byte {
	var query []string
	for i := 0; i < len(params); i += 2 {
		query = append(query, params[i]+"="+url.QueryEscape(params[i+1]))
	}
	return []byte("GET " + api + path + "?" + strings.Join(query, "&") + " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
}

func post(path string, body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		text = nil // cannot be: bodies are plain data
	}
	return []byte("POST " + api + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + string(text))
}

// kinds makes n requests of each kind.
func kinds(ctx context.Context, p *portal, n int) ([]kind, error) {
	components := p.company.of("Component")
	filters, orders, terms := filters(n), orders(n), terms(n)
	cursors, err := cursors(ctx, p, n, len(components))
	if err != nil {
		return nil, err
	}
	many := func(name string, request func(i int) []byte) kind {
		k := kind{name: name}
		for i := range n {
			k.requests = append(k.requests, request(i))
		}
		return k
	}
	component := func(i int) entity { return components[i*7919%len(components)] }
	return []kind{
		many("first page", func(i int) []byte { return get("/entities/by-query", "limit", "20", "filter", filters[i]) }),
		many("filtered and ordered page", func(i int) []byte {
			return get("/entities/by-query", append([]string{"limit", "20", "filter", filters[i]}, orders[i]...)...)
		}),
		many("deep cursor page", func(i int) []byte { return get("/entities/by-query", "limit", "20", "cursor", cursors[i]) }),
		many("full text", func(i int) []byte {
			return get("/entities/by-query", "limit", "20", "filter", "kind=component", "orderField", "metadata.name,asc", "fullTextFilterTerm", terms[i], "fullTextFilterFields", "metadata.name,metadata.title")
		}),
		many("entities, 100 of a filter", func(i int) []byte { return get("/entities", "limit", "100", "filter", filters[i]) }),
		many("facets", func(i int) []byte { return get("/entity-facets", "facet", "spec.type", "filter", filters[i]) }),
		many("by name", func(i int) []byte {
			return []byte(strings.Replace(string(get("/entities/by-name/component/default/"+component(i).name)), "?", "", 1))
		}),
		many("by refs, 20 of them", func(i int) []byte {
			var refs []string
			for j := range 20 {
				refs = append(refs, component(i*20+j).ref())
			}
			return post("/entities/by-refs", map[string][]string{"entityRefs": refs})
		}),
	}, nil
}

// filters match a few hundred of 10,000 entities each.
func filters(n int) []string {
	var all []string
	for i, a := range tags() {
		for _, b := range tags()[i+1:] {
			for _, region := range regions() {
				all = append(all, fmt.Sprintf("kind=component,metadata.tags=%s,metadata.tags=%s,metadata.labels.example.com/region=%s", a, b, region))
			}
		}
	}
	return some(all, n)
}

// orders are of one, two and three fields, in both directions.
func orders(n int) [][]string {
	fields := words("metadata.name metadata.title metadata.description metadata.labels.example.com/tier metadata.labels.example.com/cost-center metadata.annotations.example.com/build spec.type spec.lifecycle spec.owner spec.system kind metadata.namespace")
	var all [][]string
	for _, a := range fields {
		for _, b := range fields {
			for bits := range 8 {
				direction := func(of int) string { return []string{",asc", ",desc"}[bits>>of&1] }
				order := []string{"orderField", a + direction(0)}
				if a != b {
					order = append(order, "orderField", b+direction(1))
				}
				if bits >= 4 && a != b && b != "metadata.name" && a != "metadata.name" {
					order = append(order, "orderField", "metadata.name,asc")
				}
				all = append(all, order)
			}
		}
	}
	slices.SortFunc(all, func(a, b []string) int { return slices.Compare(a, b) })
	return some(slices.CompactFunc(all, slices.Equal), n)
}

// terms are parts of the words that names are made of.
func terms(n int) []string {
	all := map[string]bool{}
	for _, word := range slices.Concat(nouns(), places(), roles()) {
		for size := 3; size <= 6; size++ {
			for i := 0; i+size <= len(word); i++ {
				all[word[i:i+size]] = true
			}
		}
	}
	return some(slices.Sorted(maps.Keys(all)), n)
}

// some chooses n of a list, all of it in turn if it is shorter.
func some[T any](all []T, n int) []T {
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	chosen := make([]T, n)
	for i := range chosen {
		chosen[i] = all[i%len(all)]
	}
	return chosen
}

// cursors are the places that lie evenly along all components by name.
func cursors(ctx context.Context, p *portal, n, components int) ([]string, error) {
	step := strconv.Itoa(max(1, components/(n+1)))
	query := url.Values{"filter": {"kind=component"}, "orderField": {"metadata.name,asc"}, "limit": {step}, "fields": {"kind"}}
	var all []string
	for len(all) < n {
		var page struct{ PageInfo struct{ NextCursor string } }
		if err := p.ask(ctx, api+"/entities/by-query?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		if page.PageInfo.NextCursor == "" {
			break
		}
		all = append(all, page.PageInfo.NextCursor)
		query = url.Values{"cursor": {page.PageInfo.NextCursor}, "limit": {step}, "fields": {"kind"}}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there are no cursors: too few entities")
	}
	return some(all, n), nil
}
