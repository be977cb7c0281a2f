package location

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestMatcher(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern    string
		good, evil []string
	}{
		{"https://github.com/acme/**", []string{"https://github.com/acme/a", "https://github.com/ACME/a/b/c.yaml", "https://github.com/acme/.x"}, []string{"https://github.com/acme", "https://github.com/acme2/a", "http://github.com/acme/a"}},
		{"https://github.com/*/catalog/blob/main/*.yaml", []string{"https://github.com/a/catalog/blob/main/x.yaml"}, []string{"https://github.com/a/b/catalog/blob/main/x.yaml", "https://github.com/a/catalog/blob/main/x/y.yaml"}},
		{"**/catalog-info.{yaml,yml}", []string{"catalog-info.yaml", "a/b/catalog-info.yml", "/catalog-info.yml", "/a/catalog-info.yml"}, []string{"a/catalog-info.json", "xcatalog-info.yaml"}},
		{"a/**/b", []string{"a/b", "a/x/b", "a/x/y/b"}, []string{"a/xb", "b"}},
		{"a?c[0-9][!x]", []string{"abc1y", "A.c9z"}, []string{"a/c1y", "abc1x", "abcay"}},
		{"f{1..3}@(a|b)+(c)?(d)", []string{"f1ac", "f3bccd"}, []string{"f4ac", "f1cc", "f1a", "f1acdd"}},
		{"a{b}c", []string{"a{b}c"}, []string{"abc"}},
		{"a.b", []string{"a.b"}, []string{"axb"}},
		{`a\*b`, []string{"a*b"}, []string{"axb"}},
		{"ä*ö", []string{"äxö"}, []string{"äx"}},
		{"[", []string{"["}, []string{"a"}},
		{"[]x]", []string{"]", "x"}, []string{"a"}},
	}
	for _, tt := range tests {
		match, err := compileMatcher(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		for _, text := range tt.good {
			if !match(text) {
				t.Errorf("%s does not fit %s", text, tt.pattern)
			}
		}
		for _, text := range tt.evil {
			if match(text) {
				t.Errorf("%s fits %s", text, tt.pattern)
			}
		}
	}
	for _, pattern := range []string{"!(a)", "@(a", strings.Repeat("{a,b}", 20)} {
		if _, err := compileMatcher(pattern); err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
}

func TestFindFiles(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for _, name := range []string{"all.yaml", "a/x.yaml", "a/y.yml", "a/.hidden.yaml", "a/b/z.yaml", "a/b/c/z.yaml", ".git/x.yaml", "b/x.yaml", "b/x.json", "b/weird[1].yaml"} {
		files[name] = &fstest.MapFile{Data: []byte(name)}
	}
	tests := []struct {
		pattern string
		want    []string
	}{
		{"*.yaml", []string{"all.yaml"}},
		{"*/x.yaml", []string{"a/x.yaml", "b/x.yaml"}},
		{"a/*", []string{"a/x.yaml", "a/y.yml"}},
		{"a/.*", []string{"a/.hidden.yaml"}},
		{"**/*.yaml", []string{"a/b/c/z.yaml", "a/b/z.yaml", "a/x.yaml", "all.yaml", "b/weird[1].yaml", "b/x.yaml"}},
		{"a/**", []string{"a/b/c/z.yaml", "a/b/z.yaml", "a/x.yaml", "a/y.yml"}},
		{"**/**/z.yaml", []string{"a/b/c/z.yaml", "a/b/z.yaml"}},
		{"a/**/b/*.yaml", []string{"a/b/z.yaml"}},
		{"{a,b}/x.{yaml,json}", []string{"a/x.yaml", "b/x.json", "b/x.yaml"}},
		{"./a/../b/x.*", []string{"b/x.json", "b/x.yaml"}},
		{"none/*.yaml", nil},
		{"all.yaml/*", nil},
	}
	for _, tt := range tests {
		got, failed, err := findFiles(t.Context(), files, tt.pattern, 1000)
		if err != nil || len(failed) > 0 {
			t.Errorf("%s: %v, %v", tt.pattern, failed, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.pattern, diff)
		}
	}
	if _, _, err := findFiles(t.Context(), files, "**", 5); err == nil {
		t.Error("the limit of entries does not hold")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := findFiles(ended, files, "**", 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
	_, failed, err := findFiles(t.Context(), unlistable{files}, "**/*.yaml", 1000)
	if err != nil || len(failed) != 1 || failed["b"] == nil {
		t.Errorf("a folder that cannot be listed: %v, %v", failed, err)
	}
}

// unlistable refuses to list the folder b.
type unlistable struct{ fstest.MapFS }

func (u unlistable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "b" {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrPermission}
	}
	return u.MapFS.ReadDir(name)
}

func FuzzMatcher(f *testing.F) {
	for _, seed := range []string{"a/**/{b,c}*.y?ml", "[!a-z]", "@(a|b)", `\`, "{1..3}", "[[:alpha:]]", "((", "é{"} {
		f.Add(seed, "a/b/c.yaml")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		match, err := compileMatcher(pattern)
		if err != nil {
			return
		}
		match(text)
		if _, _, err := findFiles(t.Context(), fstest.MapFS{"a/b.yaml": {}}, pattern, 1000); err != nil && !strings.Contains(err.Error(), "pattern") {
			t.Fatal(err)
		}
	})
}
