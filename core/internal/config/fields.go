package config

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// field is one key of a struct.
type field struct {
	key     string
	index   []int
	visible bool // tagged visibility:"frontend"
}

// fields is what a struct type says about its keys.
type fields struct {
	list []field
	// rest is the index of an inline map that takes all other keys; nil when there is none.
	rest        []int
	restVisible bool
	// inlined holds the structs whose fields are part of this one.
	inlined [][]int
}

func (f *fields) find(key string) *field {
	for i := range f.list {
		if f.list[i].key == key {
			return &f.list[i]
		}
	}
	return nil
}

func (f *fields) keys() []string {
	keys := make([]string, len(f.list))
	for i := range f.list {
		keys[i] = f.list[i].key
	}
	return keys
}

// fieldCache remembers struct types for the time of one decoding.
type fieldCache map[reflect.Type]*fields

func (c fieldCache) of(t reflect.Type) *fields {
	if f := c[t]; f != nil {
		return f
	}
	f := &fields{}
	f.collect(t, nil)
	c[t] = f
	return f
}

func (f *fields) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		name, flags, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		index := append(slices.Clip(prefix), i)
		inline := slices.Contains(strings.Split(flags, ","), "inline") || (sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct && !isScalarType(sf.Type))
		switch {
		case name == "-", !sf.IsExported() && !sf.Anonymous:
		case inline && sf.Type.Kind() == reflect.Struct:
			f.inlined = append(f.inlined, index)
			f.collect(sf.Type, index)
		case !sf.IsExported():
		case inline && sf.Type.Kind() == reflect.Map && f.rest == nil:
			f.rest, f.restVisible = index, sf.Tag.Get("visibility") == "frontend"
		default:
			if name == "" {
				name = lowerFirst(sf.Name)
			}
			if f.find(name) == nil { // an outer field wins over an inlined one that comes later
				f.list = append(f.list, field{name, index, sf.Tag.Get("visibility") == "frontend"})
			}
		}
	}
}

// lowerFirst is the key of a field without a tag: MaxConns is maxConns, URL is url, BaseURL is baseURL.
func lowerFirst(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsUpper(r) || (i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	durationType    = reflect.TypeFor[time.Duration]()
	rawJSONType     = reflect.TypeFor[json.RawMessage]()
	valueType       = reflect.TypeFor[Value]()
)

// isScalarType reports whether a struct type is written as one value rather than by its fields.
func isScalarType(t reflect.Type) bool {
	return t == valueType || reflect.PointerTo(t).Implements(textUnmarshaler)
}
