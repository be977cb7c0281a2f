// Package sqltext reads just enough SQL to tell what a statement may do to a connection: whether it writes, whether it steers a transaction, whether it changes the session.
//
// It is a scanner, not a parser. Every answer errs on the safe side: what it does not recognise counts as a write, or as a change to the session.
package sqltext

import "strings"

// Syntax says which engine's quoting rules hold.
type Syntax int

// The syntaxes.
const (
	SQLite   Syntax = iota // [x] and `x` quote names; block comments do not nest
	Postgres               // $tag$ and E'…' quote text; block comments nest
)

// kind is what a token is.
type kind int

const (
	end kind = iota
	word
	semicolon
	opening
	closing
	equals
	other
)

type scanner struct {
	text   string
	syntax Syntax
	at     int
}

// next returns the next token that is neither space nor comment; text is set for words only.
func (s *scanner) next() (kind, string) {
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			s.at++
		case c == '-' && s.follows('-'):
			s.skipLine()
		case c == '/' && s.follows('*'):
			s.skipBlock()
		case c == '\'':
			s.skipQuoted('\'', false)
			return other, ""
		case c == '"':
			s.skipQuoted('"', false)
			return other, ""
		case c == '`' && s.syntax == SQLite:
			s.skipQuoted('`', false)
			return other, ""
		case c == '[' && s.syntax == SQLite:
			s.skipQuoted(']', false)
			return other, ""
		case c == '$' && s.syntax == Postgres && s.skipDollar():
			return other, ""
		case isWordStart(c):
			start := s.at
			for s.at < len(s.text) && isWordPart(s.text[s.at]) {
				s.at++
			}
			text := s.text[start:s.at]
			if s.syntax == Postgres && len(text) == 1 && (c == 'e' || c == 'E') && s.at < len(s.text) && s.text[s.at] == '\'' {
				s.skipQuoted('\'', true)
				return other, ""
			}
			return word, text
		default:
			s.at++
			switch c {
			case ';':
				return semicolon, ""
			case '(':
				return opening, ""
			case ')':
				return closing, ""
			case '=':
				return equals, ""
			}
			return other, ""
		}
	}
	return end, ""
}

func (s *scanner) follows(c byte) bool { return s.at+1 < len(s.text) && s.text[s.at+1] == c }

func (s *scanner) skipLine() {
	if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
		s.at += i + 1
		return
	}
	s.at = len(s.text)
}

func (s *scanner) skipBlock() {
	depth := 0
	for s.at < len(s.text) {
		switch {
		case s.text[s.at] == '/' && s.follows('*') && (depth == 0 || s.syntax == Postgres):
			depth++
			s.at += 2
		case s.text[s.at] == '*' && s.follows('/'):
			depth--
			s.at += 2
			if depth == 0 {
				return
			}
		default:
			s.at++
		}
	}
}

// skipQuoted passes over a quoted piece that starts here and ends with closing; a doubled closing is part of it, and with backslash an escaped one too.
func (s *scanner) skipQuoted(closing byte, backslash bool) {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case backslash && c == '\\':
			s.at++
		case c == closing && s.follows(closing) && closing != ']':
			s.at++
		case c == closing:
			s.at++
			return
		}
	}
	s.at = min(s.at, len(s.text))
}

// skipDollar passes over a dollar-quoted text, and reports false when the dollar begins something else, such as a placeholder.
func (s *scanner) skipDollar() bool {
	stop := s.at + 1
	for stop < len(s.text) && s.text[stop] != '$' {
		if !isWordPart(s.text[stop]) || (stop == s.at+1 && s.text[stop] >= '0' && s.text[stop] <= '9') {
			return false
		}
		stop++
	}
	if stop == len(s.text) {
		return false
	}
	tag := s.text[s.at : stop+1]
	if i := strings.Index(s.text[stop+1:], tag); i >= 0 {
		s.at = stop + 1 + i + len(tag)
	} else {
		s.at = len(s.text)
	}
	return true
}

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || c >= '0' && c <= '9' }
