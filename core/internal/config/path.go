package config

import (
	"strconv"
	"strings"
)

// keyPath is the way from the root to a value. It is a linked list because most paths are walked and never printed.
type keyPath struct {
	parent *keyPath
	key    string
	index  int // of a list item, when key is empty and parent is not nil
	isItem bool
}

func (p *keyPath) child(key string) *keyPath { return &keyPath{parent: p, key: key} }
func (p *keyPath) item(i int) *keyPath       { return &keyPath{parent: p, index: i, isItem: true} }

// splitPath makes a path of a dotted one; the empty string is the root, which is nil.
func splitPath(dotted string) *keyPath {
	var p *keyPath
	if dotted == "" {
		return nil
	}
	for key := range strings.SplitSeq(dotted, ".") {
		p = p.child(key)
	}
	return p
}

// steps returns the keys from the root; a list item is "[i]".
func (p *keyPath) steps() []string {
	if p == nil {
		return nil
	}
	if p.isItem {
		return append(p.parent.steps(), "["+strconv.Itoa(p.index)+"]")
	}
	return append(p.parent.steps(), p.key)
}

// String writes the path as people know it: a.b, a[2].b, and a["/x"].b for keys that would be ambiguous otherwise.
func (p *keyPath) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p *keyPath) write(b *strings.Builder) {
	if p == nil {
		return
	}
	p.parent.write(b)
	key := shorten(p.key)
	switch {
	case p.isItem:
		b.WriteString("[" + strconv.Itoa(p.index) + "]")
	case !plainKey(key):
		b.WriteString("[" + strconv.Quote(key) + "]")
	default:
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
}

func plainKey(key string) bool {
	for _, r := range key {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_:/$*…", r):
		default:
			return false
		}
	}
	return key != ""
}
