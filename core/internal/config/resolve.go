package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxIncludeDepth is how many files may include one another in a row.
	maxIncludeDepth = 32
	// maxIncluded is how many values includes may add in all: a few files that include each other several times multiply.
	maxIncluded = 200_000
)

// reference matches ${NAME}, ${NAME:-default} and the escaped $${...}; braces do not nest.
var reference = regexp.MustCompile(`\$?\$\{[^{}]*\}`)

// resolver replaces variables and includes in the tree of one file. Whatever cannot be had becomes a broken node, not a fault:
// only who decodes it needs it.
type resolver struct {
	variables map[string]string
	files     *reader
	included  int // values that came from includes
}

// place is where a tree was written: its file, and the includes that led there.
type place struct {
	in    origin
	chain []link
}

// link is one include: a file and what is taken of it.
type link struct{ key, shown string }

func linkTo(o origin, fragment string) link {
	if fragment == "" {
		return link{o.key(), o.String()}
	}
	return link{o.key() + "#" + fragment, o.String() + "#" + fragment}
}

// resolve returns n with everything replaced, or nil when nothing is left, as for a variable with an empty default.
func (r *resolver) resolve(n *node, at place) *node {
	if len(at.chain) > 1 {
		if r.included++; r.included > maxIncluded {
			return broken(n.pos, fmt.Sprintf("includes add more than %d values", maxIncluded))
		}
	}
	switch n.kind {
	case kindText:
		return r.substitute(n)
	case kindList:
		items := make([]*node, 0, len(n.items))
		for _, item := range n.items {
			if item = r.resolve(item, at); item != nil {
				items = append(items, item)
			}
		}
		return &node{kind: kindList, pos: n.pos, items: items}
	case kindObject:
		if directive, ok := directiveOf(n); ok {
			return r.directive(n, directive, at)
		}
		entries := make([]entry, 0, len(n.entries))
		for _, e := range n.entries {
			if value := r.resolve(e.value, at); value != nil {
				entries = append(entries, entry{e.key, e.pos, value})
			}
		}
		return object(n.pos, entries)
	default:
		return n
	}
}

// substitute replaces the variables in a text. The result is text, whatever it looks like: the decoder converts it.
func (r *resolver) substitute(n *node) *node {
	if !strings.Contains(n.text, "${") {
		return n
	}
	var (
		out    strings.Builder
		used   []string
		flaws  []flaw
		absent bool
		end    int
	)
	for _, m := range reference.FindAllStringIndex(n.text, -1) {
		out.WriteString(n.text[end:m[0]])
		match := n.text[m[0]:m[1]]
		end = m[1]
		if strings.HasPrefix(match, "$$") {
			out.WriteString(match[1:])
			continue
		}
		name, fallback, hasFallback := strings.Cut(match[2:len(match)-1], ":-")
		name, fallback = strings.TrimSpace(name), strings.TrimSpace(fallback)
		value, set := r.variable(name)
		switch {
		case name == "":
			flaws = append(flaws, flaw{pos: n.pos, message: shorten(match) + " does not name a variable"})
		case !utf8.ValidString(value):
			flaws = append(flaws, flaw{pos: n.pos, message: fmt.Sprintf("the environment variable %s is not valid UTF-8", shorten(name))})
		case hasFallback && value == "":
			absent = absent || fallback == ""
			out.WriteString(fallback)
		case !set:
			flaws = append(flaws, flaw{pos: n.pos, message: fmt.Sprintf("the environment variable %s is not set; set it, or give a default: ${%[1]s:-default}", shorten(name)), unset: true})
		default:
			used = append(used, name)
			out.WriteString(value)
		}
	}
	if len(flaws) > 0 {
		return &node{kind: kindBroken, pos: n.pos, flaws: flaws}
	}
	if absent {
		return nil
	}
	out.WriteString(n.text[end:])
	result := &node{kind: kindText, text: out.String(), pos: n.pos}
	if slices.Sort(used); len(used) > 0 {
		result.via, result.env = "the variable "+strings.Join(slices.Compact(used), ", "), true
	}
	return result
}

// variable trims, because a value read from a file into the environment tends to end in a line break.
func (r *resolver) variable(name string) (value string, set bool) {
	value, set = r.variables[name]
	return strings.TrimSpace(value), set
}

// directiveOf returns the $file, $env or $include entry of an object.
func directiveOf(n *node) (entry, bool) {
	for _, e := range n.entries {
		switch e.key {
		case "$file", "$env", "$include":
			return e, true
		}
	}
	return entry{}, false
}

func (r *resolver) directive(n *node, e entry, at place) *node {
	if len(n.entries) != 1 {
		return broken(e.pos, fmt.Sprintf("%s replaces the whole object, so no other key may stand beside it", e.key))
	}
	if e.value.kind != kindText {
		return broken(e.value.pos, fmt.Sprintf("%s expects text but found %s", e.key, e.value.describe()))
	}
	argument := r.substitute(e.value)
	if argument == nil {
		return broken(e.value.pos, e.key+" has an empty value")
	}
	if argument.kind == kindBroken {
		return argument
	}
	switch e.key {
	case "$env":
		return r.fromVariable(argument)
	case "$file":
		return r.fromFile(argument, at)
	default:
		return r.fromInclude(argument, at)
	}
}

func (r *resolver) fromVariable(name *node) *node {
	value, set := r.variable(name.text)
	switch {
	case !set:
		message := fmt.Sprintf("the environment variable %s is not set", shorten(name.text))
		return &node{kind: kindBroken, pos: name.pos, flaws: []flaw{{pos: name.pos, message: message, unset: true}}}
	case !utf8.ValidString(value):
		return broken(name.pos, fmt.Sprintf("the environment variable %s is not valid UTF-8", shorten(name.text)))
	}
	return &node{kind: kindText, text: value, pos: name.pos, via: "the variable " + name.text, env: true}
}

func (r *resolver) fromFile(name *node, at place) *node {
	target, err := at.in.sibling(name.text)
	if err != nil {
		return broken(name.pos, "$file: "+err.Error())
	}
	data, err := r.files.text(target)
	if err != nil {
		return broken(name.pos, fmt.Sprintf("$file: %s: %s", target, err))
	}
	return &node{kind: kindText, text: strings.TrimRight(string(data), " \t\r\n\v\f\u00a0\ufeff"), pos: name.pos, via: "$file " + name.text}
}

func (r *resolver) fromInclude(argument *node, at place) *node {
	name, fragment, _ := strings.Cut(argument.text, "#")
	fail := func(message string) *node { return broken(argument.pos, "$include: "+message) }
	target, err := at.in.sibling(name)
	if err != nil {
		return fail(err.Error())
	}
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		return fail(fmt.Sprintf("%s: only .yaml, .yml and .json can be included; $file takes any file as text", name))
	}
	next := linkTo(target, fragment)
	if first := slices.IndexFunc(at.chain, func(l link) bool { return l.key == next.key }); first >= 0 {
		circle := ""
		for _, l := range at.chain[first:] {
			circle += l.shown + " → "
		}
		return fail(fmt.Sprintf("%s leads back to itself: %s", argument.text, circle+next.shown))
	}
	if len(at.chain) > maxIncludeDepth {
		return fail(fmt.Sprintf("more than %d files include one another in a row", maxIncludeDepth))
	}
	root, faults := r.files.tree(target)
	if len(faults) > 0 {
		result := &node{kind: kindBroken, pos: argument.pos}
		for _, f := range faults {
			if f.Position.Line == 0 { // about the file, which the including place explains better
				f = Fault{Position: argument.pos, Message: "$include: " + f.Position.File + ": " + f.Message}
			}
			result.flaws = append(result.flaws, flaw{pos: f.Position, message: f.Message})
		}
		return result
	}
	if root == nil {
		root = &node{kind: kindNull, pos: Position{File: target.String()}}
	}
	value := root
	if fragment != "" {
		for key := range strings.SplitSeq(fragment, ".") {
			if value = value.get(key); value == nil {
				return fail(fmt.Sprintf("%s has no key %s", target, fragment))
			}
		}
	}
	return r.resolve(value, place{target, append(slices.Clip(at.chain), next)})
}
