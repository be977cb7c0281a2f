package pipeline

import (
	"fmt"
	"strings"
	"unicode/utf8"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// mostCasings bounds how many keys an entity tells of.
const mostCasings = 20

// casings looks for members of the same object whose names differ only in case. Searching does not tell them apart: what either has is found under both.
type casings struct {
	text   string
	entity []byte   // the same
	names  []string // of the objects that are being walked, one after the other
	items  []catalogcommon.StatusItem
}

// of returns warnings about the keys of a processed entity.
func (c *casings) of(text string, entity []byte) ([]catalogcommon.StatusItem, error) {
	if len(entity) == 0 {
		return nil, nil
	}
	c.text, c.entity, c.names, c.items = text, entity, c.names[:0], nil
	_, err := c.value(0, "")
	return c.items, err
}

// value walks the value at i and returns the offset after it. path leads to it, with a dot behind.
func (c *casings) value(i int, path string) (end int, err error) {
	switch c.entity[i] {
	case '{':
		first, upper := len(c.names), false
		it := rawjson.Object(c.entity, i)
		for it.Next() {
			name := c.text[it.KeyStart:it.KeyEnd]
			if it.KeyEscaped {
				name = string(rawjson.AppendText(nil, c.entity[it.KeyStart:it.KeyEnd]))
			}
			upper = upper || mayBeUpper(name)
			c.names = append(c.names, name)
			inside := path
			if opens(c.entity[it.Value]) {
				inside += name + "."
			}
			if it.End, err = c.value(it.Value, inside); err != nil {
				return it.End, err
			}
		}
		if upper {
			c.compare(c.names[first:], path)
		}
		c.names = c.names[:first]
		return it.End, it.Err
	case '[':
		it := rawjson.Array(c.entity, i)
		for it.Next() {
			if it.End, err = c.value(it.Value, path); err != nil {
				return it.End, err
			}
		}
		return it.End, it.Err
	}
	return rawjson.Value(c.entity, i)
}

// mayBeUpper reports whether a name has letters that could be written small: if no name has, none differ in case only.
func mayBeUpper(name string) bool {
	for i := range len(name) {
		if b := name[i]; b >= utf8.RuneSelf || b >= 'A' && b <= 'Z' {
			return true
		}
	}
	return false
}

func opens(b byte) bool { return b == '{' || b == '[' }

func (c *casings) compare(names []string, path string) {
	const few = 24 // that are compared each with each, which takes less than a table
	if len(names) <= few {
		for i, name := range names {
			for _, other := range names[:i] {
				if len(other) == len(name) && strings.EqualFold(other, name) {
					c.warn(path+other, path+name)
				}
			}
		}
		return
	}
	lower := make(map[string]string, len(names))
	for _, name := range names {
		low := strings.ToLower(name)
		if other, twice := lower[low]; twice {
			c.warn(path+other, path+name)
		} else {
			lower[low] = name
		}
	}
}

func (c *casings) warn(key, other string) {
	if len(c.items) == mostCasings {
		return
	}
	info := catalogcommon.ErrorInfo{Name: "InputError", Message: fmt.Sprintf("%s and %s differ only in case, so searching finds what either has under both; rename one of them", key, other)}
	c.items = append(c.items, catalogcommon.StatusItem{Type: catalogcommon.StatusCatalogProcessing, Level: catalogcommon.LevelWarning, Message: info.Name + ": " + info.Message, Error: &info})
}
