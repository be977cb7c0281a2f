package query

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
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

// decode reads JSON. It does what encoding/json does with a wireCursor, in a fraction of the time, since each page of a listing begins with it; what it does not expect it leaves to that.
func (w *wireCursor) decode(text []byte) error {
	if json.Valid(text) && w.plain(text) == nil {
		return nil
	}
	*w = wireCursor{}
	return json.Unmarshal(text, w)
}

var errUnexpected = errors.New("not as it was written here")

// plain reads what [Cursor.Encode] writes if there is nothing special about it. Text must be valid JSON.
func (w *wireCursor) plain(text []byte) error {
	it := rawjson.Object(text, rawjson.Space(text, 0))
	for it.Next() {
		end, err := rawjson.Value(text, it.Value)
		if err != nil {
			return err
		}
		it.End = end
		value := text[it.Value:end]
		switch string(text[it.KeyStart:it.KeyEnd]) {
		case "orderFields":
			w.OrderFields = nil
			err = elements(value, func(value []byte) error {
				var o wireOrder
				fields := rawjson.Object(value, 0)
				for fields.Next() {
					if fields.End, err = rawjson.Value(value, fields.Value); err != nil {
						return err
					}
					switch text, ok := plainText(value[fields.Value:fields.End]); {
					case !ok:
						return errUnexpected
					case string(value[fields.KeyStart:fields.KeyEnd]) == "field":
						o.Field = text
					case string(value[fields.KeyStart:fields.KeyEnd]) == "order":
						o.Order = text
					default:
						return errUnexpected
					}
				}
				w.OrderFields = append(w.OrderFields, o)
				return fields.Err
			})
		case "orderFieldValues":
			w.OrderValues, err = plainPlace(value)
		case "firstSortFieldValues":
			w.FirstValues, err = plainPlace(value)
		case "isPrevious":
			w.IsPrevious = string(value) == "true"
			if !w.IsPrevious && string(value) != "false" {
				err = errUnexpected
			}
		case "totalItems":
			w.TotalItems, err = strconv.Atoi(string(value))
		case "filter":
			w.Filter = nil
			err = elements(value, func(value []byte) error {
				text, ok := plainText(value)
				if !ok {
					return errUnexpected
				}
				w.Filter = append(w.Filter, text)
				return nil
			})
		default: // rare, or unknown
			err = errUnexpected
		}
		if err != nil {
			return err
		}
	}
	return it.Err
}

func elements(array []byte, visit func(value []byte) error) error {
	it := rawjson.Array(array, 0)
	for it.Next() {
		end, err := rawjson.Value(array, it.Value)
		if err != nil {
			return err
		}
		it.End = end
		if err := visit(array[it.Value:end]); err != nil {
			return err
		}
	}
	return it.Err
}

// plainText returns a string that has no escapes, and is valid UTF-8.
func plainText(value []byte) (string, bool) {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}

func plainPlace(value []byte) ([]*string, error) {
	if string(value) == "null" {
		return nil, nil
	}
	place := []*string{}
	err := elements(value, func(value []byte) error {
		if string(value) == "null" {
			place = append(place, nil)
			return nil
		}
		text, ok := plainText(value)
		if !ok {
			return errUnexpected
		}
		place = append(place, &text)
		return nil
	})
	return place, err
}

// Encode gives the text form.
func (c Cursor) Encode() string {
	b := append(make([]byte, 0, 512), `{"orderFields":[`...)
	for i, key := range c.Order {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"field":`...), key.Field)
		if key.Desc {
			b = append(b, `,"order":"desc"}`...)
		} else {
			b = append(b, `,"order":"asc"}`...)
		}
	}
	b = appendPlace(append(b, `],"orderFieldValues":`...), c.At)
	b = appendPlace(append(b, `,"firstSortFieldValues":`...), c.First)
	b = strconv.AppendBool(append(b, `,"isPrevious":`...), c.Backward)
	b = strconv.AppendInt(append(b, `,"totalItems":`...), int64(c.Total), 10)
	if len(c.Filter) > 0 {
		b = appendTexts(append(b, `,"filter":`...), c.Filter)
	}
	if len(c.Query) > 0 {
		if !json.Valid(c.Query) {
			return "" // such a cursor would be refused when it comes back
		}
		b = append(append(b, `,"query":`...), c.Query...)
	}
	if c.Term != "" {
		b = appendText(append(b, `,"fullTextFilter":{"term":`...), c.Term)
		if len(c.Fields) > 0 {
			b = appendTexts(append(b, `,"fields":`...), c.Fields)
		}
		b = append(b, '}')
	}
	return base64.StdEncoding.EncodeToString(append(b, '}'))
}

func appendPlace(b []byte, place []*string) []byte {
	if place == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, value := range place {
		if i > 0 {
			b = append(b, ',')
		}
		if value == nil {
			b = append(b, "null"...)
		} else {
			b = appendText(b, *value)
		}
	}
	return append(b, ']')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, text)
	}
	return append(b, ']')
}

func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			escaped, err := json.Marshal(text)
			if err != nil {
				escaped = []byte(`""`) // cannot be: it is a text
			}
			return append(b, escaped...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// DecodeCursor reads what [Cursor.Encode] wrote. A missing direction means ascending. The question is not parsed yet;
// [Cursor.Where] does that.
func DecodeCursor(s string) (Cursor, error) {
	var w wireCursor
	if err := decodeBase64(s, "cursor", w.decode); err != nil {
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
	if err := decodeBase64(s, "after", func(text []byte) error { return json.Unmarshal(text, &a) }); err != nil {
		return After{}, err
	}
	if a.Limit < 0 || a.Offset < 0 {
		return After{}, Errorf("after is malformed: limit and offset must not be negative")
	}
	return a, nil
}

func decodeBase64(s, what string, decode func(text []byte) error) error {
	if len(s) > MaxCursor {
		return Errorf("%s has more than %d bytes", what, MaxCursor)
	}
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Errorf("%s is malformed: not base64; pass it on as it was received", what)
	}
	if err := decode(text); err != nil {
		return Errorf("%s is malformed: not the expected JSON; pass it on as it was received", what)
	}
	return nil
}
