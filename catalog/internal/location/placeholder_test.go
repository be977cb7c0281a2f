package location_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"

	"github.com/google/go-cmp/cmp"
)

func TestSubstitute(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a.txt": "text", "a.json": `{"k": [1]}`, "a.yaml": "k: yes\n", "two.yaml": "a: 1\n---\nb: 2\n", "bad.json": "{"}
	read := func(_ context.Context, reference location.Reference) ([]byte, string, error) {
		text, ok := files[reference.Target]
		if !ok {
			return nil, "file:" + reference.Target, errors.New("it is not there")
		}
		return []byte(text), "file:" + reference.Target, nil
	}
	const before = `{
		"spec": {"definition": {"$text": "a.txt"}, "list": [{"$json": "a.json"}, 1, {"deep": {"$yaml": "a.yaml"}}], "twice": {"$text": "a.txt"}},
		"left": {"$text": "a.txt", "other": {"$text": "a.txt"}}, "unknown": {"$nope": {"$text": "a.txt"}}, "dollar": {"$": 1},
		"bad": {"a/b": {"$json": "bad.json"}, "c": {"$text": "none"}, "d": {"$text": 5}, "e": {"$yaml": "two.yaml"}}
	}`
	const after = `{
		"spec": {"definition": "text", "list": [{"k": [1]}, 1, {"deep": {"k": "yes"}}], "twice": "text"},
		"left": {"$text": "a.txt", "other": {"$text": "a.txt"}}, "unknown": {"$nope": {"$text": "a.txt"}}, "dollar": {"$": 1},
		"bad": {"a/b": {"$json": "bad.json"}, "c": {"$text": "none"}, "d": {"$text": 5}, "e": {"$yaml": "two.yaml"}}
	}`
	entity := object(t, before)
	result := location.Substitute(t.Context(), entity, location.BuiltinPlaceholders(descriptor.Limits{}), read)
	if diff := cmp.Diff(object(t, before), entity); diff != "" {
		t.Errorf("the entity itself changed:\n%s", diff)
	}
	if diff := cmp.Diff(object(t, after), result.Entity); diff != "" {
		t.Errorf("entity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"file:bad.json", "file:none", "file:two.yaml", "file:a.txt", "file:a.json", "file:a.yaml"}, result.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	var got []string
	for _, failure := range result.Errors {
		got = append(got, failure.Pointer+" "+failure.Message)
	}
	want := []string{
		"/bad/a~1b Placeholder $json failed to parse bad.json, unexpected end of JSON input",
		"/bad/c Placeholder $text could not read location none, it is not there",
		"/bad/d Placeholder $text expects a text: a URL, or a path relative to this file",
		"/bad/e Placeholder $yaml failed to parse two.yaml, expected exactly one YAML document, found 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	untouched := object(t, `{"a": [1, {"b": null}]}`)
	if same := location.Substitute(t.Context(), untouched, location.BuiltinPlaceholders(descriptor.Limits{}), read); same.Reads != nil || same.Errors != nil || !cmp.Equal(same.Entity, untouched) {
		t.Errorf("nothing to fill in: %+v", same)
	}
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestReferences(t *testing.T) {
	t.Parallel()
	references := location.References{Readers: location.Readers{"embedded": location.Embedded{FS: fstest.MapFS{"catalog/apis/a.yaml": {Data: []byte("a")}, "secret": {Data: []byte("s")}, "catalog/*": {Data: []byte("star")}}}}}
	ref := func(text string) catalogcommon.LocationRef {
		parsed, err := catalogcommon.ParseLocationRef(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	tests := []struct {
		base, origin, reference string
		want                    string // the location, or ! and part of the error
	}{
		{"embedded:catalog/parts/x.yaml", "embedded:catalog/all.yaml", "../apis/a.yaml", "embedded:catalog/apis/a.yaml"},
		{"embedded:catalog/parts/x.yaml", "embedded:catalog/**/*.yaml", "../apis/a.yaml", "embedded:catalog/apis/a.yaml"},
		{"embedded:catalog/parts/x.yaml", "embedded:catalog/all.yaml", "../../secret", "!leads out of the folder catalog"},
		{"embedded:catalog/parts/x.yaml", "url:https://x.com/y", "../apis/a.yaml", "!leads out of the folder catalog/parts"},
		{"embedded:catalog/x.yaml", "embedded:catalog/x.yaml", "/secret", "!not a path relative"},
		{"embedded:catalog/x.yaml", "embedded:catalog/x.yaml", "*", "!not a path relative"},
		{"embedded:catalog/x.yaml", "embedded:catalog/x.yaml", "https://x.com/y", "!known types are embedded"},
		{"url:https://github.com/acme/shop/blob/main/x.yaml", "url:https://x.com/y", "https://github.com/acme/other/blob/main/y", "!another repository"},
		{"url:https://github.com/acme/shop/blob/main/x.yaml", "url:https://x.com/y", "../../y", "!leads out of the repository"},
		{"git:x", "git:x", "y", "!is not known"},
	}
	for _, tt := range tests {
		_, got, err := references.From(ref(tt.base), ref(tt.origin))(t.Context(), location.Reference{Target: tt.reference})
		if want, isError := strings.CutPrefix(tt.want, "!"); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s in %s: %v, %v; want an error with %q", tt.reference, tt.base, got, err, want)
			}
		} else if err != nil || got != tt.want {
			t.Errorf("%s in %s: %v, %v; want %s", tt.reference, tt.base, got, err, tt.want)
		}
	}
}
