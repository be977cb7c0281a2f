package query

import "strings"

// SortKey is one key of an order.
type SortKey struct {
	Field string // a search key, such as "metadata.name"
	Desc  bool
}

// Order is how a listing is sorted: by the lower-cased values of the fields, compared as bytes, then by entity id. The
// zero value sorts by entity id.
type Order struct {
	Keys []SortKey // at most [MaxOrder]

	// Without Keys: sort by entity ref instead of by entity id.
	ByRef bool

	// What happens to entities without a value of the first field, and with several. False: the former are left
	// out, the latter are listed once per value, and ties go by entity id in the direction of the first key. True:
	// every entity is listed once, by its first value in the direction of the key; those without come last; ties
	// go by ascending entity id. Further fields always follow the second rule.
	KeepAll bool
}

// ParseOrderFields reads "orderField" parameters: "field", "field,asc" or "field,desc".
func ParseOrderFields(params []string) ([]SortKey, error) {
	return parseOrder(params, func(param string) (field, direction string) {
		field, direction, _ = strings.Cut(param, ",")
		if direction == "" {
			direction = "asc"
		}
		return field, direction
	}, "orderField", "field, field,asc or field,desc")
}

// ParseOrder reads "order" parameters: "asc:field" or "desc:field".
func ParseOrder(params []string) ([]SortKey, error) {
	return parseOrder(params, func(param string) (field, direction string) {
		direction, field, _ = strings.Cut(param, ":")
		return field, direction
	}, "order", "asc:field or desc:field")
}

// NewSortKey makes a sort key of a field and "asc", "desc" or "" (ascending).
func NewSortKey(field, direction string) (SortKey, error) {
	field = strings.TrimSpace(field)
	switch {
	case field == "":
		return SortKey{}, Errorf("a sort key has no field")
	case direction == "asc" || direction == "":
		return SortKey{Field: field}, nil
	case direction == "desc":
		return SortKey{Field: field, Desc: true}, nil
	}
	return SortKey{}, Errorf("sort direction of %q is %q; use asc or desc", shorten(field), shorten(direction))
}

func parseOrder(params []string, split func(string) (field, direction string), name, form string) ([]SortKey, error) {
	if len(params) > MaxOrder {
		return nil, Errorf("%s is given %d times; at most %d sort keys are possible", name, len(params), MaxOrder)
	}
	var keys []SortKey
	for _, param := range params {
		field, direction := split(strings.TrimSpace(param))
		direction = strings.TrimSpace(direction)
		if field = strings.TrimSpace(field); field == "" || direction != "asc" && direction != "desc" {
			return nil, Errorf("%s %q is malformed; write %s", name, shorten(param), form)
		}
		keys = append(keys, SortKey{Field: field, Desc: direction == "desc"})
	}
	return keys, nil
}
