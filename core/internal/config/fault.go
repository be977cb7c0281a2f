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

// Error returns one line per fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
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

// maxFaults is how many faults a report holds: when there are more, one mistake has caused nearly all of them.
const maxFaults = 500

// sorted puts faults in the order in which a person walks through the files, those without a file last, and drops what is said twice:
// a parent section and a section nested in it both meet a value that is broken.
func sorted(fs []Fault) Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		switch {
		case a.Position.File == "" && b.Position.File != "":
			return 1
		case a.Position.File != "" && b.Position.File == "":
			return -1
		}
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	fs = slices.Compact(fs)
	if len(fs) > maxFaults {
		fs = append(fs[:maxFaults:maxFaults], Fault{Message: fmt.Sprintf("there are more than %d faults; the others are not listed", maxFaults)})
	}
	return fs
}

// enough reports whether so many faults were found that looking for more helps nobody.
// It leaves room for those that are dropped because they are said twice.
func enough(fs []Fault) bool { return len(fs) > 4*maxFaults }
