package boundary_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/pluginapi/boundary"
)

// planted is a company's module beside stand-ins for the SDK and for a third party, which the go command finds without a network. Lines of the form "-- name --" begin files.
const planted = `
-- sdk/go.mod --
module github.com/proscenium-dev/proscenium
go 1.26
-- sdk/pluginapi/plugin.go --
package pluginapi
type Plugin struct{ ID string }
-- sdk/catalog/catalog.go --
package catalog
import "github.com/proscenium-dev/proscenium/pluginapi"
func Plugin() pluginapi.Plugin { return pluginapi.Plugin{} }
-- sdk/catalog/common/common.go --
package catalogcommon
-- sdk/catalog/api/api.go --
package catalogapi
-- sdk/catalog/internal/index/index.go --
package index
-- sdk/pluginapi/plugintest/plugintest.go --
package plugintest
import _ "testing"
-- lib/go.mod --
module lib.example/lib
go 1.26
-- lib/lib.go --
package lib
-- portal/go.mod --
module corp.example/portal
go 1.26
require (
	github.com/proscenium-dev/proscenium v0.0.0
	lib.example/lib v0.0.0
)
replace (
	github.com/proscenium-dev/proscenium => ../sdk
	lib.example/lib => ../lib
)
-- portal/main.go --
package main
import (
	_ "corp.example/portal/hello"
	_ "github.com/proscenium-dev/proscenium/catalog"
)
func main() {}
-- portal/hello/hello.go --
package hello
import (
	_ "fmt"
	contract "github.com/proscenium-dev/proscenium/pluginapi"
	_ "github.com/proscenium-dev/proscenium/catalog/api"
	_ "corp.example/portal/hello/internal/greet"
)
func Plugin(greeting string) contract.Plugin { return contract.Plugin{} }
-- portal/hello/hello_test.go --
package hello_test
import _ "github.com/proscenium-dev/proscenium/catalog"
-- portal/hello/internal/greet/greet.go --
package greet
import "C"
-- portal/hello/common/common.go --
package hellocommon
import _ "github.com/proscenium-dev/proscenium/catalog/common"
-- portal/hello/generate.go --
//go:build ignore
package main
import _ "github.com/proscenium-dev/proscenium/catalog"
-- portal/hello/hellotest/kit.go --
package hellotest
import (
	_ "testing"
	_ "corp.example/portal/hello"
)
`

func TestViolations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files string // over the planted ones
		want  []string
	}{
		{name: "a clean portal"},
		{
			name: "common with a third party",
			files: `
-- portal/hello/common/common.go --
package hellocommon
import _ "lib.example/lib"
`,
			want: []string{"hello/common/common.go:2:10: hello/common may import only the standard library and other plugins' common: it imports lib.example/lib"},
		},
		{
			name: "another plugin's root, from two files, whatever the package's name there",
			files: `
-- portal/hello/a.go --
package hello
import cat "github.com/proscenium-dev/proscenium/catalog"
var _ = cat.Plugin
-- portal/hello/internal/greet/greet.go --
package greet
import (
	_ "os"

	_ "github.com/proscenium-dev/proscenium/catalog"
)
`,
			want: []string{
				"hello/a.go:2:12: hello may not import another plugin's root",
				"hello/internal/greet/greet.go:5:4: hello/internal/greet may not import another plugin's root",
			},
		},
		{
			name: "another plugin's internals, which the compiler refuses as well",
			files: `
-- portal/hello/a.go --
package hello
import _ "github.com/proscenium-dev/proscenium/catalog/internal/index"
`,
			want: []string{"hello/a.go:2:10: hello may not import another plugin's internals"},
		},
		{
			name: "a file for another system",
			files: `
-- portal/hello/common/common_plan9.go --
package hellocommon
import _ "lib.example/lib"
`,
			want: []string{"hello/common/common_plan9.go:2:10: hello/common may import only the standard library"},
		},
		{
			name: "a library between main and a plugin",
			files: `
-- portal/parts/parts.go --
package parts
import _ "corp.example/portal/hello"
`,
			want: []string{"parts/parts.go:2:10: corp.example/portal/parts may not import another plugin's root"},
		},
		{
			name: "a test kit outside tests",
			files: `
-- portal/hello/a.go --
package hello
import _ "github.com/proscenium-dev/proscenium/pluginapi/plugintest"
`,
			want: []string{"hello/a.go:2:10: hello may not import github.com/proscenium-dev/proscenium/pluginapi/plugintest: it is a test kit"},
		},
		{
			name: "a root whose function Plugin is about something else is no plugin",
			files: `
-- portal/vacuum/vacuum.go --
package vacuum
type Wall struct{}
func Plugin() Wall { return Wall{} }
-- portal/parts/parts.go --
package parts
import _ "corp.example/portal/vacuum"
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := plant(t, planted+test.files)
			got, err := boundary.Violations(t.Context(), filepath.Join(dir, "portal"), "./...")
			if err != nil {
				t.Fatal(err)
			}
			lines := relative(t, filepath.Join(dir, "portal"), got)
			if len(lines) != len(test.want) {
				t.Fatalf("found %d:\n%s\nwant %d:\n%s", len(lines), strings.Join(lines, "\n"), len(test.want), strings.Join(test.want, "\n"))
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("found %q\nwant  %q", lines[i], want)
				}
			}
		})
	}
}

func TestViolationsOfAnOutsidePluginSeenFromItsOwnModule(t *testing.T) {
	t.Parallel()
	// Nothing imports the catalog's root here, so it is found above the layer that is imported.
	dir := plant(t, planted)
	got, err := boundary.Violations(t.Context(), filepath.Join(dir, "portal"), "./hello/common")
	if err != nil || len(got) > 0 {
		t.Errorf("found %v, %v; want nothing: catalog/common is a plugin's common", got, err)
	}
}

func TestViolationsErrors(t *testing.T) {
	t.Parallel()
	t.Run("no package", func(t *testing.T) {
		t.Parallel()
		dir := plant(t, "-- go.mod --\nmodule empty.example\ngo 1.26\n")
		got, err := boundary.Violations(t.Context(), dir)
		if err == nil || !strings.Contains(err.Error(), "no package matches ./...") {
			t.Errorf("found %v, error %v; want an error that nothing was checked", got, err)
		}
	})
	t.Run("no module", func(t *testing.T) {
		t.Parallel()
		got, err := boundary.Violations(t.Context(), t.TempDir())
		if err == nil {
			t.Errorf("found %v and no error; want the go command's", got)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		got, err := boundary.Violations(t.Context(), filepath.Join(t.TempDir(), "absent"))
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("found %v, error %v; want one about the folder", got, err)
		}
	})
	t.Run("a file that is not Go", func(t *testing.T) {
		t.Parallel()
		dir := plant(t, planted+"-- portal/hello/broken.go --\npackage hello\nimport {\n-- portal/hello/common/common.go --\npackage hellocommon\nimport _ \"lib.example/lib\"\n")
		got, err := boundary.Violations(t.Context(), filepath.Join(dir, "portal"))
		if err == nil || !strings.Contains(err.Error(), "broken.go:2:8") {
			t.Errorf("error %v; want one with the position of the fault", err)
		}
		if len(got) != 1 {
			t.Errorf("found %v; want the violation in the file that can be read", got)
		}
	})
	t.Run("a context that has ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := boundary.Violations(ctx, plant(t, planted)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v; want context.Canceled", err)
		}
	})
}

// TestThisRepository holds the module this test belongs to against its own rules.
func TestThisRepository(t *testing.T) {
	t.Parallel()
	_, file, _, _ := runtime.Caller(0)
	got, err := boundary.Violations(t.Context(), filepath.Dir(filepath.Dir(filepath.Dir(file))), "./...")
	if err != nil {
		t.Error(err)
	}
	for _, violation := range got {
		t.Error(violation)
	}
}

func plant(t *testing.T, files string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range strings.Split(files, "\n-- ") {
		name, content, found := strings.Cut(strings.TrimPrefix(part, "-- "), " --\n")
		if !found {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func relative(t *testing.T, dir string, violations []boundary.Violation) []string {
	t.Helper()
	var lines []string
	for _, violation := range violations {
		lines = append(lines, strings.TrimPrefix(violation.String(), dir+string(filepath.Separator)))
	}
	return lines
}

func TestViolationNamesBothSides(t *testing.T) {
	t.Parallel()
	dir := plant(t, planted+"-- portal/hello/common/common.go --\npackage hellocommon\nimport _ \"lib.example/lib\"\n")
	got, err := boundary.Violations(t.Context(), filepath.Join(dir, "portal"), "./hello/...")
	if err != nil || len(got) != 1 {
		t.Fatalf("found %v, %v; want one", got, err)
	}
	want := [2]boundary.Package{
		{Path: "corp.example/portal/hello/common", Plugin: "corp.example/portal/hello"},
		{Path: "lib.example/lib"},
	}
	if diff := cmp.Diff(want, [2]boundary.Package{got[0].From, got[0].To}); diff != "" {
		t.Error(diff)
	}
}
