package catalogcommon_test

import (
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

func TestParseRef(t *testing.T) {
	t.Parallel()
	withKind := catalogcommon.RefDefaults{Kind: "K"}
	tests := []struct {
		text     string
		defaults catalogcommon.RefDefaults
		want     catalogcommon.Ref
	}{
		{"a:b/c", withKind, catalogcommon.Ref{Kind: "a", Namespace: "b", Name: "c"}},
		{"b/c", withKind, catalogcommon.Ref{Kind: "K", Namespace: "b", Name: "c"}},
		{"c", withKind, catalogcommon.Ref{Kind: "K", Namespace: "default", Name: "c"}},
		{"a:b/c/d", withKind, catalogcommon.Ref{Kind: "a", Namespace: "b", Name: "c/d"}},
		{"a/b:c", withKind, catalogcommon.Ref{Kind: "K", Namespace: "a", Name: "b:c"}},
		{"a:b:c", withKind, catalogcommon.Ref{Kind: "a", Namespace: "default", Name: "b:c"}},
		{"c", catalogcommon.RefDefaults{Kind: "K", Namespace: "N"}, catalogcommon.Ref{Kind: "K", Namespace: "N", Name: "c"}},
		{" A : b ", catalogcommon.RefDefaults{}, catalogcommon.Ref{Kind: " A ", Namespace: "default", Name: " b "}},
	}
	for _, tt := range tests {
		got, err := catalogcommon.ParseRef(tt.text, tt.defaults)
		if err != nil || got != tt.want {
			t.Errorf("ParseRef(%q) = %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{":x", "a:", "a:/x", "", "/x", "x/", "a:b/"} {
		if got, err := catalogcommon.ParseRef(text, withKind); err == nil {
			t.Errorf("ParseRef(%q) = %+v, want an error", text, got)
		}
	}
	if _, err := catalogcommon.ParseRef("x", catalogcommon.RefDefaults{}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("a reference without kind and default: %v, want an error that names it", err)
	}
}

func TestRefForms(t *testing.T) {
	t.Parallel()
	ref := catalogcommon.Ref{Kind: "Component", Name: "Shop.Front"}
	if got := ref.String(); got != "component:default/shop.front" {
		t.Errorf("String() = %q", got)
	}
	if !ref.Equal(catalogcommon.Ref{Kind: "component", Namespace: "DEFAULT", Name: "shop.front"}) {
		t.Error("refs that differ in case only are not equal")
	}
	shorts := []struct {
		ref  catalogcommon.Ref
		in   catalogcommon.RefDefaults
		want string
	}{
		{ref, catalogcommon.RefDefaults{Kind: "component"}, "Shop.Front"},
		{ref, catalogcommon.RefDefaults{}, "Component:Shop.Front"},
		{ref, catalogcommon.RefDefaults{Kind: "component", Namespace: "other"}, "default/Shop.Front"},
		{catalogcommon.Ref{Kind: "user", Namespace: "ext", Name: "ada"}, catalogcommon.RefDefaults{Kind: "group"}, "user:ext/ada"},
		{catalogcommon.Ref{Kind: "a", Name: "b:c"}, catalogcommon.RefDefaults{Kind: "a"}, "a:b:c"},
		{catalogcommon.Ref{Kind: "a", Name: "b/c"}, catalogcommon.RefDefaults{Kind: "a"}, "default/b/c"},
	}
	for _, tt := range shorts {
		if got := tt.ref.Short(tt.in); got != tt.want {
			t.Errorf("%v.Short(%v) = %q, want %q", tt.ref, tt.in, got, tt.want)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"a:b/c", "c", "a/b:c", ":x", "a:b:c", "a:/x", "é:ß/İ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defaults := catalogcommon.RefDefaults{Kind: "k"}
		ref, err := catalogcommon.ParseRef(text, defaults)
		if err != nil {
			return
		}
		if ref.Kind == "" || ref.Namespace == "" || ref.Name == "" {
			t.Fatalf("ParseRef(%q) = %+v has an empty part", text, ref)
		}
		again, err := catalogcommon.ParseRef(ref.Short(defaults), defaults)
		if err != nil || !strings.EqualFold(again.Kind, ref.Kind) || !strings.EqualFold(again.Namespace, ref.Namespace) || again.Name != ref.Name {
			t.Fatalf("ParseRef(%q) = %+v, but its short form %q reads as %+v, %v", text, ref, ref.Short(defaults), again, err)
		}
	})
}

func TestParseLocationRef(t *testing.T) {
	t.Parallel()
	got, err := catalogcommon.ParseLocationRef(" url : https://host/a:b ")
	if want := (catalogcommon.LocationRef{Type: "url", Target: "https://host/a:b"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, text := range []string{"", "url", "url:", ":x", "https://host/x", "http:x", "url:javascript:alert(1)", "url: \x01java\tscript\n:x", "url:JaVaScRiPt:x"} {
		if got, err := catalogcommon.ParseLocationRef(text); err == nil {
			t.Errorf("ParseLocationRef(%q) = %+v, want an error", text, got)
		}
	}
	if name := (catalogcommon.LocationRef{Type: "url", Target: "https://example.com/catalog-info.yaml"}).EntityName(); name != "generated-94fde8d1a3274d54a87afa4868abb452412d59c6" {
		t.Errorf("EntityName() = %q", name)
	}
}
