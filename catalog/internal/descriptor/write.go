package descriptor

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Write returns a tree of JSON values, objects being [*Object], as a YAML document that people can read, with keys in their order.
func Write(value any) ([]byte, error) {
	node, err := nodeOf(value)
	if err != nil {
		return nil, fmt.Errorf("write yaml: %w", err)
	}
	text, err := yaml.Dump(node, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("write yaml: %w", err)
	}
	return text, nil
}

func nodeOf(value any) (*yaml.Node, error) {
	node := &yaml.Node{}
	switch v := value.(type) {
	case *Object:
		node.Kind, node.Tag = yaml.MappingNode, "!!map"
		for _, key := range v.Keys {
			name, err := nodeOf(key)
			if err != nil {
				return nil, err
			}
			member, err := nodeOf(v.Members[key])
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, name, member)
		}
	case []any:
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range v {
			child, err := nodeOf(item)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
	default:
		return node, node.Encode(value)
	}
	return node, nil
}
