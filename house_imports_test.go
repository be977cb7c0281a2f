package proscenium_test

import (
	"path"
	"slices"
	"strings"
)

// importRules are about who may import what, beyond the rules for everybody's plugins in pluginapi/boundary.
func importRules() []rule {
	return []rule{
		{"fixed bans", checkBans},
		{"direction of rooms", checkRooms},
		{"standard library only", checkStandardOnly},
		{"testing", checkTesting},
		{"blank imports", checkBlankImports},
	}
}

const modulePath = "github.com/proscenium-dev/proscenium"

// ban keeps a dependency in the rooms that own it.
type ban struct {
	imports []string // import paths, with all below them
	rooms   []string // folders that may import them, with all below them
	why     string
}

func bans() []ban {
	return []ban{
		{
			imports: []string{"go.uber.org/fx", "go.uber.org/dig"},
			rooms:   []string{"core/internal/host"},
			why:     "the container stays at one seam: elsewhere constructors are plain functions, usable without it",
		},
		{
			imports: []string{"github.com/jackc", "modernc.org", "github.com/pressly/goose"},
			rooms:   []string{"database"},
			why:     "plugins work on both engines: use *sqlx.DB and what package database offers, and widen that where it falls short",
		},
		{
			imports: []string{"github.com/eko/gocache", "github.com/redis/go-redis", "github.com/bradfitz/gomemcache"},
			rooms:   []string{"cache"},
			why:     "these stores have traps (a Clear empties everybody's, types come back wrong) that package cache hides: ask for a pluginapi.Cache",
		},
		{
			imports: []string{"go.yaml.in/yaml", "gopkg.in/yaml.v2", "gopkg.in/yaml.v3", "sigs.k8s.io/yaml", "github.com/goccy/go-yaml"},
			rooms:   []string{"core/internal/config", "catalog/internal/descriptor"},
			why:     "YAML is read in one way, with positions in every error: pass the text to core/internal/config or catalog/internal/descriptor",
		},
	}
}

func checkBans(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		if f.test {
			continue
		}
		for _, spec := range f.syntax.Imports {
			for _, ban := range bans() {
				if under(importPathOf(spec), ban.imports...) && !f.in(ban.rooms...) {
					found = append(found, f.at(spec.Pos(), "imports %s, which only %s may: %s", importPathOf(spec), strings.Join(ban.rooms, " and "), ban.why))
				}
			}
		}
	}
	return found
}

func under(importPath string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return importPath == root || strings.HasPrefix(importPath, root+"/") })
}

// checkRooms keeps the direction pluginapi ← core ← main: what each room may import of ours, besides itself. Commands and test kits stand outside.
func checkRooms(t *tree) []finding {
	rooms := []struct {
		folder string
		uses   []string
		why    string
	}{
		{"pluginapi/boundary", nil, "the import rules must be usable on any module"},
		{"pluginapi/ui", []string{"pluginapi"}, "components know the contract and no portal"},
		{"pluginapi", nil, "the contract depends on nothing"},
		{"core", []string{"pluginapi", "pluginapi/ui", "database", "cache"}, "core sees plugins only through the contract; no plugin is special"},
		{"database", nil, "databases know no plugins: an id is a string"},
		{"cache", []string{"pluginapi"}, "a cache knows the contract it fulfils and no portal"},
	}
	var found []finding
	for _, f := range t.files {
		if f.test || f.kit() || f.main() {
			continue
		}
		for _, room := range rooms {
			if !f.in(room.folder) {
				continue
			}
			for _, spec := range f.syntax.Imports {
				ours, ok := strings.CutPrefix(importPathOf(spec), modulePath+"/")
				own := under(ours, room.folder) && room.folder != "pluginapi" // the contract is one package; below it are other rooms
				if !ok || own || slices.Contains(room.uses, ours) {
					continue
				}
				found = append(found, f.at(spec.Pos(), "%s may not import %s: %s", room.folder, ours, room.why))
			}
			break // the first match is the innermost room
		}
	}
	return found
}

// checkStandardOnly: whoever builds against the contract or a plugin's common must not inherit a dependency from it.
func checkStandardOnly(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		common := slices.Contains(strings.Split(f.dir, "/"), "common")
		if f.test || f.dir != "pluginapi" && !common {
			continue
		}
		for _, spec := range f.syntax.Imports {
			importPath := importPathOf(spec)
			first, _, _ := strings.Cut(importPath, "/")
			anothersCommon := common && strings.HasPrefix(importPath, modulePath+"/") && path.Base(importPath) == "common"
			if strings.Contains(first, ".") && !anothersCommon {
				found = append(found, f.at(spec.Pos(), "%s may import the standard library only, not %s; move what needs it to a package that may depend on it", f.dir, importPath))
			}
		}
	}
	return found
}

// checkTesting keeps the testing package, its flags and its weight out of portals.
func checkTesting(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		if f.test || f.kit() {
			continue
		}
		for _, spec := range f.syntax.Imports {
			if importPath := importPathOf(spec); under(importPath, "testing", "github.com/stretchr/testify", "go.uber.org/goleak", "github.com/google/go-cmp") {
				found = append(found, f.at(spec.Pos(), "imports %s outside tests; move it to a _test.go file or to a package named %stest", importPath, f.syntax.Name.Name))
			}
		}
	}
	return found
}

// checkBlankImports: an import for its side effects is a registry nobody sees. SQL drivers are registered so by design.
func checkBlankImports(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		for _, spec := range f.syntax.Imports {
			if spec.Name == nil || spec.Name.Name != "_" || f.in("database/internal") {
				continue
			}
			if importPathOf(spec) == "embed" && strings.Contains(f.source, "\n//go:embed ") {
				continue // the language asks for it
			}
			found = append(found, f.at(spec.Pos(), "imports %s for its side effects; call what it offers, or register a SQL driver in database/internal", importPathOf(spec)))
		}
	}
	return found
}
