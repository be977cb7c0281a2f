package radar

import (
	"fmt"
	"strings"
)

// maxProblems bounds how much is wrong at once: a file that is no radar at all has one problem per line.
const maxProblems = 50

// Problems is everything that is wrong with a radar: where, what, and how to mend it, in words for who wrote it.
type Problems struct {
	List []string // maxProblems at most, at least one
	More int      // further ones
}

var _ error = (*Problems)(nil)

// Error joins the problems, a line each.
func (p *Problems) Error() string {
	text := strings.Join(p.List, "\n")
	if p.More > 0 {
		text += fmt.Sprintf("\nand %d more", p.More)
	}
	return text
}

func (p *Problems) add(where, format string, args ...any) {
	if len(p.List) == maxProblems {
		p.More++
		return
	}
	p.List = append(p.List, where+": "+fmt.Sprintf(format, args...))
}

func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	return p
}
