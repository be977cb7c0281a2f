package query

import (
	"unicode"
	"unicode/utf8"
)

// Lower gives the form in which keys and values are compared: lower case, independent of locale.
func Lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return string(AppendLower(make([]byte, 0, len(s)+8), s))
		}
	}
	return s
}

// AppendLower appends what [Lower] gives for s.
func AppendLower[T string | []byte](dst []byte, s T) []byte {
	i := 0
	for ; i < len(s) && s[i] < utf8.RuneSelf; i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	if i == len(s) {
		return dst
	}
	for _, r := range string(s[i:]) {
		if r == 'İ' { // the one letter whose lower case is two: i and a dot above
			dst = append(dst, "i\u0307"...)
			continue
		}
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	return dst
}
