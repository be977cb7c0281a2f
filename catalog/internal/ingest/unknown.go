package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/location"
)

// reportUnknown names types of locations and kinds of entities that the configuration has and nothing in this portal: slips of the fingers, mostly. They are no faults, since a processor may read or recognize what is in no list, and what
// was written for Backstage should load.
func (in *Ingest) reportUnknown(config Config) {
	unknownType := func(key, name string) {
		if name != "" && !slices.Contains(in.types, name) {
			in.Logger.Warn("the configuration names a type of locations that nothing in this portal reads", unknown(key, "type", name, in.types)...)
		}
	}
	unknownKinds := func(key string, allowed []location.AllowedKind) {
		for i, kind := range allowed {
			if !slices.ContainsFunc(in.kinds, func(known string) bool { return strings.EqualFold(known, kind.Kind) }) {
				in.Logger.Warn("the configuration allows a kind that nothing in this portal adds", unknown(fmt.Sprintf("%s.allow[%d]", key, i), "kind", kind.Kind, in.kinds)...)
			}
		}
	}
	for i, l := range config.Locations {
		key := fmt.Sprintf("catalog.locations[%d]", i)
		unknownType(key, l.Type)
		for j, rule := range l.Rules {
			unknownKinds(fmt.Sprintf("%s.rules[%d]", key, j), rule.Allow)
		}
	}
	for i, rule := range config.Rules {
		key := fmt.Sprintf("catalog.rules[%d]", i)
		unknownKinds(key, rule.Allow)
		for j, l := range rule.Locations {
			unknownType(fmt.Sprintf("%s.locations[%d]", key, j), l.Type)
		}
	}
}

// unknown are the attributes of such a warning: the key, and what was probably meant.
func unknown(key, what, name string, known []string) []any {
	attributes := []any{"key", key, what, name}
	if likely := nearest(name, known); likely != "" {
		return append(attributes, "suggestion", likely)
	}
	return append(attributes, "known", strings.Join(known, ", "))
}

// nearest returns which of some words a word is a slip of; "" if it is none.
func nearest(word string, of []string) string {
	best, least := "", 2+len(word)/4
	for _, candidate := range of {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least && d < len(candidate) {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements that make one word of another. It is for words of a list, and gives up on longer ones.
func distance(from, to string) int {
	const longest = 64
	if len(from) > longest || len(to) > longest {
		return longest
	}
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := corner
			if from[i] != to[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
