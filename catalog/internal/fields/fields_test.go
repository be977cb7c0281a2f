package fields_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/catalog/internal/fields"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

const entity = `{"apiVersion":"v1","kind":"Component","metadata":{"name":"web","annotations":{"backstage.io/orphan":"true","a":{"b":1},"a.b":2,"x.y.z":3},
	"labels":{"é\"":"quoted"},"tags":["java","go"],"nothing":null},"spec":{"type":"service","0":"zero"},"relations":[{"type":"ownedBy","targetRef":"group:default/a"},{"type":"partOf","targetRef":"system:default/b"}]}`

func TestAppend(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"kind":                `{"kind":"Component"}`,
		"metadata.name, kind": `{"kind":"Component","metadata":{"name":"web"}}`,
		"metadata.annotations.backstage.io/orphan":   `{"metadata":{"annotations":{"backstage.io/orphan":"true"}}}`,
		"metadata.annotations.x.y.z":                 `{"metadata":{"annotations":{"x.y.z":3}}}`,
		"metadata.annotations.a.b":                   `{"metadata":{"annotations":{"a":{"b":1}}}}`,
		"metadata.annotations.a.c":                   `{}`,
		"metadata.nothing":                           `{"metadata":{"nothing":null}}`,
		"metadata.nothing.deeper,nobody,kind.deeper": `{}`,
		"Kind":                                     `{}`,
		"metadata.tags":                            `{"metadata":{"tags":["java","go"]}}`,
		"metadata.tags.1":                          `{"metadata":{"tags":[null,"go"]}}`,
		"metadata.tags.0,metadata.tags.9":          `{"metadata":{"tags":["java"]}}`,
		"metadata.tags.01,metadata.tags.-1":        `{}`,
		"relations.0.type":                         `{"relations":[{"type":"ownedBy"}]}`,
		"relations.1.targetRef,relations.0.nobody": `{"relations":[null,{"targetRef":"system:default/b"}]}`,
		"relations.type":                           `{}`,
		"spec.0":                                   `{"spec":{"0":"zero"}}`,
		"spec,spec.type":                           `{"spec":{"type":"service","0":"zero"}}`,
		`metadata.labels.é"`:                       `{"metadata":{"labels":{"é\"":"quoted"}}}`,
		"metadata.name,metadata.nobody,relations.0.nix": `{"metadata":{"name":"web"}}`,
		"":    "",
		" , ": "",
	} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			p, err := fields.Parse([]string{list})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Append([]byte("before "), []byte(entity))
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = entity
			}
			if diff := cmp.Diff("before "+want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"relations[0]", "a,b[", strings.Repeat("a,", fields.MaxFields+1)} {
		var fault *query.Error
		if _, err := fields.Parse([]string{list}); !errors.As(err, &fault) || fault.StatusCode() != 400 {
			t.Errorf("%.20s: %v", list, err)
		}
	}
}

func TestAppendReportsBrokenText(t *testing.T) {
	t.Parallel()
	p, err := fields.Parse([]string{"a.b,c.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{``, `[]`, `{"a":`, `{"a":{"b"}}`, `{"c":[1`} {
		if got, err := p.Append(nil, []byte(broken)); err == nil || len(got) > 0 {
			t.Errorf("%s: %s, %v", broken, got, err)
		}
	}
}

func FuzzProjection(f *testing.F) {
	f.Add("metadata.annotations.backstage.io/orphan,kind", entity)
	f.Add("relations.0.type,relations.2", entity)
	f.Add("a..b,.,a.", `{"a":{"":{"b":[]}},"":{"":1},"a.":2}`)
	f.Add("a.b.c", `{"a.b":{"c":1},"a":2}`)
	f.Fuzz(func(t *testing.T, list, entity string) {
		p, err := fields.Parse([]string{list})
		if err != nil {
			return
		}
		out, err := p.Append(nil, []byte(entity))
		if err != nil || !json.Valid([]byte(entity)) {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("fields %q of %q: %q is no JSON", list, entity, out)
		}
		again, err := p.Append(nil, out)
		if err != nil {
			t.Fatalf("fields %q of %q: %v", list, out, err)
		}
		// What was kept is kept again; only dead ends that the whole entity had may open in what is left of it.
		if len(again) > len(out) {
			t.Fatalf("fields %q of %q grew to %q", list, out, again)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	p, err := fields.Parse([]string{"kind,metadata.name,metadata.namespace,metadata.annotations.backstage.io/orphan"})
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(strings.Replace(entity, `"java"`, `"java","`+strings.Repeat("long ", 200)+`"`, 1))
	var out []byte
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if out, err = p.Append(out[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}
