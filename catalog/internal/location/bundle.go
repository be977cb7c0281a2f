package location

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// maxBundled is how many files one definition may be made of.
const maxBundled = 200

// bundling returns the resolver for definitions of APIs, whose parts may be in other files: what a $ref to another file means is put where the first such $ref stands, and the others point there. The result is text.
// A definition that refers to no other file stays exactly as it is; elsewhere keys keep their order.
//
// Unlike other placeholders, these reach into other repositories: definitions of many teams are often kept in one of their own.
func bundling(limits descriptor.Limits) PlaceholderResolver {
	return func(ctx context.Context, p Placeholder) (any, error) {
		reference, isText := p.Value.(string)
		if !isText {
			return nil, p.failed("expects a text: a URL, or a path relative to this file", nil)
		}
		b := &bundler{read: p.Read, limits: limits, files: map[string]any{}, placed: map[string]string{}}
		text, root, err := p.Read(ctx, Reference{Target: reference, OtherRepository: true})
		if err != nil {
			return nil, p.failed(fmt.Sprintf("could not read location %s, %v", reference, err), err)
		}
		definition, err := descriptor.OrderedValue(text, limits)
		if err != nil {
			return nil, p.failed(fmt.Sprintf("failed to parse %s, %v", reference, err), err)
		}
		b.root, b.files[root] = root, definition
		bundled, err := b.walk(ctx, definition, root, "")
		if err != nil {
			return nil, p.failed(fmt.Sprintf("failed to bundle %s, %v", reference, err), err)
		}
		if len(b.files) == 1 {
			return strings.ToValidUTF8(string(text), "\ufffd"), nil
		}
		written, err := descriptor.Write(bundled)
		if err != nil {
			return nil, p.failed(fmt.Sprintf("failed to bundle %s, %v", reference, err), err)
		}
		return string(written), nil
	}
}

type bundler struct {
	read   ReadReference
	limits descriptor.Limits
	root   string            // location of the definition itself
	files  map[string]any    // parsed, by location
	placed map[string]string // location#pointer of what was put into the result, to its pointer there
	values int
}

// walk returns the value, which stands in file and goes to pointer in the result, with all it refers to.
func (b *bundler) walk(ctx context.Context, value any, file, pointer string) (any, error) {
	if b.values++; b.values > 1_000_000 || strings.Count(pointer, "/") > 300 {
		return nil, errors.New("it is too large once its parts are put together")
	}
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			var err error
			if list[i], err = b.walk(ctx, item, file, pointer+"/"+strconv.Itoa(i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *descriptor.Object:
		if reference, isText := v.Members["$ref"].(string); isText {
			return b.follow(ctx, v, reference, file, pointer)
		}
		object := &descriptor.Object{Keys: v.Keys, Members: make(map[string]any, len(v.Keys))}
		for _, key := range v.Keys {
			item, err := b.walk(ctx, v.Members[key], file, pointer+"/"+rawjson.EscapeStep(key))
			if err != nil {
				return nil, err
			}
			object.Members[key] = item
		}
		return object, nil
	default:
		return value, nil
	}
}

// follow returns what takes the place of an object with a $ref.
func (b *bundler) follow(ctx context.Context, object *descriptor.Object, reference, file, pointer string) (any, error) {
	name, fragment, _ := strings.Cut(reference, "#")
	target := file
	if name != "" {
		var err error
		if target, err = b.load(ctx, name, file); err != nil {
			return nil, err
		}
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, fmt.Errorf("$ref %q: %w", reference, err)
	}
	if target == b.root {
		return pointTo(object, fragment), nil
	}
	key := target + "#" + fragment
	if place, ok := b.placed[key]; ok {
		if place == pointer {
			return nil, fmt.Errorf("$ref %q leads back to itself", reference)
		}
		return pointTo(object, place), nil
	}
	value, ok := at(b.files[target], fragment)
	if !ok {
		return nil, fmt.Errorf("$ref %q: %s has nothing at %q", reference, target, fragment)
	}
	b.placed[key] = pointer
	return b.walk(ctx, value, target, pointer)
}

// pointTo returns the object with its $ref changed to a place in the result.
func pointTo(object *descriptor.Object, pointer string) *descriptor.Object {
	changed := &descriptor.Object{Keys: object.Keys, Members: maps.Clone(object.Members)}
	changed.Members["$ref"] = "#" + pointer
	return changed
}

// load reads a file that another refers to, once, and returns its location.
func (b *bundler) load(ctx context.Context, name, from string) (string, error) {
	if len(b.files) >= maxBundled {
		return "", fmt.Errorf("it is made of more than %d files", maxBundled)
	}
	text, location, err := b.read(ctx, Reference{Target: name, From: from, OtherRepository: true})
	if err != nil {
		return "", fmt.Errorf("$ref %q in %s: %w", name, from, err)
	}
	if _, known := b.files[location]; known {
		return location, nil
	}
	value, err := descriptor.OrderedValue(text, b.limits)
	if err != nil {
		return "", fmt.Errorf("parse %s: %w", location, err)
	}
	b.files[location] = value
	return location, nil
}

// at returns what a JSON pointer leads to.
func at(value any, pointer string) (any, bool) {
	if pointer == "" || pointer == "/" {
		return value, true
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = rawjson.UnescapeStep(step)
		switch v := value.(type) {
		case *descriptor.Object:
			item, ok := v.Members[step]
			if !ok {
				return nil, false
			}
			value = item
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}
