package config

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// validator is what a configuration struct implements to check what types cannot say.
type validator interface{ Validate() error }

// validate asks v, if it is a struct that validates itself, and the structs that are inlined in it.
func (d *decoder) validate(n *node, v reflect.Value, p *keyPath, at Position) bool {
	if v.Kind() != reflect.Struct {
		return true
	}
	ok := true
	check, validates := v.Addr().Interface().(validator)
	if validates {
		ok = d.report(check.Validate(), n, p, at)
	}
	for _, index := range d.fields.of(v.Type()).inlined {
		inner := v.FieldByIndex(index)
		// The method of an embedded struct is also the outer one's, unless that has its own, which then decides.
		if !inner.CanInterface() || validates && v.Type().FieldByIndex(index).Anonymous {
			continue
		}
		if check, has := inner.Addr().Interface().(validator); has {
			ok = d.report(check.Validate(), n, p, at) && ok
		}
	}
	return ok
}

// report makes faults of what Validate returned: one for each error joined by [errors.Join], at the key that its ConfigPath method names, if it has one.
func (d *decoder) report(err error, n *node, p *keyPath, at Position) bool {
	if err == nil {
		return true
	}
	if parts := joined(err); len(parts) > 0 {
		for _, part := range parts {
			d.report(part, n, p, at)
		}
		return false
	}
	message := err.Error()
	var located interface{ ConfigPath() string }
	if errors.As(err, &located) {
		message = strings.TrimPrefix(message, located.ConfigPath()+": ") // the path says it
		n, p, at = locate(located.ConfigPath(), n, p, at)
	}
	if n != nil {
		message = n.withoutContent(message)
	}
	return d.fail(at, p, message)
}

// Report makes [Faults] of what a Validate method says about v, as [Value.Decode] does.
func (v Value) Report(err error) error {
	d := newDecoder(nil)
	d.report(err, v.node, v.path, v.Position())
	return sorted(d.faults).orNil()
}

// joined returns the errors of an errors.Join, but not those that fmt.Errorf wrapped in a sentence of its own.
func joined(err error) []error {
	// Not errors.As: a join that is wrapped in another error is part of that error's sentence.
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	parts := list.Unwrap()
	if errors.Join(parts...) == nil || errors.Join(parts...).Error() != err.Error() {
		return nil
	}
	return parts
}

// locate follows a path such as locations[2].target below n, as far as something was written.
func locate(path string, n *node, p *keyPath, at Position) (*node, *keyPath, Position) {
	for path = strings.TrimPrefix(path, "."); path != ""; path = strings.TrimPrefix(path, ".") {
		if index, rest, isItem := cutItem(path); isItem && (n == nil || n.kind != kindObject) {
			path, p = rest, p.item(index)
			if n != nil && index < len(n.items) {
				n = n.items[index]
			} else {
				n = nil
			}
		} else {
			key := firstKey(path, n)
			path, p, n = path[len(key):], p.child(key), n.get(key)
		}
		if n != nil {
			at = n.pos
		}
	}
	return n, p, at
}

// cutItem takes the index of an item, such as [2], from the beginning of a path.
func cutItem(path string) (index int, rest string, isItem bool) {
	inside, begins := strings.CutPrefix(path, "[")
	digits, rest, ends := strings.Cut(inside, "]")
	index, err := strconv.Atoi(digits)
	return index, rest, begins && ends && err == nil && index >= 0
}

// firstKey returns the key of n with which a path begins: the longest, since keys, such as names of hosts, may have dots in them. Of one that n does not have it is what comes before the next dot or bracket.
func firstKey(path string, n *node) string {
	longest := ""
	if n != nil {
		for _, e := range n.entries {
			if rest, begins := strings.CutPrefix(path, e.key); begins && (rest == "" || rest[0] == '.' || rest[0] == '[') && len(e.key) > len(longest) {
				longest = e.key
			}
		}
	}
	if longest != "" {
		return longest
	}
	if end := strings.IndexAny(path[1:], ".["); end >= 0 {
		return path[:1+end]
	}
	return path
}
