package config

import "slices"

type kind uint8

const (
	kindNull kind = iota
	kindText
	kindNumber
	kindBool
	kindList
	kindObject
	// kindBroken stands where a value could not be had: a variable that is not set, a file that cannot be included.
	// It becomes a fault only when somebody decodes it.
	kindBroken
)

// node is one value of the tree. Nodes are never changed once a load has finished, and snapshots share them.
type node struct {
	kind kind
	// text is the source text of a scalar: for numbers and booleans as written, so that a text field can have what was typed.
	text string
	pos  Position
	// via names where the content came from when it was not the file itself ("the variable PORT", "$file"); such content is never printed.
	via string
	// env is set when via is an environment variable.
	env bool

	items   []*node
	entries []entry
	index   map[string]int // into entries; only for large objects

	// flaws say what is wrong with a broken node. An object may carry some too: those of a failed $include in a lower layer.
	flaws []flaw
}

type entry struct {
	key   string
	pos   Position // of the key
	value *node
}

type flaw struct {
	pos     Position
	message string
	// on is the path of the object that is flawed, when the flaw was handed down to a part of it; placed says that it was.
	on     *keyPath
	placed bool
	// unset says that a variable is not set, and nothing else is wrong.
	unset bool
}

// handedDown returns flaws of the object at p for a part of it.
func handedDown(flaws []flaw, p *keyPath) []flaw {
	flaws = slices.Clone(flaws)
	for i := range flaws {
		if !flaws[i].placed {
			flaws[i].on, flaws[i].placed = p, true
		}
	}
	return flaws
}

func broken(pos Position, message string) *node {
	return &node{kind: kindBroken, pos: pos, flaws: []flaw{{pos: pos, message: message}}}
}

// indexFrom is the size from which an object gets a map: below it, walking the entries is faster and smaller.
const indexFrom = 16

func object(pos Position, entries []entry) *node {
	n := &node{kind: kindObject, pos: pos, entries: entries}
	if len(entries) >= indexFrom {
		n.index = make(map[string]int, len(entries))
		for i, e := range entries {
			n.index[e.key] = i
		}
	}
	return n
}

// find returns the index of the entry with key, or -1.
func (n *node) find(key string) int {
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(n.entries, func(e entry) bool { return e.key == key })
}

// get returns the value at key, nil when n is not an object or has no such key.
func (n *node) get(key string) *node {
	if n == nil || n.kind != kindObject {
		return nil
	}
	if i := n.find(key); i >= 0 {
		return n.entries[i].value
	}
	return nil
}

// absent reports whether reading n gives nothing, which is what null means.
func (n *node) absent() bool { return n == nil || n.kind == kindNull }

// merge lays high over low: objects are merged key by key, anything else is replaced, and a null hides what is below it.
// Neither argument is changed.
func merge(low, high *node) *node {
	if low == nil {
		return high
	}
	if high == nil {
		return low
	}
	if high.kind != kindObject || (low.kind != kindObject && len(low.flaws) == 0) {
		return high
	}
	entries := make([]entry, 0, len(low.entries)+len(high.entries))
	for _, e := range low.entries {
		i := high.find(e.key)
		switch {
		case i < 0:
			entries = append(entries, e)
		case high.entries[i].value.absent() && !e.value.absent():
			// Hidden. A null that hides nothing is kept, so that a misspelt key without a value is still found.
		default:
			entries = append(entries, entry{e.key, high.entries[i].pos, merge(e.value, high.entries[i].value)})
		}
	}
	for _, e := range high.entries {
		if low.find(e.key) < 0 {
			entries = append(entries, e)
		}
	}
	merged := object(high.pos, entries)
	if high.pos.Line == 0 { // a variable: the file says better where the object is
		merged.pos = low.pos
	}
	merged.flaws = slices.Concat(low.flaws, high.flaws)
	return merged
}

// equal compares values, not where they were written.
func equal(a, b *node) bool {
	if a.absent() || b.absent() {
		return a.absent() && b.absent()
	}
	if a.kind != b.kind || a.text != b.text || len(a.items) != len(b.items) || !sameFlaws(a.flaws, b.flaws) {
		return false
	}
	for i := range a.items {
		if !equal(a.items[i], b.items[i]) {
			return false
		}
	}
	for _, e := range a.entries {
		if !equal(e.value, b.get(e.key)) {
			return false
		}
	}
	for _, e := range b.entries {
		if !e.value.absent() && a.get(e.key) == nil {
			return false
		}
	}
	return true
}

func sameFlaws(a, b []flaw) bool {
	return slices.EqualFunc(a, b, func(a, b flaw) bool { return a.message == b.message })
}
