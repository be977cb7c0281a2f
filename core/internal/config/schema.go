package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
)

// Section is a part of the configuration that somebody in this portal reads.
type Section struct {
	// Path is the dotted path of the section, such as catalog or backend.database. Sections may nest.
	Path string
	// Owner names who reads it, for messages: "plugin catalog".
	Owner string
	// New returns a pointer to a value that holds the defaults. What it shares with other values is not changed.
	New func() any
}

// Inert is a key that is known, usually from Backstage, and has no meaning in this portal.
type Inert struct {
	// Path is dotted; a step "*" stands for any key or list item. Everything below is inert, too.
	Path string
	// Why tells the person who wrote the key what to expect instead.
	Why string
}

// Schema is all that a portal knows about its configuration. A Schema is not changed by its methods and is safe for concurrent use.
type Schema struct {
	Sections []Section
	Inert    []Inert
}

// Report is what a [Schema] found in a [Snapshot].
type Report struct {
	// Values holds, by the path of each section, the pointer that its New returned, filled. Not to be used when there are faults.
	Values map[string]any
	// Faults are everything that is wrong in the owned sections.
	Faults Faults
	// Warnings name each top-level section that nobody in this portal reads.
	Warnings Faults
	// Inert are the keys that were found and have no meaning here.
	Inert Faults
}

// Err returns the faults as an error, nil when there are none.
func (r *Report) Err() error { return r.Faults.orNil() }

// Notice is one sentence that names all inert keys, empty when there are none.
func (r *Report) Notice() string {
	if len(r.Inert) == 0 {
		return ""
	}
	var names []string
	for _, f := range r.Inert {
		names = append(names, fmt.Sprintf("%s (%s)", f.Path, f.Message))
	}
	slices.Sort(names)
	return "these keys have no effect in this portal: " + strings.Join(slices.Compact(names), ", ")
}

// Check decodes every section, whether or not anything is written in it, and accounts for every key.
func (s Schema) Check(snapshot *Snapshot) *Report {
	c := &checker{report: &Report{Values: map[string]any{}, Warnings: slices.Clone(snapshot.warnings)}, owned: &owned{}}
	for _, inert := range s.Inert {
		c.patterns = append(c.patterns, inertPattern{strings.Split(inert.Path, "."), inert.Why})
	}
	for _, section := range s.Sections {
		c.claim(section)
	}
	d := newDecoder(c)
	for _, section := range s.Sections {
		target := section.New()
		if reflect.ValueOf(target).Kind() != reflect.Pointer {
			d.fail(Position{}, splitPath(section.Path), fmt.Sprintf("%s keeps its configuration in a %T, which is not a pointer", section.Owner, target))
			continue
		}
		c.report.Values[section.Path] = target
		d.decode(snapshot.At(section.Path), target)
	}
	c.root(snapshot.Root())
	c.report.Faults = sorted(append(c.faults, d.faults...))
	c.report.Warnings = sorted(c.report.Warnings)
	c.report.Inert = sorted(c.report.Inert)
	return c.report
}

// owned is the tree of the paths of sections.
type owned struct {
	children map[string]*owned
	owner    string // when a section is here
	section  bool
}

func (o *owned) child(key string) *owned {
	if o == nil {
		return nil
	}
	return o.children[key]
}

func (o *owned) keys() []string {
	if o == nil {
		return nil
	}
	var keys []string
	for key := range o.children {
		keys = append(keys, key)
	}
	return keys
}

// checker accounts for keys during one Check.
type checker struct {
	report   *Report
	owned    *owned
	patterns []inertPattern
	faults   []Fault
}

type inertPattern struct {
	steps []string
	why   string
}

var _ keyRegistry = (*checker)(nil)

func (c *checker) claim(section Section) {
	o := c.owned
	for _, key := range splitPath(section.Path).steps() {
		if o.children == nil {
			o.children = map[string]*owned{}
		}
		if o.children[key] == nil {
			o.children[key] = &owned{}
		}
		o = o.children[key]
	}
	if o.section {
		c.fail(Position{}, section.Path, fmt.Sprintf("both %s and %s own this section", o.owner, section.Owner))
	}
	o.section, o.owner = true, section.Owner
}

func (c *checker) fail(pos Position, path, message string) {
	if !enough(c.faults) {
		c.faults = append(c.faults, Fault{pos, path, message})
	}
}

func (c *checker) find(p *keyPath) *owned {
	o := c.owned
	for _, step := range p.steps() {
		o = o.child(step)
	}
	return o
}

// accepts implements keyRegistry: a key is accounted for when it leads to a section, or is inert.
func (c *checker) accepts(p *keyPath, e entry) bool {
	if o := c.find(p); o != nil {
		if !o.section {
			c.between(Value{e.value, p, e.pos}, o)
		}
		return true
	}
	return c.inert(p, e)
}

// under implements keyRegistry.
func (c *checker) under(p *keyPath) []string { return c.find(p).keys() }

// between accounts for the keys of an object that nobody owns but that has sections below it.
func (c *checker) between(v Value, o *owned) {
	if v.node.absent() || v.node.kind != kindObject {
		return // decoding the section below says so
	}
	for _, e := range v.node.entries {
		p := v.path.child(e.key)
		if !c.accepts(p, e) {
			c.fail(e.pos, p.String(), unknownKeyMessage(e.key, o.keys()))
		}
	}
}

// root accounts for the top-level keys. Those that nobody owns are only warned of: files written for other portals have many.
func (c *checker) root(v Value) {
	for _, flaw := range v.node.flaws {
		c.fail(flaw.pos, "", flaw.message)
	}
	for _, e := range v.node.entries {
		p := v.path.child(e.key)
		if e.value.absent() && c.owned.child(e.key) == nil {
			continue // an empty section says nothing
		}
		if c.accepts(p, e) {
			continue
		}
		message := "nothing in this portal reads this section"
		if likely := spelling.Nearest(e.key, c.owned.keys(), foldKey); likely != "" {
			message += fmt.Sprintf("; did you mean %q?", likely)
		}
		c.report.Warnings = append(c.report.Warnings, Fault{e.pos, p.String(), message})
	}
}

// inert notes a key that has no meaning here.
func (c *checker) inert(p *keyPath, e entry) bool {
	steps := p.steps()
	for _, inert := range c.patterns {
		if slices.EqualFunc(inert.steps, steps, func(want, have string) bool { return want == "*" || want == have }) {
			if !e.value.absent() {
				c.report.Inert = append(c.report.Inert, Fault{e.pos, p.String(), inert.why})
			}
			return true
		}
	}
	return false
}
