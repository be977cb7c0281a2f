package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// maxDepth is how deep values may nest in one file; configuration written by people stays under ten.
	maxDepth = 100
	// maxAliased is how many values may be added by YAML aliases. A dozen lines of aliases to aliases can stand for billions.
	maxAliased = 10_000
)

// parseYAML reads the one document in data. A file that is empty, null or holds only comments is nil without faults.
func parseYAML(name string, data []byte) (*node, Faults) {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys(false)) // duplicates are found below, all of them and with both places
	if err != nil {
		return nil, Faults{{Position: Position{File: name}, Message: "start the YAML parser: " + err.Error()}}
	}
	c := yamlConverter{file: name, open: map[*yaml.Node]bool{}}
	var document, next yaml.Node
	switch err := loader.Load(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, Faults{syntaxFault(name, data, err)}
	}
	switch err := loader.Load(&next); {
	case errors.Is(err, io.EOF):
	case err == nil:
		return nil, Faults{{c.at(&next), "", `a second document starts here ("---"); a configuration file holds one`}}
	default:
		return nil, Faults{syntaxFault(name, data, err)}
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	root := c.convert(document.Content[0], nil, 0)
	if root.absent() {
		root = nil
	}
	return root, c.faults
}

// yamlConverter makes our tree of the parser's: aliases written out, scalars resolved, duplicate keys found.
type yamlConverter struct {
	file    string
	faults  Faults
	open    map[*yaml.Node]bool // anchors being written out, to find one that contains itself
	alias   *yaml.Node          // the alias in the text that is being written out
	aliased int
	stopped bool // after a limit was passed: one fault is enough
}

func (c *yamlConverter) at(n *yaml.Node) Position { return Position{c.file, n.Line, n.Column} }

func (c *yamlConverter) fail(n *yaml.Node, p *keyPath, message string) *node {
	c.faults = append(c.faults, Fault{c.at(n), p.String(), message})
	return &node{kind: kindNull, pos: c.at(n)}
}

func (c *yamlConverter) convert(n *yaml.Node, p *keyPath, depth int) *node {
	if c.stopped = c.stopped || enough(c.faults); c.stopped {
		return nil
	}
	if depth > maxDepth {
		c.stopped = true
		return c.fail(n, nil, fmt.Sprintf("values are nested more than %d deep", maxDepth))
	}
	if len(c.open) > 0 {
		if c.aliased++; c.aliased > maxAliased {
			c.stopped = true
			return c.fail(c.alias, nil, fmt.Sprintf("YAML aliases (*name) in this file stand for more than %d values; write them out or use fewer", maxAliased))
		}
	}
	pos := c.at(n)
	switch n.Kind {
	case yaml.AliasNode:
		if n.Alias == nil || c.open[n.Alias] {
			return c.fail(n, p, fmt.Sprintf("the YAML alias *%s stands inside the value it refers to", n.Value))
		}
		if len(c.open) == 0 {
			c.alias = n
		}
		c.open[n.Alias] = true
		defer delete(c.open, n.Alias)
		return c.convert(n.Alias, p, depth)
	case yaml.ScalarNode:
		return &node{kind: scalarOf(n), text: n.Value, pos: pos}
	case yaml.SequenceNode:
		list := &node{kind: kindList, pos: pos, items: make([]*node, 0, len(n.Content))}
		for i, item := range n.Content {
			list.items = append(list.items, c.convert(item, p.item(i), depth+1))
		}
		return list
	case yaml.MappingNode:
		return c.mapping(n, p, depth)
	default:
		return c.fail(n, p, "this kind of YAML value is not supported")
	}
}

func (c *yamlConverter) mapping(n *yaml.Node, p *keyPath, depth int) *node {
	entries := make([]entry, 0, len(n.Content)/2)
	first := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !c.stopped; i += 2 {
		keyNode := n.Content[i]
		pos := c.at(keyNode)
		if keyNode.Kind == yaml.AliasNode {
			keyNode = keyNode.Alias
		}
		if keyNode == nil || keyNode.Kind != yaml.ScalarNode {
			c.faults = append(c.faults, Fault{pos, p.String(), "a key must be text, not a list or an object"})
			continue
		}
		key := keyNode.Value
		if line, again := first[key]; again {
			c.faults = append(c.faults, Fault{pos, p.child(key).String(), fmt.Sprintf("duplicate key; it is already set at line %d", line)})
			continue
		}
		first[key] = pos.Line
		entries = append(entries, entry{key, pos, c.convert(n.Content[i+1], p.child(key), depth+1)})
	}
	return object(c.at(n), entries)
}

// scalarOf decides the type: quoted and block scalars are text, an explicit core tag decides, an unknown tag means nothing.
func scalarOf(n *yaml.Node) kind {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return kindText
	}
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.Tag {
		case "!!int", "!!float", "!!bool", "!!null":
		default:
			return kindText
		}
	}
	return scalarKind(n.Value)
}

// syntaxFault rewrites the parser's message where it speaks of tokens and states rather than of what was typed.
func syntaxFault(name string, data []byte, err error) Fault {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return Fault{Position: Position{File: name}, Message: "not valid YAML: " + err.Error()}
	}
	mark, message := load.Mark, load.Message
	if mark.Line == 0 {
		mark = load.ContextMark
	}
	switch {
	case strings.HasPrefix(message, "exceeded max depth"):
		return Fault{Position{name, mark.Line, mark.Column}, "", fmt.Sprintf("values are nested more than %d deep", maxDepth)}
	case strings.Contains(message, "cannot start any token"):
		message = cannotStart(data, mark)
	case strings.Contains(message, "mapping values are not allowed"):
		message = `a ":" is not expected here; check the indentation, or put the text in quotes`
	case strings.Contains(message, "unexpected end of stream") && strings.Contains(load.ContextMsg, "quoted scalar"):
		mark, message = load.ContextMark, "the quote that opens here is never closed"
	case load.ContextMsg != "" && load.ContextMark.Line > 0:
		message = fmt.Sprintf("%s, %s that starts at line %d", message, load.ContextMsg, load.ContextMark.Line)
	}
	return Fault{Position{name, mark.Line, mark.Column}, "", "not valid YAML: " + message}
}

func cannotStart(data []byte, mark yaml.Mark) string {
	line := []rune(lineAt(data, mark.Line))
	if mark.Column < 1 || mark.Column > len(line) {
		return "found a character that cannot start a value"
	}
	if strings.ContainsRune(string(line[:mark.Column]), '\t') {
		return "a tab cannot indent YAML; use spaces"
	}
	return fmt.Sprintf("%q cannot start a value; put the text in quotes", line[mark.Column-1])
}

func lineAt(data []byte, number int) string {
	for line := range bytes.Lines(data) {
		if number--; number == 0 {
			return string(line)
		}
	}
	return ""
}
