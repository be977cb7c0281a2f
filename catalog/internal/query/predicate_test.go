package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func TestParsePredicate(t *testing.T) {
	t.Parallel()
	ten := 10.0
	day := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]query.Predicate{
		`{}`:                                             query.All(nil),
		`{"kind":"Component"}`:                           in("kind", "Component"),
		` { "a" : 1.0 , "b" : true } `:                   query.All{in("a", "1"), in("b", "true")},
		`{"a":{"$exists":true}}`:                         query.Exists{Key: "a"},
		`{"a":{"$exists":false}}`:                        query.Not{Of: query.Exists{Key: "a"}},
		`{"a":{"$in":["x",2,false]}}`:                    in("a", "x", "2", "false"),
		`{"a":{"$in":[]}}`:                               query.In{Key: "a", Values: []string{}},
		`{"a":{"$hasPrefix":"x%\"y"}}`:                   query.Prefix{Key: "a", Prefix: `x%"y`},
		`{"a":{"$contains":"x"}}`:                        in("a", "x"),
		`{"a":{"$has":true}}`:                            query.Has{Key: "a"},
		`{"a":{"$gt":10}}`:                               query.Compare{Key: "a", Op: query.Greater, Operand: query.Operand{Number: &ten}},
		`{"a":{"$gte":"2024-05-01","$lt":"Zed"}}`:        query.All{query.Compare{Key: "a", Op: query.GreaterOrEqual, Operand: query.Operand{Time: &day}}, query.Compare{Key: "a", Op: query.Less, Operand: query.Operand{Text: "zed"}}},
		`{"$all":[]}`:                                    query.All(nil),
		`{"$any":[]}`:                                    query.Any(nil),
		`{"$any":[{"a":"1"},{"$not":{"b":"2"}}]}`:        query.Any{in("a", "1"), query.Not{Of: in("b", "2")}},
		`{"relations":{"$contains":{"type":"ownedBy"}}}`: query.Exists{Key: "relations.ownedBy"},
		`{"Relations":{"$contains":{"type":"ownedBy","targetRef":"group:default/a"}}}`: in("relations.ownedBy", "group:default/a"),
		`{"relations":{"$contains":{"targetRef":{"$in":["a","b"]},"type":"ownedBy"}}}`: in("relations.ownedBy", "a", "b"),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := query.ParsePredicate([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePredicateRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		``:                                       "not valid JSON",
		`{"a":}`:                                 "not valid JSON",
		`"kind"`:                                 "query must be an object",
		`[]`:                                     "query must be an object",
		`{"a":null}`:                             "query.a must be",
		`{"a":["x"]}`:                            "query.a must be",
		`{"a":{}}`:                               "query.a has no operator",
		`{"spec":{"type":"x"}}`:                  "query.spec.type: no such operator",
		`{"$or":[]}`:                             `"$or" is no operator here`,
		`{"$all":[],"a":1}`:                      "must be alone",
		`{"a":1,"$not":{}}`:                      "must be alone",
		`{"$all":{}}`:                            "query.$all must be an array",
		`{"$any":[{"$all":["x"]}]}`:              "query.$any[0].$all[0] must be an object",
		`{"a":{"$exists":"true"}}`:               "query.a.$exists must be true or false",
		`{"a":{"$in":"x"}}`:                      "query.a.$in must be an array",
		`{"a":{"$in":["x",null]}}`:               "query.a.$in[1] must be",
		`{"a":{"$in":["x"],"$exists":true}}`:     "several operators",
		`{"a":{"$hasPrefix":1}}`:                 "must be a string",
		`{"a":{"$contains":{"type":"x"}}}`:       "for relations only",
		`{"a":{"$contains":[1]}}`:                "query.a.$contains must be",
		`{"a":{"$gt":true}}`:                     "must be a number or a string",
		`{"relations":{"$contains":{}}}`:         "needs a type",
		`{"relations":{"$contains":{"type":1}}}`: "type must be a string",
		`{"relations":{"$contains":{"type":"a","target":"b"}}}`:                       `"target" is unknown`,
		`{"relations":{"$contains":{"type":"a","targetRef":{"$in":[]}}}}`:             "at least one reference",
		`{"relations":{"$contains":{"type":"a","targetRef":{"$in":[1]}}}}`:            "must hold strings",
		`{"relations":{"$contains":{"type":"a","targetRef":{"$exists":true}}}}`:       "takes only $in",
		`{"relations":{"$contains":{"type":"a","targetRef":[]}}}`:                     "targetRef must be",
		strings.Repeat(`{"$not":`, 100) + `{}` + strings.Repeat(`}`, 100):             "nested more than 32 deep",
		`{"a":{"$in":[` + strings.Repeat(`[`, 600) + strings.Repeat(`]`, 600) + `]}}`: "query",
		`{"a":{"$in":[` + strings.Repeat(`"x",`, 10_000) + `"x"]}}`:                   "more than 5000 conditions",
		`{"$any":[` + strings.Repeat(`{"a":1},`, 10_000) + `{}]}`:                     "more than 5000 conditions",
	} {
		_, err := query.ParsePredicate([]byte(text))
		if err == nil {
			t.Errorf("%.60s: no error", text)
			continue
		}
		wantFault(t, err, says)
	}
}

func FuzzParsePredicate(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"component","spec.type":{"$in":["a",1,true]}}`, `{"$all":[{"$any":[{}]},{"$not":{"a":{"$exists":false}}}]}`,
		`{"relations":{"$contains":{"type":"ownedBy","targetRef":{"$in":["group:default/a"]}}}}`, `{"a":{"$gt":1,"$lte":2e3},"b":{"$lt":"2024-05-01"}}`,
		`{"a":{"$has":true}}`, `{"a":{"$hasPrefix":"\u00e9"}}`, `[]`, `{"$not":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := query.ParsePredicate(text)
		if err != nil {
			wantFault(t, err, "")
		} else if p == nil {
			t.Fatalf("%q gives no predicate", text)
		}
	})
}
