package access

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

var aLocation = catalogcommon.Location{ID: "Id-1", Type: "url", Target: "https://git.example.com/Acme/catalog-info.yaml", EntityRef: "location:default/generated-1"}

func parseLocations(t testing.TB, text string) (locationMatch, error) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return parseLocationQuery(object)
}

func TestLocationQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`:                          true,
		`{"type":"URL"}`:              true,
		`{"TYPE":"url","id":"id-1"}`:  true,
		`{"type":"url","id":"other"}`: false,
		`{"entityRef":"LOCATION:default/generated-1"}`:              true,
		`{"target":{"$hasPrefix":"HTTPS://git.example.com/acme/"}}`: true,
		`{"target":{"$hasPrefix":"http://"}}`:                       false,
		`{"type":{"$in":["file","Url"]}}`:                           true,
		`{"type":{"$in":[]}}`:                                       false,
		`{"id":{"$in":["id-1"]}}`:                                   false, // ids compare exactly here
		`{"id":{"$in":["Id-1"]}}`:                                   true,
		`{"id":{"$exists":true}}`:                                   true,
		`{"id":{"$exists":false}}`:                                  false,
		`{"type":{"$contains":"url"}}`:                              false,
		`{"$all":[]}`:                                               false,
		`{"$any":[]}`:                                               false,
		`{"$not":{"$any":[]}}`:                                      true,
		`{"$all":[{"type":"url"},{"$not":{"id":"x"}}]}`:             true,
		`{"$any":[{"type":"file"},{"id":"Id-1"}]}`:                  true,
		`{"$any":[{"type":"file"},{"id":"x"}]}`:                     false,
		`{"type":1}`:                                                false,
	} {
		match, err := parseLocations(t, text)
		if err != nil || match(aLocation) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		`{"name":"x"}`:                   `there is no key "name"`,
		`{"$or":[]}`:                     "$or is not understood",
		`{"$not":[]}`:                    "$not takes objects",
		`{"$any":{}}`:                    "$any is not understood",
		`{"$any":[1]}`:                   "$any takes objects",
		`{"$all":[],"type":"url"}`:       "must be alone",
		`{"type":null}`:                  "takes a value",
		`{"type":{}}`:                    "one operator",
		`{"type":{"$gt":1}}`:             "$gt of type is not understood",
		`{"type":{"$in":"url"}}`:         "$in of type is not understood",
		`{"type":{"$in":[{}]}}`:          "list of values",
		`{"type":{"$exists":"true"}}`:    "$exists of type",
		`{"type":{"$hasPrefix":true}}`:   "$hasPrefix of type",
		`{"type":{"$contains":{"a":1}}}`: "$contains of type",
		strings.Repeat(`{"$not":`, 40) + "{}" + strings.Repeat("}", 40): "nested more than 32 deep",
		`{"$any":[` + strings.Repeat(`{},`, 6000) + `{}]}`:              "more than 5000",
	} {
		_, err := parseLocations(t, text)
		if bad := (*query.Error)(nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %q", text, err, says)
		}
	}
}

func FuzzLocationQuery(f *testing.F) {
	for _, seed := range []string{`{}`, `{"type":"url"}`, `{"$all":[{"$any":[]},{"$not":{"id":{"$in":["a",1,true]}}}]}`, `{"target":{"$hasPrefix":"https"}}`, `{"id":{"$exists":false}}`, `{"type":{"$contains":"x"}}`, `{"$not":1}`, `{"":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil {
			return
		}
		match, err := parseLocationQuery(object)
		if err != nil {
			if bad := (*query.Error)(nil); !errors.As(err, &bad) {
				t.Fatalf("%q: %v is not for who asked", text, err)
			}
			return
		}
		negated, err := parseLocationQuery(map[string]any{"$not": object})
		if err == nil && match(aLocation) == negated(aLocation) {
			t.Fatalf("%q and its opposite agree", text)
		}
	})
}
