package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Frontend returns the values that the browser may see, as a JSON object nested like the configuration.
//
// A value is visible only if its field is tagged visibility:"frontend"; a list or a map of plain values counts as one value.
// A tag on a struct, or on a list or map of structs, shows nothing by itself: each field inside decides.
// A tag on a field of type any shows all that is written there. A [pluginapi.Secret] is never visible, wherever it is.
// Durations are milliseconds. Values that are visible but empty are included; objects without visible values are not.
func (r *Report) Frontend() (json.RawMessage, error) {
	root := map[string]any{}
	filter := visibility{fieldCache{}}
	for _, path := range slices.Sorted(maps.Keys(r.Values)) {
		shown, ok, err := filter.value(reflect.ValueOf(r.Values[path]), false)
		if err != nil {
			return nil, fmt.Errorf("collect the values of %s that the browser may see: %w", path, err)
		}
		if ok {
			insert(root, splitPath(path).steps(), shown)
		}
	}
	return json.Marshal(root)
}

// insert puts value at a path, into the object that may be there already: sections nest.
func insert(root map[string]any, steps []string, value any) {
	for _, step := range steps[:len(steps)-1] {
		next, ok := root[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			root[step] = next
		}
		root = next
	}
	last := steps[len(steps)-1]
	have, isObject := root[last].(map[string]any)
	more, alsoObject := value.(map[string]any)
	if !isObject || !alsoObject {
		root[last] = value
		return
	}
	for key, value := range more {
		insert(have, []string{key}, value)
	}
}

type visibility struct{ fields fieldCache }

var secretType = reflect.TypeFor[pluginapi.Secret]()

// value returns what of v may be seen. visible says that the field that holds v is tagged.
func (f visibility) value(v reflect.Value, visible bool) (shown any, ok bool, err error) {
	if !v.IsValid() || v.Type() == secretType {
		return nil, false, nil
	}
	switch v.Type() {
	case durationType:
		return v.Interface().(time.Duration).Milliseconds(), visible, nil
	case valueType:
		value, _ := v.Interface().(Value)
		if !visible || !value.Exists() {
			return nil, false, nil
		}
		var plain any
		return plain, true, value.Decode(&plain)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, false, nil
		}
		return f.value(v.Elem(), visible)
	}
	if p := reflect.PointerTo(v.Type()); p.Implements(jsonMarshaler) || p.Implements(textMarshaler) {
		return marshaled(v, visible)
	}
	switch v.Kind() {
	case reflect.Struct:
		return f.structure(v)
	case reflect.Map:
		return f.mapping(v, visible)
	case reflect.Slice, reflect.Array:
		return f.list(v, visible)
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if !visible {
			return nil, false, nil
		}
		return v.Interface(), true, nil
	}
	return nil, false, nil
}

// marshaled shows a type that writes itself, such as a level or a URL.
func marshaled(v reflect.Value, visible bool) (any, bool, error) {
	if !visible {
		return nil, false, nil
	}
	addressable := reflect.New(v.Type()) // the methods may be the pointer's
	addressable.Elem().Set(v)
	switch m := addressable.Interface().(type) {
	case json.Marshaler:
		raw, err := m.MarshalJSON()
		return json.RawMessage(raw), true, err
	case encoding.TextMarshaler:
		text, err := m.MarshalText()
		return string(text), true, err
	}
	return nil, false, nil
}

func (f visibility) structure(v reflect.Value) (any, bool, error) {
	fields := f.fields.of(v.Type())
	object := map[string]any{}
	if fields.rest != nil {
		rest, ok, err := f.value(v.FieldByIndex(fields.rest), fields.restVisible)
		if err != nil {
			return nil, false, err
		}
		if entries, isObject := rest.(map[string]any); ok && isObject {
			object = entries
		}
	}
	for _, field := range fields.list {
		shown, ok, err := f.value(v.FieldByIndex(field.index), field.visible)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", field.key, err)
		}
		if ok {
			object[field.key] = shown
		}
	}
	return object, len(object) > 0, nil
}

func (f visibility) mapping(v reflect.Value, visible bool) (any, bool, error) {
	object := map[string]any{}
	for _, key := range v.MapKeys() {
		shown, ok, err := f.value(v.MapIndex(key), visible)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", key, err)
		}
		if ok {
			object[key.String()] = shown
		}
	}
	return object, len(object) > 0 || visible && !holdsStructs(v.Type().Elem()), nil
}

func (f visibility) list(v reflect.Value, visible bool) (any, bool, error) {
	list := []any{}
	for i := range v.Len() {
		shown, ok, err := f.value(v.Index(i), visible)
		if err != nil {
			return nil, false, fmt.Errorf("item %d: %w", i, err)
		}
		if ok || visible && isNil(v.Index(i)) && !holdsStructs(v.Type().Elem()) {
			list = append(list, shown)
		}
	}
	return list, len(list) > 0 || visible && !holdsStructs(v.Type().Elem()), nil
}

func isNil(v reflect.Value) bool {
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil()
}

// holdsStructs reports whether the elements decide themselves what is visible of them.
func holdsStructs(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}
