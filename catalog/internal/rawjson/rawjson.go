// Package rawjson walks JSON text in place. Nothing is built: callers get offsets into the bytes they passed in and
// decide what to keep, which is what lets search rows be extracted and fields be projected without decoding an entity.
//
// Structure is checked as far as it is walked. Text inside strings and the digits of numbers are taken as they are, so
// feed it JSON that an encoder wrote, or that [encoding/json.Valid] accepted, where exactness matters.
package rawjson

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects may be nested before a walk gives up with an error.
const MaxDepth = 512

// Error tells what was found where it should not be.
type Error struct {
	Offset int    // bytes from the start of the text
	What   string // such as "expected a value"
}

// Error implements error.
func (e *Error) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.What
}

func fault(i int, format string, args ...any) error {
	return &Error{Offset: i, What: fmt.Sprintf(format, args...)}
}

// Space returns the offset of the first byte at or after i that is not white space; len(b) if there is none.
func Space(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// String returns the offset after the string that starts with the quote at i, and whether the text between the quotes
// contains escapes. The text is b[i+1 : end-1].
func String(b []byte, i int) (end int, escaped bool, err error) {
	if i >= len(b) || b[i] != '"' {
		return i, false, fault(i, "expected a string")
	}
	quote := -1
	for j := i + 1; ; {
		if quote < j {
			n := -1
			if j <= len(b) {
				n = bytes.IndexByte(b[j:], '"')
			}
			if n < 0 {
				return len(b), escaped, fault(i, "string has no end")
			}
			quote = j + n
		}
		back := bytes.IndexByte(b[j:quote], '\\')
		if back < 0 {
			return quote + 1, escaped, nil
		}
		escaped = true
		j += back + 2 // past the escaped byte, which may be the quote just found
	}
}

// Value returns the offset after the value that starts at i, which must not be white space.
func Value(b []byte, i int) (end int, err error) {
	depth := 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			if i, _, err = String(b, i); err != nil {
				return i, err
			}
			if depth == 0 {
				return i, nil
			}
			continue
		case '{', '[':
			if depth++; depth > MaxDepth {
				return i, fault(i, "nested more than %d deep", MaxDepth)
			}
		case '}', ']':
			depth--
			if depth < 0 {
				return i, fault(i, "expected a value")
			}
			if depth == 0 {
				return i + 1, nil
			}
		case ' ', '\n', '\r', '\t', ',', ':':
			if depth == 0 {
				return i, fault(i, "expected a value")
			}
		default:
			end := scalar(b, i)
			if end == i {
				return i, fault(i, "expected a value")
			}
			if depth == 0 {
				return end, nil
			}
			i = end
			continue
		}
		i++
	}
	return i, fault(i, "unexpected end")
}

// scalar returns the offset after the number or literal at i, or i.
func scalar(b []byte, i int) int {
	for i < len(b) {
		c := b[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E' {
			i++
			continue
		}
		break
	}
	return i
}

// Members goes over the members of an object or the elements of an array.
//
//	it, err := rawjson.Object(b, i)
//	for it.Next() {
//		… it.Key, it.Value …
//		it.End, err = rawjson.Value(b, it.Value)
//	}
//	if it.Err != nil { … }
//
// The caller must set End to the offset after the value before it calls Next again; walking the value gives it anyway.
type Members struct {
	KeyStart, KeyEnd int  // the text of the key without quotes; objects only
	KeyEscaped       bool // whether that text contains escapes
	Value            int  // offset of the value
	End              int  // set by the caller: offset after the value; after the last Next, offset after the container
	Err              error

	b       []byte
	close   byte
	started bool
}

// Object starts a walk over the object whose brace is at i.
func Object(b []byte, i int) Members { return members(b, i, '{', '}', "an object") }

// Array starts a walk over the array whose bracket is at i.
func Array(b []byte, i int) Members { return members(b, i, '[', ']', "an array") }

func members(b []byte, i int, open, closing byte, what string) Members {
	m := Members{b: b, close: closing, End: i + 1}
	if i >= len(b) || b[i] != open {
		m.Err = fault(i, "expected %s", what)
	}
	return m
}

// Next moves to the next member or element.
func (m *Members) Next() bool {
	if m.Err != nil {
		return false
	}
	b, i := m.b, Space(m.b, m.End)
	if i >= len(b) {
		m.Err = fault(i, "unexpected end")
		return false
	}
	if b[i] == m.close {
		m.End = i + 1
		return false
	}
	if m.started {
		if b[i] != ',' {
			m.Err = fault(i, "expected a comma")
			return false
		}
		i = Space(b, i+1)
	}
	m.started = true
	if m.close == '}' {
		end, escaped, err := String(b, i)
		if err != nil {
			m.Err = err
			return false
		}
		m.KeyStart, m.KeyEnd, m.KeyEscaped = i+1, end-1, escaped
		i = Space(b, end)
		if i >= len(b) || b[i] != ':' {
			m.Err = fault(i, "expected a colon")
			return false
		}
		i = Space(b, i+1)
	}
	if i >= len(b) {
		m.Err = fault(i, "unexpected end")
		return false
	}
	m.Value = i
	return true
}

// AppendText appends the text that the inside of a string (without quotes) stands for. Invalid escapes stay as they
// are; lone surrogates become U+FFFD, as in encoding/json.
func AppendText(dst, inside []byte) []byte {
	for {
		n := bytes.IndexByte(inside, '\\')
		if n < 0 || n+1 >= len(inside) {
			return append(dst, inside...)
		}
		dst = append(dst, inside[:n]...)
		c := inside[n+1]
		inside = inside[n+2:]
		switch c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, ok := hex4(inside)
			if !ok {
				dst = append(dst, '\\', 'u')
				continue
			}
			inside = inside[4:]
			if utf16.IsSurrogate(r) {
				if len(inside) >= 6 && inside[0] == '\\' && inside[1] == 'u' {
					if low, ok := hex4(inside[2:]); ok {
						if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
							inside = inside[6:]
							dst = utf8.AppendRune(dst, both)
							continue
						}
					}
				}
				r = utf8.RuneError
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, '\\', c)
		}
	}
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendNumber appends the text JavaScript gives a number, which is what search values and filters of existing
// catalogs hold: 1.0 is "1", 1e3 is "1000", 1e21 is "1e+21".
func AppendNumber(dst, literal []byte) []byte {
	plain := len(literal) > 0 && len(literal) <= 15 && (literal[0] != '-' || len(literal) > 1 && literal[1] != '0')
	for i, c := range literal {
		if c < '0' || c > '9' {
			plain = plain && i == 0 && c == '-'
		}
	}
	if plain {
		return append(dst, literal...)
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil && f == 0 {
		return append(dst, literal...)
	}
	return AppendFloat(dst, f)
}

// AppendFloat appends f as [AppendNumber] does.
func AppendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // also for -0
	}
	size := f
	if size < 0 {
		size = -size
	}
	if size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript no leading zero.
	if n := len(dst); n-start >= 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
