package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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

// Put writes an entity directly. match, if not empty, is the etag that the present entity must have; * means any, and none means that there must be none. It returns the stored entity, and whether it is new.
func (c *Catalog) Put(ctx context.Context, ref catalogcommon.Ref, entity *catalogcommon.Entity, match string) (body []byte, created bool, err error) {
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
	if faults := ingestion.Validate(ctx, entity, place); len(faults) > 0 {
		return nil, false, &pluginapi.Error{Status: http.StatusBadRequest, Name: "InputError", Message: faults[0].Message}
	}
	present, err := c.matches(ctx, ref, match)
	if err != nil {
		return nil, false, err
	}
	delete(entity.Metadata.Annotations, catalogcommon.AnnotationOrphan)
	if entity.Metadata.Annotations == nil {
		entity.Metadata.Annotations = map[string]string{}
	}
	entity.Metadata.Annotations[catalogcommon.AnnotationLocation] = place.String()
	entity.Metadata.Annotations[catalogcommon.AnnotationOriginLocation] = place.String()
	child, err := pipeline.ProvidedChild(ManagedSource, catalognode.Deferred{Entity: entity, LocationKey: "managed:" + name})
	if err != nil {
		return nil, false, catalogcommon.InputError("%v", err)
	}
	conflicts, changes, err := c.store.Mutate(ctx, store.Mutation{Source: ManagedSource, Added: []store.Child{child}})
	if err != nil {
		return nil, false, err
	}
	if len(conflicts) > 0 {
		return nil, false, catalogcommon.ConflictError("%s belongs to %s; change it there", name, conflicts[0].Owner)
	}
	ingestion.Published(changes)
	ingestion.Wake()
	body, err = c.processed(ctx, ref, child.Hash)
	return body, !present, err
}

// matches checks a precondition, and reports whether the entity is there.
func (c *Catalog) matches(ctx context.Context, ref catalogcommon.Ref, match string) (present bool, err error) {
	body, err := c.ByName(ctx, ref)
	if err != nil {
		if !errors.Is(err, catalogcommon.ErrNotFound) {
			return false, err
		}
		if _, hidden := c.index.ByRef(ref.String()); hidden { // must not be written over by who takes it for missing
			return false, pluginapi.NotAllowed("permission %s is denied", catalogcommon.PermissionEntityRead)
		}
	}
	present = err == nil
	failed := &pluginapi.Error{Status: http.StatusPreconditionFailed, Name: "ConflictError", Message: "the entity is not what the request expects; read it again"}
	switch match {
	case "":
		return present, nil
	case "none":
		if present {
			return present, failed
		}
		return present, nil
	case "*":
		if !present {
			return present, failed
		}
		return present, nil
	}
	if !present {
		return present, failed
	}
	var entity catalogcommon.Entity
	if err := json.Unmarshal(body, &entity); err != nil {
		return present, err
	}
	if entity.Metadata.ETag != match {
		return present, failed
	}
	return present, nil
}

// pollProcessed is how often a waiting write looks at what has become of it.
const pollProcessed = 20 * time.Millisecond

// processed waits until an entity was processed as it is now, and returns it.
func (c *Catalog) processed(ctx context.Context, ref catalogcommon.Ref, hash string) ([]byte, error) {
	for {
		seq := c.index.Seq()
		done, last, failed, err := c.store.Processed(ctx, ref.String(), hash)
		if err != nil {
			return nil, err
		}
		if done {
			if err := c.index.WaitFor(ctx, last); err != nil {
				return nil, err
			}
			if failed != "" {
				return nil, fmt.Errorf("process %s: %s", ref, failed)
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

// Withdraw removes an entity that was written directly.
func (c *Catalog) Withdraw(ctx context.Context, ref catalogcommon.Ref, match string) error {
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
	present, err := c.matches(ctx, ref, match)
	if err != nil {
		return err
	}
	if !present {
		return catalogcommon.NotFoundError("no such entity %s", name)
	}
	_, changes, err := c.store.Mutate(ctx, store.Mutation{Source: ManagedSource, Removed: []string{name}})
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return catalogcommon.ConflictError("%s was not written directly; remove it where it is described", name)
	}
	return c.published(ctx, ingestion, changes)
}
