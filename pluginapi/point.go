package pluginapi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"
)

// Point is a place where plugins add something: pages, entity cards, processors. S is the spec, plain data that is known without constructing anything; B is the behaviour, usually a
// function type. A point is declared once, in a variable of its owner's layer, and listed under the owner's [Plugin.Points]:
//
//	var EntityCards = &pluginapi.Point[Card, CardFunc]{Kind: "entity-card", Timeout: 2 * time.Second}
//
// The owner's constructors receive what was added as []Extended[Card, CardFunc], in the order of the app's list of plugins, then of each plugin's own list, unless configuration reorders it;
// or as *[Live] of that list, to follow what configuration switches on, off, reorders and sets while the portal runs. A pair of types belongs to one point of a plugin.
//
// Fields of S with a `yaml` tag can be set by configuration (app.extensions), per extension.
type Point[S, B any] struct {
	// Kind is the first part of the extensions' ids (kind:plugin/name): lower-case letters, digits and dashes.
	Kind string

	// Timeout bounds each call through [Extended.Use] and [Ask]. Zero leaves it to the caller's context.
	Timeout time.Duration

	// Relay carries behaviours to another process. Nil means that owner and contributor must live in the same one.
	Relay *Relay[S, B]
}

// From adds an extension at p, under a name that is unique in its plugin and kind. The behaviour is given in one of three ways:
//
//   - as a B;
//   - as a constructor: func(needs...) B, or func(needs...) (B, error);
//   - where B is a function, as that function with needs in front. For a B of func(context.Context) error, the method expression (*greeter).refresh
//     of type func(*greeter, context.Context) error is one: the plugin's *greeter is its need.
//
// A mismatch is reported when the portal starts.
func (p *Point[S, B]) From(name string, spec S, behaviour any) Extension {
	return Extension{Point: p, Name: name, Spec: spec, Behaviour: behaviour}
}

// Extension is one thing added at a point. Its id is kind:plugin/name, or kind:plugin when the name is empty.
type Extension struct {
	Point     AnyPoint
	Name      string
	Spec      any            // the point's spec type
	Behaviour any            // see [Point.From]
	Config    *ConfigSection // nil: none of its own
	Off       bool           // off until configuration switches it on
}

// Configured gives the extension configuration of its own, read from app.extensions. Its behaviour may ask for the type in addition to what the plugin provides.
func (e Extension) Configured(c *ConfigSection) Extension {
	e.Config = c
	return e
}

// SwitchedOff makes the extension one that is off until configuration switches it on.
func (e Extension) SwitchedOff() Extension {
	e.Off = true
	return e
}

// Extended is an extension as the owner of its point sees it. It is safe for concurrent use and valid as long as the portal.
type Extended[S, B any] struct {
	ID     string // kind:plugin/name
	Plugin string // the contributor's id
	Spec   S
	*extended
}

type extended struct {
	call      func(context.Context, func(context.Context, any) error) error
	timeout   time.Duration
	abandoned atomic.Int32
}

// maxAbandoned bounds the goroutines that one misbehaving extension can pile up.
const maxAbandoned = 16

// Use calls fn with the behaviour, in the calling goroutine. It adds the point's timeout to ctx, turns a panic into an error, and names the contributor in every error.
// When the contributor is not running fn is not called and the error matches [ErrUnavailable].
func (e Extended[S, B]) Use(ctx context.Context, fn func(context.Context, B) error) error {
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	return e.call(ctx, func(ctx context.Context, b any) error { return fn(ctx, b.(B)) })
}

// Ask calls fn with e's behaviour as [Extended.Use] does, but comes back when the deadline passes even if fn does not. fn then goes on by itself, so it must not touch
// anything that its caller still uses: what it has to say is what it returns. An extension with 16 calls still running past their deadlines is not called again until one returns.
func Ask[S, B, R any](ctx context.Context, e Extended[S, B], fn func(context.Context, B) (R, error)) (R, error) {
	type answer struct {
		value R
		err   error
	}
	var none R
	if e.abandoned.Load() >= maxAbandoned {
		return none, &UnavailableError{Plugin: e.Plugin, State: "stuck", Err: fmt.Errorf("%s: %d earlier calls have not returned", e.ID, maxAbandoned)}
	}
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	const running, done, left = 0, 1, 2
	var state atomic.Int32
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: fmt.Errorf("%s: ended its goroutine instead of returning", e.ID)}
		defer func() {
			// What passes through Use is meant for a server that is not here, and would end the process.
			if value := recover(); value != nil {
				a.err = fmt.Errorf("%s: panicked: %v", e.ID, value)
			}
			if !state.CompareAndSwap(running, done) {
				e.abandoned.Add(-1)
			}
			answers <- a
		}()
		a.err = e.Use(ctx, func(ctx context.Context, b B) (err error) {
			a.value, err = fn(ctx, b)
			return err
		})
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		e.abandoned.Add(1)
		if !state.CompareAndSwap(running, left) { // it returned just now
			e.abandoned.Add(-1)
			a := <-answers
			return a.value, a.err
		}
		return none, fmt.Errorf("%s did not answer in time: %w", e.ID, context.Cause(ctx))
	}
}

// AnyPoint is a [Point] without its types, as a host sees it. Only *Point implements it.
type AnyPoint interface {
	// PointKind is the point's Kind.
	PointKind() string
	// SpecType and BehaviourType are S and B; ListType is []Extended[S, B], and LiveType *Live of it.
	SpecType() reflect.Type
	BehaviourType() reflect.Type
	ListType() reflect.Type
	LiveType() reflect.Type
	// Live makes the *Live[[]Extended[S, B]] that the owner receives, and the function that changes it, which must not be called concurrently. An ID keeps its Call.
	Live([]Contribution) (live any, set func([]Contribution))
	// HasRelay reports whether behaviours can be carried to another process; RelayHandler and RelayRemote do it.
	HasRelay() bool
	RelayHandler(spec, behaviour any) RouteFunc
	RelayRemote(spec any, rt http.RoundTripper) any

	sealed()
}

// Contribution is what a host knows of one extension when it hands it to the point's owner.
type Contribution struct {
	ID     string
	Plugin string
	Spec   any // S
	// Call runs fn with the behaviour (a B), or returns an error that matches [ErrUnavailable]. It recovers panics and names the contributor in errors.
	Call func(ctx context.Context, fn func(context.Context, any) error) error
}

var _ AnyPoint = (*Point[struct{}, func()])(nil)

// PointKind implements [AnyPoint].
func (p *Point[S, B]) PointKind() string { return p.Kind }

// SpecType implements [AnyPoint].
func (p *Point[S, B]) SpecType() reflect.Type { return reflect.TypeFor[S]() }

// BehaviourType implements [AnyPoint].
func (p *Point[S, B]) BehaviourType() reflect.Type { return reflect.TypeFor[B]() }

// ListType implements [AnyPoint].
func (p *Point[S, B]) ListType() reflect.Type { return reflect.TypeFor[[]Extended[S, B]]() }

// LiveType implements [AnyPoint].
func (p *Point[S, B]) LiveType() reflect.Type { return reflect.TypeFor[*Live[[]Extended[S, B]]]() }

// Live implements [AnyPoint].
func (p *Point[S, B]) Live(contributions []Contribution) (any, func([]Contribution)) {
	kept := map[string]*extended{} // what is known of calls outlives a change of the list
	live, set := NewLive(p.list(contributions, kept))
	return live, func(changed []Contribution) { set(p.list(changed, kept)) }
}

// List makes the list that p's owner receives. It is for hosts and for tests of owners.
func (p *Point[S, B]) List(contributions []Contribution) []Extended[S, B] {
	return p.list(contributions, map[string]*extended{})
}

func (p *Point[S, B]) list(contributions []Contribution, kept map[string]*extended) []Extended[S, B] {
	list := make([]Extended[S, B], 0, len(contributions))
	for _, c := range contributions {
		if kept[c.ID] == nil {
			kept[c.ID] = &extended{call: c.Call, timeout: p.Timeout}
		}
		list = append(list, Extended[S, B]{ID: c.ID, Plugin: c.Plugin, Spec: c.Spec.(S), extended: kept[c.ID]})
	}
	return list
}

// HasRelay implements [AnyPoint].
func (p *Point[S, B]) HasRelay() bool { return p.Relay != nil }

// RelayHandler implements [AnyPoint].
func (p *Point[S, B]) RelayHandler(spec, behaviour any) RouteFunc {
	return p.Relay.Serve(spec.(S), behaviour.(B))
}

// RelayRemote implements [AnyPoint].
func (p *Point[S, B]) RelayRemote(spec any, rt http.RoundTripper) any {
	return p.Relay.Remote(spec.(S), rt)
}

func (p *Point[S, B]) sealed() {}
