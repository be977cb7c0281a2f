package proscenium_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// codeRules are about what the code does.
func codeRules() []rule {
	return []rule{
		{"no init", checkInit},
		{"no mutable package state", checkPackageState},
		{"exit only in main", checkExits},
		{"errors are wrapped", checkWrapping},
	}
}

// checkInit: what runs because a package was imported cannot be ordered, tested or left out.
func checkInit(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		for _, decl := range f.syntax.Decls {
			if function, ok := decl.(*ast.FuncDecl); ok && function.Recv == nil && function.Name.Name == "init" && !f.generated {
				found = append(found, f.at(function.Pos(), "declares init; make it a function that its user calls, or a value"))
			}
		}
	}
	return found
}

// checkPackageState: two portals in one process share no state, and tests run in parallel. So package-level variables are never written after they are set, and are no locks.
func checkPackageState(t *tree) []finding {
	var found []finding
	for _, p := range t.packages {
		variables := make(map[string]*ast.ValueSpec)
		for _, f := range p.files {
			for _, spec := range packageVariables(f) {
				if kind := stateful(f, spec); kind != "" {
					found = append(found, f.at(spec.Pos(), "keeps a %s at package level; make it a field of what it guards", kind))
				}
				for _, name := range spec.Names {
					variables[name.Name] = spec
				}
			}
		}
		delete(variables, "_")
		for _, f := range p.files {
			for _, written := range writes(f.syntax) {
				spec := variables[written.Name]
				if spec != nil && (written.Obj == nil || written.Obj.Decl == spec) && !f.generated {
					found = append(found, f.at(written.Pos(), "changes the package-level variable %s; make it a field of the value that owns it", written.Name))
				}
			}
		}
	}
	return found
}

func packageVariables(f *goFile) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, decl := range f.syntax.Decls {
		if declaration, ok := decl.(*ast.GenDecl); ok && declaration.Tok == token.VAR {
			for _, spec := range declaration.Specs {
				specs = append(specs, spec.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// stateful names the type of a variable that exists to be changed. A sync.Pool is not one: it holds nothing that can be seen.
func stateful(f *goFile, spec *ast.ValueSpec) string {
	kinds := []ast.Expr{spec.Type}
	for _, value := range spec.Values {
		if unary, ok := value.(*ast.UnaryExpr); ok {
			value = unary.X
		}
		if literal, ok := value.(*ast.CompositeLit); ok {
			kinds = append(kinds, literal.Type)
		}
	}
	for _, kind := range kinds {
		if index, ok := kind.(*ast.IndexExpr); ok {
			kind = index.X // atomic.Pointer[T]
		}
		selector, ok := kind.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		from, ok := selector.X.(*ast.Ident)
		switch {
		case !ok:
		case from.Name == f.importName("sync/atomic"), from.Name == f.importName("sync") && selector.Sel.Name != "Pool":
			return from.Name + "." + selector.Sel.Name
		}
	}
	return ""
}

// writes returns the variables that functions of a file assign to, wholly or in part.
func writes(file *ast.File) []*ast.Ident {
	var written []*ast.Ident
	add := func(target ast.Expr) {
		for {
			switch x := target.(type) {
			case *ast.Ident:
				written = append(written, x)
				return
			case *ast.SelectorExpr:
				target = x.X
			case *ast.IndexExpr:
				target = x.X
			case *ast.StarExpr:
				target = x.X
			case *ast.ParenExpr:
				target = x.X
			default:
				return
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, target := range n.Lhs {
					add(target)
				}
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.CallExpr:
			if function, ok := n.Fun.(*ast.Ident); ok && (function.Name == "delete" || function.Name == "clear") && len(n.Args) > 0 {
				add(n.Args[0])
			}
		}
		return true
	})
	return written
}

// checkExits: a library that ends the process takes everybody else's work with it, and a test cannot see why. core.Main is main for those who use it.
func checkExits(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		if f.test || f.kit() || f.main() || f.generated {
			continue // a test kit is test code, and has to plant panics
		}
		for _, decl := range f.syntax.Decls {
			function, _ := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				switch what := exit(f, call); {
				case what == "":
				case what == "panic" && documentedMust(function):
				case what == "os.Exit" && f.dir == "core" && function != nil && function.Recv == nil && function.Name.Name == "Main":
				default:
					found = append(found, f.at(call.Pos(), "calls %s outside main; return an error (or name the function Must… and say in its doc comment when it panics; pass net/http's abort on as panic(http.ErrAbortHandler))", what))
				}
				return true
			})
		}
	}
	return found
}

// exit names a call that does not come back, or returns "".
func exit(f *goFile, call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		if function.Name == "panic" && function.Obj == nil && !abortsRequest(f, call) {
			return "panic"
		}
	case *ast.SelectorExpr:
		from, ok := function.X.(*ast.Ident)
		switch name := function.Sel.Name; {
		case !ok:
		case from.Name == f.importName("os") && name == "Exit":
			return "os.Exit"
		case from.Name == f.importName("log") && (strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic")):
			return "log." + name
		}
	}
	return ""
}

// abortsRequest reports whether a call is panic(http.ErrAbortHandler), which is how a handler tells net/http to drop the connection.
func abortsRequest(f *goFile, call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	selector, ok := call.Args[0].(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "ErrAbortHandler" {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && from.Name == f.importName("net/http")
}

func documentedMust(function *ast.FuncDecl) bool {
	return function != nil && strings.HasPrefix(function.Name.Name, "Must") && strings.Contains(function.Doc.Text(), "panic")
}

// errorNames are names that hold errors, by this house's and the standard library's habit.
var errorNames = regexp.MustCompile(`^(err[0-9]?|.*Err|cause)$`)

// formatVerb matches a verb of package fmt with its flags.
var formatVerb = regexp.MustCompile(`%[-+# 0]*(?:[0-9]+|\*)?(?:\.(?:[0-9]+|\*))?(\[[0-9]+\])?[a-zA-Z%]`)

// checkWrapping: an error formatted as text is a dead end for errors.Is and errors.As. Where hiding the cause is meant, a comment "not wrapped: REASON" on the line says so.
func checkWrapping(t *tree) []finding {
	var found []finding
	for _, f := range t.files {
		if f.test || f.generated {
			continue
		}
		meant := make(map[int]bool)
		for _, group := range f.syntax.Comments {
			for _, comment := range group.List {
				if strings.HasPrefix(comment.Text, "// not wrapped: ") {
					meant[f.line(comment.Pos())] = true
				}
			}
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || !isErrorf(f, call) {
				return true
			}
			for i, verb := range verbs(call.Args[0]) {
				if i+1 < len(call.Args) && holdsError(call.Args[i+1]) && !meant[f.line(call.Args[i+1].Pos())] {
					if name := verb[len(verb)-1]; name != 'w' && name != 'T' {
						found = append(found, f.at(call.Args[i+1].Pos(), `formats an error with %s; wrap it with %%w, or say "// not wrapped: REASON" on this line`, verb))
					}
				}
			}
			return true
		})
	}
	return found
}

func isErrorf(f *goFile, call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Errorf" || len(call.Args) < 2 {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && from.Name == f.importName("fmt")
}

// verbs returns the verbs of a constant format in the order of their arguments, and nothing for formats it cannot read: computed ones, and those with argument indexes or
// starred widths, which this house has no need of.
func verbs(format ast.Expr) []string {
	text, ok := constant(format)
	if !ok {
		return nil
	}
	all := formatVerb.FindAllString(text, -1)
	if slices.ContainsFunc(all, func(verb string) bool { return strings.ContainsAny(verb, "[*") }) {
		return nil
	}
	return slices.DeleteFunc(all, func(verb string) bool { return strings.HasSuffix(verb, "%") })
}

// constant returns the text of a string literal, or of several with + between them.
func constant(expr ast.Expr) (string, bool) {
	switch x := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, okLeft := constant(x.X)
		right, okRight := constant(x.Y)
		return left + right, okLeft && okRight
	}
	return "", false
}

// holdsError guesses by names, so that the rule needs no type checker: err, parseErr, result.Err, ctx.Err(), context.Cause(ctx), and err.Error().
func holdsError(expr ast.Expr) bool {
	switch x := expr.(type) {
	case *ast.Ident:
		return errorNames.MatchString(x.Name)
	case *ast.SelectorExpr:
		return errorNames.MatchString(x.Sel.Name) || strings.HasPrefix(x.Sel.Name, "Err") && len(x.Sel.Name) > 3 && x.Sel.Name[3] >= 'A' && x.Sel.Name[3] <= 'Z'
	case *ast.CallExpr:
		selector, ok := x.Fun.(*ast.SelectorExpr)
		switch {
		case !ok:
			return false
		case selector.Sel.Name == "Error":
			return holdsError(selector.X)
		default:
			return selector.Sel.Name == "Err" || selector.Sel.Name == "Cause"
		}
	}
	return false
}
