package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
)

// contains reports whether keys has key.
func contains(keys []string, key string) bool { return slices.Contains(keys, key) }

// unknownKeyMessage says that a key means nothing here, and what was probably meant.
func unknownKeyMessage(key string, known []string) string {
	if key == "<<" {
		return "YAML merge keys are not supported; use $include, or write the keys out"
	}
	if likely := spelling.Nearest(key, known, foldKey); likely != "" {
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
