package pipeline

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // an etag, not a protection
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// assembler puts entities together with what is known about them. It reuses its memory: one goroutine uses it at a time.
type assembler struct {
	buffer    []byte
	relations []catalogcommon.Relation
	casings   casings
}

func newAssembler() *assembler { return &assembler{relations: []catalogcommon.Relation{}} } // not nil, which would be written as null

// noETag holds the place of the etag while it is computed.
var noETag = `"` + strings.Repeat("0", 2*sha1.Size) + `"`

// assemble makes the final entity: the processed one with its id, the relations, the mark of an orphan, and what went wrong.
//
// The processed entity is canonical JSON, and most of it stays as it is, so that its text is edited instead of decoded and written again.
func (a *assembler) assemble(parts *store.Parts) (store.Final, error) {
	a.relations = a.relations[:0]
	for _, r := range parts.Relations {
		a.relations = append(a.relations, catalogcommon.Relation{Type: r.Type, TargetRef: r.Target})
	}
	etag, etagAt := "", 0
	annotations := func(dst, old []byte) ([]byte, error) {
		switch {
		case len(old) == 0 || old[0] == 'n':
			old = []byte("{}")
		case old[0] != '{':
			return append(dst, old...), nil // a fault that validation names
		}
		return edit(dst, old, change{catalogcommon.AnnotationOrphan, func(dst, _ []byte) ([]byte, error) {
			if parts.Orphan {
				dst = append(dst, `"true"`...)
			}
			return dst, nil
		}})
	}
	metadata := func(dst, old []byte) ([]byte, error) {
		if len(old) == 0 || old[0] != '{' {
			return dst, errors.New("it has no metadata")
		}
		return edit(dst, old, change{"annotations", annotations}, change{"etag", func(dst, old []byte) ([]byte, error) {
			if len(old) > 0 && old[0] == '"' {
				etag = string(rawjson.AppendText(nil, old[1:len(old)-1]))
				return append(dst, old...), nil
			}
			etagAt = len(dst) + 1
			return append(dst, noETag...), nil
		}}, change{"uid", func(dst, _ []byte) ([]byte, error) { return catalogcommon.AppendJSON(dst, parts.UID) }})
	}
	items := statusItems(parts)
	body := []byte(parts.Body)
	casing, err := a.casings.of(parts.Body, body)
	if err != nil {
		return store.Final{}, fmt.Errorf("walk the processed entity: %w", err)
	}
	items = append(items, casing...)
	text, err := edit(a.buffer[:0], body, change{"metadata", metadata}, change{"relations", func(dst, _ []byte) ([]byte, error) {
		return catalogcommon.AppendJSON(dst, a.relations)
	}}, change{"status", func(dst, _ []byte) ([]byte, error) {
		if len(items) > 0 {
			return catalogcommon.AppendJSON(dst, catalogcommon.Status{Items: items})
		}
		return dst, nil
	}})
	if err != nil {
		return store.Final{}, fmt.Errorf("edit the processed entity: %w", err)
	}
	a.buffer = text
	sum := sha1.Sum(text) //nolint:gosec // see the import
	final := store.Final{Hash: hex.EncodeToString(sum[:]), ETag: etag, Body: bytes.Clone(text)}
	if etagAt > 0 {
		final.ETag = final.Hash
		copy(final.Body[etagAt:], final.ETag)
	}
	return final, nil
}

// change is what becomes of one member of an object. write appends its new value, or nothing to leave it out; old is the present one, empty if there is none.
type change struct {
	key   string
	write func(dst, old []byte) ([]byte, error)
}

// edit appends the object with changes, which are in the order of their keys, as the members of the object are. All that is not changed is copied.
func edit(dst, object []byte, changes ...change) ([]byte, error) {
	dst = append(dst, '{')
	empty := len(dst)
	put := func(c change, old []byte) error {
		start := len(dst)
		if start > empty {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), c.key...), '"', ':')
		value := len(dst)
		var err error
		if dst, err = c.write(dst, old); len(dst) == value {
			dst = dst[:start]
		}
		return err
	}
	members := rawjson.Object(object, 0)
	for members.Next() {
		key := object[members.KeyStart:members.KeyEnd]
		if members.KeyEscaped {
			key = rawjson.AppendText(nil, key)
		}
		end, err := rawjson.Value(object, members.Value)
		if err != nil {
			return dst, err
		}
		members.End = end
		for len(changes) > 0 && changes[0].key < string(key) {
			if err := put(changes[0], nil); err != nil {
				return dst, err
			}
			changes = changes[1:]
		}
		if len(changes) > 0 && changes[0].key == string(key) {
			if err := put(changes[0], object[members.Value:end]); err != nil {
				return dst, err
			}
			changes = changes[1:]
			continue
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(dst, object[members.KeyStart-1:end]...)
	}
	for _, c := range changes {
		if err := put(c, nil); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), members.Err
}

func statusItems(parts *store.Parts) []catalogcommon.StatusItem {
	var items []catalogcommon.StatusItem
	add := func(level string, info catalogcommon.ErrorInfo) {
		items = append(items, catalogcommon.StatusItem{Type: catalogcommon.StatusCatalogProcessing, Level: level, Message: info.Name + ": " + info.Message, Error: &info})
	}
	for _, list := range parts.Errors {
		for _, info := range readList(list) {
			add(catalogcommon.LevelError, info)
		}
	}
	for _, list := range parts.Faults {
		for _, info := range readList(list) {
			info.Message = "the present version of this entity cannot be read, and this is the last good one: " + info.Message
			add(catalogcommon.LevelError, info)
		}
	}
	for _, c := range parts.Conflicts {
		add(catalogcommon.LevelWarning, catalogcommon.ErrorInfo{Name: "ConflictError", Message: fmt.Sprintf("%s describes this entity too, but it belongs to %s; remove one of them", c.LocationKey, c.Owner)})
	}
	return items
}
