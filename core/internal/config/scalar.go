package config

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// scalarKind resolves a plain YAML scalar by the core schema of YAML 1.2, which is what Backstage reads: yes, on and dates stay text, 0o17 is octal and 017 is not.
func scalarKind(text string) kind {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return kindNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return kindBool
	}
	if _, ok := parseNumber(text); ok {
		return kindNumber
	}
	return kindText
}

// parseNumber reads a number of the core schema of YAML 1.2. Infinities and NaN count as text: no setting can mean them.
func parseNumber(text string) (float64, bool) {
	if len(text) > 100 { // nobody writes such a number, and converting it takes long
		return 0, false
	}
	digits, base := text, 10
	switch {
	case strings.HasPrefix(text, "0x"):
		digits, base = text[2:], 16
	case strings.HasPrefix(text, "0o"):
		digits, base = text[2:], 8
	}
	if base != 10 {
		n, ok := new(big.Int).SetString(digits, base)
		if !ok || strings.ContainsAny(digits, "+-_") {
			return 0, false
		}
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, !math.IsInf(f, 0)
	}
	for _, r := range digits {
		if (r < '0' || r > '9') && !strings.ContainsRune("+-.eE", r) {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(digits, 64)
	return f, err == nil
}

// parseInteger reads a whole number as sign and magnitude; 5.0 and 1e3 are whole.
func parseInteger(text string) (negative bool, magnitude uint64, ok bool) {
	sign, rest := false, text
	switch {
	case strings.HasPrefix(text, "0x"):
		magnitude, err := strconv.ParseUint(text[2:], 16, 64)
		return false, magnitude, err == nil
	case strings.HasPrefix(text, "0o"):
		magnitude, err := strconv.ParseUint(text[2:], 8, 64)
		return false, magnitude, err == nil
	case strings.HasPrefix(text, "-"):
		sign, rest = true, text[1:]
	case strings.HasPrefix(text, "+"):
		rest = text[1:]
	}
	if magnitude, err := strconv.ParseUint(rest, 10, 64); err == nil {
		return sign && magnitude != 0, magnitude, true
	}
	f, ok := parseNumber(text)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return false, 0, false
	}
	return f < 0, uint64(math.Abs(f)), true
}

// parseBool reads what Backstage's boolean getter takes, which matters for values that come from variables and so are always text.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "y", "on", "1":
		return true, true
	case "false", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}

// describe names a value in a message. Content that came from a variable or another file is not shown.
func (n *node) describe() string {
	var what string
	switch n.kind {
	case kindNull:
		return "nothing (null)"
	case kindText:
		if n.text == "" {
			what = "an empty text"
		} else if what = "text"; n.via == "" {
			what = "the text " + strconv.Quote(shorten(n.text))
		}
	case kindNumber:
		if what = "a number"; n.via == "" {
			what = "the number " + shorten(n.text)
		}
	case kindBool:
		if what = "true or false"; n.via == "" {
			what = n.text
		}
	case kindList:
		what = "a list"
	case kindObject:
		what = "an object"
	case kindBroken:
		what = "nothing"
	}
	if n.via != "" && n.via != n.pos.File {
		what += " (from " + n.via + ")"
	}
	return what
}

// shorten keeps a message on one line of a terminal.
func shorten(text string) string {
	const limit = 40
	count := 0
	for i := range text {
		if count == limit {
			return text[:i] + "…"
		}
		count++
	}
	return text
}
