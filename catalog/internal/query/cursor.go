package query

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// Cursor is a place in a listing together with the question, so that a page can be asked for with nothing else. Its
// encoded form is standard base64 of a JSON object. What arrives may have been written by anybody: [DecodeCursor]
// checks its form, and nothing in it grants anything; permissions are applied anew to every page.
//
// A question from a JSON body stands under "query" in the encoded form, and the catalog's JavaScript client, which
// looks, asks for the next page by POST then. One from filter parameters stands under "filter", and it stays with GET.
type Cursor struct {
	Order    []SortKey
	At       []*string // the row the page ended or began with: a value per sort key (nil: none), then the entity id
	First    []*string // the same of the very first row, where going back ends
	Backward bool      // the page wanted is the one before At
	Total    int       // as counted for the first page
	Filter   []string  // "filter" parameters as they came
	Query    json.RawMessage
	Term     string // full text; the fields are Fields
	Fields   []string
}

type wireCursor struct {
	OrderFields    []wireOrder     `json:"orderFields"`
	OrderValues    []*string       `json:"orderFieldValues"`
	FirstValues    []*string       `json:"firstSortFieldValues"`
	IsPrevious     bool            `json:"isPrevious"`
	TotalItems     int             `json:"totalItems"`
	Filter         []string        `json:"filter,omitempty"`
	Query          json.RawMessage `json:"query,omitempty"`
	FullTextFilter *wireText       `json:"fullTextFilter,omitempty"`
}

type wireOrder struct {
	Field string `json:"field"`
	Order string `json:"order,omitempty"`
}

type wireText struct {
	Term   string   `json:"term"`
	Fields []string `json:"fields,omitempty"`
}

// Encode gives the text form.
func (c Cursor) Encode() string {
	w := wireCursor{
		OrderFields: make([]wireOrder, len(c.Order)), OrderValues: c.At, FirstValues: c.First,
		IsPrevious: c.Backward, TotalItems: c.Total, Filter: c.Filter, Query: c.Query,
	}
	for i, key := range c.Order {
		w.OrderFields[i] = wireOrder{key.Field, "asc"}
		if key.Desc {
			w.OrderFields[i].Order = "desc"
		}
	}
	if c.Term != "" {
		w.FullTextFilter = &wireText{c.Term, c.Fields}
	}
	text, err := json.Marshal(w)
	if err != nil { // only a Query that is no JSON; such a cursor is refused when it comes back
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}

// DecodeCursor reads what [Cursor.Encode] wrote. A missing direction means ascending. The question is not parsed yet;
// [Cursor.Where] does that.
func DecodeCursor(s string) (Cursor, error) {
	var w wireCursor
	if err := decodeBase64(s, "cursor", &w); err != nil {
		return Cursor{}, err
	}
	if len(w.OrderFields) > MaxOrder {
		return Cursor{}, Errorf("cursor has more than %d sort keys", MaxOrder)
	}
	c := Cursor{
		At: w.OrderValues, First: w.FirstValues, Backward: w.IsPrevious, Total: w.TotalItems,
		Filter: w.Filter, Query: w.Query,
	}
	for _, o := range w.OrderFields {
		key, err := NewSortKey(o.Field, o.Order)
		if err != nil {
			return Cursor{}, Errorf("cursor is malformed: %v", err)
		}
		c.Order = append(c.Order, key)
	}
	if !validPosition(c.At, len(c.Order)) || c.First != nil && !validPosition(c.First, len(c.Order)) {
		return Cursor{}, Errorf("cursor is malformed: its place does not fit its order; start again without a cursor")
	}
	if w.TotalItems < 0 {
		return Cursor{}, Errorf("cursor is malformed: totalItems is negative")
	}
	if string(c.Query) == "null" {
		c.Query = nil
	}
	if w.FullTextFilter != nil {
		c.Term, c.Fields = w.FullTextFilter.Term, w.FullTextFilter.Fields
	}
	return c, nil
}

func validPosition(at []*string, keys int) bool {
	return len(at) == keys+1 && at[keys] != nil && (keys == 0 || at[0] != nil)
}

// Where parses the question, full text included.
func (c Cursor) Where() (Predicate, error) {
	filter, err := ParseFilter(c.Filter)
	if err != nil {
		return nil, err
	}
	var predicate, text Predicate
	if len(c.Query) > 0 {
		if predicate, err = ParsePredicate(c.Query); err != nil {
			return nil, err
		}
	}
	if c.Term != "" {
		if text, err = NewText(c.Term, c.Fields, c.Order); err != nil {
			return nil, err
		}
	}
	return And(filter, predicate, text), nil
}

// NewText makes the full text part of a question: term is searched in fields; without fields in the first field of
// the order; without that in metadata.uid. It is nil for a blank term.
func NewText(term string, fields []string, order []SortKey) (Predicate, error) {
	if term = strings.TrimSpace(term); term == "" {
		return nil, nil
	}
	if len(term) > 4*MaxText {
		return nil, Errorf("full text term has more than %d characters", MaxText)
	}
	var keys []string
	for _, field := range fields {
		if field = strings.TrimSpace(field); field != "" {
			keys = append(keys, field)
		}
	}
	if len(keys) > 100 {
		return nil, Errorf("full text search in more than 100 fields")
	}
	if len(keys) == 0 {
		keys = []string{"metadata.uid"}
		if len(order) > 0 {
			keys[0] = order[0].Field
		}
	}
	return Text{Keys: keys, Term: term}, nil
}

// After is the place in a listing that is paged by offset ("after" in GET /entities).
type After struct {
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// Encode gives the text form, standard base64 of JSON.
func (a After) Encode() string {
	text, err := json.Marshal(a)
	if err != nil { // cannot be: two numbers
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}

// DecodeAfter reads what [After.Encode] wrote.
func DecodeAfter(s string) (After, error) {
	var a After
	if err := decodeBase64(s, "after", &a); err != nil {
		return After{}, err
	}
	if a.Limit < 0 || a.Offset < 0 {
		return After{}, Errorf("after is malformed: limit and offset must not be negative")
	}
	return a, nil
}

func decodeBase64(s, what string, into any) error {
	if len(s) > MaxCursor {
		return Errorf("%s has more than %d bytes", what, MaxCursor)
	}
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Errorf("%s is malformed: not base64; pass it on as it was received", what)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return Errorf("%s is malformed: not the expected JSON; pass it on as it was received", what)
	}
	return nil
}
