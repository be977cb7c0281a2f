package model

import (
	"net/url"
	"strings"
)

// The forms of names, keys and versions. They run for every field of every entity, so they are written out instead of being regular expressions.

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlnum(c byte) bool { return isLower(c) || isDigit(c) || c >= 'A' && c <= 'Z' }

// isName: 1 to 63 letters, digits, and between them any of - _ . ; of names and label values.
func isName(text string) bool {
	if len(text) < 1 || len(text) > 63 || !isAlnum(text[0]) || !isAlnum(text[len(text)-1]) {
		return false
	}
	for i := range len(text) {
		if c := text[i]; !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// isDNSLabel: 1 to 63 small letters, digits, and hyphens between them.
func isDNSLabel(text string) bool {
	if len(text) < 1 || len(text) > 63 || text[0] == '-' || text[len(text)-1] == '-' {
		return false
	}
	for i := range len(text) {
		if c := text[i]; !isLower(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

// isDNSSubdomain: DNS labels with dots between them, up to 253 characters.
func isDNSSubdomain(text string) bool {
	if len(text) < 1 || len(text) > 253 {
		return false
	}
	start := 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i] == '.' {
			if !isDNSLabel(text[start:i]) {
				return false
			}
			start = i + 1
		}
	}
	return true
}

// isPrefixed: [subdomain/]suffix, where fits says what a suffix is.
func isPrefixed(text string, fits func(string) bool) bool {
	for i := range len(text) {
		if text[i] == '/' {
			return isDNSSubdomain(text[:i]) && fits(text[i+1:])
		}
	}
	return fits(text)
}

// isKey is the form of the keys of labels and annotations.
func isKey(text string) bool { return isPrefixed(text, isName) }

func isAPIVersion(text string) bool { return isPrefixed(text, isAPIVersionSuffix) }

func isAPIVersionSuffix(text string) bool {
	if len(text) < 1 || len(text) > 63 {
		return false
	}
	for i := range len(text) {
		if !isAlnum(text[i]) {
			return false
		}
	}
	return true
}

func isKind(text string) bool { return isAPIVersionSuffix(text) && !isDigit(text[0]) }

func isLabelValue(text string) bool { return text == "" || isName(text) }

// isTag: 1 to 63 of small letters, digits, : + #, and single hyphens between them.
func isTag(text string) bool {
	if len(text) < 1 || len(text) > 63 {
		return false
	}
	hyphen := true // also at the start, where none may be
	for i := range len(text) {
		switch c := text[i]; {
		case isLower(c) || isDigit(c) || c == ':' || c == '+' || c == '#':
			hyphen = false
		case c == '-' && !hyphen:
			hyphen = true
		default:
			return false
		}
	}
	return !hyphen
}

func isAbsoluteURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		u, err = url.Parse(strings.ReplaceAll(text, "%", "%25")) // browsers take a lone percent sign as it is
	}
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
}
