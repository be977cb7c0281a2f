package sqltext

import "strings"

// Session is what a text may leave behind in a PostgreSQL session once its transaction is over.
type Session int

// The effects, weakest first.
const (
	Clean      Session = iota // nothing
	Changed                   // settings, role, temporary tables, locks, channels, cursors: a reset brings the session back
	Programmed                // the same, and from now on statements may run code of the caller's own, which can do so unseen
	Spoiled                   // what a reset cannot undo: the connection must go
)

// SessionOf tells what text, one or more PostgreSQL statements, may leave behind. It sees words, not the inside of functions: what a function of the caller's own does to the session is not in the text.
func SessionOf(text string) Session {
	s := scanner{text: text, syntax: Postgres}
	effect, first := Clean, true
	for {
		k, w := s.next()
		switch k {
		case end:
			return effect
		case semicolon:
			first = true
			continue
		case word:
			if first {
				effect = max(effect, s.firstWord(w))
			}
			effect = max(effect, anyWord(w))
		}
		first = false
	}
}

func (s *scanner) firstWord(w string) Session {
	switch strings.ToLower(w) {
	case "set":
		ahead := *s
		if k, next := ahead.next(); k == word && (strings.EqualFold(next, "local") || strings.EqualFold(next, "constraints") || strings.EqualFold(next, "transaction")) {
			return Clean
		}
		return Changed
	case "reset", "listen", "unlisten", "declare", "do", "call":
		return Changed
	case "create":
		return s.created()
	case "prepare", "deallocate", "discard", "load":
		return Spoiled
	}
	return Clean
}

// created looks at what a CREATE makes: code that later statements run unseen, or something else.
func (s *scanner) created() Session {
	ahead := *s
	for range 3 { // at most "or replace" stands before the kind
		k, w := ahead.next()
		if k != word {
			break
		}
		switch strings.ToLower(w) {
		case "function", "procedure", "aggregate", "extension":
			return Programmed
		}
	}
	return Clean
}

func anyWord(w string) Session {
	// Most words are short and none of these; looking at the length first keeps the scan cheap.
	switch {
	case len(w) == 4 && strings.EqualFold(w, "temp"), len(w) == 9 && strings.EqualFold(w, "temporary"), len(w) == 10 && strings.EqualFold(w, "set_config"):
		return Changed
	case len(w) > 11 && hasPrefixFold(w, "pg_advisory"), len(w) > 15 && hasPrefixFold(w, "pg_try_advisory"), len(w) > 7 && hasPrefixFold(w, "pg_temp"):
		return Changed
	case len(w) == 7 && strings.EqualFold(w, "pg_temp"), len(w) > 6 && hasPrefixFold(w, "dblink"):
		return Changed
	}
	return Clean
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
