package query

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// ParsePredicate reads a predicate written in JSON:
//
//	{"kind": "component", "spec.type": {"$in": ["service", "website"]}}   every field condition holds
//	{"$all": [p, …]}   {"$any": [p, …]}   {"$not": p}                     alone in their object
//
// The condition on a field is a string, number or boolean (equality), or an object with one operator:
//
//	$exists    true or false: whether there is a row
//	$in        one of the scalars listed
//	$hasPrefix text that the value starts with
//	$contains  a scalar: an element of an array; for the field "relations" {"type": …, "targetRef": … or {"$in": […]}}
//	$has       true or false: whether there is anything at the path or beneath it, so also for objects
//	$gt $gte $lt $lte   compare with a number, a date, a time, or text (see [Compare]); two of them make a range
//
// The error is an [*Error] that names the place.
func ParsePredicate(text []byte) (Predicate, error) {
	if len(text) > MaxQuery {
		return nil, Errorf("query has more than %d bytes; ask in several requests", MaxQuery)
	}
	if !json.Valid(text) {
		return nil, Errorf("query is not valid JSON")
	}
	p := predicateParser{b: text}
	parsed, err := p.predicate(rawjson.Space(text, 0), "query", 0)
	if fault := (*rawjson.Error)(nil); errors.As(err, &fault) { // valid, so only nested too deep
		return nil, Errorf("query: %s", fault.What)
	}
	return parsed, err
}

type predicateParser struct {
	b     []byte
	terms int
}

func (p *predicateParser) count(at string) error {
	if p.terms++; p.terms > MaxTerms {
		return Errorf("%s: more than %d conditions and values; ask in several requests", shorten(at), MaxTerms)
	}
	return nil
}

func (p *predicateParser) predicate(i int, at string, depth int) (Predicate, error) {
	if p.b[i] != '{' {
		return nil, Errorf("%s must be an object", at)
	}
	if depth++; depth > MaxDepth {
		return nil, Errorf("query is nested more than %d deep", MaxDepth)
	}
	if err := p.count(at); err != nil {
		return nil, err
	}
	var all All
	var group Predicate
	members := 0
	it := rawjson.Object(p.b, i)
	for it.Next() {
		members++
		key := p.key(&it)
		var err error
		switch {
		case key == "$all" || key == "$any":
			var parts []Predicate
			if parts, it.End, err = p.list(it.Value, at+"."+key, depth); err == nil {
				if group = All(parts); key == "$any" {
					group = Any(parts)
				}
			}
		case key == "$not":
			var of Predicate
			if of, err = p.predicate(it.Value, at+".$not", depth); err == nil {
				group = Not{of}
				it.End, err = rawjson.Value(p.b, it.Value)
			}
		case strings.HasPrefix(key, "$"):
			err = Errorf("%s: %q is no operator here; use $all, $any, $not or a field", at, shorten(key))
		default:
			var condition Predicate
			if condition, err = p.condition(it.Value, key, at+"."+shorten(key)); err == nil {
				all = append(all, condition)
				it.End, err = rawjson.Value(p.b, it.Value)
			}
		}
		if err != nil {
			return nil, err
		}
		if group != nil && members > 1 {
			return nil, Errorf("%s: $all, $any and $not must be alone in their object", at)
		}
	}
	switch {
	case it.Err != nil:
		return nil, it.Err
	case group != nil:
		return group, nil
	case len(all) == 1:
		return all[0], nil
	}
	return all, nil
}

func (p *predicateParser) key(it *rawjson.Members) string {
	return string(rawjson.AppendText(nil, p.b[it.KeyStart:it.KeyEnd]))
}

func (p *predicateParser) list(i int, at string, depth int) (parts []Predicate, end int, err error) {
	if p.b[i] != '[' {
		return nil, 0, Errorf("%s must be an array of predicates", at)
	}
	it := rawjson.Array(p.b, i)
	for it.Next() {
		part, err := p.predicate(it.Value, at+"["+strconv.Itoa(len(parts))+"]", depth)
		if err != nil {
			return nil, 0, err
		}
		parts = append(parts, part)
		if it.End, err = rawjson.Value(p.b, it.Value); err != nil {
			return nil, 0, err
		}
	}
	return parts, it.End, it.Err
}

// condition reads what a field is asked for.
func (p *predicateParser) condition(i int, key, at string) (Predicate, error) {
	if err := p.count(at); err != nil {
		return nil, err
	}
	if p.b[i] != '{' {
		value, ok := p.scalar(i)
		if !ok {
			return nil, Errorf("%s must be a string, number, boolean or an object with an operator", at)
		}
		return In{key, []string{value}}, nil
	}
	var all All
	compares := 0
	it := rawjson.Object(p.b, i)
	for it.Next() {
		op := p.key(&it)
		part, err := p.operator(it.Value, key, op, at+"."+shorten(op))
		if err != nil {
			return nil, err
		}
		if _, ok := part.(Compare); ok {
			compares++
		}
		all = append(all, part)
		if it.End, err = rawjson.Value(p.b, it.Value); err != nil {
			return nil, err
		}
	}
	switch {
	case it.Err != nil:
		return nil, it.Err
	case len(all) == 0:
		return nil, Errorf("%s has no operator; use one of %s", at, operators)
	case len(all) == 1:
		return all[0], nil
	case compares < len(all):
		return nil, Errorf("%s has several operators; only $gt, $gte, $lt and $lte go together, put others in $all", at)
	}
	return all, nil
}

const operators = "$exists, $in, $hasPrefix, $contains, $has, $gt, $gte, $lt, $lte"

func (p *predicateParser) operator(i int, key, op, at string) (Predicate, error) {
	switch op {
	case "$exists", "$has":
		var part Predicate = Exists{key}
		if op == "$has" {
			part = Has{key}
		}
		switch p.b[i] {
		case 't':
			return part, nil
		case 'f':
			return Not{part}, nil
		}
		return nil, Errorf("%s must be true or false", at)
	case "$in":
		values, err := p.scalars(i, at)
		return In{key, values}, err
	case "$hasPrefix":
		if p.b[i] != '"' {
			return nil, Errorf("%s must be a string", at)
		}
		prefix, _ := p.scalar(i)
		return Prefix{key, prefix}, nil
	case "$contains":
		if p.b[i] == '{' {
			if !strings.EqualFold(key, "relations") {
				return nil, Errorf("%s takes an object for relations only", at)
			}
			return p.relation(i, at)
		}
		value, ok := p.scalar(i)
		if !ok {
			return nil, Errorf("%s must be a string, number or boolean", at)
		}
		return In{key, []string{value}}, nil
	case "$gt":
		return p.comparison(i, key, Greater, at)
	case "$gte":
		return p.comparison(i, key, GreaterOrEqual, at)
	case "$lt":
		return p.comparison(i, key, Less, at)
	case "$lte":
		return p.comparison(i, key, LessOrEqual, at)
	}
	return nil, Errorf("%s: no such operator; use one of %s", at, operators)
}

func (p *predicateParser) comparison(i int, key string, op Op, at string) (Predicate, error) {
	operand, ok := p.operand(i)
	if !ok {
		return nil, Errorf("%s must be a number or a string", at)
	}
	return Compare{key, op, operand}, nil
}

func (p *predicateParser) operand(i int) (Operand, bool) {
	text, ok := p.scalar(i)
	switch c := p.b[i]; {
	case !ok || c == 't' || c == 'f':
		return Operand{}, false
	case c != '"':
		f, err := strconv.ParseFloat(text, 64)
		return Operand{Number: &f}, err == nil
	}
	if t, ok := ParseTime(text); ok {
		return Operand{Time: &t}, true
	}
	return Operand{Text: Lower(text)}, true
}

func (p *predicateParser) relation(i int, at string) (Predicate, error) {
	var kind string
	var targets []string
	hasTargets := false
	it := rawjson.Object(p.b, i)
	for it.Next() {
		var err error
		switch name := p.key(&it); name {
		case "type":
			if p.b[it.Value] != '"' {
				return nil, Errorf("%s.type must be a string", at)
			}
			kind, _ = p.scalar(it.Value)
		case "targetRef":
			hasTargets = true
			switch p.b[it.Value] {
			case '"':
				ref, _ := p.scalar(it.Value)
				targets = []string{ref}
			case '{':
				targets, err = p.targets(it.Value, at+".targetRef")
			default:
				err = Errorf("%s.targetRef must be a string or {\"$in\": [strings]}", at)
			}
		default:
			err = Errorf("%s: %q is unknown; a relation has type and targetRef", at, shorten(name))
		}
		if err == nil {
			it.End, err = rawjson.Value(p.b, it.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case it.Err != nil:
		return nil, it.Err
	case kind == "":
		return nil, Errorf("%s needs a type, such as \"ownedBy\"", at)
	case !hasTargets:
		return Exists{"relations." + kind}, nil
	}
	return In{"relations." + kind, targets}, nil
}

func (p *predicateParser) targets(i int, at string) ([]string, error) {
	var targets []string
	it := rawjson.Object(p.b, i)
	for it.Next() {
		if p.key(&it) != "$in" {
			return nil, Errorf("%s takes only $in", at)
		}
		values, err := p.scalars(it.Value, at+".$in")
		if err != nil {
			return nil, err
		}
		elements := rawjson.Array(p.b, it.Value)
		for elements.Next() {
			if p.b[elements.Value] != '"' {
				return nil, Errorf("%s.$in must hold strings", at)
			}
			if elements.End, err = rawjson.Value(p.b, elements.Value); err != nil {
				return nil, err
			}
		}
		targets = values
		it.End = elements.End
	}
	if it.Err == nil && len(targets) == 0 {
		return nil, Errorf("%s needs $in with at least one reference", at)
	}
	return targets, it.Err
}

func (p *predicateParser) scalars(i int, at string) ([]string, error) {
	if p.b[i] != '[' {
		return nil, Errorf("%s must be an array", at)
	}
	values := []string{}
	it := rawjson.Array(p.b, i)
	for it.Next() {
		value, ok := p.scalar(it.Value)
		if !ok {
			return nil, Errorf("%s[%d] must be a string, number or boolean", at, len(values))
		}
		if err := p.count(at); err != nil {
			return nil, err
		}
		values = append(values, value)
		var err error
		if it.End, err = rawjson.Value(p.b, it.Value); err != nil {
			return nil, err
		}
	}
	return values, it.Err
}

// scalar gives the text form of a string, number or boolean.
func (p *predicateParser) scalar(i int) (string, bool) {
	switch c := p.b[i]; c {
	case '"':
		end, _, err := rawjson.String(p.b, i)
		if err != nil {
			return "", false
		}
		return string(rawjson.AppendText(nil, p.b[i+1:end-1])), true
	case '{', '[', 'n':
		return "", false
	case 't', 'f':
		return strconv.FormatBool(c == 't'), true
	default:
		end, err := rawjson.Value(p.b, i)
		return string(rawjson.AppendNumber(nil, p.b[i:end])), err == nil
	}
}
