package config

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// Snapshot is the configuration as it was read at one moment. It never changes and is safe for concurrent use.
// Formatting it prints no values, because some of them are secrets.
type Snapshot struct {
	root     *node
	files    []string
	warnings Faults
	builtIn  bool // the embedded defaults are a layer

	watched []string
	digest  [sha256.Size]byte
}

// Files names the files that were read, lowest layer first; included files are not listed.
func (s *Snapshot) Files() []string { return slices.Clone(s.files) }

// String names the files.
func (s *Snapshot) String() string { return "configuration of " + strings.Join(s.files, ", ") }

// Root returns the whole tree.
func (s *Snapshot) Root() Value { return Value{node: s.root} }

// At returns the value at a dotted path, such as backend.database. The value does not exist when nothing is written there.
func (s *Snapshot) At(path string) Value {
	v := s.Root()
	for _, key := range splitPath(path).steps() {
		v = v.Get(key)
	}
	return v
}

// Decode reads the value at a dotted path into target, as [Value.Decode] does.
func (s *Snapshot) Decode(path string, target any) error { return s.At(path).Decode(target) }

// Value is one value of a snapshot and its place. As a field of a configuration struct it takes whatever is written there,
// to be decoded later by somebody who knows its type. The zero Value does not exist.
//
// Values are immutable and safe for concurrent use. Formatting one does not print its content.
type Value struct {
	node *node
	path *keyPath
	// at is the nearest place that was written, for a value that was not.
	at Position
}

// Exists reports whether something other than null is written here. It is also true for a value that cannot be had, such as a variable that is not set.
func (v Value) Exists() bool { return !v.node.absent() }

// Path returns the keys that lead here, as messages print them.
func (v Value) Path() string { return v.path.String() }

// String returns the path.
func (v Value) String() string { return v.Path() }

// Position tells where the value was written; for one that does not exist, the nearest place above it that was.
func (v Value) Position() Position {
	if v.node == nil {
		return v.at
	}
	return v.node.pos
}

// FromEnvironment reports whether the content came from an environment variable, wholly or in part.
func (v Value) FromEnvironment() bool { return v.node != nil && v.node.env }

// Get returns the value at a key of an object, which need not exist.
func (v Value) Get(key string) Value {
	n := v.node
	switch {
	case n.absent():
		return Value{nil, v.path.child(key), v.Position()}
	case n.kind == kindBroken:
		return v // decoding says what is wrong here
	case n.kind != kindObject:
		return Value{broken(n.pos, wrongType("an object", n)), v.path, n.pos}
	}
	child := n.get(key)
	if len(n.flaws) > 0 { // what could not be included may have held more of it
		switch {
		case child.absent():
			return Value{&node{kind: kindBroken, pos: n.pos, flaws: n.flaws}, v.path, n.pos}
		case child.kind == kindObject:
			flawed := *child
			flawed.flaws = slices.Concat(handedDown(n.flaws, v.path), child.flaws)
			child = &flawed
		}
	}
	return Value{child, v.path.child(key), v.Position()}
}

// Keys returns the keys of an object in the order they were written, without those that are null.
func (v Value) Keys() []string {
	if v.node == nil {
		return nil
	}
	var keys []string
	for _, e := range v.node.entries {
		if !e.value.absent() {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// Items returns the items of a list.
func (v Value) Items() []Value {
	if v.node == nil {
		return nil
	}
	items := make([]Value, len(v.node.items))
	for i, item := range v.node.items {
		items[i] = Value{item, v.path.item(i), v.Position()}
	}
	return items
}

// Equal reports whether both say the same, wherever it was written.
func (v Value) Equal(other Value) bool { return equal(v.node, other.node) }

// Decode reads the value into target, a pointer to a variable that holds the defaults, and validates it.
// The error is a [Faults] with everything that is wrong; then target is partly filled and must not be used.
//
// Defaults reached through maps, slices and pointers of target are copied before they are changed, so they may be shared.
// See the package documentation for the rules of decoding.
func (v Value) Decode(target any) error {
	d := newDecoder(nil)
	d.decode(v, target)
	return sorted(d.faults).orNil()
}
