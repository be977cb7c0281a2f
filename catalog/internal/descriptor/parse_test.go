package descriptor_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string // JSON, or the error
	}{
		{"empty file", "", nil},
		{"white space", " \n\n", nil},
		{"comments", "# a\n---\n# b\n---\n\n", nil},
		{"null documents are skipped", "---\n---\nnull\n---\n~\n---\na: 1\n", []string{`{"a":1}`}},
		{"several", "a: 1\n---\nb: 2\n--- {c: 3}\n...\nd: 4\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`, `{"d":4}`}},
		{"carriage returns", "a: 1\r\n---\r\nb: 2\r\n", []string{`{"a":1}`, `{"b":2}`}},
		{"old carriage returns", "a: 1\r---\rb: 2\r", []string{`{"a":1}`, `{"b":2}`}},
		{"byte order mark", "\ufeffa: 1", []string{`{"a":1}`}},
		{"markers that are none", "a: |\n  ---\n  ...\nb: ---x\n", []string{`{"a":"---\n...\n","b":"---x"}`}},
		{"not an object", "[1]\n---\ntext\n---\n5\n---\ntrue\n", []string{
			"line 1, column 1: Expected object at root, got array", "line 3, column 1: Expected object at root, got string",
			"line 5, column 1: Expected object at root, got number", "line 7, column 1: Expected object at root, got boolean",
		}},
		{"a broken one among good ones", "a: 1\n---\nb: [1\n---\nc: 3\n", []string{`{"a":1}`, "line 3, column 4: ", `{"c":3}`}},
		{"broken by an open quote", "a: \"1\n---\nc: 3\n", []string{"line 1", `{"c":3}`}},
		{"colon in a value", "a: 1\nb: c: d\n", []string{"line 2, column 5: "}},
		{"tab", "a:\n\tb: 1\n", []string{"tabs"}},
		{"key twice", "a: 1\n---\nb:\n  c: 1\n  d: 2\n  c: 3\n", []string{`{"a":1}`, `line 6, column 3: the key "c" is there twice`}},
		{"key that is no text", "{[a]: 1}", []string{"line 1, column 2: a key must be text"}},
		{"template in place of a value", "a: {{ name }}", []string{"line 1, column 5: a key must be text"}},
		{"unknown alias", "a: *b", []string{"line 1, column 4"}},
		{"alias to an earlier document", "a: &b 1\n---\na: *b\n", []string{`{"a":1}`, "line 3, column 4"}},
		{"alias in itself", "a: &b [*b]", []string{"line 1, column 8: the alias *b is used inside"}},
		{"tag that lies", "a: !!int x", []string{`line 1, column 4: "x" is not of the type`}},
		{"json", `{"a": {"b": [1, 2.50, "\u00e9\/\ud83d\ude00"]}, "c": null}`, []string{`{"a":{"b":[1,2.5,"é/😀"]},"c":null}`}},
		{"json with tabs", "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t2\n\t]\n}\n", []string{`{"a":1,"b":[2]}`}},
		{"not utf-8", "a: 1\n---\nb: \xe9\n---\nc: 3\n", []string{`{"a":1}`, "line 3, column 4: this is not UTF-8", `{"c":3}`}},
		{"directive", "# c\n%YAML 1.2\n---\na: yes\n", []string{`{"a":"yes"}`}},
		{"two flow documents without a marker", "{a: 1}\n{b: 2}\n", []string{"line 2, column 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			documents, err := descriptor.Parse([]byte(tt.text), descriptor.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(documents) != len(tt.want) {
				t.Fatalf("got %d documents (%v), want %d", len(documents), describe(documents), len(tt.want))
			}
			for i, document := range documents {
				got := string(document.JSON())
				if document.Err != nil {
					got = document.Err.Error()
				}
				if got != tt.want[i] && (document.Err == nil || !strings.Contains(got, tt.want[i])) {
					t.Errorf("document %d is\n%s, want\n%s", i, got, tt.want[i])
				}
			}
		})
	}
}

func describe(documents []descriptor.Document) []string {
	texts := make([]string, len(documents))
	for i, d := range documents {
		texts[i] = string(d.JSON())
		if d.Err != nil {
			texts[i] = d.Err.Error()
		}
	}
	return texts
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\xff\xfea\x00":                 "UTF-16",
		"ok: 1\nELF\x00\x01":            "line 2, column 1: the file is not text",
		strings.Repeat("x", 101):        "101 bytes, more than the limit of 100",
		"\x00" + strings.Repeat("x", 3): "zero byte",
	} {
		documents, err := descriptor.Parse([]byte(text), descriptor.Limits{FileBytes: 100})
		var detail *descriptor.Error
		if documents != nil || !errors.As(err, &detail) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", text, documents, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	tests := []struct {
		name, text string
		limits     descriptor.Limits
		want       string
	}{
		{"alias bomb", bomb, descriptor.Limits{}, "counting aliases"},
		{"deep flow", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), descriptor.Limits{}, "nested more than 100 levels"},
		{"deeper flow", "a: " + strings.Repeat("{a: ", 50000), descriptor.Limits{}, "line 1"},
		{"deep blocks", nested(150), descriptor.Limits{}, "line 102, column 102: the document is nested more than 100 levels"},
		{"long document", "a: " + strings.Repeat("x", 100), descriptor.Limits{DocumentBytes: 50}, "more than the limit of 50"},
		{"many values", "a: [" + strings.Repeat("1,", 1000) + "]", descriptor.Limits{Nodes: 100}, "more than 100 values"},
		{"few more values", "a: [" + strings.Repeat("1,", 100) + "]", descriptor.Limits{Nodes: 100}, "more than 100 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			documents, err := descriptor.Parse([]byte(tt.text+"\n---\nok: 1\n"), tt.limits)
			if err != nil || len(documents) != 2 {
				t.Fatalf("%v, %v", describe(documents), err)
			}
			if documents[0].Err == nil || !strings.Contains(documents[0].Err.Error(), tt.want) || documents[0].Err.Line < 1 || documents[0].Err.Column < 1 {
				t.Errorf("error %v, want one with a position and %q", documents[0].Err, tt.want)
			}
			if string(documents[1].JSON()) != `{"ok":1}` {
				t.Errorf("the neighbour is %v", describe(documents[1:]))
			}
		})
	}
}

func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func TestPositions(t *testing.T) {
	t.Parallel()
	text := `# head
---
a: 1
---
# the second
metadata:
  name: x
  tags:
    - one
    - two
  annotations:
    "a.b/c~d": v
spec: &s
  owner: 5
other:
  - {k: [1, 2]}
again: *s
`
	documents, err := descriptor.Parse([]byte(text), descriptor.Limits{})
	if err != nil || len(documents) != 2 {
		t.Fatal(describe(documents), err)
	}
	if documents[1].Line != 6 || documents[1].Index != 1 {
		t.Errorf("document starts in line %d with index %d", documents[1].Line, documents[1].Index)
	}
	for pointer, want := range map[string][2]int{
		"": {6, 1}, "/metadata": {6, 1}, "/metadata/name": {7, 3}, "/metadata/tags": {8, 3}, "/metadata/tags/1": {10, 7},
		"/metadata/annotations/a.b~1c~0d": {12, 5}, "/spec": {13, 1}, "/spec/owner": {14, 3}, "/spec/lifecycle": {13, 1}, "/spec/owner/x": {14, 3},
		"/other/0/k/1": {16, 13}, "/other/7": {15, 1}, "/again/owner": {14, 3}, "/nothing/there": {6, 1}, "/metadata/tags/x": {8, 3},
	} {
		if line, column := documents[1].Position(pointer); line != want[0] || column != want[1] {
			t.Errorf("%s is at %d:%d, want %d:%d", pointer, line, column, want[0], want[1])
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	const broken = "\nspec:\n  x: [\n"
	tests := []struct{ text, want string }{
		{"kind: Component\nmetadata:\n  name: 'shop'\n  namespace: retail" + broken, "component:retail/shop"},
		{"kind: Component # of the shop\nmetadata:\n  annotations:\n    name: other\n  name: shop # it is" + broken, "component:default/shop"},
		{"kind: Component\nmetadata: {name: shop, namespace: retail}" + broken, "component:retail/shop"},
		{"kind: Component\nmetadata: {labels: {name: other, a: 'it''s, {'}, title: it's mine, \"name\": \"shop\"}" + broken, "component:default/shop"},
		{"kind: Component\nmetadata:\n  {\n    tags: [a, b],\n    name: shop\n  }" + broken, "component:default/shop"},
		{"kind: Component\nmetadata: {name: shop\n", "component:default/shop"},
		{"kind: Component\nmetadata: {name: shop" + broken, "component:default/shop"},
		{"kind: Component\nmetadata: {title: My shop, name: shop, annotations: {a: b" + broken, "component:default/shop"},
		{"{apiVersion: v1, kind: API, metadata: {name: shop}, spec: {x: [}}", "api:default/shop"},
		{"---\n{\n  \"kind\": \"API\",\n  \"metadata\": {\"title\": \"a \\\" b\", \"name\": \"shop\", \"namespace\": \"retail\"},\n  \"spec\": [\n", "api:retail/shop"},
		{"{\"kind\":\"API\",\"metadata\":{\"name\":\"shop\"},\"spec\": [", "api:default/shop"},
		{"kind: Component\nmetadata: {labels: {name: other}}" + broken, ""},
		{"kind: Component\nmetadata:\n  title: x\nspec:\n  name: other\n  x: [\n", ""},
		{"kind: Component\nmetadata: {name: two words}" + broken, ""},
		{"metadata: {name: shop}" + broken, ""},
		{"kind: Component\nspec: {metadata: {name: other}, x: [\n", ""},
		{"{", ""}, {"{kind: x, metadata: {", ""}, {"{\"", ""}, {"kind: Component\nmetadata: {\"", ""},
	}
	for _, tt := range tests {
		documents, err := descriptor.Parse([]byte(tt.text), descriptor.Limits{})
		if err != nil || len(documents) != 1 || documents[0].Err == nil {
			t.Errorf("%q is not one broken document: %v, %v", tt.text, describe(documents), err)
			continue
		}
		ref, ok := documents[0].Hint.Ref()
		if ok != (tt.want != "") || ok && ref.String() != tt.want {
			t.Errorf("%q\ngives %+v, want %q", tt.text, documents[0].Hint, tt.want)
		}
	}
	if _, ok := (descriptor.Hint{Name: "x"}).Ref(); ok {
		t.Error("a hint without a kind has a reference")
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	if got, err := descriptor.Value([]byte("- 1\n- a\n"), descriptor.Limits{}); err != nil || !slices.Equal(got.([]any), []any{1.0, "a"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "a: 1\n---\nb: 2\n", "a: [", "\x00"} {
		if got, err := descriptor.Value([]byte(text), descriptor.Limits{}); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"z: 1\n'on': {k: [1.5, {b: 'no', a: null}], x: {}}\n5: *s\nq: &s []\n": "",
		"z: 1\n'on': {k: [1.5, {b: 'no', a: null}], x: {}}\n5: true\nq: []\n": `z: 1
"on":
  k:
  - 1.5
  - b: "no"
    a: null
  x: {}
"5": true
q: []
`,
		"%YAML 1.1\n---\nc: &c {z: 1, a: 2}\nb: {x: 0, <<: [*c, {z: 3, k: 4}]}\na: 5": "c:\n  z: 1\n  a: 2\nb:\n  x: 0\n  z: 1\n  a: 2\n  k: 4\na: 5\n",
	} {
		value, err := descriptor.OrderedValue([]byte(text), descriptor.Limits{})
		if want == "" {
			if err == nil {
				t.Errorf("%q is %v, want an error", text, value)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := descriptor.Write(value); err != nil || string(got) != want {
			t.Errorf("%q is written as\n%s%v, want\n%s", text, got, err, want)
		}
	}
}
