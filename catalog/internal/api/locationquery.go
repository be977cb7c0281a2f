package api

import (
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// locationMatch decides about one location.
type locationMatch func(catalogcommon.Location) bool

const maxLocationDepth = 32

// parseLocationQuery reads a predicate over locations. There are few of them, so it is evaluated one by one. Unlike for entities, empty lists of alternatives match nothing, and so do empty lists of demands.
func parseLocationQuery(query map[string]any, depth int) (locationMatch, error) {
	if depth > maxLocationDepth {
		return nil, pluginapi.BadInput("query is nested more than %d deep", maxLocationDepth)
	}
	var all []locationMatch
	for key, value := range query {
		if strings.HasPrefix(key, "$") {
			if len(query) != 1 {
				return nil, pluginapi.BadInput("query: %s must be alone in its object", key)
			}
			return parseLocationGroup(key, value, depth)
		}
		match, err := parseLocationField(key, value)
		if err != nil {
			return nil, err
		}
		all = append(all, match)
	}
	return func(l catalogcommon.Location) bool {
		return !slices.ContainsFunc(all, func(m locationMatch) bool { return !m(l) })
	}, nil
}

func parseLocationGroup(key string, value any, depth int) (locationMatch, error) {
	parse := func(value any) (locationMatch, error) {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, pluginapi.BadInput("query: %s takes objects", key)
		}
		return parseLocationQuery(object, depth+1)
	}
	if key == "$not" {
		match, err := parse(value)
		return func(l catalogcommon.Location) bool { return !match(l) }, err
	}
	list, ok := value.([]any)
	if !ok || key != "$all" && key != "$any" {
		return nil, pluginapi.BadInput("query: %s is not understood; there are $all and $any with a list, and $not", key)
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

func parseLocationField(key string, value any) (locationMatch, error) {
	fields := map[string]func(catalogcommon.Location) string{
		"id":        func(l catalogcommon.Location) string { return l.ID },
		"type":      func(l catalogcommon.Location) string { return l.Type },
		"target":    func(l catalogcommon.Location) string { return l.Target },
		"entityref": func(l catalogcommon.Location) string { return l.EntityRef },
	}
	field, ok := fields[strings.ToLower(key)]
	if !ok {
		return nil, pluginapi.BadInput("query: there is no key %q; there are id, type, target and entityRef", key)
	}
	if text, ok := scalar(value); ok {
		return func(l catalogcommon.Location) bool { return strings.EqualFold(field(l), text) }, nil
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) != 1 {
		return nil, pluginapi.BadInput("query: %s takes a value, or an object with one operator", key)
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
				return parseLocationIn(key, field, list)
			}
		}
		return nil, pluginapi.BadInput("query: %s of %s is not understood", operator, key)
	}
	return nil, nil // cannot be: the object has one member
}

func parseLocationIn(key string, field func(catalogcommon.Location) string, list []any) (locationMatch, error) {
	var values []string
	for _, item := range list {
		text, ok := scalar(item)
		if !ok {
			return nil, pluginapi.BadInput("query: $in of %s takes a list of values", key)
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
