package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is where a value was written.
type Position struct {
	// File is the path as a person would type it (relative when the folder or the --config argument was), "embedded:" and a path for built-in defaults,
	// or the name of an APP_CONFIG_ variable. Empty when nothing was written, such as for a default.
	File string
	// Line and Column count from 1, columns in characters. Both are 0 when the whole file is meant.
	Line, Column int
}

// String returns file:line:column, or only the file, or nothing.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is one thing that is wrong with the configuration, in words for the person who wrote it.
type Fault struct {
	Position Position
	// Path is the key it is about, such as backend.database.client; empty when a whole file is meant.
	Path string
	// Message says what is wrong and, where possible, how to mend it.
	Message string
}

// Error returns "position: path: message", without the parts that are not known.
func (f Fault) Error() string {
	parts := make([]string, 0, 3)
	if at := f.Position.String(); at != "" {
		parts = append(parts, at)
	}
	if f.Path != "" {
		parts = append(parts, f.Path)
	}
	return strings.Join(append(parts, f.Message), ": ")
}

// Faults is a report: every fault that was found, sorted by file, line and column, without repetitions. As an error it prints one per line.
type Faults []Fault

var _ error = Faults(nil)

// maxPrinted is how many faults are printed: when there are more, one mistake has caused most of them.
const maxPrinted = 200

// Error returns one line per fault; after 200 it counts the rest.
func (fs Faults) Error() string {
	var lines []string
	for i, f := range fs {
		if i == maxPrinted {
			lines = append(lines, fmt.Sprintf("and %d more", len(fs)-maxPrinted))
			break
		}
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each fault as an error, for [errors.As].
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// orNil avoids the trap of a nil slice in a non-nil error.
func (fs Faults) orNil() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// sorted puts faults in the order in which a person walks through the files, and drops what is said twice:
// a parent section and a section nested in it both meet a value that is broken.
func sorted(fs []Fault) Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(fs)
}
