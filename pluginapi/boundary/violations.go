package boundary

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Violation is one import that [Check] refuses.
type Violation struct {
	From, To Package
	Pos      token.Position // of the import; the file's name is absolute
	Reason   string         // Check's text
}

// String returns "file:line:column: reason".
func (v Violation) String() string { return v.Pos.String() + ": " + v.Reason }

// Violations checks the imports of the packages that match patterns, as the go command understands them in folder dir (no patterns: "./..."; dir "": the current one), and
// returns the refused ones ordered by position. Files for other systems and behind build tags count too; test files, main packages and test kits do not.
//
// What it found is returned also when the error is not nil: the go command is missing or fails, no package matches, or a package cannot be loaded for another reason
// than a refused import. It runs the go command, which may wait for other go commands and may download modules, so give ctx a deadline.
func Violations(ctx context.Context, dir string, patterns ...string) ([]Violation, error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	matched, err := goList(ctx, dir, patterns)
	if err != nil {
		return nil, err
	}
	if len(matched) == 0 {
		return nil, fmt.Errorf("check imports: no package matches %s", strings.Join(patterns, " "))
	}
	s := survey{packages: make(map[string]listing), seen: make(map[string]bool)}
	s.add(matched)
	imports, faults := readImports(matched)
	if unknown := s.unknown(imports); len(unknown) > 0 {
		targets, err := goList(ctx, dir, unknown)
		if err != nil {
			return nil, errors.Join(faults, err)
		}
		s.add(targets)
	}
	violations, unloaded := s.judge(matched, imports)
	return violations, errors.Join(faults, unloaded)
}

// imported is one import of one package. Its path is the real one, so after vendoring.
type imported struct {
	path string
	pos  token.Position
}

// readImports returns the imports of each package from its files, because the go command gives neither their positions nor those of files it would not build here.
func readImports(packages []listing) (map[string][]imported, error) {
	found := make(map[string][]imported)
	var faults []error
	fset := token.NewFileSet()
	for _, p := range packages {
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				if p.Error == nil { // else it is what the go command complains of
					faults = append(faults, fmt.Errorf("read imports: %w", err))
				}
				continue
			}
			if file.Name.Name != p.Name {
				continue // a script that a build tag keeps out of the package
			}
			for _, spec := range file.Imports {
				pos := fset.Position(spec.Path.Pos())
				importPath, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					faults = append(faults, fmt.Errorf("read imports: %s: %w", pos, err))
					continue
				}
				if mapped, ok := p.ImportMap[importPath]; ok {
					importPath = mapped
				}
				found[p.ImportPath] = append(found[p.ImportPath], imported{importPath, pos})
			}
		}
	}
	return found, errors.Join(faults...)
}

// survey is what one run of Violations knows of the packages and the plugins they belong to.
type survey struct {
	packages map[string]listing // by import path
	plugins  Plugins
	seen     map[string]bool // import paths whose folder was searched for a plugin's root
}

func (s *survey) add(listed []listing) {
	for _, p := range listed {
		s.packages[p.ImportPath] = p
		if p.Standard || p.Dir == "" || p.Module == nil {
			continue
		}
		// The root of a plugin whose layer is imported need not be imported itself, so look for it in the folders above.
		for importPath, dir := p.ImportPath, p.Dir; within(importPath, p.Module.Path); importPath, dir = path.Dir(importPath), filepath.Dir(dir) {
			if s.seen[importPath] {
				continue
			}
			s.seen[importPath] = true
			if exportsPlugin(dir) {
				s.plugins = append(s.plugins, importPath)
			}
		}
	}
}

func (s *survey) unknown(imports map[string][]imported) []string {
	var paths []string
	for _, list := range imports {
		for _, i := range list {
			if _, known := s.packages[i.path]; !known && !built(i.path) {
				paths = append(paths, i.path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// built reports whether an import path stands for no folder.
func built(importPath string) bool { return importPath == "C" || importPath == "unsafe" }

func (s *survey) judge(matched []listing, imports map[string][]imported) ([]Violation, error) {
	var violations []Violation
	var faults []error
	for _, p := range matched {
		before := len(violations)
		for _, i := range imports[p.ImportPath] {
			from, to := s.describe(p.ImportPath), s.describe(i.path)
			if err := Check(from, to); err != nil {
				violations = append(violations, Violation{From: from, To: to, Pos: i.pos, Reason: err.Error()})
			}
		}
		if p.Error != nil && len(violations) == before {
			faults = append(faults, fmt.Errorf("load %s: %s %s", p.ImportPath, p.Error.Pos, strings.TrimSpace(p.Error.Err)))
		}
	}
	slices.SortFunc(violations, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Pos.Filename, b.Pos.Filename), cmp.Compare(a.Pos.Offset, b.Pos.Offset))
	})
	return violations, errors.Join(faults...)
}

func (s *survey) describe(importPath string) Package {
	p := s.packages[importPath]
	return Package{
		Path:   importPath,
		Plugin: s.plugins.Owner(importPath),
		Std:    p.Standard || built(importPath),
		Main:   p.Name == "main",
		Kit:    p.kit(),
	}
}

// listing is the part of the go command's answer that is used.
type listing struct {
	ImportPath, Dir, Name                      string
	Standard                                   bool
	GoFiles, CgoFiles, IgnoredGoFiles, Imports []string
	ImportMap                                  map[string]string
	Module                                     *struct{ Path string }
	Error                                      *struct{ Pos, Err string }
}

func (p listing) kit() bool {
	return strings.HasSuffix(p.Name, "test") && slices.Contains(p.Imports, "testing")
}

// goList describes packages. One that does not load is described as far as it can be.
func goList(ctx context.Context, dir string, patterns []string) ([]listing, error) {
	const fields = "ImportPath,Dir,Name,Standard,GoFiles,CgoFiles,IgnoredGoFiles,Imports,ImportMap,Module,Error"
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-e", "-json=" + fields, "--"}, patterns...)...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second // a process the go command started may keep the pipes open after ctx ended it
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run go list: %w: %s", errors.Join(err, ctx.Err()), bytes.TrimSpace(stderr.Bytes()))
	}
	var listed []listing
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listing
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return listed, nil
		case err != nil:
			return nil, fmt.Errorf("read go list's answer: %w", err)
		}
		listed = append(listed, p)
	}
}

// exportsPlugin reports whether the package in dir exports func Plugin(...) pluginapi.Plugin. A folder or file that cannot be read or parsed counts as "no": whether the
// code builds is for the compiler to say.
func exportsPlugin(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Contains(source, []byte(contract)) {
			continue // most files of most packages: no need to parse them
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil || file.Name.Name == "main" {
			continue
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Plugin" && returnsPlugin(file, f) {
				return true
			}
		}
	}
	return false
}

// returnsPlugin reports whether f's first result is the contract's type Plugin, under whatever name the file imports the contract.
func returnsPlugin(file *ast.File, f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(contract) {
			continue
		}
		name := path.Base(contract)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		switch result := f.Type.Results.List[0].Type.(type) {
		case *ast.SelectorExpr:
			if x, ok := result.X.(*ast.Ident); ok && x.Name == name && result.Sel.Name == "Plugin" {
				return true
			}
		case *ast.Ident:
			if name == "." && result.Name == "Plugin" {
				return true
			}
		}
	}
	return false
}
