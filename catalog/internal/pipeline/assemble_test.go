package pipeline

import (
	"crypto/sha1" //nolint:gosec // an etag, not a protection
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// assembleSlowly is what assemble does, by way of a tree.
func assembleSlowly(t testing.TB, parts *store.Parts) store.Final {
	t.Helper()
	var entity map[string]any
	if err := json.Unmarshal([]byte(parts.Body), &entity); err != nil {
		t.Fatal(err)
	}
	metadata := entity["metadata"].(map[string]any)
	metadata["uid"] = parts.UID
	etag, given := metadata["etag"].(string)
	if !given {
		metadata["etag"] = strings.Repeat("0", 40)
	}
	if annotations := annotationsOf(entity); annotations != nil {
		delete(annotations, catalogcommon.AnnotationOrphan)
		if parts.Orphan {
			annotations[catalogcommon.AnnotationOrphan] = "true"
		}
	}
	relations := make([]catalogcommon.Relation, len(parts.Relations))
	for i, r := range parts.Relations {
		relations[i] = catalogcommon.Relation{Type: r.Type, TargetRef: r.Target}
	}
	entity["relations"] = relations
	delete(entity, "status")
	casing, err := new(casings).of(parts.Body, []byte(parts.Body))
	if err != nil {
		t.Fatal(err)
	}
	if items := append(statusItems(parts), casing...); len(items) > 0 {
		entity["status"] = catalogcommon.Status{Items: items}
	}
	write := func() []byte {
		text, err := catalogcommon.AppendJSON(nil, entity)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	sum := sha1.Sum(write()) //nolint:gosec // see the import
	hash := hex.EncodeToString(sum[:])
	if !given {
		etag = hash
		metadata["etag"] = etag
	}
	return store.Final{Hash: hash, ETag: etag, Body: write()}
}

func FuzzAssemble(f *testing.F) {
	for _, body := range []string{
		`{"apiVersion":"v1","kind":"Component","metadata":{"name":"a"}}`,
		`{"apiVersion":"v1","kind":"Component","metadata":{"annotations":{"a":"b"},"name":"a","namespace":"default"},"spec":{"type":"service"}}`,
		`{"metadata":{"annotations":{"backstage.io/managed-by-location":"file:/a","backstage.io/orphan":"true","backstage.io/view-url":"x"},"etag":"mine\"","uid":"old"},"relations":[1,2],"status":{}}`,
		`{"metadata":{"annotations":null,"etag":7,"title":"\u0001 \\ \" é \ud83d\ude00"},"spec":{"relations":[],"metadata":{}}}`,
		`{"metadata":{"annotations":{"backstage\u0001":"1","backstage.io/orphan2":"2"},"\"":1,"éa":2}}`,
		`{"metadata":{},"zz":{"status":"x"}}`,
		`{"metadata":{"annotations":[1]}}`,
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, more bool) {
		var entity map[string]any
		if json.Unmarshal([]byte(body), &entity) != nil {
			t.Skip("not a JSON object")
		}
		if _, ok := entity["metadata"].(map[string]any); !ok {
			t.Skip("no entity has other metadata than an object")
		}
		text, err := catalogcommon.AppendJSON(nil, entity)
		if err != nil {
			t.Skip("what cannot be written cannot be compared")
		}
		parts := &store.Parts{UID: "u-1", Body: string(text), Orphan: more}
		if more {
			parts.Relations = []store.Relation{{Source: "component:default/a", Type: "ownedBy", Target: "group:default/t"}, {Type: "partOf", Target: `system:default/"`}}
			parts.Errors = []string{`[{"name":"InputError","message":"no"}]`}
			parts.Conflicts = []store.Conflict{{Ref: "component:default/a", LocationKey: "file:/x", Owner: "file:/y"}}
		}
		want := assembleSlowly(t, parts)
		got, err := newAssembler().assemble(parts)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Body) != string(want.Body) || got.Hash != want.Hash || got.ETag != want.ETag {
			t.Errorf("got\n%s %s %s\nwant\n%s %s %s", got.Body, got.Hash, got.ETag, want.Body, want.Hash, want.ETag)
		}
	})
}

func TestKeysThatDifferOnlyInCase(t *testing.T) {
	t.Parallel()
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("%q:1", fmt.Sprint("Key", i))
	}
	for body, want := range map[string][]string{
		`{"metadata":{"annotations":{"Maintainer":"a","maintainer":"b","other":"c"}}}`: {"metadata.annotations.Maintainer and metadata.annotations.maintainer "},
		`{"metadata":{},"spec":{"a":[{"X":1,"x":2},{"x":3}],"Ä":1,"ä":2}}`:             {"spec.a.X and spec.a.x ", "spec.Ä and spec.ä "},
		`{"metadata":{},"spec":{"a":{"X":1},"b":{"x":2},"é":3,"e\u0301":4}}`:           nil,
		`{"metadata":{},"spec":{` + strings.Join(many, ",") + `,"kEY7":2}}`:            {"spec.Key7 and spec.kEY7 "},
	} {
		final, err := newAssembler().assemble(&store.Parts{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		var entity catalogcommon.Entity
		if err := json.Unmarshal(final.Body, &entity); err != nil {
			t.Fatal(err)
		}
		var items []catalogcommon.StatusItem
		if entity.Status != nil {
			items = entity.Status.Items
		}
		if len(items) != len(want) {
			t.Errorf("%s: %+v", body, items)
			continue
		}
		for i, item := range items {
			if item.Level != catalogcommon.LevelWarning || !strings.Contains(item.Message, want[i]) {
				t.Errorf("%s: %+v, want %q", body, item, want[i])
			}
		}
	}
}

func TestAssembleNeedsMetadata(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `{`, `[]`, `{}`, `{"metadata":3}`, `{"metadata":{"a":1}`} {
		if _, err := newAssembler().assemble(&store.Parts{Body: body}); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
}

func BenchmarkAssemble(b *testing.B) {
	parts := &store.Parts{UID: "0b9d1c7e-5f51-4ac0-9f2c-0b6d4e7a1c11", Body: `{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"annotations":{"backstage.io/managed-by-location":"file:/catalog/part.yaml","backstage.io/managed-by-origin-location":"file:/catalog/all.yaml","backstage.io/techdocs-ref":"dir:."},"description":"` + strings.Repeat("what it does ", 20) + `","name":"booking","namespace":"default","tags":["go","grpc"]},"spec":{"dependsOn":["resource:default/db"],"lifecycle":"production","owner":"group:default/team","system":"parcels","type":"service"}}`}
	for _, target := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		parts.Relations = append(parts.Relations, store.Relation{Source: "component:default/booking", Type: "dependsOn", Target: "resource:default/" + target})
	}
	a := newAssembler()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.assemble(parts); err != nil {
			b.Fatal(err)
		}
	}
}
