package boundary_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi/boundary"
)

const sdk = "github.com/proscenium-dev/proscenium"

// plugins stands for a portal with two of the SDK's plugins, two of a company's, and one of somebody else's with a major version.
var plugins = boundary.Plugins{
	sdk + "/catalog",
	sdk + "/proxy",
	"corp.example/portal/hello",
	"corp.example/portal/hello/modules/extra",
	"pager.example/pager/v2",
}

// pkg describes a package as Violations would: a path, and marks behind it.
func pkg(text string) boundary.Package {
	path, marks, _ := strings.Cut(text, " ")
	first, _, _ := strings.Cut(path, "/")
	return boundary.Package{
		Path:   path,
		Plugin: plugins.Owner(path),
		Std:    !strings.Contains(first, "."),
		Main:   marks == "main",
		Kit:    marks == "kit",
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		hello = "corp.example/portal/hello"
		extra = "corp.example/portal/hello/modules/extra"
		pager = "pager.example/pager/v2"
	)
	tests := []struct {
		name, from, to string
		refused        string // what the error says; empty: allowed
	}{
		{"common uses the standard library", hello + "/common", "net/http", ""},
		{"common uses another's common", hello + "/common", sdk + "/catalog/common", ""},
		{"common uses its own parts", hello + "/common", hello + "/common/wire", ""},
		{"common uses a third party", sdk + "/catalog/common", "github.com/go-chi/chi/v5",
			"catalog/common may import only the standard library and other plugins' common: it imports github.com/go-chi/chi/v5"},
		{"common uses the contract", hello + "/common", sdk + "/pluginapi", "may import only the standard library"},
		{"common uses its own node", hello + "/common", hello + "/node", "may import only the standard library"},
		{"common uses its own internals", hello + "/common", hello + "/internal/store", "may import only the standard library"},
		{"common uses another's api", hello + "/common", sdk + "/catalog/api", "may import only the standard library"},
		{"what is below common is common", hello + "/common/wire", sdk + "/pluginapi", "hello/common/wire may import only the standard library"},

		{"api uses the contract", hello + "/api", sdk + "/pluginapi", ""},
		{"api uses the components", hello + "/api", sdk + "/pluginapi/ui", ""},
		{"api uses its own common", hello + "/api", hello + "/common", ""},
		{"api uses another's common", hello + "/api", sdk + "/catalog/common", ""},
		{"api uses another's api", hello + "/api", sdk + "/catalog/api", ""},
		{"api uses a template library", hello + "/api", "github.com/a-h/templ", ""},
		{"api uses a company's library", hello + "/api", "corp.example/portal/brand", ""},
		{"api uses its own node", hello + "/api", hello + "/node", "hello/api may import only pluginapi, pluginapi/ui"},
		{"api uses another's node", hello + "/api", sdk + "/catalog/node", "hello/api may import only pluginapi, pluginapi/ui"},
		{"api uses the database", hello + "/api", sdk + "/database", "hello/api may import only pluginapi, pluginapi/ui"},
		{"api uses its own root", hello + "/api", hello, "hello/api may import only pluginapi, pluginapi/ui"},
		{"api uses another's root", hello + "/api", sdk + "/catalog", "another plugin's root"},

		{"node uses the contract", hello + "/node", sdk + "/pluginapi", ""},
		{"node uses its own common", hello + "/node", hello + "/common", ""},
		{"node uses another's node", hello + "/node", sdk + "/catalog/node", ""},
		{"node uses a third party", hello + "/node", "golang.org/x/sync/errgroup", ""},
		{"node uses its own api", hello + "/node", hello + "/api", "hello/node may import only pluginapi, its own common"},
		{"node uses another's api", hello + "/node", sdk + "/catalog/api", "hello/node may import only pluginapi, its own common"},
		{"node uses the components", hello + "/node", sdk + "/pluginapi/ui", "hello/node may import only pluginapi, its own common"},
		{"node uses its own internals", hello + "/node", hello + "/internal", "hello/node may import only pluginapi, its own common"},

		{"root uses its internals", hello, hello + "/internal/store", ""},
		{"root uses its own layers", hello, hello + "/node", ""},
		{"root uses the database", hello, sdk + "/database", ""},
		{"root uses another's layers", hello, sdk + "/catalog/api", ""},
		{"root uses another's root", hello, sdk + "/catalog",
			"hello may not import another plugin's root, which only main packages and tests may: it imports " + sdk + "/catalog; use what that plugin offers in catalog/common, catalog/api or catalog/node"},
		{"root uses core", hello, sdk + "/core", "hello may import only its own tree"},
		{"root uses the cache's machinery", hello, sdk + "/cache", "hello may import only its own tree"},
		{"root uses the import rules", hello, sdk + "/pluginapi/boundary", "hello may import only its own tree"},
		{"internals use their root", hello + "/internal/store", hello, ""},
		{"internals use another's node", hello + "/internal/store", sdk + "/catalog/node", ""},
		{"internals use another's internals", hello + "/internal/store", sdk + "/catalog/internal/index", "hello/internal/store may not import another plugin's internals"},
		{"a folder that is no layer is internal", hello, sdk + "/proxy/rewrite", "hello may not import another plugin's internals"},
		{"a name that begins like a plugin's is not its", hello, sdk + "/catalogue", "hello may import only its own tree"},

		{"a plugin inside another's folder is another plugin", extra, hello + "/internal/store", "extra may not import another plugin's internals"},
		{"a plugin inside another's folder has layers to use", extra, hello + "/node", ""},
		{"a plugin with a major version has layers", pager + "/common", "github.com/go-chi/chi/v5", "pager/v2/common may import only the standard library"},

		{"a library uses a layer", "corp.example/portal/brand", sdk + "/catalog/common", ""},
		{"a library uses a plugin's root", "corp.example/portal/brand", hello, "corp.example/portal/brand may not import another plugin's root"},
		{"core uses a plugin's root", sdk + "/core", sdk + "/catalog", "another plugin's root"},

		{"main uses a plugin's root", "corp.example/portal/cmd main", sdk + "/catalog", ""},
		{"a test kit uses a plugin's root", hello + "/hellotest kit", sdk + "/catalog", ""},
		{"a plugin uses a test kit", hello, sdk + "/pluginapi/plugintest kit", "it is a test kit, for test files only"},
		{"a library uses a test kit", "corp.example/portal/brand", hello + "/hellotest kit", "it is a test kit, for test files only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := boundary.Check(pkg(test.from), pkg(test.to))
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused != "" && err == nil:
				t.Errorf("allowed; want an error saying %q", test.refused)
			case err != nil && !strings.Contains(err.Error(), test.refused):
				t.Errorf("error is %q; want it to say %q", err, test.refused)
			}
		})
	}
}

func TestLayer(t *testing.T) {
	t.Parallel()
	tests := map[string]boundary.Layer{
		sdk + "/catalog":                          boundary.Root,
		sdk + "/catalog/common":                   boundary.Common,
		sdk + "/catalog/api/card":                 boundary.API,
		sdk + "/catalog/node":                     boundary.Node,
		sdk + "/catalog/internal/api":             boundary.Internal,
		sdk + "/catalog/store":                    boundary.Internal,
		sdk + "/core":                             boundary.Outside,
		"corp.example/portal/hello/modules/extra": boundary.Root,
		"net/http":                                boundary.Outside,
	}
	for path, want := range tests {
		if got := pkg(path).Layer(); got != want {
			t.Errorf("layer of %s is %q; want %q", path, got, want)
		}
	}
}
