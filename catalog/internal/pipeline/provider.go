package pipeline

import (
	"context"
	"fmt"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

// Connection is the way into the catalog of the provider with that name.
func (p *Pipeline) Connection(name string) catalognode.Connection {
	return &connection{pipeline: p, name: name}
}

type connection struct {
	pipeline *Pipeline
	name     string
}

var _ catalognode.Connection = (*connection)(nil)

func (c *connection) Full(ctx context.Context, entities []catalognode.Deferred) error {
	children, err := c.children(entities)
	if err != nil {
		return err
	}
	return c.pipeline.Mutate(ctx, store.Mutation{Source: c.name, Full: true, Added: children})
}

func (c *connection) Delta(ctx context.Context, changed []catalognode.Deferred, removed []catalogcommon.Ref) error {
	children, err := c.children(changed)
	if err != nil {
		return err
	}
	refs := make([]string, len(removed))
	for i, ref := range removed {
		refs[i] = ref.String()
	}
	return c.pipeline.Mutate(ctx, store.Mutation{Source: c.name, Added: children, Removed: refs})
}

func (c *connection) Refresh(ctx context.Context, keys ...string) error {
	if err := c.pipeline.Store.RefreshKeys(ctx, keys); err != nil {
		return err
	}
	c.pipeline.Wake()
	return nil
}

// Mutate stores what a provider hands over.
func (p *Pipeline) Mutate(ctx context.Context, m store.Mutation) error {
	conflicts, changes, err := p.Store.Mutate(ctx, m)
	if err != nil {
		return err
	}
	p.reportConflicts(conflicts)
	p.Published(changes)
	return nil
}

func (c *connection) children(entities []catalognode.Deferred) ([]store.Child, error) {
	children := make([]store.Child, 0, len(entities))
	for i, deferred := range entities {
		child, err := ProvidedChild(c.name, deferred)
		if err != nil {
			return nil, fmt.Errorf("take over entity %d of provider %s: malformed entity envelope: %w", i+1, c.name, err)
		}
		children = append(children, child)
	}
	return children, nil
}

// ProvidedChild is what is stored of an entity that a provider hands over.
func ProvidedChild(provider string, deferred catalognode.Deferred) (store.Child, error) {
	if deferred.Entity == nil {
		return store.Child{}, catalogcommon.InputError("the entity is nil")
	}
	object := plainObject(deferred.Entity)
	if problems := model.Envelope(object); len(problems) > 0 {
		return store.Child{}, problems[0]
	}
	place := "provider:" + provider
	if annotations := annotationsOf(object); annotations != nil {
		for _, key := range []string{catalogcommon.AnnotationLocation, catalogcommon.AnnotationOriginLocation} {
			if text, _ := annotations[key].(string); text == "" {
				annotations[key] = place
			}
		}
	}
	key := deferred.LocationKey
	if key == "" {
		key = place
	}
	return makeChild(object, key, "", 0)
}

// LocationChild is what is stored of the Location entity that stands for a registered or configured location.
func LocationChild(ref catalogcommon.LocationRef, presence string) (store.Child, error) {
	return makeChild(plainObject(locationEntity(ref, presence, ref, ref)), ref.String(), "", 0)
}

// RegisteredChild is what is stored of the Location entity that stands for a location which may once have been another: it keeps its name.
func RegisteredChild(l catalogcommon.Location) (store.Child, error) {
	entity := locationEntity(l.Ref(), "", l.Ref(), l.Ref())
	ref, err := catalogcommon.ParseRef(l.EntityRef, catalogcommon.RefDefaults{})
	if err != nil {
		return store.Child{}, err
	}
	entity.Metadata.Name = ref.Name
	return makeChild(plainObject(entity), l.Ref().String(), "", 0)
}
