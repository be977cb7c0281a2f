package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// file is the hand-over for a file, without its content.
func (r *reader) file(target, locationType string, file *location.File) *store.ReadFile {
	f := &store.ReadFile{SourceID: r.work.ID, Target: target, File: catalogcommon.LocationRef{Type: locationType, Target: file.Target}.String()}
	if file.Err == nil {
		f.Hash = r.decides + ":" + file.Hash
	}
	return f
}

// parse reads the documents of a file. Each stands for itself: one that cannot be used is noted, with its place. stored are the hashes of what the file brought before, by ref: what is still the same need not be foreseen.
func (r *reader) parse(ctx context.Context, f *store.ReadFile, file *location.File, stored map[string]string) {
	var faults []catalogcommon.ErrorInfo
	defer func() { f.Faults = listText(faults) }()
	note := func(err error, line, column int) catalogcommon.ErrorInfo {
		fault := faultOf(err, positions{})
		fault.At = &catalogcommon.Position{Source: f.File, Line: line, Column: column}
		if fault.Name == "Error" {
			fault.Name = "InputError"
		}
		faults = append(faults, fault)
		return fault
	}
	if file.Err != nil {
		f.Unread = true
		note(file.Err, 0, 0)
		return
	}
	documents, err := descriptor.Documents(file.Text, descriptor.Limits{})
	if err != nil {
		f.Unread = true
		line, column := 0, 0
		if at, ok := err.(*descriptor.Error); ok { //nolint:errorlint // it is documented to be one
			line, column, err = at.Line, at.Column, fmt.Errorf("%s", at.Reason)
		}
		note(err, line, column)
		return
	}
	f.Keep = map[string]string{}
	places := map[string]int{}
	said := verdicts{}
	if f.Hash != "" {
		defer func() { f.Hash += ":" + said.text(r.settings.RulesText) }()
	}
	for document := range documents {
		f.Documents++
		if document.Err != nil {
			fault := note(fmt.Errorf("%s", document.Err.Reason), document.Err.Line, document.Err.Column)
			if ref, ok := document.Hint.Ref(); ok {
				f.Keep[ref.String()] = listText([]catalogcommon.ErrorInfo{fault})
			} else {
				f.KeepAll = true
			}
			continue
		}
		if problems := model.Envelope(document.Object); len(problems) > 0 {
			for _, problem := range problems {
				line, column := document.Position(problem.Pointer)
				note(problem, line, column)
			}
			f.KeepAll = true // it could be any of them
			continue
		}
		child, err := r.document(ctx, f.File, &document, said, stored)
		if err != nil {
			line, column := document.Position("/kind")
			note(err, line, column)
			continue
		}
		switch first, twice := places[child.Ref]; {
		case child.Ref == r.outcome.ref:
			r.pipeline.Logger.Warn("a location leads to itself; that is ignored", "entity", child.Ref, "at", f.File)
		case twice:
			note(catalogcommon.ConflictError("%s is described twice in this file, first on line %d; the first counts", child.Ref, first), child.Line, 1)
		default:
			places[child.Ref] = child.Line
			f.Children = append(f.Children, child)
		}
	}
}

// document makes a child of a document. What will be found wrong with it later is placed now, while its text is at hand.
func (r *reader) document(ctx context.Context, from string, document *descriptor.Document, said verdicts, stored map[string]string) (store.Child, error) {
	p := r.pipeline
	object := document.Object
	if allowed := said.note(r.settings.Rules, object, r.outcome.origin); !allowed {
		return store.Child{}, refused(object, from, r.outcome.origin)
	}
	line, _ := document.Position("")
	places := positions{Source: from, Line: line}
	problems := p.Model.Validate(object)
	if len(problems) == 0 {
		_, problems = p.Model.Relations(object)
	}
	for _, problem := range problems {
		places.note(document, problem.Pointer)
	}
	p.Model.Normalize(object) // processing would do so, and what is stored in that form need not be stored again
	setLocations(object, from, r.outcome.origin.String())
	child, err := makeChild(object, from, "", line)
	places.noteReferences(document, child.Body)
	child.Positions = places.text()
	if err == nil && places.At != nil {
		sum := sha256.Sum256([]byte(child.Hash + child.Positions)) // faults that move are worth another look
		child.Hash = hex.EncodeToString(sum[:20])
	}
	if err == nil && places.At == nil && !r.outcome.dry && stored[child.Ref] != child.Hash {
		child.Outcome = p.foresee(ctx, child, object, places)
	}
	return child, err
}

// foresee processes an entity that is not stored yet; nil if anything but the entity itself decides about the outcome. Most need nothing else, and are spared the ways into the database and out of it again. It may change object.
func (p *Pipeline) foresee(ctx context.Context, child store.Child, object map[string]any, places positions) *store.Result {
	if len(p.Processors) > 0 || object["kind"] == catalogcommon.KindLocation || mayHavePlaceholders(child.Body) {
		return nil
	}
	start := time.Now()
	o := &outcome{ref: child.Ref, pure: true, places: places}
	work := store.Work{Ref: child.Ref, Body: child.Body}
	body, memories, err := p.become(ctx, work, object, o, p.Settings())
	result := &store.Result{}
	if err != nil || len(o.faults) > 0 || !o.pure || len(o.keys) > 0 || p.complete(work, o, result, body, memories) != nil {
		return nil
	}
	result.Took = time.Since(start)
	p.Metrics.Processed(metrics.Changed, result.Took)
	return result
}

// Foreseen returns the child with the outcome of processing it, if nothing but the entity itself decides about that.
func (p *Pipeline) Foreseen(ctx context.Context, child store.Child) store.Child {
	if object, err := objectOf(child.Body); err == nil {
		child.Outcome = p.foresee(ctx, child, object, positions{})
	}
	return child
}
