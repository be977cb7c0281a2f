package proscenium_test

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestGoInPages has every block of Go in a page be code that is compiled: word for word in a file beside the page, or, for the front page, in what TestAPortalOutsideThisTree builds.
func TestGoInPages(t *testing.T) {
	t.Parallel()
	found := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "data") {
			return fs.SkipDir
		}
		if path.Ext(name) != ".md" || name == "README.md" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var source strings.Builder
		files, err := os.ReadDir(path.Dir(name))
		if err != nil {
			return err
		}
		for _, file := range files {
			if path.Ext(file.Name()) == ".go" {
				code, err := os.ReadFile(path.Join(path.Dir(name), file.Name()))
				if err != nil {
					return err
				}
				source.Write(code)
			}
		}
		for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
			if block[1] != "go" {
				continue
			}
			found++
			if !strings.Contains(source.String(), block[2]) {
				t.Errorf("%s: no Go file beside it has this block; take it from an example that is tested:\n%s", name, block[2])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 15 {
		t.Errorf("only %d blocks found", found)
	}
}

// TestGoInComments has the blocks of code in packages' documentation be Go that can be read, with names that there are.
func TestGoInComments(t *testing.T) {
	t.Parallel()
	repository, err := readTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]map[string]bool{} // by package name
	for _, p := range repository.packages {
		if exported[p.name] == nil {
			exported[p.name] = map[string]bool{}
		}
		for _, f := range p.files {
			for _, name := range declared(f.syntax) {
				exported[p.name][name] = true
			}
		}
	}
	found := 0
	for _, p := range repository.packages {
		for _, f := range p.files {
			if f.syntax.Doc == nil {
				continue
			}
			for _, block := range new(comment.Parser).Parse(f.syntax.Doc.Text()).Content {
				code, ok := block.(*comment.Code)
				if !ok || !looksLikeGo(code.Text) {
					continue
				}
				found++
				syntax, err := parseSnippet(code.Text)
				if err != nil {
					t.Errorf("%s: this is no Go: %v\n%s", f.name, err, code.Text)
					continue
				}
				ast.Inspect(syntax, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						if of, ok := s.X.(*ast.Ident); ok && exported[of.Name] != nil && !exported[of.Name][s.Sel.Name] {
							t.Errorf("%s: there is no %s.%s", f.name, of.Name, s.Sel.Name)
						}
					}
					return true
				})
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d blocks found", found)
	}
}

// declared are the names that a file declares at its top level, methods aside.
func declared(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// looksLikeGo reports whether a block uses a package of ours, as no configuration, template or command does.
func looksLikeGo(text string) bool {
	return !strings.Contains(text, "@(") && (strings.Contains(text, "func ") || strings.Contains(text, "pluginapi.") || strings.Contains(text, "ui.") || strings.Contains(text, ".From("))
}

// parseSnippet reads declarations, fields of a literal, or statements with functions behind them.
func parseSnippet(text string) (file *ast.File, err error) {
	statements, functions := text, ""
	if at := strings.Index("\n"+text, "\nfunc "); at >= 0 {
		statements, functions = text[:at], text[at:]
	}
	for _, form := range []string{text, "var _ = T{\n" + text + "\n}", "func _() {\n" + statements + "\n}\n" + functions} {
		if file, err = parser.ParseFile(token.NewFileSet(), "", "package p\n"+form, parser.SkipObjectResolution); err == nil {
			return file, nil
		}
	}
	return nil, err
}
