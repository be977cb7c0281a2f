package descriptor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"

	"go.yaml.in/yaml/v4"
)

// Object is a JSON object that knows the order of its keys.
type Object struct {
	Keys    []string
	Members map[string]any
}

// builder turns the nodes of one document into a tree of JSON values.
type builder struct {
	limits  Limits
	yaml11  bool
	ordered bool // objects become an *Object each, and not a map
	nodes   int
	aliases []*yaml.Node // that are being followed, to find circles
}

func (b *builder) value(node *yaml.Node, depth int) (any, *Error) {
	if b.nodes++; b.nodes > b.limits.Nodes {
		return nil, at(node, "the document has more than %d values, counting aliases as often as they are used; split it", b.limits.Nodes)
	}
	if depth > b.limits.Depth {
		return nil, at(node, "the document is nested more than %d levels deep", b.limits.Depth)
	}
	switch node.Kind {
	case yaml.ScalarNode:
		return b.scalar(node)
	case yaml.MappingNode:
		return b.object(node, depth)
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			value, err := b.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case yaml.AliasNode:
		if slices.Contains(b.aliases, node.Alias) {
			return nil, at(node, "the alias *%s is used inside of what it stands for", node.Value)
		}
		b.aliases = append(b.aliases, node.Alias)
		value, err := b.value(node.Alias, depth)
		b.aliases = b.aliases[:len(b.aliases)-1]
		return value, err
	default:
		return nil, at(node, "this kind of YAML is not understood")
	}
}

func (b *builder) object(node *yaml.Node, depth int) (any, *Error) {
	object := make(map[string]any, len(node.Content)/2)
	var keys []string
	var merges []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		keyNode, valueNode := node.Content[i], node.Content[i+1]
		if b.yaml11 && keyNode.Kind == yaml.ScalarNode && keyNode.Value == "<<" && isPlain(keyNode) {
			merges = append(merges, valueNode)
			continue
		}
		key, err := b.key(keyNode)
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			return nil, at(keyNode, "the key %q is there twice in this object; keys must be unique", key)
		}
		value, err := b.value(valueNode, depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = value
		if b.ordered {
			keys = append(keys, key)
		}
	}
	for _, merge := range merges {
		added, err := b.merge(object, merge, depth)
		if err != nil {
			return nil, err
		}
		keys = append(keys, added...)
	}
	if b.ordered {
		return &Object{Keys: keys, Members: object}, nil
	}
	return object, nil
}

// merge adds to object what it lacks of the object, or objects, that a YAML 1.1 merge key names, and returns the keys of that. YAML 1.2 has no merge keys.
func (b *builder) merge(object map[string]any, from *yaml.Node, depth int) (added []string, failed *Error) {
	value, err := b.value(from, depth+1)
	if err != nil {
		return nil, err
	}
	sources, isList := value.([]any)
	if !isList {
		sources = []any{value}
	}
	for _, source := range sources {
		var keys []string
		var fields map[string]any
		switch source := source.(type) {
		case *Object:
			keys, fields = source.Keys, source.Members
		case map[string]any:
			keys, fields = slices.Collect(maps.Keys(source)), source
		default:
			return nil, at(from, "the merge key << needs an object or a list of objects")
		}
		for _, key := range keys {
			if _, has := object[key]; !has {
				object[key] = fields[key]
				added = append(added, key)
			}
		}
	}
	return added, nil
}

// key returns a key as JSON has it: text. Other scalars become the text of their value.
func (b *builder) key(node *yaml.Node) (string, *Error) {
	b.nodes++
	place := node
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.ScalarNode {
		return "", at(place, "a key must be text, not a list or an object; a value that starts with { or [ needs quotes")
	}
	if len(node.Value) > 1<<10 {
		return "", at(place, "a key may have at most 1024 bytes")
	}
	value, err := b.scalar(node)
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	default:
		text, _ := catalogcommon.AppendJSON(nil, v) // a bool or a float64, which cannot fail
		return string(text), nil
	}
}

func isPlain(node *yaml.Node) bool {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return node.Style&(quoted|yaml.TaggedStyle) == 0
}

func (b *builder) scalar(node *yaml.Node) (any, *Error) {
	if isPlain(node) {
		if b.yaml11 {
			return plain11(node.Value), nil
		}
		return plain(node.Value), nil
	}
	if node.Style&yaml.TaggedStyle == 0 {
		return node.Value, nil
	}
	value := plain(node.Value)
	if b.yaml11 {
		value = plain11(node.Value)
	}
	fits := true
	switch node.Tag {
	case "!!null":
		fits = value == nil
	case "!!bool":
		_, fits = value.(bool)
	case "!!int", "!!float":
		_, fits = value.(float64)
		fits = fits || value == nil && strings.Contains(node.Value, ".")
	default: // text, and tags that nobody here gives a meaning
		return node.Value, nil
	}
	if !fits {
		return nil, at(node, "%q is not of the type that its tag %s says", node.Value, node.Tag)
	}
	return value, nil
}

func at(node *yaml.Node, format string, args ...any) *Error {
	return &Error{Line: node.Line, Column: node.Column, Reason: fmt.Sprintf(format, args...)}
}
