package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const envPrefix = "APP_CONFIG_"

// envKey is Backstage's pattern of one key; "_" is not in it because it separates keys.
var envKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[-:][A-Za-z0-9]+)*$`)

// variablesOf makes a map of NAME=value lines; the last one counts, as for a started process.
func variablesOf(environ []string) map[string]string {
	variables := make(map[string]string, len(environ))
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			variables[name] = value
		}
	}
	return variables
}

// envTree is a layer under construction: a value set by one variable, or keys set by several.
type envTree struct {
	name     string // of a variable that sets this value or something in it
	value    *node
	children map[string]*envTree
}

// envLayer makes the highest layer from the APP_CONFIG_ variables. lower is what the files say:
// a key that they do not have as spelt, but exactly once with other case or dashes, is taken to be that one, because shells cannot write dashes.
func envLayer(variables map[string]string, lower *node) (*node, Faults) {
	var names []string
	for name, value := range variables {
		if strings.HasPrefix(name, envPrefix) && value != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	var faults Faults
	root := &envTree{}
	for _, name := range names {
		fail := func(message string) { faults = append(faults, Fault{Position: Position{File: name}, Message: message}) }
		keys := strings.Split(strings.TrimPrefix(name, envPrefix), "_")
		if bad := slices.IndexFunc(keys, func(key string) bool { return !envKey.MatchString(key) }); bad >= 0 {
			fail(fmt.Sprintf(`%q cannot be a key; write the keys with "_" between them, as in APP_CONFIG_app_baseUrl, and a whole list as JSON`, keys[bad]))
			continue
		}
		value, problem := envValue(name, variables[name])
		if problem != "" {
			fail(problem)
			continue
		}
		if other := root.set(keys, lower, name, value); other != "" {
			fail(fmt.Sprintf("this and %s set the same value or a part of it; keep one of them", other))
		}
	}
	return root.node(), faults
}

// set puts a value in its place; it returns the variable that is already there.
func (t *envTree) set(keys []string, lower *node, name string, value *node) (conflict string) {
	for _, key := range keys {
		if t.value != nil {
			return t.name
		}
		key = likelyKey(key, lower)
		lower = lower.get(key)
		child := t.children[key]
		if child == nil {
			child = &envTree{name: name}
			if t.children == nil {
				t.children = map[string]*envTree{}
			}
			t.children[key] = child
		}
		t = child
	}
	if t.value != nil || t.children != nil {
		return t.name
	}
	t.value = value
	return ""
}

// likelyKey returns the key of the files that is meant by one in a variable's name.
func likelyKey(key string, lower *node) string {
	if lower == nil || lower.find(key) >= 0 {
		return key
	}
	var found []string
	for _, e := range lower.entries {
		if foldKey(e.key) == foldKey(key) {
			found = append(found, e.key)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return key
}

func foldKey(key string) string { return strings.ToLower(strings.ReplaceAll(key, "-", "")) }

func (t *envTree) node() *node {
	if t.value != nil {
		return t.value
	}
	pos := Position{File: t.name}
	entries := make([]entry, 0, len(t.children))
	for key, child := range t.children {
		entries = append(entries, entry{key, Position{File: child.name}, child.node()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	return object(pos, entries)
}

// envValue reads a value: JSON when it parses, else text.
func envValue(name, text string) (value *node, problem string) {
	if !utf8.ValidString(text) {
		return nil, "this variable is not valid UTF-8"
	}
	value = &node{kind: kindText, text: text}
	if json.Valid([]byte(text)) {
		parsed, faults := parseJSON(name, []byte(text))
		if len(faults) > 0 {
			return nil, faults[0].Message
		}
		if value = parsed; value.kind == kindNull {
			return nil, "null cannot be set by a variable; unset the variable, or hide the value with null in a file"
		}
	}
	fromVariable(value, name)
	return value, ""
}

// fromVariable marks a tree that parseJSON made: lines and columns inside a variable help nobody.
func fromVariable(n *node, name string) {
	n.pos, n.via, n.env = Position{File: name}, name, true
	for _, item := range n.items {
		fromVariable(item, name)
	}
	for i := range n.entries {
		n.entries[i].pos = n.pos
		fromVariable(n.entries[i].value, name)
	}
}
