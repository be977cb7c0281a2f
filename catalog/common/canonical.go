package catalogcommon

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends value as canonical JSON: no white space, object keys sorted by their bytes at every depth, numbers as JavaScript writes them (NaN and infinities are null), and no more escaping than JSON asks for.
// So values that mean the same have the same bytes, which is what hashes and comparisons of entities rest on.
//
// It is made for the trees that encoding/json makes; any other value goes through encoding/json first, which is slow and the only source of errors.
func AppendJSON(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case float64:
		return appendNumber(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case map[string]any:
		return appendObject(dst, v, AppendJSON)
	case map[string]string:
		return appendObject(dst, v, appendText)
	case []any:
		return appendArray(dst, v, AppendJSON)
	case []string:
		return appendArray(dst, v, appendText)
	case []Relation:
		return appendArray(dst, v, appendRelation)
	case []map[string]any:
		return appendArray(dst, v, func(dst []byte, item map[string]any) ([]byte, error) { return AppendJSON(dst, item) })
	default:
		return appendForeign(dst, v)
	}
}

func appendForeign(dst []byte, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return dst, fmt.Errorf("write %T as json: %w", value, err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return dst, fmt.Errorf("write %T as json: %w", value, err)
	}
	return AppendJSON(dst, tree)
}

func appendObject[V any](dst []byte, object map[string]V, appendValue func([]byte, V) ([]byte, error)) ([]byte, error) {
	if object == nil {
		return append(dst, "null"...), nil
	}
	var few [24]string // most objects are small: their keys need no allocation
	keys := few[:0]
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	var err error
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, key), ':')
		if dst, err = appendValue(dst, object[key]); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendArray[V any](dst []byte, array []V, appendValue func([]byte, V) ([]byte, error)) ([]byte, error) {
	if array == nil {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	var err error
	for i, item := range array {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(dst, item); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendText(dst []byte, text string) ([]byte, error) { return appendString(dst, text), nil }

func appendRelation(dst []byte, r Relation) ([]byte, error) {
	dst = appendString(append(dst, `{"targetRef":`...), r.TargetRef)
	dst = appendString(append(dst, `,"type":`...), r.Type)
	return append(dst, '}'), nil
}

// appendNumber writes the shortest text that reads back as the same number, in the notation of ECMAScript's Number::toString.
func appendNumber(dst []byte, number float64) []byte {
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return append(dst, "null"...)
	}
	if number == 0 {
		return append(dst, '0') // also for negative zero
	}
	size := math.Abs(number)
	if size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, number, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, number, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' { // e-07 is written e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, text[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, text[start:]...), '"')
}

func cloneObject(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	c := make(map[string]any, len(object))
	for key, value := range object {
		c[key] = cloneValue(value)
	}
	return c
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return cloneObject(v)
	case []any:
		if v == nil {
			return v
		}
		c := make([]any, len(v))
		for i := range v {
			c[i] = cloneValue(v[i])
		}
		return c
	case []string:
		return slices.Clone(v)
	case map[string]string:
		return cloneStrings(v)
	default:
		return v
	}
}

func cloneStrings(texts map[string]string) map[string]string { return maps.Clone(texts) }
