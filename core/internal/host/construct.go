package host

import (
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"go.uber.org/fx"
)

// construct builds everything in one fx graph: a module per plugin, whose values are private to it but for its exports.
//
// No function given to fx ever fails: a failure is recorded, and whatever needs the result is skipped. So one pass finds all that fail, and fx has nothing to say.
func (a *Wiring) construct() {
	var current atomic.Pointer[node]
	failures := make(chan faults, 1)
	go func() {
		var failed faults
		guard := func(n *node, call func() []reflect.Value, skip func() []reflect.Value) []reflect.Value {
			for _, dep := range n.deps {
				if dep.failed {
					n.failed = true
					return skip()
				}
			}
			previous := current.Swap(n)
			defer current.Store(previous)
			out, err := recovered(call)
			if last := len(out) - 1; err == nil && last >= 0 && out[last].Type() == errorType && !out[last].IsNil() {
				err = out[last].Interface().(error)
			}
			if err == nil {
				return out
			}
			n.failed = true
			failed = append(failed, Fault{Owner: n.plugin, Text: fmt.Sprintf("%s failed: %s", n.name, err), Cause: err})
			return skip()
		}
		options := []fx.Option{fx.NopLogger}
		for _, p := range a.Blueprint.Plugins {
			if w := a.plugins[p.ID]; w != nil {
				options = append(options, a.module(w, guard))
			}
		}
		for _, x := range a.exports {
			if x.node == nil && a.graph.remote[x.plugin] && x.twin.HasRemote() {
				at := a.Remote(x.plugin)
				options = append(options, fx.Provide(constant(x.typ, reflect.ValueOf(x.twin.Remote(at.BaseURL, at.Client)))))
			}
		}
		if err := fx.New(options...).Err(); err != nil {
			failed = append(failed, Fault{Owner: portal, Text: "the plugins could not be put together: " + err.Error(), Cause: err})
		}
		failures <- failed
	}()
	timer := time.NewTimer(a.Timeout)
	defer timer.Stop()
	select {
	case failed := <-failures:
		a.found = append(a.found, failed...)
	case <-timer.C:
		name, plugin := "construction", portal
		if n := current.Load(); n != nil {
			name, plugin = n.name, n.plugin
		}
		a.found.add(plugin, "%s has not returned after %s; constructors do no I/O and wait for nothing: move that to a start hook or a worker", name, a.Timeout)
	}
}

type guarded func(n *node, call, skip func() []reflect.Value) []reflect.Value

// module is one plugin's part of the graph.
func (a *Wiring) module(w *wiring, guard guarded) fx.Option {
	var private, public, invoke []any
	for t, v := range w.given {
		private = append(private, constant(t, v))
	}
	exportedAsIs := map[*node]bool{}
	for _, x := range w.exporting {
		if x.node.makes == x.typ {
			exportedAsIs[x.node] = true
			continue
		}
		public = append(public, reflect.MakeFunc(reflect.FuncOf([]reflect.Type{x.node.makes}, []reflect.Type{x.typ}, false), func(in []reflect.Value) []reflect.Value {
			if x.node.failed {
				return []reflect.Value{reflect.Zero(x.typ)}
			}
			return []reflect.Value{in[0].Convert(x.typ)}
		}).Interface())
	}
	for _, n := range a.nodes {
		if n.plugin != w.plugin.ID {
			continue
		}
		out := []reflect.Type{}
		if n.makes != nil {
			out = append(out, n.makes)
		}
		fn := reflect.MakeFunc(reflect.FuncOf(n.needs, out, false), func(in []reflect.Value) []reflect.Value {
			results := guard(n, func() []reflect.Value { return n.fn.Call(in) }, func() []reflect.Value {
				if n.makes == nil {
					return nil
				}
				return []reflect.Value{reflect.Zero(n.makes)}
			})
			return results[:len(out)]
		}).Interface()
		switch {
		case n.makes == nil:
			invoke = append(invoke, fn)
		case exportedAsIs[n]:
			public = append(public, fn)
		default:
			private = append(private, fn)
		}
	}
	return fx.Module(w.plugin.ID, fx.Provide(append(private, fx.Private)...), fx.Provide(public...), fx.Invoke(invoke...))
}

// constant is a constructor of t that returns v.
func constant(t reflect.Type, v reflect.Value) any {
	return reflect.MakeFunc(reflect.FuncOf(nil, []reflect.Type{t}, false), func([]reflect.Value) []reflect.Value {
		return []reflect.Value{v.Convert(t)}
	}).Interface()
}

func recovered(call func() []reflect.Value) (out []reflect.Value, err error) {
	finished := false
	defer func() {
		if finished {
			return
		}
		switch value := recover().(type) {
		case nil:
			err = errors.New("it ended its goroutine")
		default:
			err = &PanicError{Value: value}
		}
	}()
	out = call()
	finished = true
	return out, nil
}
