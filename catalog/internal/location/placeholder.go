package location

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// Placeholder is an object with one key that starts with a dollar sign, such as {"$text": "./README.md"}, which stands for what a resolver makes of its value.
type Placeholder struct {
	Key     string // with the dollar sign
	Value   any
	Pointer string                    // JSON pointer of the object
	Base    catalogcommon.LocationRef // where the entity was read from, by its annotation; zero if it does not say
	Read    ReadReference
}

// Reference says which file to read.
type Reference struct {
	Target          string // an absolute URL, or a path
	From            string // a location that an earlier call returned, which the path is relative to; empty means the entity's
	OtherRepository bool   // it may be in another repository than From
}

// ReadReference returns the text of the file that a reference leads to, and says where that is.
type ReadReference func(ctx context.Context, reference Reference) (text []byte, location string, err error)

// PlaceholderResolver returns what a placeholder stands for: a tree of JSON values.
type PlaceholderResolver func(ctx context.Context, placeholder Placeholder) (any, error)

// PlaceholderError says which placeholder could not be filled in.
type PlaceholderError struct {
	Pointer string // JSON pointer of the object
	Message string
	Cause   error
}

// Error returns the message.
func (e *PlaceholderError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *PlaceholderError) Unwrap() error { return e.Cause }

// BuiltinPlaceholders returns the resolvers for $text, $json, $yaml, $openapi and $asyncapi, by key without the dollar sign. The caller may add to the map.
func BuiltinPlaceholders(limits descriptor.Limits) map[string]PlaceholderResolver {
	parsed := func(parse func([]byte) (any, error)) PlaceholderResolver {
		return func(ctx context.Context, p Placeholder) (any, error) {
			text, reference, err := p.text(ctx)
			if err != nil {
				return nil, err
			}
			value, err := parse(text)
			if err != nil {
				return nil, p.failed(fmt.Sprintf("failed to parse %s, %v", reference, err), err)
			}
			return value, nil
		}
	}
	return map[string]PlaceholderResolver{
		"text": func(ctx context.Context, p Placeholder) (any, error) {
			text, _, err := p.text(ctx)
			if err != nil {
				return nil, err
			}
			return strings.ToValidUTF8(string(text), "\ufffd"), nil
		},
		"json": parsed(func(text []byte) (any, error) {
			var value any
			err := json.Unmarshal(text, &value)
			return value, err
		}),
		"yaml":     parsed(func(text []byte) (any, error) { return descriptor.Value(text, limits) }),
		"openapi":  bundling(limits),
		"asyncapi": bundling(limits),
	}
}

// text reads the file that the value names.
func (p Placeholder) text(ctx context.Context) (text []byte, reference string, err error) {
	reference, isText := p.Value.(string)
	if !isText {
		return nil, "", p.failed("expects a text: a URL, or a path relative to this file", nil)
	}
	text, _, err = p.Read(ctx, Reference{Target: reference})
	if err != nil {
		return nil, reference, p.failed(fmt.Sprintf("could not read location %s, %v", reference, err), err)
	}
	return text, reference, nil
}

func (p Placeholder) failed(what string, cause error) error {
	return &PlaceholderError{Pointer: p.Pointer, Message: fmt.Sprintf("Placeholder %s %s", p.Key, what), Cause: cause}
}

// Substitution is what filling in an entity's placeholders came to.
type Substitution struct {
	Entity map[string]any      // a new object where something was filled in; what stayed the same is shared with the old one
	Reads  []string            // locations of the files that were read or looked for, in the order of the placeholders, each once: when one of them changes, so does the entity
	Errors []*PlaceholderError // the placeholders that could not be filled in; they stay as they are in Entity
}

// Substitute fills in the placeholders of an entity, at any depth and in arrays too. An object with a dollar key besides others, or whose key no resolver has, is left alone with all that is in it.
// The entity itself does not change.
func Substitute(ctx context.Context, entity map[string]any, resolvers map[string]PlaceholderResolver, read ReadReference) Substitution {
	s := &substituter{ctx: ctx, resolvers: resolvers, base: baseOf(entity)}
	s.read = func(ctx context.Context, reference Reference) ([]byte, string, error) {
		text, location, err := read(ctx, reference)
		if location != "" && !slices.Contains(s.result.Reads, location) {
			s.result.Reads = append(s.result.Reads, location)
		}
		return text, location, err
	}
	s.result.Entity = entity
	if changed, ok := s.members(entity, ""); ok {
		s.result.Entity = changed
	}
	return s.result
}

// baseOf returns what the entity's location annotation says.
func baseOf(entity map[string]any) catalogcommon.LocationRef {
	metadata, _ := entity["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[catalogcommon.AnnotationLocation].(string)
	base, err := catalogcommon.ParseLocationRef(text)
	if err != nil {
		return catalogcommon.LocationRef{}
	}
	return base
}

type substituter struct {
	ctx       context.Context
	resolvers map[string]PlaceholderResolver
	base      catalogcommon.LocationRef
	read      ReadReference
	result    Substitution
}

// value returns a value's replacement, and whether it has one.
func (s *substituter) value(value any, pointer func() string) (any, bool) {
	switch v := value.(type) {
	case []any:
		var changed []any
		for i, item := range v {
			replacement, ok := s.value(item, func() string { return pointer() + "/" + strconv.Itoa(i) })
			if !ok {
				continue
			}
			if changed == nil {
				changed = slices.Clone(v)
			}
			changed[i] = replacement
		}
		return changed, changed != nil
	case map[string]any:
		for key := range v {
			if strings.HasPrefix(key, "$") {
				return s.placeholder(v, key, pointer())
			}
		}
		return s.object(v, pointer)
	}
	return nil, false
}

// placeholder fills in an object that has a dollar key.
func (s *substituter) placeholder(object map[string]any, key, pointer string) (any, bool) {
	resolve := s.resolvers[key[1:]]
	if len(object) != 1 || resolve == nil {
		return nil, false
	}
	p := Placeholder{Key: key, Value: object[key], Pointer: pointer, Base: s.base, Read: s.read}
	value, err := resolve(s.ctx, p)
	if err == nil {
		return value, true
	}
	failure, ok := err.(*PlaceholderError) // a wrapped one says less than the whole
	if !ok {
		failure = &PlaceholderError{Pointer: pointer, Message: fmt.Sprintf("Placeholder %s: %v", key, err), Cause: err}
	}
	s.result.Errors = append(s.result.Errors, failure)
	return nil, false
}

// members fills in what is in the entity's root object, which is no placeholder itself.
func (s *substituter) members(entity map[string]any, pointer string) (map[string]any, bool) {
	replaced, ok := s.object(entity, func() string { return pointer })
	if !ok {
		return nil, false
	}
	return replaced.(map[string]any), true
}

func (s *substituter) object(object map[string]any, pointer func() string) (any, bool) {
	if !hasCollections(object) {
		return nil, false
	}
	var changed map[string]any
	for _, key := range sortedKeys(object) { // so that reads and errors have an order
		replacement, ok := s.value(object[key], func() string { return pointer() + "/" + rawjson.EscapeStep(key) })
		if !ok {
			continue
		}
		if changed == nil {
			changed = make(map[string]any, len(object))
			for k, v := range object {
				changed[k] = v
			}
		}
		changed[key] = replacement
	}
	return changed, changed != nil
}

func hasCollections(object map[string]any) bool {
	for _, value := range object {
		switch value.(type) {
		case map[string]any, []any:
			return true
		}
	}
	return false
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
