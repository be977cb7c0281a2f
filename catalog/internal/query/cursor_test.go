package query_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func text(s string) *string { return &s }

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]query.Cursor{
		"plain":    {At: []*string{text("id")}, First: []*string{text("id0")}, Total: 3},
		"filter":   {Order: []query.SortKey{{Field: "a"}}, At: []*string{text(""), text("id")}, Filter: []string{"kind=api", `x=\,`}, Backward: true},
		"query":    {Order: []query.SortKey{{Field: "a", Desc: true}, {Field: "b"}}, At: []*string{text("v"), nil, text("id")}, Query: json.RawMessage(`{"kind":"api"}`)},
		"the text": {At: []*string{text("id")}, Term: "some", Fields: []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := query.DecodeCursor(c.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := got.Where(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The catalog's JavaScript client decodes a cursor and chooses the method by what it finds.
func TestOnlyQueriesFromBodiesMakeClientsPost(t *testing.T) {
	t.Parallel()
	for want, c := range map[bool]query.Cursor{
		true:  {At: []*string{text("id")}, Query: json.RawMessage(`{}`)},
		false: {At: []*string{text("id")}, Filter: []string{"kind=api"}},
	} {
		var decoded map[string]any
		plain, err := base64.StdEncoding.DecodeString(c.Encode())
		if err == nil {
			err = json.Unmarshal(plain, &decoded)
		}
		if _, has := decoded["query"]; err != nil || has != want {
			t.Errorf("%s: query there: %v, %v; want %v", plain, has, err, want)
		}
	}
}

func TestCursorWhere(t *testing.T) {
	t.Parallel()
	c := query.Cursor{Filter: []string{"a=1"}, Query: json.RawMessage(`{"b":2}`), Term: " x ", Order: []query.SortKey{{Field: "name"}}}
	got, err := c.Where()
	if err != nil {
		t.Fatal(err)
	}
	want := query.All{in("a", "1"), in("b", "2"), query.Text{Keys: []string{"name"}, Term: "x"}}
	if diff := cmp.Diff(query.Predicate(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestDecodeCursor(t *testing.T) {
	t.Parallel()
	// Direction missing, extra members: taken.
	c, err := query.DecodeCursor(encode(`{"orderFields":[{"field":"metadata.name"}],"orderFieldValues":["a","b"],"more":1,"query":null}`))
	if err != nil || c.Order[0].Desc || c.Query != nil {
		t.Errorf("%+v, %v", c, err)
	}
	for cursor, says := range map[string]string{
		"":                                       "not the expected JSON",
		"%%%":                                    "not base64",
		encode(`{`):                              "not the expected JSON",
		encode(`[]`):                             "not the expected JSON",
		encode(`{}`):                             "place does not fit",
		encode(`{"orderFieldValues":[]}`):        "place does not fit",
		encode(`{"orderFieldValues":[null]}`):    "place does not fit",
		encode(`{"orderFieldValues":[1]}`):       "not the expected JSON",
		encode(`{"orderFieldValues":["a","b"]}`): "place does not fit",
		encode(`{"orderFieldValues":["a"],"firstSortFieldValues":[]}`):                        "place does not fit",
		encode(`{"orderFieldValues":["a"],"totalItems":-1}`):                                  "negative",
		encode(`{"orderFieldValues":["a"],"totalItems":1.5}`):                                 "not the expected JSON",
		encode(`{"orderFieldValues":["a"],"filter":{"anyOf":[]}}`):                            "not the expected JSON",
		encode(`{"orderFields":[{"field":"a","order":"up"}],"orderFieldValues":["v","a"]}`):   "use asc or desc",
		encode(`{"orderFields":[{"field":""}],"orderFieldValues":["v","a"]}`):                 "has no field",
		encode(`{"orderFields":[` + strings.Repeat(`{"field":"a"},`, 50) + `{"field":"a"}]}`): "more than 8 sort keys",
		strings.Repeat("A", query.MaxCursor+1):                                                "more than",
	} {
		_, err := query.DecodeCursor(cursor)
		wantFault(t, err, says)
	}
	for _, cursor := range []string{
		encode(`{"orderFieldValues":["a"],"query":[]}`), encode(`{"orderFieldValues":["a"],"filter":["=b"]}`),
		encode(`{"orderFieldValues":["a"],"fullTextFilter":{"term":"` + strings.Repeat("x", 2000) + `"}}`),
	} {
		c, err := query.DecodeCursor(cursor)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Where()
		wantFault(t, err, "")
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	want := query.After{Limit: 20, Offset: 40}
	if got, err := query.DecodeAfter(want.Encode()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, after := range []string{"", "x", encode(`{"limit":-1}`), encode(`{"offset":"1"}`)} {
		_, err := query.DecodeAfter(after)
		wantFault(t, err, "after")
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	got, err := query.ParseOrderFields([]string{"a", "b,asc", "c , desc", "d,"})
	want := []query.SortKey{{Field: "a"}, {Field: "b"}, {Field: "c", Desc: true}, {Field: "d"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	got, err = query.ParseOrder([]string{"asc:a", "desc:b:c"})
	want = []query.SortKey{{Field: "a"}, {Field: "b:c", Desc: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, param := range []string{"", "a,up", ",asc"} {
		_, err := query.ParseOrderFields([]string{param})
		wantFault(t, err, "orderField")
	}
	for _, param := range []string{"", "a", "up:a", "asc:", "a:asc"} {
		_, err := query.ParseOrder([]string{param})
		wantFault(t, err, "order")
	}
	_, err = query.ParseOrder(make([]string, 100))
	wantFault(t, err, "at most 8")
}

func TestLower(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "abc": "abc", "AbC": "abc", "ÄÖÜ ẞ Σ": "äöü ß σ", "İx": "i̇x"} {
		if got := query.Lower(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"2024-05-01": true, "2024-05-01T10:00:00Z": true, "2024-05-01t10:00:00z": true, "2024-05-01T10:00:00.5+02:00": true,
		"": false, "2024": false, "2024-13-01": false, "2024-05-01 10:00": false, "2024-05-0x": false,
	} {
		if _, got := query.ParseTime(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	f.Add(query.Cursor{Order: []query.SortKey{{Field: "a"}}, At: []*string{text("v"), text("id")}, Query: json.RawMessage(`{"a":1}`), Term: "x"}.Encode())
	f.Add(query.Cursor{At: []*string{text("id")}, Filter: []string{"a=b"}}.Encode())
	f.Add(encode(`{"orderFieldValues":["a"],"query":{"$not":1}}`))
	f.Add("====")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := query.DecodeCursor(s)
		if err != nil {
			wantFault(t, err, "")
			return
		}
		if _, err := c.Where(); err != nil {
			wantFault(t, err, "")
			return
		}
		again, err := query.DecodeCursor(c.Encode())
		if err != nil || len(again.Order) != len(c.Order) || len(again.At) != len(c.At) {
			t.Fatalf("%q does not survive: %v", s, err)
		}
	})
}
