// Package query is the language in which entities are asked for: predicates and the two grammars that write them, the
// order of a listing, and the cursors that lead from page to page. It knows text, not entities; the index package
// answers what is built here.
//
// Keys and values compare without regard to case, against the search rows of an entity: one row per scalar at a
// dotted path, so "metadata.annotations.example.com/team" and "spec.type" are keys, "spec" alone is none.
package query

import (
	"fmt"
	"time"
)

// Bounds of what one request may ask. What exceeds them is an [Error] that names the bound.
const (
	MaxTerms  = 5_000     // values and conditions in all filters, or in a predicate
	MaxDepth  = 32        // predicates inside predicates
	MaxLimit  = 100_000   // entities in a page
	MaxOrder  = 8         // sort keys
	MaxText   = 200       // characters of a full text term; longer than that no value is indexed
	MaxQuery  = 512 << 10 // bytes of a predicate, or of all filters; a cursor holds them, and must fit into a request, too
	MaxCursor = 768 << 10 // bytes of an encoded cursor
)

// Error is a request that cannot be answered because of how it is written. Its text is safe to show to whoever sent it.
type Error struct{ text string }

// Error implements error.
func (e *Error) Error() string { return e.text }

// StatusCode is 400.
func (e *Error) StatusCode() int { return 400 }

// SafeMessage returns the text.
func (e *Error) SafeMessage() string { return e.text }

// ErrorName is InputError.
func (e *Error) ErrorName() string { return "InputError" }

// Errorf makes an [*Error].
func Errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Predicate decides whether an entity matches. nil matches every entity. Predicates are values: build them freely,
// share them between goroutines, do not change them once handed over.
type Predicate interface{ predicate() }

type (
	// All matches what every part matches; without parts, everything.
	All []Predicate

	// Any matches what at least one part matches; without parts, nothing.
	Any []Predicate

	// Not matches what Of does not.
	Not struct{ Of Predicate }

	// In matches entities with a row of Key whose value is one of Values; without values, nothing.
	In struct {
		Key    string
		Values []string
	}

	// Exists matches entities with a row of Key, be its value null.
	Exists struct{ Key string }

	// Has matches entities that hold anything at Key or beneath it, so also objects: Has{"spec.profile"} matches
	// what Exists{"spec.profile.email"} matches. Empty objects and arrays hold nothing.
	Has struct{ Key string }

	// Prefix matches entities with a value of Key that starts with Prefix.
	Prefix struct{ Key, Prefix string }

	// Text matches entities with a value of one of Keys that contains Term. Space around Term is ignored; % stands
	// for any text in it and _ for any character. An empty Term matches everything.
	Text struct {
		Keys []string
		Term string
	}

	// Compare matches entities with a value of Key that stands in relation Op to the operand. Values of another
	// form than the operand's never match, so comparing with a number skips what is no number.
	Compare struct {
		Key     string
		Op      Op
		Operand Operand
	}
)

func (All) predicate()     {}
func (Any) predicate()     {}
func (Not) predicate()     {}
func (In) predicate()      {}
func (Exists) predicate()  {}
func (Has) predicate()     {}
func (Prefix) predicate()  {}
func (Text) predicate()    {}
func (Compare) predicate() {}

// And is All of those given that are not nil; nil if all are.
func And(parts ...Predicate) Predicate {
	var all All
	for _, p := range parts {
		if p != nil {
			all = append(all, p)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// Op is a relation between two values.
type Op byte

// The relations of [Compare].
const (
	Less Op = iota
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Holds tells whether the relation holds for a value that compares as c (negative, zero, positive) with the operand.
func (op Op) Holds(c int) bool {
	switch op {
	case Less:
		return c < 0
	case LessOrEqual:
		return c <= 0
	case Greater:
		return c > 0
	default:
		return c >= 0
	}
}

// Operand is what [Compare] compares with: a number, a time, or text, by which field is set in this order.
type Operand struct {
	Number *float64
	Time   *time.Time
	Text   string // compared by bytes of the lower-cased text
}

// ParseTime reads the two forms of time that comparisons know: 2006-01-02 (midnight UTC) and RFC 3339.
func ParseTime(s string) (time.Time, bool) {
	const date = "2006-01-02"
	if len(s) < len(date) || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false // most values are no times; say so before the costly attempt
	}
	layout := date
	if len(s) > len(date) {
		layout = time.RFC3339
		if s[10] == 't' { // as the index keeps it: lower-cased
			s = s[:10] + "T" + s[11:]
		}
		if s[len(s)-1] == 'z' {
			s = s[:len(s)-1] + "Z"
		}
	}
	t, err := time.Parse(layout, s)
	return t, err == nil
}
