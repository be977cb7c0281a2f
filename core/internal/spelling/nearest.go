// Package spelling finds what somebody probably meant.
package spelling

import "slices"

// Nearest returns the candidate that is most like word, and only if a slip of the fingers can explain the difference; else "". Both are compared as fold returns them.
func Nearest(word string, candidates []string, fold func(string) string) string {
	best, bestDistance := "", 1+max(1, len(word)/3)
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := editDistance(fold(word), fold(candidate))
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
