package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
)

// sharing accounts for the keys of shared sections. Several owners may read one, each some of its keys; those that none of them knows are for somebody else, who need not be part of this portal.
type sharing struct {
	read    map[string]bool     // paths that somebody reads
	known   map[string][]string // by the path of an object with unknown keys, those that somebody knows there
	unknown []unknown
	unset   []Fault // values of the section that is being decoded whose variables are not set
}

// unknown is a key that one of the readers does not know.
type unknown struct {
	path  *keyPath
	entry entry
}

func (s *sharing) add(e entry, p *keyPath, known []string) {
	s.unknown = append(s.unknown, unknown{p, e})
	s.known[p.parent.String()] = append(s.known[p.parent.String()], known...)
}

// visit notes that somebody reads the value at p. It reports whether the value is to be taken as not written, because its variable is not set.
func (s *sharing) visit(n *node, p *keyPath) (leftOut bool) {
	s.read[p.String()] = true
	if !n.unset() {
		return false
	}
	for _, flaw := range n.flaws {
		s.unset = append(s.unset, Fault{flaw.pos, p.String(), flaw.message})
	}
	return true
}

// unset reports whether a value cannot be had for no other reason than that variables are not set.
func (n *node) unset() bool {
	return n.kind == kindBroken && !slices.ContainsFunc(n.flaws, func(f flaw) bool { return !f.unset })
}

// shared decodes a shared section for one of its owners.
func (c *checker) shared(s *sharing, v Value, target any, fields fieldCache) {
	d := &decoder{fields: fields, shared: s}
	s.unset = nil
	d.decode(v, target)
	c.faults = append(c.faults, d.faults...)
	for _, f := range s.unset {
		if len(d.faults) > 0 { // it may be what the faults come from
			c.faults = append(c.faults, f)
			continue
		}
		f.Message += "; the value is left out"
		c.report.Warnings = append(c.report.Warnings, f)
	}
}

// strangers says of unknown keys in shared sections what is known of them, once all owners were asked.
func (c *checker) strangers(s *sharing) {
	for _, u := range s.unknown {
		if s.read[u.path.String()] || c.find(u.path) != nil || c.inert(u.path, u.entry) {
			continue
		}
		known := s.known[u.path.parent.String()]
		if u.entry.key == "<<" || spelling.Nearest(u.entry.key, known, foldKey) != "" {
			c.report.Warnings = append(c.report.Warnings, Fault{u.entry.pos, u.path.String(), unknownKeyMessage(u.entry.key, known)})
		}
	}
}

// overlaps finds keys that two owners read although they do not both share them.
func (c *checker) overlaps(sections []Section, fields fieldCache) {
	for _, outer := range sections {
		for _, inner := range sections {
			if outer.Owner == inner.Owner || outer.Shared && inner.Shared {
				continue
			}
			if outer.Path == inner.Path {
				if inner.Shared {
					c.fail(Position{}, inner.Path, fmt.Sprintf("%s owns this section, so %s cannot share it", outer.Owner, inner.Owner))
				}
				continue
			}
			rest, within := strings.CutPrefix(inner.Path, outer.Path+".")
			// An owner's map for the other keys leaves out those that another one owns, but not those that all may read.
			if within && fields.reads(reflect.TypeOf(outer.New()), strings.Split(rest, "."), outer.Shared || inner.Shared) {
				c.fail(Position{}, inner.Path, fmt.Sprintf("both %s, in its section %s, and %s read this; a key has one owner, unless all who read it share it", outer.Owner, outer.Path, inner.Owner))
			}
		}
	}
}

// reads reports whether a value of type t is made of what is at a path below it. rest tells that maps for other keys count.
func (c fieldCache) reads(t reflect.Type, steps []string, rest bool) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if len(steps) == 0 || t == valueType || t == rawJSONType || t.Kind() == reflect.Interface {
		return true
	}
	switch t.Kind() {
	case reflect.Map:
		return c.reads(t.Elem(), steps[1:], rest)
	case reflect.Struct:
		fields := c.of(t)
		if field := fields.find(steps[0]); field != nil {
			return c.reads(t.FieldByIndex(field.index).Type, steps[1:], rest)
		}
		return rest && fields.rest != nil && c.reads(t.FieldByIndex(fields.rest).Type, steps, rest)
	}
	return false
}
