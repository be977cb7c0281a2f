package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// ManagedSource is the name under which entities that are written directly are kept.
const ManagedSource = "managed"

func (c *Catalog) put(ctx context.Context, ref catalogcommon.Ref, entity *catalogcommon.Entity, expected Precondition) (body []byte, created bool, err error) {
	ingestion, err := c.connected()
	if err != nil {
		return nil, false, err
	}
	name := ref.String()
	if err := c.require(ctx, catalogcommon.PermissionEntityCreate); err != nil {
		return nil, false, err
	}
	if ingestion.Readonly() {
		return nil, false, readonly()
	}
	if entity.Ref().String() != name {
		return nil, false, catalogcommon.InputError("the body is %s, but the address says %s", entity.Ref(), name)
	}
	entity.Relations, entity.Status, entity.Metadata.UID, entity.Metadata.ETag = nil, nil, "", ""
	place := catalogcommon.LocationRef{Type: "managed", Target: name}
	delete(entity.Metadata.Annotations, catalogcommon.AnnotationOrphan)
	if entity.Metadata.Annotations == nil {
		entity.Metadata.Annotations = map[string]string{}
	}
	entity.Metadata.Annotations[catalogcommon.AnnotationLocation] = place.String()
	entity.Metadata.Annotations[catalogcommon.AnnotationOriginLocation] = place.String()
	child, err := pipeline.ProvidedChild(ManagedSource, catalognode.Deferred{Entity: entity, LocationKey: "managed:" + name})
	if err == nil {
		child = ingestion.Foreseen(ctx, child)
	}
	if child.Outcome == nil { // else it was processed, and nothing was wrong
		if faults := ingestion.Validate(ctx, entity, place); len(faults) > 0 {
			return nil, false, unacceptable(ctx, fmt.Sprintf("%s cannot be processed", ref), faults)
		}
	}
	if err != nil {
		return nil, false, catalogcommon.InputError("%v", err)
	}
	present, err := c.present(ctx, ref, expected)
	if err != nil {
		return nil, false, err
	}
	conflicts, changes, err := c.mutate(ctx, store.Mutation{Added: []store.Child{child}, Whole: true}, expected)
	if err != nil {
		return nil, false, err
	}
	if len(conflicts) > 0 {
		return nil, false, catalogcommon.ConflictError("%s belongs to %s; change it there", name, conflicts[0].Owner)
	}
	ingestion.Published(changes)
	body, err = c.processed(ctx, ref)
	return body, !present, err
}

// unacceptable is the answer to who wrote an entity that cannot be processed: all that is wrong with it. If it is not the entity that is at fault, whoever wrote it cannot mend that, and what it is stays in the log.
func unacceptable(ctx context.Context, what string, faults []catalogcommon.ErrorInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	texts := make([]string, len(faults))
	for i, fault := range faults {
		texts[i] = fault.String()
	}
	because := errors.New(strings.Join(texts, "; "))
	for _, fault := range faults {
		switch fault.Name {
		case pipeline.NameInternal:
			return fmt.Errorf("%s: %w", what, because)
		case pipeline.NameUnavailable:
			return pluginapi.Unavailable("%s at present; try again later", what).Because(because)
		}
	}
	return catalogcommon.InputError("%s: %s", what, because)
}

// present reports whether the entity is there, if the caller may know, and it is what is expected. It can change as soon as it is looked at: mutate looks again.
func (c *Catalog) present(ctx context.Context, ref catalogcommon.Ref, expected Precondition) (bool, error) {
	body, err := c.ByName(ctx, ref)
	if err != nil {
		if !errors.Is(err, catalogcommon.ErrNotFound) {
			return false, err
		}
		if _, hidden := c.index.ByRef(ref.String()); hidden { // must not be written over by who takes it for missing
			return false, pluginapi.NotAllowed("permission %s is denied", catalogcommon.PermissionEntityRead)
		}
	}
	return body != nil, expected.met(body)
}

// mutate stores what is written directly, if the entity still is what is expected then: of several clients that have read the same, one can change it.
func (c *Catalog) mutate(ctx context.Context, m store.Mutation, expected Precondition) ([]store.Conflict, []store.Change, error) {
	m.Source = ManagedSource
	if !expected.isZero() {
		m.Expect = expected.met
	}
	for {
		conflicts, changes, err := c.store.Mutate(ctx, m)
		if !errors.Is(err, store.ErrUnsettled) {
			return conflicts, changes, err
		}
		select {
		case <-time.After(pollProcessed):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// pollProcessed is how often a waiting write looks at what has become of its entity.
const pollProcessed = 20 * time.Millisecond

// processed waits until an entity was processed as it is now, whoever wrote it last, and returns it.
func (c *Catalog) processed(ctx context.Context, ref catalogcommon.Ref) ([]byte, error) {
	for {
		seq := c.index.Seq()
		done, last, failed, err := c.store.Processed(ctx, ref.String())
		if err != nil {
			return nil, err
		}
		if done {
			if err := c.index.WaitFor(ctx, last); err != nil {
				return nil, err
			}
			if failed != "" {
				faults, err := infos(failed)
				if err != nil {
					return nil, fmt.Errorf("process %s: %s", ref, failed)
				}
				return nil, unacceptable(ctx, fmt.Sprintf("%s was stored, but cannot be processed, so what can be seen stays as it was", ref), faults)
			}
			return c.written(ctx, ref)
		}
		wait, cancel := context.WithTimeout(ctx, pollProcessed)
		_ = c.index.WaitFor(wait, seq+1) // whatever ends the wait, the store knows
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// written returns an entity to who has just written it, also if reading it again is not allowed.
func (c *Catalog) written(ctx context.Context, ref catalogcommon.Ref) ([]byte, error) {
	if doc, found := c.index.ByRef(ref.String()); found {
		bodies, err := c.fetch(ctx, []index.Doc{doc})
		if err != nil {
			return nil, err
		}
		if bodies[0] != nil {
			return bodies[0], nil
		}
	}
	return nil, catalogcommon.ConflictError("%s was written, and removed by somebody else", ref)
}

func (c *Catalog) withdraw(ctx context.Context, ref catalogcommon.Ref, expected Precondition) error {
	ingestion, err := c.connected()
	if err != nil {
		return err
	}
	name := ref.String()
	if ok, err := c.may(ctx, catalogcommon.PermissionEntityDelete, name); err != nil || !ok {
		return denied(ctx, catalogcommon.PermissionEntityDelete, err)
	}
	if ingestion.Readonly() {
		return readonly()
	}
	present, err := c.present(ctx, ref, expected)
	if err != nil {
		return err
	}
	if !present {
		return catalogcommon.NotFoundError("no such entity %s", name)
	}
	_, changes, err := c.mutate(ctx, store.Mutation{Removed: []string{name}}, expected)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return catalogcommon.ConflictError("%s was not written directly; remove it where it is described", name)
	}
	return c.published(ctx, ingestion, changes)
}
