package radar

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// object is a JSON object with its place in the document. Members that are missing and null are the same.
type object struct {
	at       string
	members  map[string]any
	problems *Problems
}

// object takes a value as one; a value of another type is a problem.
func (p *Problems) object(at string, value any) (object, bool) {
	members, ok := value.(map[string]any)
	if !ok {
		p.add(at, "expected an object, found %s", kind(value))
	}
	return object{at, members, p}, ok
}

func (o object) problem(field, format string, args ...any) {
	at := o.at
	if at != "" {
		at += "."
	}
	o.problems.add(at+field, format, args...)
}

// text returns a string member, "" when there is none.
func (o object) text(field string) string {
	value, ok := o.members[field]
	if !ok || value == nil {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		o.problem(field, "expected a text, found %s; put it in quotes", kind(value))
	}
	return text
}

// required is text that must be there. A member of the wrong type was complained about already.
func (o object) required(field string) string {
	text := o.text(field)
	if value := o.members[field]; value == nil {
		o.problem(field, "is missing")
	} else if value == "" {
		o.problem(field, "is empty")
	}
	return text
}

// list returns an array member, nil when there is none.
func (o object) list(field string) []any {
	value, ok := o.members[field]
	if !ok || value == nil {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		o.problem(field, "expected a list, found %s", kind(value))
	}
	return list
}

// move returns -1, 0 or 1.
func (o object) move(field string) Move {
	switch value := o.members[field].(type) {
	case nil:
	case float64:
		if value == -1 || value == 0 || value == 1 {
			return Move(value)
		}
		o.problem(field, "is %v; it is 1 (up), 0 or -1 (down)", value)
	default:
		o.problem(field, "expected 1 (up), 0 or -1 (down), found %s", kind(value))
	}
	return Stayed
}

// dateForms are those that occur in radars, out of the many that a browser would read.
var dateForms = []string{
	time.DateOnly, time.RFC3339, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04",
	"2006-1-2", "2006-01", "2006", "2006/01/02", "2006/1/2", "1/2/2006", "1-2-2006",
	"Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006", "Jan 2006", "January 2006", "Mon Jan 02 2006", "Mon, 02 Jan 2006", time.RFC1123, time.RFC1123Z, time.ANSIC,
}

// maxMillis is as far from 1970 as a date can be in JavaScript.
const maxMillis = 8.64e15

// date returns a date, given as a text or as milliseconds since 1970.
func (o object) date(field string) time.Time {
	switch value := o.members[field].(type) {
	case nil:
		o.problem(field, "is missing")
	case float64:
		if math.Abs(value) <= maxMillis {
			return time.UnixMilli(int64(value)).UTC()
		}
		o.problem(field, "%v is no number of milliseconds since 1970", value)
	case string:
		text := strings.TrimSpace(value)
		for _, form := range dateForms {
			if at, err := time.Parse(form, text); err == nil {
				return at.UTC()
			}
		}
		o.problem(field, "%q is no date; write it as 2026-11-22", value)
	default:
		o.problem(field, "expected a date such as \"2026-11-22\", found %s", kind(value))
	}
	return time.Time{}
}

// kind names a value's type.
func kind(value any) string {
	switch value := value.(type) {
	case nil:
		return "nothing"
	case bool:
		return fmt.Sprint(value)
	case float64:
		text, err := json.Marshal(value)
		if err != nil {
			return "a number"
		}
		return "the number " + string(text)
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "an object"
}
