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
	// Path is the dotted path of the section, such as catalog or backend.database. Sections may nest, as long as the outer one does not read what the inner one does.
	Path string
	// Owner names who reads it, for messages: "plugin catalog".
	Owner string
	// New returns a pointer to a value that holds the defaults. What it shares with other values is not changed.
	New func() any
	// Shared says that others may read the section too, each with an Owner and a New of its own. What is in it is then not in [Report.Values], and not for the browser; unknown keys and variables that are not set are no faults.
	Shared bool
	// Elsewhere says that the owner runs in another process, which has the variables for it. Those that are not set here are taken as not written, and what is wrong without them is not reported.
	Elsewhere bool
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
	// Values holds, by the path of each section that is not shared, the pointer that its New returned, filled. Not to be used when there are faults.
	Values map[string]any
	// Readers names the owners of each shared section, by its path.
	Readers map[string][]string
	// Faults are everything that is wrong in the owned sections.
	Faults Faults
	// Warnings name each top-level section that nobody in this portal reads, and in shared sections what is probably misspelt or has a variable that is not set.
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
	c := &checker{report: &Report{Values: map[string]any{}, Readers: map[string][]string{}, Warnings: slices.Clone(snapshot.warnings)}, owned: &owned{}}
	for _, inert := range s.Inert {
		c.patterns = append(c.patterns, inertPattern{strings.Split(inert.Path, "."), inert.Why})
	}
	for _, section := range s.Sections {
		c.claim(section)
	}
	d := newDecoder(c)
	c.overlaps(s.Sections, d.fields)
	shared := &sharing{read: map[string]bool{}, known: map[string][]string{}}
	for _, section := range s.Sections {
		target := section.New()
		if reflect.ValueOf(target).Kind() != reflect.Pointer {
			d.fail(Position{}, splitPath(section.Path), fmt.Sprintf("%s keeps its configuration in a %T, which is not a pointer", section.Owner, target))
			continue
		}
		if section.Shared {
			c.shared(shared, snapshot.At(section.Path), target, d.fields)
			continue
		}
		c.report.Values[section.Path] = target
		before := len(d.faults)
		d.elsewhere, d.missing = section.Elsewhere, false
		if d.decode(snapshot.At(section.Path), target); d.missing {
			d.faults = d.faults[:before]
		}
	}
	c.root(snapshot.Root())
	c.strangers(shared)
	c.report.Faults = sorted(append(c.faults, d.faults...))
	c.report.Warnings = sorted(c.report.Warnings)
	c.report.Inert = sorted(c.report.Inert)
	return c.report
}

// owned is the tree of the paths of sections.
type owned struct {
	children map[string]*owned
	owner    string // when a section is here that is not shared
	section  bool
	strict   bool // a section that is not shared is here or below
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
		o.strict = o.strict || !section.Shared
		if o.children == nil {
			o.children = map[string]*owned{}
		}
		if o.children[key] == nil {
			o.children[key] = &owned{}
		}
		o = o.children[key]
	}
	o.section = true
	if section.Shared {
		c.report.Readers[section.Path] = append(c.report.Readers[section.Path], section.Owner)
		return
	}
	if o.owner != "" {
		c.fail(Position{}, section.Path, fmt.Sprintf("both %s and %s own this section", o.owner, section.Owner))
	}
	o.strict, o.owner = true, section.Owner
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
		switch {
		case c.accepts(p, e):
		case o.strict:
			c.fail(e.pos, p.String(), unknownKeyMessage(e.key, o.keys()))
		case !e.value.absent():
			c.unread(e, p, o.keys())
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
		c.unread(e, p, c.owned.keys())
	}
}

// unread warns of a section that may have been written for another portal.
func (c *checker) unread(e entry, p *keyPath, known []string) {
	message := "nothing in this portal reads this section"
	if likely := spelling.Nearest(e.key, known, foldKey); likely != "" {
		message += fmt.Sprintf("; did you mean %q?", likely)
	}
	c.report.Warnings = append(c.report.Warnings, Fault{e.pos, p.String(), message})
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
