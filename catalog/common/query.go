package catalogcommon

import (
	"maps"
	"slices"
	"strings"
)

// Filter selects entities. An entity matches if it matches any of the sets, and a set if it satisfies every key of it: it has one of the values there, or, when none are given, any value at all.
// Keys are paths such as kind, metadata.name, spec.type, metadata.annotations.<key> or relations.ownedBy; keys and values are compared without regard to case. The zero Filter matches everything.
//
//	catalogcommon.Filter{{"kind": {"Component", "API"}, "relations.ownedBy": {"group:default/payments"}}}
type Filter []map[string][]string

// Params returns the filter in the form of the API's filter parameters, one for each set, with keys in alphabetical order. The form has no escape: a comma in a value would read as the start of another condition.
// [Filter.Query] has no such limit.
func (f Filter) Params() []string {
	params := make([]string, 0, len(f))
	for _, set := range f {
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(set)) {
			if len(set[key]) == 0 {
				parts = append(parts, key)
			}
			for _, value := range set[key] {
				parts = append(parts, key+"="+value)
			}
		}
		if len(parts) > 0 {
			params = append(params, strings.Join(parts, ","))
		}
	}
	return params
}

// Query returns the filter as a predicate, nil for the zero Filter.
func (f Filter) Query() map[string]any {
	sets := []any{}
	for _, set := range f {
		conditions := []any{}
		for _, key := range slices.Sorted(maps.Keys(set)) {
			switch values := set[key]; len(values) {
			case 0:
				conditions = append(conditions, map[string]any{key: map[string]any{"$exists": true}})
			case 1:
				conditions = append(conditions, map[string]any{key: values[0]})
			default:
				in := make([]any, len(values))
				for i := range values {
					in[i] = values[i]
				}
				conditions = append(conditions, map[string]any{key: map[string]any{"$in": in}})
			}
		}
		if len(conditions) == 0 {
			return nil // one set without conditions matches everything, so all of them together do
		}
		sets = append(sets, allOf(conditions))
	}
	switch len(sets) {
	case 0:
		return nil
	case 1:
		return sets[0].(map[string]any)
	}
	return map[string]any{"$any": sets}
}

func allOf(conditions []any) map[string]any {
	if len(conditions) == 1 {
		return conditions[0].(map[string]any)
	}
	return map[string]any{"$all": conditions}
}

// needsQuery reports whether some value cannot be written as a parameter.
func (f Filter) needsQuery() bool {
	for _, set := range f {
		for key, values := range set {
			if !plainParam(key) || strings.Contains(key, "=") || slices.ContainsFunc(values, func(v string) bool { return !plainParam(v) }) {
				return true
			}
		}
	}
	return false
}

func plainParam(text string) bool {
	return !strings.Contains(text, ",") && strings.TrimSpace(text) == text
}

// both joins a filter and a predicate, either of which may be missing.
func both(filter Filter, query map[string]any) map[string]any {
	converted := filter.Query()
	switch {
	case converted == nil:
		return query
	case query == nil:
		return converted
	}
	return map[string]any{"$all": []any{converted, query}}
}

// QueryRequest asks for a page of entities. As JSON it is the body of POST /entities/by-query, into which Filter does not go.
type QueryRequest struct {
	Filter Filter `json:"-"`
	// Query is a predicate: {"spec.type": "service"}, {"$all": […]}, {"$any": […]}, {"$not": …}, with values also {"$exists": …}, {"$in": […]}, {"$hasPrefix": …} and {"$contains": …}. Nil matches everything.
	// Both Query and Filter must match.
	Query    map[string]any `json:"query,omitempty"`
	Fields   []string       `json:"fields,omitempty"`         // paths of what to return; empty means whole entities
	OrderBy  []Order        `json:"orderBy,omitempty"`        // empty means an order of the catalog's own. Entities that lack the first field are left out
	FullText *FullText      `json:"fullTextFilter,omitempty"` // nil for none
	Limit    *int           `json:"limit,omitempty"`          // nil means 200; 0 gives no items, only their number
	Offset   int            `json:"offset,omitempty"`         // how many to skip; for the first page only
	Cursor   string         `json:"cursor,omitempty"`         // from an earlier answer's PageInfo; everything but Fields and Limit then comes from that first request
	Total    TotalItems     `json:"totalItems,omitempty"`     // empty means TotalInclude
}

// TotalItems says whether an answer counts all matches.
type TotalItems string

// Modes of counting.
const (
	TotalInclude TotalItems = "include"
	TotalExclude TotalItems = "exclude" // the count is then 0
)

// Directions of an [Order].
const (
	Ascending  = "asc"
	Descending = "desc"
)

// Order sorts by the value at a path, without regard to case.
type Order struct {
	Field     string `json:"field"`
	Direction string `json:"order"` // Ascending or Descending
}

// FullText keeps the entities that have the term somewhere in one of the fields.
type FullText struct {
	Term   string   `json:"term"`
	Fields []string `json:"fields,omitempty"` // empty means the field that orders, or else metadata.uid
}

// QueryResponse is a page of entities.
type QueryResponse struct {
	Items      []*Entity `json:"items"`
	TotalItems int       `json:"totalItems"`
	PageInfo   PageInfo  `json:"pageInfo"`
}

// PageInfo leads to the neighbouring pages. Cursors are opaque; an empty one means that there is no such page.
type PageInfo struct {
	NextCursor string `json:"nextCursor,omitempty"`
	PrevCursor string `json:"prevCursor,omitempty"`
}

// ByRefsRequest asks for several entities by name. As JSON it is the body of POST /entities/by-refs, into which Filter does not go.
type ByRefsRequest struct {
	EntityRefs []string       `json:"entityRefs"` // as [Ref.String] writes them
	Filter     Filter         `json:"-"`
	Query      map[string]any `json:"query,omitempty"`
	Fields     []string       `json:"fields,omitempty"`
}

// ByRefsResponse has one item for each reference that was asked for, in the same order: nil for an entity that does not exist, does not match, or may not be seen.
type ByRefsResponse struct {
	Items []*Entity `json:"items"`
}

// FacetsRequest asks which values some fields have. As JSON it is the body of POST /entity-facets, into which Filter does not go.
type FacetsRequest struct {
	Facets []string       `json:"facets"` // paths, at least one
	Filter Filter         `json:"-"`
	Query  map[string]any `json:"query,omitempty"`
}

// Facet is one value and the number of entities that have it.
type Facet struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// FacetsResponse has, for each path asked for, its values in alphabetical order.
type FacetsResponse struct {
	Facets map[string][]Facet `json:"facets"`
}

// Ancestry tells how an entity came into the catalog.
type Ancestry struct {
	RootEntityRef string         `json:"rootEntityRef"` // of the entity asked for
	Items         []AncestryItem `json:"items"`         // that entity first, then what emitted it, and so on
}

// AncestryItem is one step of an [Ancestry].
type AncestryItem struct {
	Entity           *Entity  `json:"entity"`
	ParentEntityRefs []string `json:"parentEntityRefs"` // empty for a registered root
}

// RefreshRequest is the body of POST /refresh.
type RefreshRequest struct {
	EntityRef          string `json:"entityRef"`
	AuthorizationToken string `json:"authorizationToken,omitempty"` // accepted for older clients; not used
}
