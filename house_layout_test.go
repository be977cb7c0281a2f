package proscenium_test

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// layoutRules are about what lies where and what it is called.
func layoutRules() []rule {
	return []rule{
		{"top-level entries", checkTopLevel},
		{"package names", checkPackageNames},
		{"layers carry their plugin's name", checkLayerNames},
		{"one package doc", checkPackageDocs},
		{"file length", checkFileLength},
		{"contract length", checkContractLength},
		{"generated files", checkGenerated},
		{"no replace", checkNoReplace},
	}
}

// checkTopLevel keeps the first thing a newcomer sees short: everything has its room.
func checkTopLevel(t *tree) []finding {
	folders := []string{"core", "plugin", "catalog", "proxy", "database", "cache", "examples", "pluginapi", "tools", ".ci", ".git", ".github"}
	files := []string{"go.mod", "go.sum", "doc.go", "LICENSE", "NOTICE", ".gitignore", ".gitattributes", ".editorconfig", "*.md", "*_test.go"}
	var found []finding
	for _, entry := range t.entries {
		name := entry.Name()
		matches := func(pattern string) bool { matched, err := path.Match(pattern, name); return err == nil && matched }
		switch {
		case t.ignores(name):
		case name == ".git": // a file in a work tree of git's
		case entry.IsDir() && !slices.Contains(folders, name):
			found = append(found, finding{name, 0, "is no room of this house; move it into one of " + strings.Join(folders[:9], ", ")})
		case !entry.IsDir() && !slices.ContainsFunc(files, matches):
			found = append(found, finding{name, 0, "does not belong at the top; move it to the folder that uses it, or name it in .gitignore"})
		}
	}
	return found
}

// checkPackageNames refuses names that say nothing about what is inside: such packages have no owner and grow.
func checkPackageNames(t *tree) []finding {
	banned := []string{"util", "utils", "helper", "helpers", "type", "types", "models", "constants", "misc", "shared", "lib", "common"}
	var found []finding
	for _, p := range t.packages {
		for _, name := range []string{p.name, path.Base(p.dir)} {
			layer := name == "common" && p.name != "common" // checkLayerNames sees to it that the plugin's name is in the package's
			if slices.Contains(banned, name) && !layer {
				found = append(found, finding{p.dir, 0, fmt.Sprintf("%q does not say what is in it; name the package after what it provides, or move its parts to the packages that use them", name)})
				break
			}
		}
	}
	return found
}

// checkLayerNames makes an import read the same in every file: catalogapi, catalogcommon, catalognode.
func checkLayerNames(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		plugin, layer := path.Split(p.dir)
		plugin = strings.TrimSuffix(plugin, "/")
		if !slices.Contains([]string{"common", "api", "node"}, layer) || !t.exportsPlugin(plugin) {
			continue
		}
		want := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, path.Base(plugin)) + layer
		if p.name != want {
			found = append(found, finding{p.dir, 0, fmt.Sprintf("the package is called %s; call a plugin's layer after the plugin: package %s", p.name, want)})
		}
	}
	return found
}

// exportsPlugin reports whether a folder is the root of a plugin: its package, not a command, declares func Plugin.
func (t *tree) exportsPlugin(dir string) bool {
	return slices.ContainsFunc(t.packages, func(p *goPackage) bool {
		return p.dir == dir && p.name != "main" && slices.ContainsFunc(p.files, func(f *goFile) bool {
			return slices.ContainsFunc(f.syntax.Decls, func(decl ast.Decl) bool {
				function, ok := decl.(*ast.FuncDecl)
				return ok && function.Recv == nil && function.Name.Name == "Plugin"
			})
		})
	})
}

// checkPackageDocs wants exactly one: none leaves the reader alone, two are shown as one text that nobody wrote.
func checkPackageDocs(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		var docs []*goFile
		for _, f := range p.files {
			if f.syntax.Doc != nil && f.syntax.Doc.Text() != "" && !f.generated {
				docs = append(docs, f)
			}
		}
		switch {
		case len(docs) == 0:
			found = append(found, finding{p.dir, 0, fmt.Sprintf("package %s has no doc comment; say in the file a reader opens first what it is for", p.name)})
		case len(docs) > 1:
			for _, f := range docs[1:] {
				found = append(found, f.at(f.syntax.Doc.Pos(), "package %s is documented in %s already; put one text in one of them", p.name, docs[0].name))
			}
		case p.name != "main" && !strings.HasPrefix(docs[0].syntax.Doc.Text(), "Package "+p.name+" "):
			found = append(found, docs[0].at(docs[0].syntax.Doc.Pos(), `begin the package's doc comment with "Package %s "`, p.name))
		}
	}
	return found
}

// checkFileLength keeps files to one idea each.
func checkFileLength(t *tree) []finding {
	const most = 600
	var found []finding
	for _, f := range t.files {
		if !f.generated && f.lines() > most {
			found = append(found, finding{f.name, 0, fmt.Sprintf("has %d lines, more than %d; split it by what a reader looks for", f.lines(), most)})
		}
	}
	return found
}

// checkContractLength keeps the contract readable in one sitting, since every plugin's author has to read it.
func checkContractLength(t *tree) []finding {
	const most = 800 // lines of code: documentation is what makes it readable
	total := 0
	for _, p := range t.packages {
		if p.dir == "pluginapi" {
			for _, f := range p.files {
				total += f.codeLines()
			}
		}
	}
	if total < most {
		return nil
	}
	return []finding{{"pluginapi", 0, fmt.Sprintf("has %d lines of code without tests, not under %d; take out what plugins can do without", total, most)}}
}

// checkGenerated lets tools and readers know a generated file by its name and by its header.
func checkGenerated(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		named := strings.HasSuffix(f.name, "_gen.go") || strings.HasSuffix(f.name, "_templ.go") || strings.HasSuffix(f.name, "_gen_test.go")
		switch {
		case named && !f.generated:
			found = append(found, finding{f.name, 1, `is named like a generated file but lacks the line "// Code generated by NAME. DO NOT EDIT."; rename it or have its generator write that`})
		case f.generated && !named:
			found = append(found, finding{f.name, 1, "is generated; name it …_gen.go, so that its name says so"})
		}
	}
	return found
}

// checkNoReplace: a replace counts only in this repository, so what passes here would not build for those who import the module.
func checkNoReplace(t *tree) []finding {
	var found []finding
	for name, text := range t.modules {
		for i, line := range strings.Split(text, "\n") {
			if word, _, _ := strings.Cut(strings.TrimSpace(line)+" ", " "); word == "replace" || word == "replace(" {
				found = append(found, finding{name, i + 1, "those who import the module do not get the replacement; require the version that is meant"})
			}
		}
	}
	return found
}
