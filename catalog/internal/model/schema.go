package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// Schema is the part of JSON Schema that kinds need, with the same meaning and the same JSON form. Fields that a schema does not name are always allowed. A nil Schema and the zero one accept everything.
type Schema struct {
	Description string             `json:"description,omitempty"`
	Type        Type               `json:"type,omitempty"`
	Required    []string           `json:"required,omitempty"`   // of an object
	Properties  map[string]*Schema `json:"properties,omitempty"` // of an object
	Items       *Schema            `json:"items,omitempty"`      // of an array
	MinItems    int                `json:"minItems,omitempty"`   // of an array
	MinLength   int                `json:"minLength,omitempty"`  // of a string, in characters
	MaxLength   int                `json:"maxLength,omitempty"`  // of a string, in characters; 0 means no limit
	Enum        []string           `json:"enum,omitempty"`       // allowed strings
	AnyOf       []*Schema          `json:"anyOf,omitempty"`      // at least one must accept the value
}

// Type is what a value must be. The empty Type allows all.
type Type string

// Types of JSON values.
const (
	TypeObject  Type = "object"
	TypeArray   Type = "array"
	TypeString  Type = "string"
	TypeNumber  Type = "number"
	TypeBoolean Type = "boolean"
)

// check tells whether the schema itself makes sense.
func (s *Schema) check(where string) error {
	if s == nil {
		return nil
	}
	if s.Type != "" && !slices.Contains([]Type{TypeObject, TypeArray, TypeString, TypeNumber, TypeBoolean}, s.Type) {
		return fmt.Errorf("%s: type %q is none of object, array, string, number and boolean", where, s.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if err := s.Properties[name].check(where + "." + name); err != nil {
			return err
		}
	}
	for _, option := range s.AnyOf {
		if err := option.check(where + " anyOf"); err != nil {
			return err
		}
	}
	return s.Items.check(where + "[]")
}

// validate adds what is wrong with value to problems. It uses the words of the validator that Backstage uses, since people search for them.
func (s *Schema) validate(value any, pointer string, problems []Problem) []Problem {
	if s == nil {
		return problems
	}
	if s.Type != "" && typeOf(value) != s.Type {
		return append(problems, Problem{pointer, fmt.Sprintf("%s must be %s - type: %s", orRoot(pointer), s.Type, s.Type)})
	}
	switch v := value.(type) {
	case map[string]any:
		problems = s.validateObject(v, pointer, problems)
	case []any:
		if len(v) < s.MinItems {
			problems = append(problems, Problem{pointer, fmt.Sprintf("%s must NOT have fewer than %d items - limit: %d", pointer, s.MinItems, s.MinItems)})
		}
		if s.Items != nil {
			for i, item := range v {
				if s.Items.accepts(item) {
					continue // without making a pointer
				}
				problems = s.Items.validate(item, pointer+"/"+strconv.Itoa(i), problems)
			}
		}
	case string:
		problems = s.validateString(v, pointer, problems)
	}
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(option *Schema) bool { return len(option.validate(value, pointer, nil)) == 0 }) {
		problems = append(problems, Problem{pointer, orRoot(pointer) + " must match a schema in anyOf"})
	}
	return problems
}

func (s *Schema) validateObject(object map[string]any, pointer string, problems []Problem) []Problem {
	for _, name := range s.Required {
		if _, has := object[name]; !has {
			problems = append(problems, Problem{pointer, fmt.Sprintf("%s must have required property '%s' - missingProperty: %s", orRoot(pointer), name, name)})
		}
	}
	if len(s.Properties) == 0 {
		return problems
	}
	found := len(problems)
	for name, value := range object {
		if property := s.Properties[name]; property != nil && !property.accepts(value) {
			problems = property.validate(value, pointer+"/"+rawjson.EscapeStep(name), problems)
		}
	}
	// The map's order is random, the report's must not be.
	slices.SortFunc(problems[found:], func(a, b Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return problems
}

// accepts is a quick test for the most frequent schemas, strings that are not empty; false means that only validate knows.
func (s *Schema) accepts(value any) bool {
	text, ok := value.(string)
	return ok && s.Type == TypeString && len(text) >= s.MinLength && s.MinLength <= 1 && s.MaxLength == 0 && s.Enum == nil && s.AnyOf == nil
}

func (s *Schema) validateString(text, pointer string, problems []Problem) []Problem {
	length := len([]rune(text))
	switch {
	case length < s.MinLength:
		return append(problems, Problem{pointer, fmt.Sprintf("%s must NOT have fewer than %d characters - limit: %d", pointer, s.MinLength, s.MinLength)})
	case s.MaxLength > 0 && length > s.MaxLength:
		return append(problems, Problem{pointer, fmt.Sprintf("%s must NOT have more than %d characters - limit: %d", pointer, s.MaxLength, s.MaxLength)})
	case s.Enum != nil && !slices.Contains(s.Enum, text):
		return append(problems, Problem{pointer, fmt.Sprintf("%s must be equal to one of the allowed values - allowedValues: %s", pointer, strings.Join(s.Enum, ","))})
	}
	return problems
}

func typeOf(value any) Type {
	switch value.(type) {
	case map[string]any:
		return TypeObject
	case []any:
		return TypeArray
	case string:
		return TypeString
	case float64:
		return TypeNumber
	case bool:
		return TypeBoolean
	default:
		return "null"
	}
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "<root>"
	}
	return pointer
}

// show writes a value for a message, cut if it is long.
func show(value any) string {
	text, isText := value.(string)
	if !isText {
		written, err := catalogcommon.AppendJSON(nil, value)
		if err != nil {
			return fmt.Sprint(value)
		}
		text = string(written)
	}
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}
