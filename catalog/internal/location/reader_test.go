package location_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"

	"github.com/google/go-cmp/cmp"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", "a: 1")
	write("sub/b.yaml", "b: 2")
	write("sub/c.yaml", "c: 3, which is too long")
	write("sub/[d].yaml", "d: 4")
	if err := syscall.Mkfifo(filepath.Join(dir, "sub/pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader := location.Files{Dir: dir, MaxBytes: 10}

	result, err := reader.Read(t.Context(), location.Request{Target: "a.yaml"})
	if err != nil || len(result.Files) != 1 || string(result.Files[0].Text) != "a: 1" || result.Files[0].Target != filepath.Join(dir, "a.yaml") {
		t.Fatalf("a relative path: %+v, %v", result, err)
	}
	again, err := reader.Read(t.Context(), location.Request{Target: "a.yaml", ETag: result.ETag})
	if err != nil || !again.NotModified || len(again.Files) != 0 {
		t.Errorf("unchanged: %+v, %v", again, err)
	}
	write("a.yaml", "a: 2")
	again, err = reader.Read(t.Context(), location.Request{Target: filepath.Join(dir, "a.yaml"), ETag: result.ETag})
	if err != nil || again.NotModified || string(again.Files[0].Text) != "a: 2" || again.Files[0].Hash == result.Files[0].Hash {
		t.Errorf("changed: %+v, %v", again, err)
	}

	result, err = reader.Read(t.Context(), location.Request{Target: "sub/*.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range result.Files {
		line := strings.TrimPrefix(file.Target, dir+"/") + " " + string(file.Text)
		if file.Err != nil {
			line += file.Err.Error()
		}
		got = append(got, line)
	}
	want := []string{
		"sub/[d].yaml d: 4", "sub/b.yaml b: 2",
		"sub/c.yaml file " + dir + "/sub/c.yaml could not be read, it has 23 bytes, more than the limit of 10",
		"sub/pipe.yaml file " + dir + "/sub/pipe.yaml could not be read, it is not a regular file",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("several files, some of them bad (-want +got):\n%s", diff)
	}
	if result, err := reader.Read(t.Context(), location.Request{Target: "sub/[d].yaml"}); err != nil || string(result.Files[0].Text) != "d: 4" {
		t.Errorf("a file whose name looks like a pattern: %+v, %v", result, err)
	}

	for target, want := range map[string]string{"none.yaml": "file none.yaml does not exist", "none/*.yaml": "file none/*.yaml does not exist", "a.yaml/b": "not a directory"} {
		result, err := reader.Read(t.Context(), location.Request{Target: target})
		if err == nil && len(result.Files) == 1 {
			err = result.Files[0].Err
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.HasPrefix(want, "file") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	if result, err := reader.Read(t.Context(), location.Request{Target: "sub"}); err != nil || !strings.Contains(result.Files[0].Err.Error(), "it is a folder") {
		t.Errorf("a folder: %+v, %v", result, err)
	}
	for _, target := range []string{"sub/", ""} {
		if _, err := reader.Read(t.Context(), location.Request{Target: target}); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Errorf("%q: %v", target, err)
		}
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	readers := location.Readers{"embedded": location.Embedded{FS: fstest.MapFS{"catalog/all.yaml": {Data: []byte("a: 1")}, "catalog/parts/b.yaml": {Data: []byte("b: 2")}}}}
	for target, want := range map[string][]string{
		"catalog/all.yaml": {"catalog/all.yaml"}, "./catalog/../catalog/all.yaml": {"catalog/all.yaml"}, "/catalog/**/*.yaml": {"catalog/all.yaml", "catalog/parts/b.yaml"}, "../../catalog/all.yaml": {"catalog/all.yaml"},
	} {
		result, err := readers.Read(t.Context(), catalogcommon.LocationRef{Type: "embedded", Target: target}, "")
		var got []string
		for _, file := range result.Files {
			got = append(got, file.Target)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", target, err, diff)
		}
	}
	if _, err := readers.Read(t.Context(), catalogcommon.LocationRef{Type: "embedded", Target: "none.yaml"}, ""); !errors.Is(err, fs.ErrNotExist) || err.Error() != "embedded none.yaml does not exist" {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := readers.Read(t.Context(), catalogcommon.LocationRef{Type: "ftp", Target: "x"}, ""); err == nil || err.Error() != "No processor was able to handle reading of ftp:x; known types are embedded" {
		t.Errorf("an unknown type: %v", err)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	ref := func(kind, target string) catalogcommon.LocationRef {
		return catalogcommon.LocationRef{Type: kind, Target: target}
	}
	const gh = "https://github.com/acme/shop/blob/main/catalog/all.yaml"
	tests := []struct {
		name string
		from catalogcommon.LocationRef
		spec map[string]any
		want []string // location, or ! and part of the error
	}{
		{"files", ref("file", "/etc/catalog/all.yaml"), map[string]any{"target": "./a.yaml", "targets": []any{"../b/*.yaml", "parts/c.yaml", "/d.yaml", "./e/"}},
			[]string{"file:/etc/catalog/a.yaml", "file:/etc/b/*.yaml", "file:parts/c.yaml", "file:/d.yaml", "!is not a file"}},
		{"embedded", ref("embedded", "catalog/all.yaml"), map[string]any{"targets": []any{"./a.yaml", "../../../b.yaml", "other/c.yaml"}}, []string{"embedded:catalog/a.yaml", "embedded:b.yaml", "embedded:other/c.yaml"}},
		{"url", ref("url", gh), map[string]any{"targets": []any{"./a.yaml", "/b.yaml", "https://x.com/c.yaml", "../../d.yaml"}},
			[]string{"url:https://github.com/acme/shop/tree/main/catalog/a.yaml", "url:https://github.com/acme/shop/tree/main/b.yaml", "url:https://x.com/c.yaml", "!leads out of the repository"}},
		{"a web page may not read the disk", ref("url", gh), map[string]any{"type": "file", "target": "/etc/passwd"}, []string{`!type "file" is not allowed`}},
		{"a file may lead to the web", ref("file", "/x.yaml"), map[string]any{"type": "url", "target": "https://x.com/c.yaml"}, []string{"url:https://x.com/c.yaml"}},
		{"script", ref("url", gh), map[string]any{"target": "javascript:alert(1)"}, []string{"!is a script"}},
		{"nothing", ref("file", "/x.yaml"), map[string]any{}, nil},
	}
	for _, tt := range tests {
		targets := location.TargetResolver{}.Targets(tt.spec, tt.from)
		var got []string
		for i, target := range targets {
			switch {
			case target.Err == nil:
				got = append(got, target.Location.String())
			case i < len(tt.want) && strings.Contains(target.Err.Error(), strings.TrimPrefix(tt.want[i], "!")):
				got = append(got, tt.want[i])
			default:
				got = append(got, "!"+target.Err.Error())
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	targets := location.TargetResolver{}.Targets(map[string]any{"target": "./a", "targets": []any{"./b"}, "presence": "optional"}, ref("file", "/x/y"))
	if len(targets) != 2 || !targets[0].Optional || targets[0].Pointer != "/spec/target" || targets[1].Pointer != "/spec/targets/0" {
		t.Errorf("targets are %+v", targets)
	}
	for from, want := range map[string]string{"url": `allowed: "url"`, "embedded": `allowed: "embedded", "url"`} {
		targets = location.TargetResolver{}.Targets(map[string]any{"type": "file", "target": "/x"}, ref(from, gh))
		if err := targets[0].Err; err == nil || !strings.HasSuffix(err.Error(), gh+"; "+want) {
			t.Errorf("a file named from %s: %v, want %s", from, err, want)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	origin := catalogcommon.LocationRef{Type: "url", Target: "https://github.com/acme/org/blob/main/x.yaml"}
	kinds := func(names ...string) []location.AllowedKind {
		var list []location.AllowedKind
		for _, name := range names {
			list = append(list, location.AllowedKind{Kind: name})
		}
		return list
	}
	tests := []struct {
		name     string
		rules    []location.Rule
		kind     string
		specType string
		want     bool
	}{
		{"default allows components", location.DefaultRules(), "Component", "", true},
		{"case does not count", location.DefaultRules(), "aPi", "openapi", true},
		{"default refuses users", location.DefaultRules(), "User", "", false},
		{"no rules", nil, "Component", "", false},
		{"type", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "url"}}}}, "User", "", true},
		{"other type", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "file"}}}}, "User", "", false},
		{"exact", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "url", Exact: origin.Target}}}}, "User", "", true},
		{"other exact", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "url", Exact: origin.Target + "x"}}}}, "User", "", false},
		{"pattern", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "url", Pattern: "https://github.com/ACME/**"}}}}, "User", "", true},
		{"other pattern", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{{Type: "url", Pattern: "https://github.com/*"}}}}, "User", "", false},
		{"no locations at all", []location.Rule{{Allow: kinds("User"), Locations: []location.RuleLocations{}}}, "User", "", false},
		{"spec.type", []location.Rule{{Allow: []location.AllowedKind{{Kind: "component", SpecType: "Website"}}}}, "Component", "website", true},
		{"other spec.type", []location.Rule{{Allow: []location.AllowedKind{{Kind: "component", SpecType: "website"}}}}, "Component", "service", false},
		{"any of several", append(location.DefaultRules(), location.Rule{Allow: kinds("Group", "User"), Locations: []location.RuleLocations{{Type: "url", Exact: origin.Target}}}), "group", "", true},
	}
	for _, tt := range tests {
		rules, err := location.NewRules(tt.rules...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := rules.Allow(tt.kind, tt.specType, origin); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	_, err := location.NewRules(location.Rule{Allow: []location.AllowedKind{{}}, Locations: []location.RuleLocations{{Exact: "a", Pattern: "b"}, {}, {Pattern: "!(a)"}}})
	for _, want := range []string{"name a kind", "exact and pattern exclude", "give a type", "read pattern"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
