package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// contains reports whether keys has key.
func contains(keys []string, key string) bool { return slices.Contains(keys, key) }

// unknownKeyMessage says that a key means nothing here, and what was probably meant.
func unknownKeyMessage(key string, known []string) string {
	if key == "<<" {
		return "YAML merge keys are not supported; use $include, or write the keys out"
	}
	if likely := nearest(key, known); likely != "" {
		return fmt.Sprintf("unknown key; did you mean %q?", likely)
	}
	const few = 10
	known = slices.Sorted(slices.Values(known))
	switch {
	case len(known) == 0:
		return "unknown key; no keys are known here"
	case len(known) > few:
		return "unknown key; known are " + strings.Join(known[:few], ", ") + " and " + strconv.Itoa(len(known)-few) + " more"
	case len(known) == 1:
		return "unknown key; the only one known here is " + known[0]
	}
	return "unknown key; known are " + strings.Join(known, ", ")
}

// nearest returns the candidate that is most like key, and only if a slip of the fingers can explain the difference.
func nearest(key string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(key)/3)
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := editDistance(foldKey(key), foldKey(candidate))
		if distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours.
func editDistance(from, to string) int {
	const longest = 64 // nobody mistypes more, and the work is quadratic
	a, b := []rune(from), []rune(to)
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range a {
		current[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			current[j+1] = min(current[j]+1, previous[j+1]+1, previous[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
