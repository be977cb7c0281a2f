package rawjson

import "strings"

// EscapeStep returns a member's name as a step of a JSON pointer (RFC 6901).
func EscapeStep(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// UnescapeStep returns the member's name that a step of a JSON pointer stands for.
func UnescapeStep(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}
