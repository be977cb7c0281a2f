package descriptor

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// plain gives an unquoted scalar of YAML 1.2's core schema its value: nil, a bool, a float64 or a string. Numbers that JSON cannot hold (.inf, .nan, 1e999) are nil, as in JSON that JavaScript writes.
//
// The YAML library has a resolution of its own, which turns dates into times and 014 into 12; descriptors must not depend on it.
func plain(text string) any {
	if text == "" {
		return nil
	}
	switch c := text[0]; {
	case c == '~' || c == 'n' || c == 'N':
		if text == "~" || text == "null" || text == "Null" || text == "NULL" {
			return nil
		}
	case c == 't' || c == 'T':
		if text == "true" || text == "True" || text == "TRUE" {
			return true
		}
	case c == 'f' || c == 'F':
		if text == "false" || text == "False" || text == "FALSE" {
			return false
		}
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		if number, ok := coreNumber(text); ok {
			return number
		}
	}
	return text
}

// coreNumber returns a float64, or nil for what JSON cannot hold.
func coreNumber(text string) (value any, ok bool) {
	if len(text) > 2 && text[0] == '0' {
		switch text[1] {
		case 'o':
			return inBase(text[2:], 8)
		case 'x':
			return inBase(text[2:], 16)
		}
	}
	unsigned := text
	if text[0] == '+' || text[0] == '-' {
		unsigned = text[1:]
	}
	switch unsigned {
	case ".inf", ".Inf", ".INF":
		return nil, true
	case ".nan", ".NaN", ".NAN":
		return nil, unsigned == text
	}
	if !isDecimal(unsigned) {
		return nil, false
	}
	return finite(strconv.ParseFloat(text, 64))
}

// isDecimal reports whether text is digits with at most one point before, within or after them, and an optional exponent.
func isDecimal(text string) bool {
	i, digits := 0, 0
	skip := func() {
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
			digits++
		}
	}
	skip()
	if i < len(text) && text[i] == '.' {
		i++
		skip()
	}
	if digits == 0 {
		return false
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		digits = 0
		skip()
		if digits == 0 {
			return false
		}
	}
	return i == len(text)
}

// inBase reads the digits of an integer of any size.
func inBase(digits string, base int) (value any, ok bool) {
	if digits == "" || strings.ContainsAny(digits, "+-_") {
		return nil, false
	}
	if number, err := strconv.ParseUint(digits, base, 64); err == nil {
		return float64(number), true
	}
	number, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, false
	}
	float, _ := new(big.Float).SetInt(number).Float64()
	return finite(float, nil)
}

func finite(number float64, err error) (value any, ok bool) {
	if err != nil && !math.IsInf(number, 0) {
		return nil, false
	}
	if math.IsInf(number, 0) || math.IsNaN(number) {
		return nil, true
	}
	return number, true
}
