package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

// maxTried bounds what one dry run can bring.
const maxTried = 2000

// Validate tells what is wrong with an entity that would come from a location; nothing if it would be accepted. Nothing is stored.
func (p *Pipeline) Validate(ctx context.Context, entity *catalogcommon.Entity, from catalogcommon.LocationRef) []catalogcommon.ErrorInfo {
	child, err := ProvidedChild("validate", providedFrom(entity, from))
	if err != nil {
		return []catalogcommon.ErrorInfo{faultOf(err, positions{})}
	}
	t := &trial{pipeline: p, seen: map[string]bool{}}
	t.run(ctx, child)
	return t.faults
}

// DryRun tells what a location would bring, the Location entity that stands for it first, or fails with everything that is wrong. Nothing is stored.
func (p *Pipeline) DryRun(ctx context.Context, place catalogcommon.LocationRef, presence string) ([]*catalogcommon.Entity, error) {
	child, err := LocationChild(place, presence)
	if err != nil {
		return nil, err
	}
	t := &trial{pipeline: p, seen: map[string]bool{}}
	t.run(ctx, child)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(t.faults) > 0 {
		messages := make([]error, len(t.faults))
		for i, fault := range t.faults {
			messages[i] = errors.New(fault.String())
		}
		return nil, catalogcommon.InputError("%s", errors.Join(messages...).Error())
	}
	return t.entities, nil
}

// trial processes entities in line, without a store.
type trial struct {
	pipeline *Pipeline
	seen     map[string]bool
	entities []*catalogcommon.Entity
	faults   []catalogcommon.ErrorInfo
}

func (t *trial) run(ctx context.Context, child store.Child) {
	queue := []store.Child{child}
	for len(queue) > 0 && ctx.Err() == nil {
		next := queue[0]
		queue = queue[1:]
		if t.seen[next.Ref] {
			t.faults = append(t.faults, catalogcommon.ErrorInfo{Name: "InputError", Message: fmt.Sprintf("Duplicate nested entity: %s", next.Ref)})
			continue
		}
		t.seen[next.Ref] = true
		if len(t.seen) > maxTried {
			t.faults = append(t.faults, catalogcommon.ErrorInfo{Name: "InputError", Message: fmt.Sprintf("the location brings more than %d entities, which is too much for a dry run", maxTried)})
			return
		}
		queue = append(queue, t.one(ctx, next)...)
	}
}

// one processes an entity and returns what it brings.
func (t *trial) one(ctx context.Context, child store.Child) []store.Child {
	p := t.pipeline
	o := &outcome{ref: child.Ref, places: readPositions(child.Positions), dry: true}
	work := store.Work{Ref: child.Ref, Body: child.Body}
	body, _, err := p.entity(ctx, work, o, p.Settings())
	if err != nil {
		o.fail(err)
	}
	if len(o.faults) > 0 {
		t.faults = append(t.faults, o.faults...)
		return nil
	}
	t.entities = append(t.entities, catalogcommon.EntityOf(copyOf(body)))
	children := o.children
	if body["kind"] == catalogcommon.KindLocation {
		children = append(children, t.targets(ctx, o, body)...)
	}
	return children
}

// targets reads what a Location entity points to.
func (t *trial) targets(ctx context.Context, o *outcome, body map[string]any) []store.Child {
	p := t.pipeline
	spec, _ := body["spec"].(map[string]any)
	r := &reader{pipeline: p, outcome: o, settings: p.Settings()}
	var children []store.Child
	fail := func(pointer string, err error) {
		t.faults = append(t.faults, faultOf(catalognode.At(pointer, err), o.places))
	}
	for _, target := range p.Resolver.Targets(spec, o.location) {
		if target.Err != nil {
			fail(target.Pointer, target.Err)
			continue
		}
		// Processors have nothing to remember in a trial, and what they would, it forgets.
		entities, taken, _, err := p.contributedRead(ctx, o, target, nil)
		switch {
		case err != nil:
			fail(target.Pointer, err)
			continue
		case taken:
			read, faults := p.childrenOf(o, target.Location.String(), entities)
			t.faults = append(t.faults, faults...)
			children = append(children, read...)
			continue
		}
		read, err := p.Readers.Read(ctx, target.Location, "")
		if err != nil {
			if !target.Optional || !errors.Is(err, fs.ErrNotExist) {
				fail(target.Pointer, err)
			}
			continue
		}
		for i := range read.Files {
			file := r.file(target.Location.String(), target.Location.Type, &read.Files[i])
			r.parse(ctx, file, &read.Files[i], nil)
			t.faults = append(t.faults, readList(file.Faults)...)
			children = append(children, file.Children...)
		}
	}
	t.faults = append(t.faults, o.faults...) // there were none before
	return children
}

func providedFrom(entity *catalogcommon.Entity, from catalogcommon.LocationRef) catalognode.Deferred {
	var copied catalogcommon.Entity
	if text, err := json.Marshal(entity); err == nil && json.Unmarshal(text, &copied) == nil {
		entity = &copied
	}
	if entity.Metadata.Annotations == nil {
		entity.Metadata.Annotations = map[string]string{}
	}
	entity.Metadata.Annotations[catalogcommon.AnnotationLocation] = from.String()
	entity.Metadata.Annotations[catalogcommon.AnnotationOriginLocation] = from.String()
	return catalognode.Deferred{Entity: entity}
}
