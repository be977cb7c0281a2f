package sqltext

import "strings"

// Access is what a text may do to an SQLite database.
type Access int

// The accesses.
const (
	Read        Access = iota // cannot write: it may run beside a writer
	Write                     // may write: it needs the file's write lock
	Transaction               // begins or ends a transaction by text
	Savepoint                 // sets, releases or returns to a savepoint
)

// AccessOf tells what text, one or more SQLite statements, may do. The strongest statement decides.
func AccessOf(text string) Access {
	s := scanner{text: text, syntax: SQLite}
	access := Read
	for {
		a, more := s.statementAccess()
		access = max(access, a)
		if !more {
			return access
		}
	}
}

// statementAccess reads one statement up to its semicolon.
func (s *scanner) statementAccess() (Access, bool) {
	k, first := s.next()
	switch k {
	case end:
		return Read, false
	case semicolon:
		return Read, true
	}
	access := Write
	switch strings.ToLower(first) {
	case "select", "values", "explain":
		access = Read
	case "with":
		return s.withAccess()
	case "pragma":
		return s.pragmaAccess()
	case "begin", "commit", "end":
		access = Transaction
	case "savepoint", "release":
		access = Savepoint
	case "rollback":
		return s.rollbackAccess()
	case "create":
		return s.createAccess()
	}
	return access, s.skipStatement()
}

// withAccess finds the verb that follows the common table expressions.
func (s *scanner) withAccess() (Access, bool) {
	depth := 0
	for {
		k, text := s.next()
		switch k {
		case end:
			return Write, false
		case semicolon:
			return Write, true
		case opening:
			depth++
		case closing:
			depth--
		case word:
			if depth > 0 {
				continue
			}
			switch strings.ToLower(text) {
			case "select", "values":
				return Read, s.skipStatement()
			case "insert", "update", "delete", "replace":
				return Write, s.skipStatement()
			}
		}
	}
}

// pragmaAccess: a pragma that is given a value with an equals sign, or that is known to work on the file, writes.
func (s *scanner) pragmaAccess() (Access, bool) {
	access := Read
	for {
		k, text := s.next()
		switch k {
		case end:
			return access, false
		case semicolon:
			return access, true
		case equals:
			access = Write
		case word:
			switch strings.ToLower(text) {
			case "wal_checkpoint", "optimize", "incremental_vacuum", "journal_mode":
				access = Write
			}
		}
	}
}

// rollbackAccess tells ROLLBACK from ROLLBACK TO.
func (s *scanner) rollbackAccess() (Access, bool) {
	access := Transaction
	for {
		k, text := s.next()
		switch k {
		case end:
			return access, false
		case semicolon:
			return access, true
		case word:
			if strings.EqualFold(text, "to") {
				access = Savepoint
			}
		}
	}
}

// createAccess passes over a trigger's body, whose statements end with semicolons of their own and whose END is not the transaction's.
func (s *scanner) createAccess() (Access, bool) {
	trigger, depth := false, 0
	for {
		k, text := s.next()
		switch k {
		case end:
			return Write, false
		case semicolon:
			if depth == 0 {
				return Write, true
			}
		case word:
			switch strings.ToLower(text) {
			case "trigger":
				trigger = true
			case "begin", "case":
				if trigger {
					depth++
				}
			case "end":
				if depth > 0 {
					depth--
				}
			}
		}
	}
}

// skipStatement passes over the rest of a statement and reports whether a semicolon ended it.
func (s *scanner) skipStatement() bool {
	for {
		switch k, _ := s.next(); k {
		case end:
			return false
		case semicolon:
			return true
		}
	}
}
