package proscenium_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// The rules of this house, as tests: what CONTRIBUTING.md asks for and a program can see. Each finding says where and what to do instead.
// A rule that is wrong is changed here, with its reason; it is not gone round.

// rule is one of them.
type rule struct {
	name  string
	check func(*tree) []finding
}

// finding is one breach of a rule.
type finding struct {
	file string // from the repository's root
	line int    // 0: the whole file or folder
	text string // what is wrong and how to mend it
}

func (f finding) String() string {
	if f.line == 0 {
		return f.file + ": " + f.text
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text)
}

func houseRules() []rule {
	return slices.Concat(layoutRules(), importRules(), codeRules())
}

func TestHouseRules(t *testing.T) {
	t.Parallel()
	repository, err := readTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range houseRules() {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			for _, finding := range rule.check(repository) {
				t.Error(finding)
			}
		})
	}
}

// tree is the repository as the rules see it.
type tree struct {
	files    []*goFile
	packages []*goPackage // by folder, without files that build tags keep apart from the rest
	entries  []fs.DirEntry
	modules  map[string]string // go.mod files' text, by name
	ignored  []string          // patterns of .gitignore
}

type goPackage struct {
	dir, name string
	files     []*goFile // without test files
}

type goFile struct {
	name, dir string // from the root, with slashes
	source    string
	fset      *token.FileSet
	syntax    *ast.File
	test      bool
	generated bool
}

func (f *goFile) line(pos token.Pos) int { return f.fset.Position(pos).Line }

func (f *goFile) lines() int { return strings.Count(f.source, "\n") }

// codeLines counts the lines that are neither blank nor a comment alone.
func (f *goFile) codeLines() int {
	n := 0
	for line := range strings.Lines(f.source) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

func (f *goFile) at(pos token.Pos, format string, args ...any) finding {
	return finding{f.name, f.line(pos), fmt.Sprintf(format, args...)}
}

// kit reports whether the file belongs to a package for tests, by its name as in the standard library: httptest, iotest.
func (f *goFile) kit() bool { return strings.HasSuffix(f.syntax.Name.Name, "test") }

// main reports whether the file belongs to a command.
func (f *goFile) main() bool { return f.syntax.Name.Name == "main" }

// in reports whether the file lies in or below one of the folders.
func (f *goFile) in(folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return f.dir == folder || strings.HasPrefix(f.dir, folder+"/") })
}

// importName returns the name by which the file calls a package of the standard library, or "" when it does not import it.
func (f *goFile) importName(importPath string) string {
	for _, spec := range f.syntax.Imports {
		if importPathOf(spec) == importPath {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(importPath)
		}
	}
	return ""
}

func importPathOf(spec *ast.ImportSpec) string {
	importPath, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return importPath
}

// generatedHeader is the line by which the go command and its friends know generated code.
var generatedHeader = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func readTree(root fs.FS) (*tree, error) {
	t := &tree{modules: make(map[string]string)}
	var err error
	if t.entries, err = fs.ReadDir(root, "."); err != nil {
		return nil, err
	}
	if patterns, err := fs.ReadFile(root, ".gitignore"); err == nil {
		t.ignored = strings.Fields(string(patterns))
	}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" || t.ignores(name)) {
				return fs.SkipDir
			}
			return nil
		}
		if base == "go.mod" {
			text, err := fs.ReadFile(root, name)
			t.modules[name] = string(text)
			return err
		}
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
			return nil
		}
		return t.addGo(root, name)
	})
	return t, err
}

// ignores reports whether a top-level entry is kept out of the repository, as far as plain names in .gitignore say so: a portal's data folder, for one.
func (t *tree) ignores(name string) bool {
	return slices.ContainsFunc(t.ignored, func(pattern string) bool {
		matched, err := path.Match(strings.Trim(pattern, "/"), name)
		return err == nil && matched
	})
}

func (t *tree) addGo(root fs.FS, name string) error {
	source, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	file := &goFile{name: name, dir: path.Dir(name), source: string(source), fset: token.NewFileSet(), test: strings.HasSuffix(name, "_test.go")}
	// The parser's own resolution of names is enough for one package at a time, and needs no type checker.
	if file.syntax, err = parser.ParseFile(file.fset, name, source, parser.ParseComments); err != nil {
		return err
	}
	file.generated = generatedHeader.MatchString(file.source[:file.fset.Position(file.syntax.Package).Offset])
	t.files = append(t.files, file)
	if file.test {
		return nil
	}
	i := slices.IndexFunc(t.packages, func(p *goPackage) bool { return p.dir == file.dir && p.name == file.syntax.Name.Name })
	if i < 0 {
		i = len(t.packages)
		t.packages = append(t.packages, &goPackage{dir: file.dir, name: file.syntax.Name.Name})
	}
	t.packages[i].files = append(t.packages[i].files, file)
	return nil
}

// TestHouseRulesFind plants a breach of each rule in a small tree, and something that looks like one but is allowed.
func TestHouseRulesFind(t *testing.T) {
	t.Parallel()
	rules := houseRules()
	for _, planted := range plantedBreaches() {
		t.Run(planted.rule+"/"+planted.file, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(rules, func(r rule) bool { return r.name == planted.rule })
			if i < 0 {
				t.Fatalf("no rule is named %q", planted.rule)
			}
			files := fstest.MapFS{planted.file: {Data: []byte(planted.source)}}
			for name, source := range planted.beside {
				files[name] = &fstest.MapFile{Data: []byte(source)}
			}
			planting, err := readTree(files)
			if err != nil {
				t.Fatal(err)
			}
			var lines []int
			for _, finding := range rules[i].check(planting) {
				if finding.file == planted.file || strings.HasPrefix(planted.file, finding.file+"/") {
					lines = append(lines, finding.line)
				}
			}
			if !slices.Equal(lines, planted.lines) {
				t.Errorf("found lines %v; want %v", lines, planted.lines)
			}
		})
	}
	for _, rule := range rules {
		if !slices.ContainsFunc(plantedBreaches(), func(p planted) bool { return p.rule == rule.name && len(p.lines) > 0 }) {
			t.Errorf("no breach is planted for rule %q, so nothing shows that it finds one", rule.name)
		}
	}
}
