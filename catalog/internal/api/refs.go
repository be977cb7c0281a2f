package api

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// refsBody asks for entities by their refs.
type refsBody struct {
	EntityRefs []string        `json:"entityRefs"`
	Fields     []string        `json:"fields"`
	Query      json.RawMessage `json:"query"`
}

// readPlain reads what almost every body is: nothing but refs, and these without escapes. It takes a fraction of the time, and is false if there is anything else, or anything wrong.
func (b *refsBody) readPlain(text []byte) bool {
	i := 0
	expect := func(c byte) bool {
		i = rawjson.Space(text, i)
		if i == len(text) || text[i] != c {
			return false
		}
		i++
		return true
	}
	if !expect('{') {
		return false
	}
	const key = `"entityRefs"`
	if i = rawjson.Space(text, i); !bytes.HasPrefix(text[i:], []byte(key)) {
		return false
	}
	i += len(key)
	if !expect(':') || !expect('[') || !utf8.Valid(text) {
		return false
	}
	all := string(text) // which all refs are parts of
	refs := make([]string, 0, min(bytes.Count(text, []byte{','})+1, maxRefs+1))
	for !expect(']') {
		if len(refs) > 0 && !expect(',') {
			return false
		}
		start := rawjson.Space(text, i)
		end, escaped, err := rawjson.String(text, start)
		if err != nil || escaped || hasControl(text[start:end]) {
			return false
		}
		refs = append(refs, all[start+1:end-1])
		i = end
	}
	if !expect('}') || rawjson.Space(text, i) != len(text) {
		return false
	}
	b.EntityRefs = refs
	return true
}

func hasControl(text []byte) bool {
	for _, c := range text {
		if c < ' ' {
			return true
		}
	}
	return false
}
