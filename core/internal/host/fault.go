package host

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Fault is one thing that is wrong with how a portal is put together, in words for the person who did it.
type Fault struct {
	Owner string // the plugin at fault, or where in the configuration; empty if Text says it
	Text  string // what is wrong and how to mend it
	Cause error  // an error that a constructor returned or panicked with; may be nil
}

// Error joins owner and text.
func (f Fault) Error() string {
	if f.Owner == "" {
		return f.Text
	}
	return f.Owner + ": " + f.Text
}

// Unwrap returns the cause.
func (f Fault) Unwrap() error { return f.Cause }

// faults collects.
type faults []Fault

func (f *faults) add(owner, format string, args ...any) {
	*f = append(*f, Fault{Owner: owner, Text: fmt.Sprintf(format, args...)})
}

// parts takes apart what was joined with errors.Join, but not what fmt.Errorf wrapped in a sentence of its own.
func parts(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok && err.Error() == fmt.Sprint(errors.Join(list.Unwrap()...)) {
		var all []error
		for _, part := range list.Unwrap() {
			all = append(all, parts(part)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// err returns all faults as one error, sorted and each once, or nil.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	sorted := append(faults(nil), f...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Error() < sorted[j].Error() })
	all := make([]error, 0, len(sorted))
	for i, fault := range sorted {
		if i == 0 || fault.Error() != sorted[i-1].Error() {
			all = append(all, fault)
		}
	}
	return errors.Join(all...)
}

// list joins words as people do: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
