package pipeline

import (
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// mostPlaces bounds how many places are stored with an entity. What is beyond shows as what holds it.
const mostPlaces = 1000

func (p *positions) note(document *descriptor.Document, pointer string) {
	if p.At == nil {
		p.At = map[string][2]int{}
	}
	if len(p.At) < mostPlaces {
		line, column := document.Position(pointer)
		p.At[pointer] = [2]int{line, column}
	}
}

// noteReferences notes the places of what can turn out to be wrong when the entity is processed, which is what leads to other files. Most entities, body being one as canonical JSON, have nothing of that, and nothing is stored with them.
func (p *positions) noteReferences(document *descriptor.Document, body string) {
	if document.Object["kind"] == catalogcommon.KindLocation {
		spec, _ := document.Object["spec"].(map[string]any)
		if _, has := spec["target"]; has {
			p.note(document, "/spec/target")
		}
		targets, _ := spec["targets"].([]any)
		if len(targets) > 0 {
			p.note(document, "/spec/targets")
		}
		for i := range min(len(targets), mostPlaces) {
			p.note(document, "/spec/targets/"+strconv.Itoa(i))
		}
	}
	if mayHavePlaceholders(body) {
		p.notePlaceholders(document, document.Object, "")
	}
}

func (p *positions) notePlaceholders(document *descriptor.Document, value any, pointer string) {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			p.notePlaceholders(document, item, pointer+"/"+strconv.Itoa(i))
		}
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			if strings.HasPrefix(key, "$") {
				p.note(document, pointer)
				return
			}
			keys = append(keys, key)
		}
		slices.Sort(keys) // equal documents have equal places
		for _, key := range keys {
			p.notePlaceholders(document, value[key], pointer+"/"+rawjson.EscapeStep(key))
		}
	}
}

// known returns the place of a pointer, or of the innermost of what holds it whose place is known.
func (p positions) known(pointer string) (place [2]int, ok bool) {
	for {
		if place, ok = p.At[pointer]; ok {
			return place, true
		}
		end := strings.LastIndexByte(pointer, '/')
		if end < 0 {
			return place, false
		}
		pointer = pointer[:end]
	}
}
