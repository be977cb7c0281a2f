package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

type shown struct {
	Title    string           `yaml:"title" visibility:"frontend"`
	Private  string           `yaml:"private"`
	Password pluginapi.Secret `yaml:"password" visibility:"frontend"`
	Every    time.Duration    `yaml:"every" visibility:"frontend"`
	Level    slog.Level       `yaml:"level" visibility:"frontend"`
	Tags     []string         `yaml:"tags" visibility:"frontend"`
	Links    []struct {
		URL   string           `yaml:"url" visibility:"frontend"`
		Token pluginapi.Secret `yaml:"token" visibility:"frontend"`
		Note  string           `yaml:"note"`
	} `yaml:"links"`
	Tagged struct {
		Inside string `yaml:"inside"`
	} `yaml:"tagged" visibility:"frontend"`
	Secrets map[string]pluginapi.Secret `yaml:"secrets" visibility:"frontend"`
	Any     any                         `yaml:"any" visibility:"frontend"`
	Hidden  any                         `yaml:"hidden"`
	Later   config.Value                `yaml:"later" visibility:"frontend"`
	None    *string                     `yaml:"none" visibility:"frontend"`
}

func TestOnlyTaggedValuesReachTheBrowser(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, `
one:
  title: Hello
  private: no
  password: no
  every: 90s
  level: warn
  tags: [a, b]
  links: [{url: /x, token: no, note: no}, {note: no}]
  tagged: {inside: no}
  secrets: {a: no}
  any: {x: [1, null]}
  hidden: {x: no}
  later: {y: z}
one2:
  deep:
    title: Deep
    tags: []
`)
	report := config.Schema{Sections: []config.Section{
		{Path: "one", New: func() any { return &shown{} }},
		{Path: "one2.deep", New: func() any { return &shown{} }},
		{Path: "one.nested", New: func() any { return &shown{Title: "default"} }},
		{Path: "nothing", New: func() any { return &count{} }},
	}}.Check(snapshot)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	got, err := report.Frontend()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"one":{"any":{"x":[1,null]},"every":90000,"later":{"y":"z"},"level":"WARN","links":[{"url":"/x"},{"url":""}],` +
		`"nested":{"every":0,"level":"INFO","tags":[],"title":"default"},"tags":["a","b"],"title":"Hello"},` +
		`"one2":{"deep":{"every":0,"level":"INFO","tags":[],"title":"Deep"}}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// maker makes configuration types and files at random, and knows which of the values may be seen.
type maker struct {
	*rand.Rand

	marks   int
	visible []string
}

// mark returns a text that occurs nowhere else.
func (m *maker) mark(visible bool) string {
	m.marks++
	mark := fmt.Sprintf("<%d>", m.marks)
	if visible {
		m.visible = append(m.visible, mark)
	}
	return mark
}

// structure returns a type and what a file says for it.
func (m *maker) structure(depth int) (reflect.Type, map[string]any) {
	var fields []reflect.StructField
	written := map[string]any{}
	for i := range 1 + m.IntN(5) {
		tagged := m.IntN(2) == 0
		tag := fmt.Sprintf(`yaml:"k%d"`, i)
		if tagged {
			tag += ` visibility:"frontend"`
		}
		t, value := m.value(depth, tagged)
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: t, Tag: reflect.StructTag(tag)})
		written[fmt.Sprintf("k%d", i)] = value
	}
	if m.IntN(4) == 0 {
		tagged := m.IntN(2) == 0
		tag := `yaml:",inline"`
		if tagged {
			tag += ` visibility:"frontend"`
		}
		fields = append(fields, reflect.StructField{Name: "Rest", Type: reflect.TypeFor[map[string]string](), Tag: reflect.StructTag(tag)})
		written["rest"] = m.mark(tagged)
	}
	return reflect.StructOf(fields), written
}

func (m *maker) value(depth int, tagged bool) (reflect.Type, any) {
	kinds := 12
	if depth == 0 {
		kinds = 8
	}
	switch m.IntN(kinds) {
	case 0:
		return reflect.TypeFor[pluginapi.Secret](), m.mark(false)
	case 1:
		return reflect.TypeFor[map[string]*pluginapi.Secret](), map[string]any{"a": m.mark(false), "b": m.mark(false)}
	case 2:
		return reflect.TypeFor[[]pluginapi.Secret](), []any{m.mark(false)}
	case 3:
		return reflect.TypeFor[[]string](), []any{m.mark(tagged), m.mark(tagged)}
	case 4:
		return reflect.TypeFor[map[string][]string](), map[string]any{"x": []any{m.mark(tagged)}}
	case 5:
		return reflect.TypeFor[any](), map[string]any{"deep": []any{m.mark(tagged)}}
	case 6:
		return reflect.TypeFor[*string](), m.mark(tagged)
	case 7:
		return reflect.TypeFor[string](), m.mark(tagged)
	case 8:
		t, value := m.structure(depth - 1)
		return t, value
	case 9:
		t, value := m.structure(depth - 1)
		return reflect.PointerTo(t), value
	case 10:
		t, value := m.structure(depth - 1)
		return reflect.SliceOf(t), []any{value}
	default:
		t, value := m.structure(depth - 1)
		return reflect.MapOf(reflect.TypeFor[string](), t), map[string]any{"m": value}
	}
}

func TestNothingElseReachesTheBrowser(t *testing.T) {
	t.Parallel()
	marks := regexp.MustCompile(`<\d+>`)
	dir := t.TempDir()
	total := 0
	for seed := range uint64(300) {
		m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
		outer, written := m.structure(3)
		inner, below := m.structure(2)
		written["section"] = below
		raw, err := json.Marshal(map[string]any{"root": written, "unread": m.mark(false)})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.json", seed))
		write(t, path, string(raw))
		report := config.Schema{Sections: []config.Section{
			{Path: "root", New: func() any { return reflect.New(outer).Interface() }},
			{Path: "root.section", New: func() any { return reflect.New(inner).Interface() }},
		}}.Check(load(t, config.Options{Files: []string{path}}))
		if err := report.Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		frontend, err := report.Frontend()
		if err != nil {
			t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(frontend, &decoded); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, mark := range marks.FindAllString(fmt.Sprint(decoded), -1) {
			got[mark] = true
		}
		total += len(got)
		if diff := cmp.Diff(slices.Sorted(slices.Values(m.visible)), slices.Sorted(maps.Keys(got)), cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); diff != "" && len(m.visible)+len(got) > 0 {
			t.Fatalf("seed %d (-may be seen +seen):\n%s\n%s", seed, diff, frontend)
		}
	}
	if total < 1000 {
		t.Errorf("only %d values were visible, which proves little", total)
	}
}
