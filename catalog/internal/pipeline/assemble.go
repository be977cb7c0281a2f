package pipeline

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // an etag, not a protection
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// assembler puts entities together with what is known about them.
type assembler struct{ buffer []byte }

func newAssembler() *assembler { return &assembler{} }

// noETag holds the place of the etag while it is computed.
var noETag = strings.Repeat("0", 2*sha1.Size)

// assemble makes the final entity: the processed one with its id, the relations, the mark of an orphan, and what went wrong.
func (a *assembler) assemble(parts *store.Parts) (store.Final, error) {
	var entity map[string]any
	if err := json.Unmarshal([]byte(parts.Body), &entity); err != nil {
		return store.Final{}, fmt.Errorf("read the processed entity: %w", err)
	}
	metadata, ok := entity["metadata"].(map[string]any)
	if !ok {
		return store.Final{}, fmt.Errorf("read the processed entity: it has no metadata")
	}
	metadata["uid"] = parts.UID
	etag, given := metadata["etag"].(string)
	if !given {
		metadata["etag"] = noETag
	}
	if annotations := annotationsOf(entity); annotations != nil {
		delete(annotations, catalogcommon.AnnotationOrphan)
		if parts.Orphan {
			annotations[catalogcommon.AnnotationOrphan] = "true"
		}
	}
	relations := make([]catalogcommon.Relation, len(parts.Relations))
	for i, r := range parts.Relations {
		relations[i] = catalogcommon.Relation{Type: r.Type, TargetRef: r.Target}
	}
	entity["relations"] = relations
	delete(entity, "status")
	if items := statusItems(parts); len(items) > 0 {
		entity["status"] = catalogcommon.Status{Items: items}
	}
	var err error
	if a.buffer, err = catalogcommon.AppendJSON(a.buffer[:0], entity); err != nil {
		return store.Final{}, fmt.Errorf("write the entity: %w", err)
	}
	sum := sha1.Sum(a.buffer) //nolint:gosec // see the import
	final := store.Final{Hash: hex.EncodeToString(sum[:]), ETag: etag, Body: bytes.Clone(a.buffer)}
	if !given {
		final.ETag = final.Hash
		// Keys are sorted, and quotes within texts are escaped: before metadata.etag no other text can look like it.
		if at := bytes.Index(final.Body, []byte(`"etag":"`+noETag)); at >= 0 {
			copy(final.Body[at+len(`"etag":"`):], final.ETag)
		}
	}
	return final, nil
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
