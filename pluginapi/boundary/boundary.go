// Package boundary says which package may import which in a portal built from plugins: a plugin's libraries (its layers common, api and node) are for others,
// everything else of it is its own.
//
// [Check] is the whole set of rules, as one function without side effects. [Violations] applies it to the packages of a module with the go command and needs no
// configuration: a plugin is a folder whose package exports func Plugin(...) pluginapi.Plugin. In a test, use the wrapper in pluginapi/plugintest.
//
//	from            may import, besides the standard library
//	common          any plugin's common
//	api             pluginapi, pluginapi/ui, its own common, other plugins' common and api, third parties
//	node            pluginapi, its own common, other plugins' common and node, third parties
//	root, internal  its own tree, pluginapi, pluginapi/ui, database, other plugins' layers, third parties
//	anything else   all but plugins' roots and internals
//
// Main packages, test files and test kits (packages named …test that import testing) are where plugins meet, so they may import anything.
package boundary

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is the import path everything of the SDK begins with.
const module = "github.com/proscenium-dev/proscenium"

// contract is the package whose type Plugin makes a package a plugin's root.
const contract = module + "/pluginapi"

// Layer is the part of a plugin that a package belongs to.
type Layer string

// The layers. The text is the folder's name below the plugin's root.
const (
	Outside  Layer = ""         // of no plugin
	Root     Layer = "."        // the package that exports Plugin
	Common   Layer = "common"   // what both sides know: data, clients
	API      Layer = "api"      // what pages and cards build on
	Node     Layer = "node"     // what back ends build on
	Internal Layer = "internal" // everything else in the plugin's folder, whatever it is called
)

// Package is what [Check] has to know about a package.
type Package struct {
	Path   string // import path
	Plugin string // import path of the root of the plugin it belongs to (see [Plugins.Owner]); empty when it belongs to none
	Std    bool   // of the standard library
	Main   bool   // a command
	Kit    bool   // a test kit: named …test and importing testing
}

// Layer tells which part of its plugin p is, by its place below the plugin's root. Packages below a layer belong to it.
func (p Package) Layer() Layer {
	if p.Plugin == "" {
		return Outside
	}
	rest, below := strings.CutPrefix(p.Path, p.Plugin+"/")
	if !below {
		return Root
	}
	first, _, _ := strings.Cut(rest, "/")
	switch layer := Layer(first); layer {
	case Common, API, Node:
		return layer
	default:
		return Internal
	}
}

// String names p briefly: from the plugin's folder on ("catalog/common"), or by its import path when it belongs to no plugin.
func (p Package) String() string {
	if p.Plugin == "" {
		return p.Path
	}
	return short(p.Plugin) + strings.TrimPrefix(p.Path, p.Plugin)
}

// Plugins is the import paths of plugins' roots, in any order.
type Plugins []string

// Owner returns the root of the plugin that the package with this import path belongs to, or "" when it belongs to none. With one plugin inside another's folder,
// the inner one owns what is below it.
func (s Plugins) Owner(importPath string) string {
	owner := ""
	for _, root := range s {
		if len(root) > len(owner) && within(importPath, root) {
			owner = root
		}
	}
	return owner
}

// Check returns nil when from may import to, and otherwise an error whose text names both and says what is allowed instead.
// It looks at nothing but its arguments, so it is safe for concurrent use.
func Check(from, to Package) error {
	if to.Std || from.Main || from.Kit || from.Path == to.Path {
		return nil
	}
	if to.Kit {
		return fmt.Errorf("%s may not import %s: it is a test kit, for test files only", from, to.Path)
	}
	own := from.Plugin != "" && from.Plugin == to.Plugin
	target := to.Layer()
	if !own {
		switch target {
		case Root:
			return fmt.Errorf("%s may not import another plugin's root, which only main packages and tests may: it imports %s; use what that plugin offers in %s",
				from, to.Path, offers(to))
		case Internal:
			return fmt.Errorf("%s may not import another plugin's internals: it imports %s; use what that plugin offers in %s", from, to.Path, offers(to))
		}
	}

	rule, restricted := ruleOf(from.Layer())
	if !restricted || rule.permits(own, to, target) {
		return nil
	}
	return fmt.Errorf("%s may import only %s: it imports %s", from, rule.text, to.Path)
}

// rule is what one layer may import besides the standard library.
type rule struct {
	text    string   // completes "may import only …"
	own     []Layer  // of its own plugin
	others  []Layer  // of other plugins
	sdk     []string // of the SDK: paths below the module's; "x/..." is x and all below it
	anybody bool     // packages of no plugin and not of the SDK: third parties, a company's own libraries
}

func (r rule) permits(own bool, to Package, target Layer) bool {
	switch {
	case own:
		return slices.Contains(r.own, target)
	case target != Outside:
		return slices.Contains(r.others, target)
	case within(to.Path, module):
		return slices.ContainsFunc(r.sdk, func(allowed string) bool {
			tree, all := strings.CutSuffix(allowed, "/...")
			return to.Path == module+"/"+tree || all && within(to.Path, module+"/"+tree)
		})
	default:
		return r.anybody
	}
}

// ruleOf returns the rule of a layer; false when packages there may import whatever is not another plugin's own.
func ruleOf(layer Layer) (rule, bool) {
	switch layer {
	case Common:
		return rule{
			text:   "the standard library and other plugins' common",
			own:    []Layer{Common},
			others: []Layer{Common},
		}, true
	case API:
		return rule{
			text:    "pluginapi, pluginapi/ui, its own common, other plugins' common and api, and third-party packages",
			own:     []Layer{Common, API},
			others:  []Layer{Common, API},
			sdk:     []string{"pluginapi", "pluginapi/ui/..."},
			anybody: true,
		}, true
	case Node:
		return rule{
			text:    "pluginapi, its own common, other plugins' common and node, and third-party packages",
			own:     []Layer{Common, Node},
			others:  []Layer{Common, Node},
			sdk:     []string{"pluginapi"},
			anybody: true,
		}, true
	case Root, Internal:
		// The cache, configuration, the logger and everything else of the portal come as constructor parameters, so neither core nor cache is here;
		// database is, for its dialect helpers.
		return rule{
			text:    "its own tree, pluginapi, pluginapi/ui, database, other plugins' common, api and node, and third-party packages",
			own:     []Layer{Root, Common, API, Node, Internal},
			others:  []Layer{Common, API, Node},
			sdk:     []string{"pluginapi", "pluginapi/ui/...", "database/..."},
			anybody: true,
		}, true
	}
	return rule{}, false
}

// within reports whether an import path is root or below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

func offers(p Package) string {
	name := short(p.Plugin)
	return fmt.Sprintf("%s/common, %s/api or %s/node", name, name, name)
}

// short returns the last element of an import path, with the one before it when the last is only a major version.
func short(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		return path.Base(path.Dir(importPath)) + "/" + base
	}
	return base
}
