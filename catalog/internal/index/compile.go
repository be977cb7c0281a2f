package index

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// compile looks up what a predicate names.
func (ev *evaluation) compile(p query.Predicate) (node, error) {
	switch p := p.(type) {
	case nil:
		return everything{}, nil
	case query.All:
		parts, err := ev.compileAll(p)
		if err != nil {
			return nil, err
		}
		return ev.intersect(parts), nil
	case query.Any:
		parts, err := ev.compileAll(p)
		if err != nil {
			return nil, err
		}
		return ev.unite(parts), nil
	case query.Not:
		of, err := ev.compile(p.Of)
		if err != nil {
			return nil, err
		}
		if not, ok := of.(except); ok {
			return not.of, nil
		}
		if isEverything(of) {
			return nothing(), nil
		}
		return except{of}, nil
	case query.In:
		return ev.in(p), nil
	case query.Exists:
		k := ev.ix.findKey([]byte(query.Lower(p.Key)))
		if k == 0 {
			return nothing(), nil
		}
		return ev.union(ev.ix.valued(k), ev.ix.null(k)), nil
	case query.Has:
		return ev.below(query.Lower(p.Key)), nil
	case query.Prefix:
		return ev.prefix(query.Lower(p.Key), []byte(query.Lower(p.Prefix))), nil
	case query.Text:
		return ev.text(p), nil
	case query.Compare:
		return ev.comparison(p), nil
	}
	return nil, errUnknownPredicate
}

func (ev *evaluation) compileAll(list []query.Predicate) ([]node, error) {
	parts := make([]node, len(list))
	for i, p := range list {
		var err error
		if parts[i], err = ev.compile(p); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// unite makes one union of all that are unions.
func (ev *evaluation) unite(parts []node) node {
	var rows union
	var rest []node
	for _, part := range parts {
		switch p := part.(type) {
		case everything:
			return part
		case union:
			rows.posts = append(rows.posts, p.posts...)
			rows.n += p.n
		case either:
			rest = append(rest, p.parts...)
		default:
			rest = append(rest, part)
		}
	}
	if len(rest) == 0 {
		return rows
	}
	if len(rows.posts) > 0 {
		rest = append(rest, rows)
	}
	if len(rest) == 1 {
		return rest[0]
	}
	return either{rest}
}

func (ev *evaluation) in(p query.In) node {
	ix := ev.ix
	name := []byte(query.Lower(p.Key))
	hash := hashText(ix.dictionary.seed, name)
	k := ix.findKeyHash(hash, name)
	if k == 0 {
		return nothing()
	}
	posts := make([]posting, 0, len(p.Values))
	var lower []byte
	for _, value := range p.Values {
		lower = query.AppendLower(lower[:0], value)
		for t := ix.findTerm(k, hash, lower); t != 0; t = ix.terms.at(t).variant {
			posts = append(posts, ix.terms.at(t).docs)
		}
	}
	return ev.unionOf(posts)
}

func (ev *evaluation) below(name string) node {
	ix := ev.ix
	posts := ev.posts[:0]
	take := func(k uint32) { posts = append(posts, ix.valued(k), ix.null(k)) }
	if k := ix.findKey([]byte(name)); k != 0 {
		take(k)
	}
	prefix := []byte(name + ".")
	keys := &ix.keyNames().list
	keys.forward(keys.search(func(e uint64) bool { return bytes.Compare(ix.keyName(uint32(e)), prefix) < 0 }), func(e uint64) bool {
		if !bytes.HasPrefix(ix.keyName(uint32(e)), prefix) {
			return false
		}
		take(uint32(e))
		return true
	})
	return ev.settle(posts)
}

// settle makes a node of what may be very many postings, which were collected in ev.posts.
func (ev *evaluation) settle(posts []posting) node {
	ev.posts = posts[:0]
	if len(posts) > manyItems {
		ev.takesLong()
	}
	if len(posts) > 16 {
		return ev.fix(ev.unionOf(posts))
	}
	return ev.unionOf(slices.Clone(posts))
}

func (ev *evaluation) prefix(name string, prefix []byte) node {
	ix := ev.ix
	k := ix.findKey([]byte(name))
	if k == 0 {
		return nothing()
	}
	if len(prefix) == 0 {
		return ev.union(ix.valued(k))
	}
	list := &ix.values(k, byLower).list
	posts := ev.posts[:0]
	list.forward(list.search(func(e uint64) bool { return bytes.Compare(ix.lower(uint32(e)), prefix) < 0 }), func(e uint64) bool {
		if !bytes.HasPrefix(ix.lower(uint32(e)), prefix) {
			return false
		}
		posts = append(posts, ix.terms.at(uint32(e)).docs)
		return true
	})
	return ev.settle(posts)
}

func (ev *evaluation) text(p query.Text) node {
	ix := ev.ix
	term := query.Lower(strings.TrimSpace(p.Term))
	if term == "" {
		return everything{}
	}
	like := newPattern(term)
	posts := ev.posts[:0]
	for _, key := range p.Keys {
		k := ix.findKey([]byte(query.Lower(key)))
		if k == 0 {
			continue
		}
		if len(like.pieces) == 0 && !strings.Contains(term, "_") { // any text
			posts = append(posts, ix.valued(k))
			continue
		}
		posts = ix.texts(k).find(like, posts)
	}
	return ev.settle(posts)
}

func (ev *evaluation) comparison(p query.Compare) node {
	ix := ev.ix
	k := ix.findKey([]byte(query.Lower(p.Key)))
	if k == 0 {
		return nothing()
	}
	by := byLower
	text := []byte(query.Lower(p.Operand.Text))
	against := func(t uint32) int { return bytes.Compare(ix.lower(t), text) }
	switch {
	case p.Operand.Number != nil:
		by = byNumber
		against = func(t uint32) int {
			f, _ := number(ix.lower(t))
			return cmp.Compare(f, *p.Operand.Number)
		}
	case p.Operand.Time != nil:
		by = byTime
		against = func(t uint32) int {
			at, _ := query.ParseTime(string(ix.lower(t)))
			return at.Compare(*p.Operand.Time)
		}
	}
	list := &ix.values(k, by).list
	from, to := position{}, list.end()
	switch p.Op {
	case query.Less:
		to = list.search(func(e uint64) bool { return against(uint32(e)) < 0 })
	case query.LessOrEqual:
		to = list.search(func(e uint64) bool { return against(uint32(e)) <= 0 })
	case query.Greater:
		from = list.search(func(e uint64) bool { return against(uint32(e)) <= 0 })
	default:
		from = list.search(func(e uint64) bool { return against(uint32(e)) < 0 })
	}
	n := list.rank(to) - list.rank(from)
	posts := ev.posts[:0]
	list.forward(from, func(e uint64) bool {
		if len(posts) == n {
			return false
		}
		posts = append(posts, ix.terms.at(uint32(e)).docs)
		return true
	})
	return ev.settle(posts)
}
