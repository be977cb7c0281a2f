package descriptor

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// Write returns a tree of JSON values as a YAML document that people can read, with keys in alphabetical order.
func Write(value any) ([]byte, error) {
	text, err := yaml.Dump(value, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("write yaml: %w", err)
	}
	return text, nil
}
