package ui

import "strings"

// SafeURL returns the address as it may stand in an href, and whether it may. Allowed are relative addresses, fragments, and the schemes http, https, mailto and tel; everything
// else (javascript:, data:, vbscript:, blob:, file:, ...) is refused, as are the control characters that browsers ignore when they look for the scheme.
func SafeURL(raw string) (string, bool) {
	address := strings.TrimSpace(raw)
	if address == "" {
		return "", false
	}
	for i := range len(address) {
		if c := address[i]; c < 0x20 || c == 0x7f {
			return "", false
		}
	}
	scheme, rest, found := strings.Cut(address, ":")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return address, true // no scheme: relative
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "tel":
		if rest != "" {
			return address, true
		}
	}
	return "", false
}

// external reports whether an address leads to another site: it has a scheme or a host of its own.
func external(address string) bool {
	if strings.HasPrefix(address, "//") || strings.HasPrefix(address, `/\`) {
		return true
	}
	scheme, _, found := strings.Cut(address, ":")
	return found && !strings.ContainsAny(scheme, "/?#")
}

// imageURL is SafeURL for addresses that are fetched, not followed.
func imageURL(raw string) (string, bool) {
	address, ok := SafeURL(raw)
	if ok && external(address) && !strings.HasPrefix(strings.ToLower(address), "https://") {
		return "", false
	}
	return address, ok
}
