package pluginapi

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
)

// ConfigSection declares a section of configuration: its type and its defaults. Make one with [ConfigOf].
type ConfigSection struct {
	key      string
	typ      reflect.Type
	defaults func() any
	live     func(any) (live any, set func(any))
}

// ConfigOf declares configuration of type T, a struct (not a pointer to one) whose fields carry `yaml:"name"` tags. defaults holds the values that configuration may leave out.
// The section's key is the plugin's id, see [ConfigSection.At].
//
// Decoding is strict: an unknown key or a value of another type is a fault with file, line and column, and the portal does not start. A time.Duration is written as 90s, 2 days, PT5M, {minutes: 5},
// or as a number of milliseconds; a type with UnmarshalText takes a scalar; a T or any struct in it with a method Validate() error is asked once everything in it could be read. Errors that it joins with
// [errors.Join] are faults each, and one made with [BadConfig] has the place of its key.
// Fields are private to the back end unless tagged `visibility:"frontend"`.
//
// A constructor that asks for T gets the values as they were at start; one that asks for *[Live][T] can follow changes.
func ConfigOf[T any](defaults T) *ConfigSection {
	return &ConfigSection{
		typ:      reflect.TypeFor[T](),
		defaults: func() any { value := defaults; return &value },
		live: func(v any) (any, func(any)) {
			live, set := NewLive(v.(T))
			return live, func(v any) { set(v.(T)) }
		},
	}
}

// BadConfig is what a Validate method says about one key: BadConfig("schedule.budget", "%d is negative; 0 means no bound", budget). The key counts from the value that is validated; dots lead into structs and maps, [2] to
// an item of a list. The portal puts the file, line, column and the whole path of the key in front. The message says what is wrong and how to mend it.
//
// An error of another type that has a method ConfigPath() string is placed in the same way.
func BadConfig(key, format string, args ...any) error {
	return &configError{key, fmt.Errorf(format, args...)}
}

type configError struct {
	key string
	err error
}

func (e *configError) Error() string      { return e.key + ": " + e.err.Error() }
func (e *configError) Unwrap() error      { return e.err }
func (e *configError) ConfigPath() string { return e.key }

// At moves the section to another key, where the plugin's id is not what existing configuration files use, or says where a shared one is, see [Plugin.Shared]. Dots separate path elements.
func (c *ConfigSection) At(key string) *ConfigSection {
	moved := *c
	moved.key = key
	return &moved
}

// Key is where the section lives: what [ConfigSection.At] said, or "" for the plugin's id.
func (c *ConfigSection) Key() string { return c.key }

// Type is T.
func (c *ConfigSection) Type() reflect.Type { return c.typ }

// Defaults returns a new *T holding the defaults. Maps and slices in it are shared: hosts decode by replacing, never by writing into them.
func (c *ConfigSection) Defaults() any { return c.defaults() }

// Live makes a *[Live][T] that holds value (a T), and the function that changes it.
func (c *ConfigSection) Live(value any) (live any, set func(any)) { return c.live(value) }

// Live is configuration that follows the files: a valid change on disk arrives here, an invalid one does not. It is safe for concurrent use.
type Live[T any] struct {
	value   atomic.Pointer[T]
	mu      sync.Mutex
	changed chan struct{}
}

// NewLive returns a Live holding value, and the function that changes it, which is the host's (or the test's) alone.
func NewLive[T any](value T) (*Live[T], func(T)) {
	l := &Live[T]{changed: make(chan struct{})}
	l.value.Store(&value)
	return l, func(next T) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.value.Store(&next)
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// Get returns the current value. Do not write to maps and slices in it.
func (l *Live[T]) Get() T { return *l.value.Load() }

// Changed returns a channel that is closed at the next change. Ask for it before Get, so that no change is missed.
func (l *Live[T]) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}
