// Package fields cuts entities down to the fields that were asked for, on their JSON text: what is kept is copied, what
// is not is passed over, and nothing is decoded.
package fields

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// MaxFields is how many fields one projection may have.
const MaxFields = 500

// Projection is a set of fields to keep. nil keeps everything. It can be used by several goroutines at once.
type Projection struct {
	paths [][]string
}

// Parse reads comma-separated lists of dotted paths. A segment is a key of an object, or a number for an element of an
// array. Where an object has no such key, the segment is joined by a dot with the following one, so that
// metadata.annotations.example.com/team finds the key example.com/team. Case matters. Without any path the result is
// nil. The error is a [*query.Error].
func Parse(lists []string) (*Projection, error) {
	var p Projection
	for _, list := range lists {
		for field := range strings.SplitSeq(list, ",") {
			field = strings.TrimSpace(field)
			switch {
			case field == "":
				continue
			case strings.Contains(field, "["):
				return nil, query.Errorf("field %q is malformed: write elements of arrays with dots, as in relations.0.type", shorten(field))
			case len(p.paths) == MaxFields:
				return nil, query.Errorf("more than %d fields; leave fields out to get everything", MaxFields)
			}
			p.paths = append(p.paths, strings.Split(field, "."))
		}
	}
	if len(p.paths) == 0 {
		return nil, nil
	}
	return &p, nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// Append appends entity, which must be a JSON object, reduced to the fields. Fields that it does not have are left
// out; of an array, elements before the last one kept that were not asked for become null. The order is the entity's.
func (p *Projection) Append(dst, entity []byte) ([]byte, error) {
	if p == nil {
		return append(dst, entity...), nil
	}
	c := cutter{b: entity}
	start := len(dst)
	dst, found, err := c.object(dst, rawjson.Space(entity, 0), p.paths)
	if err != nil {
		return dst[:start], err
	}
	if !found {
		dst = append(dst[:start], "{}"...)
	}
	return dst, nil
}

type cutter struct{ b []byte }

// choice is what one path takes from an object: the member, by where its value is, and how many segments its key is.
type choice struct{ segments, member int }

type member struct{ keyStart, keyEnd, value, end int }

// value appends the part of the value at i that paths lead to, and whether there was any.
func (c *cutter) value(dst []byte, i int, paths [][]string) ([]byte, bool, error) {
	switch c.b[i] {
	case '{':
		return c.object(dst, i, paths)
	case '[':
		return c.array(dst, i, paths)
	}
	return dst, false, nil
}

func (c *cutter) object(dst []byte, i int, paths [][]string) ([]byte, bool, error) {
	var members []member
	choices := make([]choice, len(paths))
	var unescaped []byte
	it := rawjson.Object(c.b, i)
	for it.Next() {
		end, err := rawjson.Value(c.b, it.Value)
		if err != nil {
			return dst, false, err
		}
		it.End = end
		key := c.b[it.KeyStart:it.KeyEnd]
		if it.KeyEscaped {
			unescaped = rawjson.AppendText(unescaped[:0], key)
			key = unescaped
		}
		taken := false
		for n, path := range paths {
			// The shortest key that is there wins, even if it leads nowhere.
			if s := keySegments(path, key); s > 0 && (choices[n].segments == 0 || s <= choices[n].segments) {
				choices[n] = choice{s, len(members)}
				taken = true
			}
		}
		if taken {
			members = append(members, member{it.KeyStart, it.KeyEnd, it.Value, end})
		}
	}
	if it.Err != nil {
		return dst, false, it.Err
	}
	found := false
	dst = append(dst, '{')
	for n, m := range members {
		var rest [][]string
		whole := false
		for k, ch := range choices {
			if ch.segments == 0 || ch.member != n {
				continue
			}
			if ch.segments == len(paths[k]) {
				whole = true
				break
			}
			rest = append(rest, paths[k][ch.segments:])
		}
		before := len(dst)
		if found {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), c.b[m.keyStart:m.keyEnd]...), `":`...)
		if whole {
			dst = append(dst, c.b[m.value:m.end]...)
			found = true
			continue
		}
		var any bool
		var err error
		if len(rest) > 0 {
			if dst, any, err = c.value(dst, m.value, rest); err != nil {
				return dst, false, err
			}
		}
		if !any {
			dst = dst[:before]
		}
		found = found || any
	}
	return append(dst, '}'), found, nil
}

func (c *cutter) array(dst []byte, i int, paths [][]string) ([]byte, bool, error) {
	last := -1
	indexes := make([]int, len(paths))
	for n, path := range paths {
		indexes[n] = -1
		if at, err := strconv.Atoi(path[0]); err == nil && at >= 0 && strconv.Itoa(at) == path[0] {
			indexes[n] = at
			last = max(last, at)
		}
	}
	if last < 0 {
		return dst, false, nil
	}
	found := false
	kept := len(dst) + 1 // the text up to the last element found
	dst = append(dst, '[')
	it := rawjson.Array(c.b, i)
	for at := 0; at <= last && it.Next(); at++ {
		end, err := rawjson.Value(c.b, it.Value)
		if err != nil {
			return dst, false, err
		}
		it.End = end
		if at > 0 {
			dst = append(dst, ',')
		}
		var rest [][]string
		whole := false
		for n, index := range indexes {
			if index == at {
				whole = whole || len(paths[n]) == 1
				rest = append(rest, paths[n][1:])
			}
		}
		before, any := len(dst), whole
		switch {
		case whole:
			dst = append(dst, c.b[it.Value:end]...)
		case len(rest) > 0:
			if dst, any, err = c.value(dst, it.Value, rest); err != nil {
				return dst, false, err
			}
		}
		if any {
			found, kept = true, len(dst)
		} else {
			dst = append(dst[:before], "null"...)
		}
	}
	if it.Err != nil {
		return dst, false, it.Err
	}
	return append(dst[:kept], ']'), found, nil
}

// keySegments returns how many segments at the start of path, joined by dots, make up key; 0 if none do.
func keySegments(path []string, key []byte) int {
	for n, segment := range path {
		if !bytes.HasPrefix(key, []byte(segment)) {
			return 0
		}
		key = key[len(segment):]
		if len(key) == 0 {
			return n + 1
		}
		if key[0] != '.' {
			return 0
		}
		key = key[1:]
	}
	return 0
}

// Fields returns the paths as they were written, in order and without duplicates.
func (p *Projection) Fields() []string {
	if p == nil {
		return nil
	}
	var fields []string
	for _, path := range p.paths {
		fields = append(fields, strings.Join(path, "."))
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
