package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

const defaultLocations = 1000

// place is where a list of locations goes on.
type place struct {
	Limit   int            `json:"limit"`
	AfterID string         `json:"afterId"`
	Query   map[string]any `json:"query,omitempty"`
}

// QueryLocations returns a page of the registered locations, by id. Who may not read locations sees none.
func (c *Catalog) QueryLocations(ctx context.Context, request catalogcommon.LocationsQuery) (catalogcommon.LocationsPage, error) {
	page := catalogcommon.LocationsPage{Items: []catalogcommon.Location{}}
	at := place{Limit: defaultLocations, Query: request.Query}
	if request.Cursor != "" {
		at.Query = nil
		text, err := base64.StdEncoding.DecodeString(request.Cursor)
		if err != nil || json.Unmarshal(text, &at) != nil {
			return page, catalogcommon.InputError("cursor is malformed; pass it on as it was received")
		}
	}
	if request.Limit != nil {
		at.Limit = *request.Limit
	}
	if at.Limit < 1 {
		return page, catalogcommon.InputError("request/body/limit must be >= 1")
	}
	match, err := parseLocationQuery(at.Query)
	if err != nil {
		return page, err
	}
	all, err := c.Locations(ctx)
	if err != nil {
		return page, err
	}
	for _, l := range all {
		if !match(l) {
			continue
		}
		page.TotalItems++
		switch {
		case l.ID <= at.AfterID:
		case len(page.Items) < at.Limit:
			page.Items = append(page.Items, l)
		case page.PageInfo.NextCursor == "":
			text, err := json.Marshal(place{Limit: at.Limit, AfterID: page.Items[at.Limit-1].ID, Query: at.Query})
			if err != nil {
				return page, err
			}
			page.PageInfo.NextCursor = base64.StdEncoding.EncodeToString(text)
		}
	}
	return page, nil
}

// locationMatch decides about one location.
type locationMatch func(catalogcommon.Location) bool

// locationQuery reads a predicate over locations. There are few of them, so it is evaluated one by one. Unlike for entities, empty lists of alternatives match nothing, and so do empty lists of demands.
type locationQuery struct{ terms int }

func parseLocationQuery(predicate map[string]any) (locationMatch, error) {
	return new(locationQuery).object(predicate, 1)
}

func (q *locationQuery) count() error {
	if q.terms++; q.terms > query.MaxTerms {
		return query.Errorf("query has more than %d conditions and values; ask in several requests", query.MaxTerms)
	}
	return nil
}

func (q *locationQuery) object(predicate map[string]any, depth int) (locationMatch, error) {
	if depth > query.MaxDepth {
		return nil, query.Errorf("query is nested more than %d deep", query.MaxDepth)
	}
	if err := q.count(); err != nil {
		return nil, err
	}
	var all []locationMatch
	for key, value := range predicate {
		if strings.HasPrefix(key, "$") {
			if len(predicate) != 1 {
				return nil, query.Errorf("query: %s must be alone in its object", key)
			}
			return q.group(key, value, depth)
		}
		match, err := q.field(key, value)
		if err != nil {
			return nil, err
		}
		all = append(all, match)
	}
	return func(l catalogcommon.Location) bool {
		return !slices.ContainsFunc(all, func(m locationMatch) bool { return !m(l) })
	}, nil
}

func (q *locationQuery) group(key string, value any, depth int) (locationMatch, error) {
	parse := func(value any) (locationMatch, error) {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, query.Errorf("query: %s takes objects", key)
		}
		return q.object(object, depth+1)
	}
	if key == "$not" {
		match, err := parse(value)
		return func(l catalogcommon.Location) bool { return !match(l) }, err
	}
	list, ok := value.([]any)
	if !ok || key != "$all" && key != "$any" {
		return nil, query.Errorf("query: %s is not understood; there are $all and $any with a list, and $not", key)
	}
	var parts []locationMatch
	for _, item := range list {
		match, err := parse(item)
		if err != nil {
			return nil, err
		}
		parts = append(parts, match)
	}
	return func(l catalogcommon.Location) bool {
		if key == "$any" {
			return slices.ContainsFunc(parts, func(m locationMatch) bool { return m(l) })
		}
		return len(parts) > 0 && !slices.ContainsFunc(parts, func(m locationMatch) bool { return !m(l) })
	}, nil
}

func (q *locationQuery) field(key string, value any) (locationMatch, error) {
	if err := q.count(); err != nil {
		return nil, err
	}
	fields := map[string]func(catalogcommon.Location) string{
		"id":        func(l catalogcommon.Location) string { return l.ID },
		"type":      func(l catalogcommon.Location) string { return l.Type },
		"target":    func(l catalogcommon.Location) string { return l.Target },
		"entityref": func(l catalogcommon.Location) string { return l.EntityRef },
	}
	field, ok := fields[strings.ToLower(key)]
	if !ok {
		return nil, query.Errorf("query: there is no key %q; there are id, type, target and entityRef", key)
	}
	if text, ok := scalar(value); ok {
		return func(l catalogcommon.Location) bool { return strings.EqualFold(field(l), text) }, nil
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) != 1 {
		return nil, query.Errorf("query: %s takes a value, or an object with one operator", key)
	}
	for operator, operand := range object {
		switch operator {
		case "$exists":
			if want, ok := operand.(bool); ok {
				return func(catalogcommon.Location) bool { return want }, nil // every location has all of them
			}
		case "$hasPrefix":
			if prefix, ok := operand.(string); ok {
				prefix = strings.ToLower(prefix)
				return func(l catalogcommon.Location) bool { return strings.HasPrefix(strings.ToLower(field(l)), prefix) }, nil
			}
		case "$contains":
			if _, ok := scalar(operand); ok {
				return func(catalogcommon.Location) bool { return false }, nil // nothing in a location is a list
			}
		case "$in":
			if list, ok := operand.([]any); ok {
				return q.in(key, field, list)
			}
		}
		return nil, query.Errorf("query: %s of %s is not understood", operator, key)
	}
	return nil, nil // cannot be: the object has one member
}

func (q *locationQuery) in(key string, field func(catalogcommon.Location) string, list []any) (locationMatch, error) {
	var values []string
	for _, item := range list {
		if err := q.count(); err != nil {
			return nil, err
		}
		text, ok := scalar(item)
		if !ok {
			return nil, query.Errorf("query: $in of %s takes a list of values", key)
		}
		values = append(values, text)
	}
	return func(l catalogcommon.Location) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			return strings.EqualFold(v, field(l)) && (!strings.EqualFold(key, "id") || v == field(l))
		})
	}, nil
}

func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
