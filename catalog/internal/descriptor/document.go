// Package descriptor reads the text of catalog-info.yaml files: any number of YAML documents, each becoming a JSON object.
//
// A document that cannot be read does not spoil its neighbours; its error says where it is and what is wrong. Scalars follow the core schema of YAML 1.2 (yes and 2020-01-01 are strings, 014 is 14),
// or YAML 1.1 after a %YAML 1.1 directive. JSON is YAML, so JSON files are read as well.
//
// Nothing in this package is shared between calls: any number of goroutines may parse at once.
package descriptor

import (
	"fmt"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"

	"go.yaml.in/yaml/v4"
)

// Limits bound what one file may cost. A zero field means its default.
type Limits struct {
	FileBytes     int // of the whole file; default 32 MiB
	DocumentBytes int // of one document; default 4 MiB
	Nodes         int // values and keys in one document, with aliases counted as often as they are used; default 300,000
	Depth         int // of nesting; default 100
}

func (l Limits) withDefaults() Limits {
	for _, limit := range []struct {
		value    *int
		standard int
	}{{&l.FileBytes, 32 << 20}, {&l.DocumentBytes, 4 << 20}, {&l.Nodes, 300_000}, {&l.Depth, 100}} {
		if *limit.value <= 0 {
			*limit.value = limit.standard
		}
	}
	return l
}

// Document is one document of a file. Either Object or Err is set.
type Document struct {
	Index  int            // among the file's documents, from 0; empty ones count too
	Line   int            // where its content starts, from 1
	Object map[string]any // made of map[string]any, []any, string, float64, bool and nil; the caller may change it
	Err    *Error         // why the document cannot be read
	Hint   Hint           // which entity a document that cannot be read seems to be about

	root *yaml.Node
}

// Hint is what the lines of a broken document suggest about it. Fields are empty where they suggest nothing.
type Hint struct {
	Kind, Namespace, Name string
}

// Ref returns the suggested entity's reference, and whether there is enough for one.
func (h Hint) Ref() (catalogcommon.Ref, bool) {
	ref := catalogcommon.Ref{Kind: h.Kind, Namespace: h.Namespace, Name: h.Name}
	if ref.Namespace == "" {
		ref.Namespace = catalogcommon.DefaultNamespace
	}
	return ref, h.Kind != "" && h.Name != ""
}

// Error says why a document, or a whole file, cannot be read.
type Error struct {
	Line   int // in the file, from 1; 0 when the whole file is meant
	Column int // in characters, from 1
	Reason string
}

// Error returns the reason with its place.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// JSON returns the document's object as canonical JSON (see [catalogcommon.AppendJSON]); equal objects give equal bytes. It is nil for a document that cannot be read.
func (d *Document) JSON() []byte {
	if d.Object == nil {
		return nil
	}
	text, err := catalogcommon.AppendJSON(nil, d.Object)
	if err != nil {
		return nil // cannot happen while Object holds what its comment says
	}
	return text
}

// Position returns where in the file the value is that a JSON pointer such as /spec/owner leads to: the place of its key, or of the value itself in an array. If the pointer leads nowhere, because something is missing,
// the answer is the innermost value on its way that exists. Line and column count from 1.
//
// The positions are those of the file as it was read: they do not follow changes of Object.
func (d *Document) Position(pointer string) (line, column int) {
	if d.root == nil {
		if d.Err != nil {
			return d.Err.Line, d.Err.Column
		}
		return d.Line, 1
	}
	at := d.root
	place := at
	for _, step := range steps(pointer) {
		for at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		key, value := member(at, step)
		if value == nil {
			break
		}
		at, place = value, key
	}
	return place.Line, place.Column
}

func steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		steps[i] = rawjson.UnescapeStep(step)
	}
	return steps
}

// member returns the nodes of a collection's member: its key (or, in a sequence, itself) and its value.
func member(node *yaml.Node, step string) (key, value *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	}
	return nil, nil
}
