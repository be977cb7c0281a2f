package ingest

import (
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/location"
)

// reportUnknown names types of locations and kinds of entities that the configuration has and nothing in this portal: slips of the fingers, mostly. They are no faults, since a processor may read or recognize what is in no list, and what
// was written for Backstage should load.
func (in *Ingest) reportUnknown(config Config) {
	unknownType := func(name, place string) {
		if name != "" && !slices.Contains(in.types, name) {
			in.Logger.Warn("the configuration names a type of locations that nothing in this portal reads", unknown(place, "type", name, in.types)...)
		}
	}
	unknownKinds := func(allowed []location.AllowedKind) {
		for _, kind := range allowed {
			if !slices.ContainsFunc(in.kinds, func(known string) bool { return strings.EqualFold(known, kind.Kind) }) {
				in.Logger.Warn("catalog.rules allow a kind that nothing in this portal adds", unknown(kind.Place(), "kind", kind.Kind, in.kinds)...)
			}
		}
	}
	for _, l := range config.Locations {
		unknownType(l.Type, l.place)
		for _, rule := range l.Rules {
			unknownKinds(rule.Allow)
		}
	}
	for _, rule := range config.Rules {
		unknownKinds(rule.Allow)
		for _, l := range rule.Locations {
			unknownType(l.Type, l.Place())
		}
	}
}

// unknown are the attributes of such a warning: where it is, and what was probably meant.
func unknown(place, what, name string, known []string) []any {
	attributes := []any{"at", place, what, name}
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
