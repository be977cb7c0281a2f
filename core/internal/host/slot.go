package host

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// slot is where an extension's behaviour goes once it is constructed. The owner's list is made before that, of handles that look into slots: so an owner may be constructed before its
// contributors, and a contributor may need what the owner exports.
type slot struct {
	id        string
	plugin    string
	point     pluginapi.AnyPoint
	spec      any
	behaviour any
	enter     func(plugin string) (func(), error)
	config    any // its own configuration, as it was set last
	setConfig func(any)

	configTaken bool // by the behaviour, as a value
}

// PanicError is the error that a panic in a plugin's code became.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells the panic's value. The stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("panicked: %v", e.Value) }

// StackTrace tells the log where it was.
func (e *PanicError) StackTrace() []byte { return e.Stack }

// call runs fn with the behaviour if the contributor runs, naming it in whatever goes wrong.
func (s *slot) call(ctx context.Context, fn func(context.Context, any) error) error {
	if s.enter != nil {
		leave, err := s.enter(s.plugin)
		if err != nil {
			return err
		}
		defer leave()
	}
	return s.run(ctx, fn)
}

// run is call without asking whether the contributor runs.
func (s *slot) run(ctx context.Context, fn func(context.Context, any) error) (err error) {
	if s.behaviour == nil {
		return &pluginapi.UnavailableError{Plugin: s.plugin, State: "starting"}
	}
	defer func() {
		switch value := recover(); value {
		case nil:
		case http.ErrAbortHandler:
			panic(http.ErrAbortHandler)
		default:
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", s.id, err)
		}
	}()
	return fn(ctx, s.behaviour)
}

// read turns what the plugin gave as behaviour into the function that will fill the slot.
func (s *slot) read(a *Wiring, e Extension) {
	b := e.Point().BehaviourType()
	n, form, err := behaviourNode(e.Plugin, e.ID, b, e.from.Behaviour)
	if err != nil {
		a.found.add(e.Plugin, "%s", err)
		return
	}
	own := map[reflect.Type]reflect.Value{} // the extension's own configuration
	if e.from.Config != nil {
		live, set := e.from.Config.Live(e.Config)
		own[e.from.Config.Type()], own[reflect.TypeOf(live)] = reflect.ValueOf(e.Config), reflect.ValueOf(live)
		s.config, s.setConfig = e.Config, set
	}
	fn, all := n.fn, n.needs
	fill := func(args []reflect.Value) (reflect.Value, error) {
		switch form {
		case asConstructor:
			out := fn.Call(args)
			if len(out) == 2 && !out[1].IsNil() {
				return reflect.Value{}, out[1].Interface().(error)
			}
			return out[0].Convert(b), nil
		case asBound:
			call := fn.Call
			if b.IsVariadic() {
				call = fn.CallSlice
			}
			return reflect.MakeFunc(b, func(rest []reflect.Value) []reflect.Value {
				return call(append(append(make([]reflect.Value, 0, len(args)+len(rest)), args...), rest...))
			}), nil
		}
		return fn.Convert(b), nil
	}
	// What the graph sees is a function of the needs that are not the extension's own configuration.
	var outside []reflect.Type
	for _, need := range all {
		if _, is := own[need]; !is {
			outside = append(outside, need)
		} else if need == e.from.Config.Type() {
			s.configTaken = true
		}
	}
	n.needs = outside
	n.fn = reflect.MakeFunc(reflect.FuncOf(outside, []reflect.Type{errorType}, false), func(given []reflect.Value) []reflect.Value {
		args := make([]reflect.Value, 0, len(all))
		for _, need := range all {
			if v, is := own[need]; is {
				args = append(args, v)
				continue
			}
			args, given = append(args, given[0]), given[1:]
		}
		behaviour, err := fill(args)
		if err == nil && (behaviour.Kind() == reflect.Func || behaviour.Kind() == reflect.Pointer || behaviour.Kind() == reflect.Interface) && behaviour.IsNil() {
			err = fmt.Errorf("its constructor returned nil")
		}
		if err != nil {
			return []reflect.Value{reflect.ValueOf(&err).Elem()}
		}
		s.behaviour = behaviour.Interface()
		return []reflect.Value{reflect.Zero(errorType)}
	})
	a.nodes = append(a.nodes, n)
}
