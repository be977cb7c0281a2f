package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Names of faults that say nothing about the entity: what should have looked at it could not.
const (
	NameInternal    = "InternalError"
	NameUnavailable = "ServiceUnavailableError"
)

// blameless returns such a name, or "" for an error that is about the entity.
func blameless(err error) string {
	var coded interface{ StatusCode() int }
	var panicked interface{ StackTrace() []byte }
	switch {
	case errors.As(err, &panicked):
		return NameInternal
	case errors.Is(err, pluginapi.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return NameUnavailable
	case !errors.As(err, &coded) || coded.StatusCode() < http.StatusInternalServerError:
		return ""
	case coded.StatusCode() == http.StatusInternalServerError:
		return NameInternal
	}
	return NameUnavailable
}

// misbehaved is the error of a processor that does not do what it should.
func misbehaved(format string, args ...any) error {
	return &pluginapi.Error{Status: http.StatusInternalServerError, Name: NameInternal, Message: fmt.Sprintf(format, args...)}
}

// positions say where an entity and its known faults are in the file that it was read from.
type positions struct {
	Source string            `json:"source"`
	Line   int               `json:"line"`
	At     map[string][2]int `json:"at,omitempty"` // line and column by JSON pointer
}

func readPositions(text string) positions {
	var p positions
	if text != "" {
		_ = json.Unmarshal([]byte(text), &p) // positions are a courtesy: without them an error has none
	}
	return p
}

func (p positions) text() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // cannot be: texts and numbers
	}
	return string(text)
}

// place returns where a pointer is; nil if nothing is known.
func (p positions) place(pointer string) *catalogcommon.Position {
	if p.Source == "" {
		if pointer == "" {
			return nil
		}
		return &catalogcommon.Position{Pointer: pointer}
	}
	at := &catalogcommon.Position{Source: p.Source, Line: p.Line, Column: 1, Pointer: pointer}
	if known, ok := p.known(pointer); ok {
		at.Line, at.Column = known[0], known[1]
	}
	if at.Line == 0 {
		at.Column = 0
	}
	return at
}

// faultOf describes an error as data, with its place if it has one.
func faultOf(err error, places positions) catalogcommon.ErrorInfo {
	info := *catalogcommon.InfoOf(err)
	var placed *catalognode.PlacedError
	var problem model.Problem
	var placeholder *location.PlaceholderError
	switch {
	case errors.As(err, &problem):
		info.Name = "InputError"
		info.At = places.place(problem.Pointer)
	case errors.As(err, &placeholder):
		info.Name = "InputError"
		info.At = places.place(placeholder.Pointer)
	case errors.As(err, &placed):
		info.At = places.place(placed.Pointer)
	default:
		info.At = places.place("")
	}
	if name := blameless(err); name != "" {
		info.Name = name
	}
	return info
}

// listText is how faults are stored; nothing for none.
func listText(faults []catalogcommon.ErrorInfo) string {
	if len(faults) == 0 {
		return ""
	}
	const most = 50 // more than anybody reads, and a bound on what a file of garbage can cost
	if len(faults) > most {
		rest := len(faults) - most
		faults = append(faults[:most:most], catalogcommon.ErrorInfo{Name: "InputError", Message: fmt.Sprintf("and %d more", rest)})
	}
	text, err := json.Marshal(faults)
	if err != nil {
		return `[{"name":"Error","message":"faults that cannot be written"}]` // cannot be: texts and numbers
	}
	return string(text)
}

func readList(text string) []catalogcommon.ErrorInfo {
	var faults []catalogcommon.ErrorInfo
	if json.Unmarshal([]byte(text), &faults) != nil {
		return nil
	}
	return faults
}

// reportFaults writes a warning for each fault.
func (p *Pipeline) reportFaults(message string, faults []catalogcommon.ErrorInfo, more ...any) {
	for _, fault := range faults {
		attributes := append([]any{"reason", fault.Message}, more...)
		if fault.At != nil {
			attributes = append([]any{"at", fault.At.String()}, attributes...)
		}
		p.Logger.Warn(message, attributes...)
	}
}

// Report writes a warning for a problem that is known from before.
func (p *Pipeline) Report(problem store.Problem) {
	if problem.Errors == "" {
		return // a conflict; the entity shows it
	}
	message := "an entity cannot be processed"
	if problem.Place != "" {
		message = "a descriptor cannot be read completely"
	}
	p.reportFaults(message, readList(problem.Errors), "entity", problem.Ref)
}
