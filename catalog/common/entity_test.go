package catalogcommon_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"

	"github.com/google/go-cmp/cmp"
)

const shop = `{
  "apiVersion": "backstage.io/v1alpha1", "kind": "Component",
  "metadata": {"name": "shop", "namespace": "default", "uid": "u", "etag": "e", "title": "Shöp <&> \u2028", "description": "",
    "labels": {"tier": "1"}, "annotations": {"circleci.com/project-slug": "github/acme/shop"}, "tags": ["go", "web"],
    "links": [{"url": "https://x", "title": "X", "icon": "docs", "rank": 3}], "zone": {"b": 1, "a": [null, true, 1.5e-9]}},
  "spec": {"type": "service", "owner": "team", "lifecycle": "production", "big": 12345678901234567890, "deep": {"z": [], "a": {}}},
  "relations": [{"type": "ownedBy", "targetRef": "group:default/team"}, {"type": "partOf", "targetRef": "system:default/retail"}],
  "status": {"items": [{"type": "backstage.io/catalog-processing", "level": "error", "message": "InputError: no", "error": {"name": "InputError", "message": "no"}}]},
  "attachments": {"readme": "hi"}
}`

func TestEntityJSONKeepsEverything(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		shop,
		`{}`,
		`{"kind": 5, "apiVersion": null, "metadata": "none", "spec": null, "relations": 1, "status": []}`,
		`{"metadata": {"name": "", "tags": "go", "labels": {"a": 1}, "links": [1], "title": null}, "spec": {}}`,
		`{"metadata": {}, "relations": [], "spec": {"a": ""}}`,
		`{"metadata": {"tags": [], "labels": {}, "links": [{}]}}`,
	} {
		var entity catalogcommon.Entity
		if err := json.Unmarshal([]byte(text), &entity); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		written, err := json.Marshal(&entity)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(tree(t, []byte(text)), tree(t, written)); diff != "" {
			t.Errorf("what was read differs from what was written (-read +written):\n%s", diff)
		}
		again, err := json.Marshal(entity)
		if err != nil || !bytes.Equal(written, again) {
			t.Errorf("two writings differ:\n%s\n%s (%v)", written, again, err)
		}
	}
	for _, text := range []string{`null`, `[]`, `"x"`, `1`} {
		if err := json.Unmarshal([]byte(text), new(catalogcommon.Entity)); err == nil {
			t.Errorf("%s was read as an entity", text)
		}
	}
}

func tree(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func TestEntityFields(t *testing.T) {
	t.Parallel()
	e := read(t, shop)
	want := &catalogcommon.Entity{
		APIVersion: "backstage.io/v1alpha1", Kind: "Component",
		Metadata: catalogcommon.Metadata{
			Name: "shop", Namespace: "default", UID: "u", ETag: "e", Title: "Shöp <&> \u2028",
			Labels: map[string]string{"tier": "1"}, Annotations: map[string]string{"circleci.com/project-slug": "github/acme/shop"}, Tags: []string{"go", "web"},
			Links: []catalogcommon.Link{{URL: "https://x", Title: "X", Icon: "docs", Extra: map[string]any{"rank": 3.0}}},
			Extra: map[string]any{"description": "", "zone": map[string]any{"b": 1.0, "a": []any{nil, true, 1.5e-9}}},
		},
		Spec:      map[string]any{"type": "service", "owner": "team", "lifecycle": "production", "big": 12345678901234567890.0, "deep": map[string]any{"z": []any{}, "a": map[string]any{}}},
		Relations: []catalogcommon.Relation{{Type: "ownedBy", TargetRef: "group:default/team"}, {Type: "partOf", TargetRef: "system:default/retail"}},
		Status: &catalogcommon.Status{Items: []catalogcommon.StatusItem{{
			Type: catalogcommon.StatusCatalogProcessing, Level: catalogcommon.LevelError, Message: "InputError: no", Error: &catalogcommon.ErrorInfo{Name: "InputError", Message: "no"},
		}}},
		Extra: map[string]any{"attachments": map[string]any{"readme": "hi"}},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("entity (-want +got):\n%s", diff)
	}
	if got := e.Targets("ownedBy"); len(got) != 1 || got[0].String() != "group:default/team" {
		t.Errorf("Targets = %v", got)
	}
	spec, err := catalogcommon.SpecOf[catalogcommon.ComponentSpec](e)
	if err != nil || spec.Owner != "team" || spec.Lifecycle != "production" {
		t.Errorf("SpecOf = %+v, %v", spec, err)
	}
	if _, err := catalogcommon.SpecOf[struct {
		Owner int `json:"owner"`
	}](e); err == nil {
		t.Error("SpecOf read a string as a number")
	}
}

func read(t *testing.T, text string) *catalogcommon.Entity {
	t.Helper()
	e := new(catalogcommon.Entity)
	if err := json.Unmarshal([]byte(text), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	e, untouched := read(t, shop), read(t, shop)
	c := e.Clone()
	if diff := cmp.Diff(e, c); diff != "" {
		t.Fatalf("clone differs:\n%s", diff)
	}
	c.Metadata.Labels["tier"] = "2"
	c.Metadata.Annotations["x"] = "y"
	c.Metadata.Tags[0] = "rust"
	c.Metadata.Links[0].Extra["rank"] = 4.0
	c.Metadata.Extra["zone"].(map[string]any)["a"].([]any)[0] = 1.0
	c.Spec["deep"].(map[string]any)["a"].(map[string]any)["new"] = true
	c.Relations[0].Type = "other"
	c.Status.Items[0].Error.Message = "other"
	c.Extra["attachments"].(map[string]any)["readme"] = "bye"
	if diff := cmp.Diff(untouched, e); diff != "" {
		t.Errorf("a change of the clone shows in the original:\n%s", diff)
	}
}

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{map[string]any{"b": 1, "a": []any{nil, true, "x"}}, `{"a":[null,true,"x"],"b":1}`},
		{map[string]string{"k": "<&>\u2028\x01\"\\\n"}, `{"k":"<&>` + "\u2028" + `\u0001\"\\\n"}`},
		{"a\xffb", `"a` + "\ufffd" + `b"`},
		{[]any{math.NaN(), math.Inf(-1), math.Copysign(0, -1), 1e21, 1e-7, 123456789012345680000.0, 0.1, 5.0}, `[null,null,0,1e+21,1e-7,123456789012345680000,0.1,5]`},
		{struct {
			B int    `json:"b"`
			A string `json:"a"`
		}{1, "x"}, `{"a":"x","b":1}`},
		{[]string{}, `[]`}, {[]string(nil), `null`}, {map[string]any(nil), `null`},
		{[]catalogcommon.Relation{{Type: "t", TargetRef: "r"}}, `[{"targetRef":"r","type":"t"}]`},
	}
	for _, tt := range tests {
		got, err := catalogcommon.AppendJSON(nil, tt.value)
		if err != nil || string(got) != tt.want {
			t.Errorf("AppendJSON(%#v) = %s, %v; want %s", tt.value, got, err, tt.want)
		}
	}
	if _, err := catalogcommon.AppendJSON(nil, map[string]any{"f": func() {}}); err == nil {
		t.Error("a function was written as JSON")
	}
}

func FuzzEntityJSON(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte(`{"metadata":{"links":[{"url":1}],"tags":[1]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e catalogcommon.Entity
		if json.Unmarshal(text, &e) != nil {
			return
		}
		first, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(first, &e); err != nil {
			t.Fatal(err)
		}
		if second, err := json.Marshal(e); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %s, then %s (%v)", first, second, err)
		}
	})
}

func BenchmarkEntityUnmarshal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var e catalogcommon.Entity
		if err := json.Unmarshal([]byte(shop), &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	var e catalogcommon.Entity
	if err := json.Unmarshal([]byte(shop), &e); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var buffer []byte
	for b.Loop() {
		var err error
		if buffer, err = catalogcommon.AppendJSON(buffer[:0], e.Object()); err != nil {
			b.Fatal(err)
		}
	}
}
