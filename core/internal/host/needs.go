package host

import (
	"fmt"
	"log/slog"
	"path"
	"reflect"
	"runtime"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

var (
	errorType      = reflect.TypeFor[error]()
	loggerType     = reflect.TypeFor[*slog.Logger]()
	databaseType   = reflect.TypeFor[*sqlx.DB]()
	cacheType      = reflect.TypeFor[pluginapi.Cache]()
	metricsType    = reflect.TypeFor[prometheus.Registerer]()
	signalsType    = reflect.TypeFor[pluginapi.Signals]()
	leasesType     = reflect.TypeFor[pluginapi.Leases]()
	authorizerType = reflect.TypeFor[pluginapi.Authorizer]()
	selfType       = reflect.TypeFor[pluginapi.Self]()
	liveType       = reflect.TypeFor[pluginapi.Live[struct{}]]()
)

// node is one function of a plugin's that the graph will call: a constructor, or the function behind an extension.
type node struct {
	plugin string
	name   string // as in the source: newGreeter, (*greeter).page
	fn     reflect.Value
	needs  []reflect.Type
	makes  reflect.Type // nil for extensions
	deps   []*node
	failed bool // it, or something it needs, could not be constructed; written and read by the constructing goroutine alone
}

// constructorNode reads fn as a constructor: needs in, one value (and perhaps an error) out.
func constructorNode(plugin string, fn any) (*node, error) {
	v := reflect.ValueOf(fn)
	if !v.IsValid() || v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("%T is not a constructor, which is a function from needs to one value, or to a value and an error", fn)
	}
	n := &node{plugin: plugin, name: functionName(v), fn: v}
	t := v.Type()
	switch {
	case t.IsVariadic():
		return nil, fmt.Errorf("%s: a constructor cannot be variadic", n.name)
	case t.NumOut() == 1 && t.Out(0) != errorType, t.NumOut() == 2 && t.Out(0) != errorType && t.Out(1) == errorType:
		n.makes = t.Out(0)
	default:
		return nil, fmt.Errorf("%s has the type %s; a constructor returns one value, or a value and an error", n.name, t)
	}
	for i := range t.NumIn() {
		n.needs = append(n.needs, t.In(i))
	}
	return n, nil
}

// behaviourForm tells how an extension's behaviour was given.
type behaviourForm int

const (
	asValue behaviourForm = iota
	asConstructor
	asBound // the behaviour's own function, with needs in front
)

// behaviourNode reads the behaviour of an extension at a point whose behaviour type is b.
func behaviourNode(plugin, id string, b reflect.Type, behaviour any) (*node, behaviourForm, error) {
	v := reflect.ValueOf(behaviour)
	wrong := func() error {
		text := fmt.Sprintf("%s: its behaviour must be a %s", id, b)
		if b.Kind() == reflect.Func {
			text = fmt.Sprintf("%s: its behaviour must be a %s (%s), or that with needs in front", id, b, reflect.FuncOf(types(b.NumIn(), b.In), types(b.NumOut(), b.Out), b.IsVariadic()))
		}
		if v.IsValid() {
			return fmt.Errorf("%s, or a constructor of it; it is a %s", text, v.Type())
		}
		return fmt.Errorf("%s, or a constructor of it; it is nil", text)
	}
	if !v.IsValid() || (v.Kind() == reflect.Func || v.Kind() == reflect.Pointer) && v.IsNil() {
		return nil, 0, wrong()
	}
	n := &node{plugin: plugin, name: id, fn: v}
	t := v.Type()
	if t.AssignableTo(b) || b.Kind() == reflect.Func && t.ConvertibleTo(b) {
		return n, asValue, nil
	}
	if t.Kind() != reflect.Func {
		return nil, 0, wrong()
	}
	if !t.IsVariadic() && t.NumOut() > 0 && t.Out(0).AssignableTo(b) && (t.NumOut() == 1 || t.NumOut() == 2 && t.Out(1) == errorType) {
		n.needs = types(t.NumIn(), t.In)
		return n, asConstructor, nil
	}
	if front := t.NumIn() - numIn(b); b.Kind() == reflect.Func && front > 0 && t.IsVariadic() == b.IsVariadic() && sameTail(t, b, front) {
		n.needs = types(front, t.In)
		return n, asBound, nil
	}
	return nil, 0, wrong()
}

func numIn(b reflect.Type) int {
	if b.Kind() != reflect.Func {
		return 0
	}
	return b.NumIn()
}

func sameTail(t, b reflect.Type, front int) bool {
	for i := range b.NumIn() {
		if !b.In(i).AssignableTo(t.In(front + i)) {
			return false
		}
	}
	if t.NumOut() != b.NumOut() {
		return false
	}
	for i := range t.NumOut() {
		if !t.Out(i).AssignableTo(b.Out(i)) {
			return false
		}
	}
	return true
}

func types(n int, at func(int) reflect.Type) []reflect.Type {
	all := make([]reflect.Type, n)
	for i := range all {
		all[i] = at(i)
	}
	return all
}

// functionName is the function's name as its author wrote it, without the package.
func functionName(v reflect.Value) string {
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return v.Type().String()
	}
	name := path.Base(f.Name())
	_, name, _ = strings.Cut(name, ".")
	return strings.TrimSuffix(name, "-fm")
}

// exportLayer reports whether t is an interface declared in a layer that other plugins may import.
func exportLayer(t reflect.Type) bool {
	if t.Kind() != reflect.Interface {
		return false
	}
	switch path.Base(t.PkgPath()) {
	case "common", "api", "node":
		return true
	}
	return false
}
