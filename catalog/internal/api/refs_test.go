package api

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzRefsBody compares what is read in the short way with what a decoder reads.
func FuzzRefsBody(f *testing.F) {
	for _, text := range []string{
		`{"entityRefs":["a","component:default/b"]}`, ` { "entityRefs" : [ "a" , "b" ] } `, `{"entityRefs":[]}`, `{"entityRefs":null}`, `{"entityRefs":["a",]}`, `{"entityRefs":[,"a"]}`, `{"entityRefs":["a" "b"]}`,
		`{"entityRefs":["a"],"fields":["kind"]}`, `{"entityRefs":["a\u0062"]}`, "{\"entityRefs\":[\"a\nb\"]}", "{\"entityRefs\":[\"\xff\"]}", `{"entityRefs":["a"]}x`, `{"entityRefs":["a"]`, `{"entityRefs":["a`, `["a"]`, ``, `{"entityRefs":["é"]}`, `{"entityRefs":[1]}`, `{"entityRefs":["a"],"entityRefs":["b"]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var short, whole refsBody
		if !short.readPlain([]byte(text)) {
			if short.EntityRefs != nil {
				t.Errorf("%q is refused, and %q read from it", text, short.EntityRefs)
			}
			return
		}
		if err := json.Unmarshal([]byte(text), &whole); err != nil || whole.Query != nil || whole.Fields != nil || whole.EntityRefs == nil || !slices.Equal(short.EntityRefs, whole.EntityRefs) {
			t.Errorf("%q: %q, but a decoder reads %+v, %v", text, short.EntityRefs, whole, err)
		}
	})
}

func TestPlainRefs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`{"entityRefs":["a","component:default/b"]}`:  {"a", "component:default/b"},
		" {\t\"entityRefs\" : [ \"a\" ,\n\"é\" ] }\n": {"a", "é"},
		`{"entityRefs":[]}`:                           {},
		`{"entityRefs":["a"],"fields":["kind"]}`:      nil,
		`{"fields":["kind"],"entityRefs":["a"]}`:      nil,
		`{"entityRefs":["a\/b"]}`:                     nil,
	} {
		var b refsBody
		if plain := b.readPlain([]byte(text)); plain != (want != nil) || !slices.Equal(b.EntityRefs, want) || plain && b.EntityRefs == nil {
			t.Errorf("%s: %v, %q", text, plain, b.EntityRefs)
		}
	}
}

func BenchmarkRefsBody(b *testing.B) {
	var text []byte
	body := refsBody{}
	for range 20 {
		body.EntityRefs = append(body.EntityRefs, "component:default/a-name-as-long-as-most")
	}
	text, err := json.Marshal(map[string][]string{"entityRefs": body.EntityRefs})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var into refsBody
			if !into.readPlain(text) {
				b.Fatal("it is plain")
			}
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var into refsBody
			if err := json.Unmarshal(text, &into); err != nil {
				b.Fatal(err)
			}
		}
	})
}
