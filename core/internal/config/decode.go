package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder reads nodes into Go values and collects what is wrong.
type decoder struct {
	faults []Fault
	fields fieldCache
	// keys knows keys that are not in the struct but have another owner, or a known lack of meaning; nil when there are none.
	keys keyRegistry
	// shared is set while a shared section is decoded, in which unknown keys and variables that are not set are no faults.
	shared *sharing
	// elsewhere is set while a section of another process is decoded; missing tells that a variable of it is not set here.
	elsewhere, missing bool
}

// keyRegistry accounts for keys that a struct does not know.
type keyRegistry interface {
	// accepts reports whether the key at p is nobody's mistake.
	accepts(p *keyPath, e entry) bool
	// under lists the keys it knows below p, for suggestions.
	under(p *keyPath) []string
}

func newDecoder(keys keyRegistry) *decoder { return &decoder{fields: fieldCache{}, keys: keys} }

// decode reads v into target and reports whether it is good.
func (d *decoder) decode(v Value, target any) bool {
	pointer := reflect.ValueOf(target)
	if pointer.Kind() != reflect.Pointer || pointer.IsNil() {
		d.fail(v.Position(), v.path, fmt.Sprintf("cannot decode into a %T: a pointer is needed", target))
		return false
	}
	return d.value(v.node, pointer.Elem(), v.path, v.Position())
}

func (d *decoder) fail(pos Position, p *keyPath, message string) bool {
	if !enough(d.faults) {
		d.faults = append(d.faults, Fault{pos, p.String(), message})
	}
	return false
}

// flawed reports why a value, or a part of it, could not be had.
func (d *decoder) flawed(n *node, p *keyPath) {
	for _, flaw := range n.flaws {
		at := p
		if flaw.placed {
			at = flaw.on
		}
		d.fail(flaw.pos, at, flaw.message)
	}
}

// wrong reports a value of the wrong type.
func (d *decoder) wrong(expected string, n *node, p *keyPath) bool {
	return d.fail(n.pos, p, wrongType(expected, n))
}

func wrongType(expected string, n *node) string {
	return "expected " + expected + " but found " + n.describe()
}

func (d *decoder) unknownKey(e entry, p *keyPath, known []string) {
	if d.shared != nil {
		d.shared.add(e, p, known)
		return
	}
	if enough(d.faults) {
		return
	}
	if d.keys != nil {
		if d.keys.accepts(p, e) {
			return
		}
		known = append(known, d.keys.under(p.parent)...)
	}
	d.fail(e.pos, p, unknownKeyMessage(e.key, known))
}

// value reads n into v, which is addressable and holds the default. n may be nil: then v keeps its default and is only validated.
// at is the nearest place that was written. The result is whether v can be used, so that nothing is validated on top of a fault.
func (d *decoder) value(n *node, v reflect.Value, p *keyPath, at Position) bool {
	if n != nil {
		at = n.pos
		if d.leftOut(n, p) {
			n = nil
		}
	}
	if v.Type() == valueType { // with its flaws, which are for whoever decodes it
		v.Set(reflect.ValueOf(Value{n, p, at}))
		return true
	}
	if n != nil {
		d.flawed(n, p)
		if n.kind == kindBroken {
			return false
		}
	}
	if n.absent() {
		n = nil
	} else if done, ok := d.unmarshaler(n, v, p); done {
		return ok
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(n, v, p, at)
	case reflect.Pointer:
		return d.pointer(n, v, p, at)
	case reflect.Map:
		return d.mapping(n, v, p, at)
	case reflect.Slice:
		return d.list(n, v, p, at)
	}
	if n == nil {
		return true
	}
	return d.scalar(n, v, p)
}

// leftOut reports whether a value counts as not written. Whoever reads a shared section asks for each value.
func (d *decoder) leftOut(n *node, p *keyPath) bool {
	if d.elsewhere && n.unset() {
		d.missing = true
		return true
	}
	return d.shared != nil && d.shared.visit(n, p)
}

// unmarshaler reads values whose type knows how, and those of a few known types; done is false when n is for the general rules.
func (d *decoder) unmarshaler(n *node, v reflect.Value, p *keyPath) (done, ok bool) {
	switch v.Type() {
	case durationType:
		duration, ok := d.duration(n, p)
		if ok {
			v.SetInt(int64(duration))
		}
		return true, ok
	case rawJSONType:
		plain, ok := d.plain(n, p)
		if ok {
			raw, err := json.Marshal(plain)
			if err != nil {
				return true, d.fail(n.pos, p, err.Error())
			}
			v.SetBytes(raw)
		}
		return true, ok
	}
	if v.Kind() == reflect.Pointer || !v.Addr().Type().Implements(textUnmarshaler) {
		return false, false
	}
	list := v.Kind() == reflect.Slice
	keys := v.Kind() == reflect.Map || v.Kind() == reflect.Struct && len(d.fields.of(v.Type()).list) > 0
	switch {
	case n.kind == kindText, n.kind == kindNumber, n.kind == kindBool:
		text, _ := v.Addr().Interface().(encoding.TextUnmarshaler)
		if err := text.UnmarshalText([]byte(n.text)); err != nil {
			return true, d.fail(n.pos, p, n.withoutContent(err.Error()))
		}
		return true, d.validate(n, v, p, n.pos)
	case n.kind == kindList && list, n.kind == kindObject && keys:
		return false, false
	}
	expected := "text"
	switch {
	case list:
		expected = "text or a list"
	case keys:
		expected = "text or an object"
	}
	return true, d.wrong(expected, n, p)
}

// withoutContent removes a value that may be secret from a message that somebody else wrote.
func (n *node) withoutContent(message string) string {
	if n.via == "" || n.text == "" {
		return message
	}
	quoted := strconv.Quote(n.text)
	message = strings.ReplaceAll(message, quoted[1:len(quoted)-1], "…")
	message = strings.ReplaceAll(message, n.text, "…")
	if n.via != n.pos.File {
		message += " (from " + n.via + ")"
	}
	return message
}

func (d *decoder) structure(n *node, v reflect.Value, p *keyPath, at Position) bool {
	fields := d.fields.of(v.Type())
	ok := true
	if n != nil && n.kind != kindObject {
		return d.wrong("an object", n, p)
	}
	for _, f := range fields.list {
		if !d.value(n.get(f.key), v.FieldByIndex(f.index), p.child(f.key), at) {
			ok = false
		}
	}
	if n != nil {
		ok = d.otherKeys(n, v, fields, p) && ok
		ok = ok && len(n.flaws) == 0
	}
	if ok {
		ok = d.validate(n, v, p, at)
	}
	return ok
}

// otherKeys handles the keys that are not fields: they go into the inline map, belong to somebody else, or are faults.
// An unknown key does not make the struct unusable, so that its other problems are found too.
func (d *decoder) otherKeys(n *node, v reflect.Value, fields *fields, p *keyPath) bool {
	var rest []entry
	for _, e := range n.entries {
		if fields.find(e.key) != nil {
			continue
		}
		if fields.rest == nil {
			d.unknownKey(e, p.child(e.key), fields.keys())
		} else if d.keys == nil || !d.keys.accepts(p.child(e.key), e) {
			rest = append(rest, e)
		}
	}
	if len(rest) == 0 {
		return true
	}
	return d.mapping(object(n.pos, rest), v.FieldByIndex(fields.rest), p, n.pos)
}

func (d *decoder) pointer(n *node, v reflect.Value, p *keyPath, at Position) bool {
	if n == nil && v.IsNil() {
		return true
	}
	fresh := reflect.New(v.Type().Elem())
	if !v.IsNil() {
		fresh.Elem().Set(v.Elem())
	}
	ok := d.value(n, fresh.Elem(), p, at)
	v.Set(fresh)
	return ok
}

func (d *decoder) mapping(n *node, v reflect.Value, p *keyPath, at Position) bool {
	if n != nil && n.kind != kindObject {
		return d.wrong("an object", n, p)
	}
	if v.Type().Key().Kind() != reflect.String {
		return d.fail(at, p, fmt.Sprintf("a %s cannot hold configuration: its keys are not text", v.Type()))
	}
	if n == nil && v.Len() == 0 {
		return true
	}
	// A map that somebody else may hold is not changed.
	filled := reflect.MakeMap(v.Type())
	for _, key := range v.MapKeys() {
		filled.SetMapIndex(key, v.MapIndex(key))
	}
	ok := true
	one := func(key reflect.Value, child *node, pos Position) {
		element := reflect.New(v.Type().Elem()).Elem()
		if known := filled.MapIndex(key); known.IsValid() {
			element.Set(known)
		}
		if !d.value(child, element, p.child(key.String()), pos) {
			ok = false
		}
		filled.SetMapIndex(key, element)
	}
	if n != nil {
		for _, e := range n.entries {
			key := reflect.ValueOf(e.key).Convert(v.Type().Key())
			if e.value.absent() || d.leftOut(e.value, p.child(e.key)) {
				filled.SetMapIndex(key, reflect.Value{}) // null hides a default, too
				continue
			}
			one(key, e.value, e.pos)
		}
	}
	for _, key := range filled.MapKeys() {
		if n.get(key.String()) == nil {
			one(key, nil, at) // a default: validated
		}
	}
	v.Set(filled)
	return ok
}

func (d *decoder) list(n *node, v reflect.Value, p *keyPath, at Position) bool {
	ok := true
	if n == nil {
		if v.Len() == 0 || isPlainKind(v.Type().Elem().Kind()) {
			return true
		}
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		for i := range fresh.Len() {
			ok = d.value(nil, fresh.Index(i), p.item(i), at) && ok
		}
		v.Set(fresh)
		return ok
	}
	if n.kind != kindList {
		return d.fail(n.pos, p, wrongType("a list", n)+listRemedy(n))
	}
	fresh := reflect.MakeSlice(v.Type(), 0, len(n.items))
	for i, item := range n.items {
		if d.leftOut(item, p.item(i)) {
			continue
		}
		fresh = reflect.Append(fresh, reflect.Zero(v.Type().Elem()))
		element := fresh.Index(fresh.Len() - 1)
		if item.kind == kindNull && element.Kind() != reflect.Pointer && element.Kind() != reflect.Interface && element.Type() != valueType {
			ok = d.wrong("a value", item, p.item(i))
			continue
		}
		ok = d.value(item, element, p.item(i), at) && ok
	}
	v.Set(fresh)
	return ok
}

// listRemedy shows how a single value becomes a list.
func listRemedy(n *node) string {
	switch {
	case n.kind == kindObject:
		return `; begin each item with "- "`
	case n.via == "" && (n.kind == kindText || n.kind == kindNumber || n.kind == kindBool):
		text := shorten(n.text)
		if n.kind == kindText && (text == "" || strings.ContainsAny(text, ",:[]{}#&*!|>'\"%@`") || strings.TrimSpace(text) != text || scalarKind(text) != kindText) {
			text = strconv.Quote(text)
		}
		return "; write it as a list: [" + text + "]"
	}
	return "; write it as a list: [...]"
}

// isPlainKind reports whether values of a kind hold nothing to validate.
func isPlainKind(k reflect.Kind) bool {
	return k != reflect.Struct && k != reflect.Pointer && k != reflect.Map && k != reflect.Slice
}

func (d *decoder) scalar(n *node, v reflect.Value, p *keyPath) bool {
	switch v.Kind() {
	case reflect.String:
		text, ok := d.text(n, p)
		if ok {
			v.SetString(text)
		}
		return ok
	case reflect.Bool:
		value, good := parseBool(n.text)
		if n.kind != kindBool && n.kind != kindText && n.kind != kindNumber || !good {
			return d.wrong("true or false", n, p)
		}
		v.SetBool(value)
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return d.signed(n, v, p)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return d.unsigned(n, v, p)
	case reflect.Float32, reflect.Float64:
		number, ok := d.number(n, p)
		if ok && v.OverflowFloat(number) {
			return d.wrong("a smaller number", n, p)
		}
		if ok {
			v.SetFloat(number)
		}
		return ok
	case reflect.Interface:
		if v.NumMethod() == 0 {
			plain, ok := d.plain(n, p)
			if ok && plain != nil {
				v.Set(reflect.ValueOf(plain))
			}
			return ok
		}
	}
	return d.fail(n.pos, p, fmt.Sprintf("a %s cannot hold configuration", v.Type()))
}

// text takes text as it is. Numbers and booleans are refused, as in Backstage, unless they come from a variable, where nobody can quote.
func (d *decoder) text(n *node, p *keyPath) (string, bool) {
	switch {
	case n.kind == kindText, n.env && (n.kind == kindNumber || n.kind == kindBool):
		return n.text, true
	case n.kind == kindNumber, n.kind == kindBool:
		return "", d.fail(n.pos, p, wrongType("text", n)+fmt.Sprintf("; put it in quotes: %q", shorten(n.text)))
	}
	return "", d.wrong("text", n, p)
}

// number converts text, as Backstage's getter does: a value from a variable is always text.
func (d *decoder) number(n *node, p *keyPath) (float64, bool) {
	if n.kind == kindNumber || n.kind == kindText {
		if number, ok := parseNumber(strings.TrimSpace(n.text)); ok {
			return number, true
		}
	}
	return 0, d.wrong("a number", n, p)
}

func (d *decoder) integer(n *node, p *keyPath) (negative bool, magnitude uint64, ok bool) {
	if n.kind == kindNumber || n.kind == kindText {
		if negative, magnitude, ok = parseInteger(strings.TrimSpace(n.text)); ok {
			return negative, magnitude, true
		}
	}
	return false, 0, d.wrong("a whole number", n, p)
}

func (d *decoder) signed(n *node, v reflect.Value, p *keyPath) bool {
	negative, magnitude, ok := d.integer(n, p)
	if !ok {
		return false
	}
	limit := uint64(1) << (v.Type().Bits() - 1)
	if magnitude > limit || magnitude == limit && !negative {
		return d.wrong(fmt.Sprintf("a whole number from -%d to %d", limit, limit-1), n, p)
	}
	if negative {
		v.SetInt(-int64(magnitude-1) - 1)
	} else {
		v.SetInt(int64(magnitude))
	}
	return true
}

func (d *decoder) unsigned(n *node, v reflect.Value, p *keyPath) bool {
	negative, magnitude, ok := d.integer(n, p)
	if !ok {
		return false
	}
	limit := ^uint64(0) >> (64 - v.Type().Bits())
	if negative || magnitude > limit {
		return d.wrong(fmt.Sprintf("a whole number from 0 to %d", limit), n, p)
	}
	v.SetUint(magnitude)
	return true
}

// plain makes what encoding/json would: nil, bool, float64, string, []any and map[string]any.
func (d *decoder) plain(n *node, p *keyPath) (any, bool) {
	d.flawed(n, p)
	switch n.kind {
	case kindText:
		return n.text, true
	case kindNumber:
		number, _ := parseNumber(n.text)
		return number, true
	case kindBool:
		value, _ := parseBool(n.text)
		return value, true
	case kindList:
		items, ok := make([]any, 0, len(n.items)), true
		for i, item := range n.items {
			if d.leftOut(item, p.item(i)) {
				continue
			}
			value, good := d.plain(item, p.item(i))
			items, ok = append(items, value), ok && good
		}
		return items, ok
	case kindObject:
		entries, ok := make(map[string]any, len(n.entries)), len(n.flaws) == 0
		for _, e := range n.entries {
			if e.value.absent() || d.leftOut(e.value, p.child(e.key)) {
				continue
			}
			value, good := d.plain(e.value, p.child(e.key))
			entries[e.key], ok = value, ok && good
		}
		return entries, ok
	case kindBroken:
		return nil, false
	}
	return nil, true
}
