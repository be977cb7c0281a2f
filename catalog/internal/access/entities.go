package access

import (
	"context"
	"slices"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Listing is a part of a listing.
type Listing struct {
	*index.Page
	Bodies [][]byte // of Docs; nil for one that is gone by now
}

// List answers with a part of a listing.
func (c *Catalog) List(ctx context.Context, q index.Query) (Listing, error) {
	page, err := c.find(ctx, q)
	if err != nil {
		return Listing{}, err
	}
	bodies, err := c.fetch(ctx, page.Docs)
	return Listing{page, bodies}, err
}

func (c *Catalog) find(ctx context.Context, q index.Query) (*index.Page, error) {
	where, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return &index.Page{}, err
	}
	q.Where = query.And(q.Where, where)
	return c.index.Query(q)
}

// Each is List for listings of any length: it hands on some entities at a time, so that no more than these are in memory. It stops at the first error, its own or that of each.
func (c *Catalog) Each(ctx context.Context, q index.Query, each func(bodies [][]byte) error) error {
	const atOnce = 500
	page, err := c.find(ctx, q)
	if err != nil {
		return err
	}
	for rest := page.Docs; len(rest) > 0; {
		n := min(len(rest), atOnce)
		bodies, err := c.fetch(ctx, rest[:n])
		if err != nil {
			return err
		}
		if err := each(bodies); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// Facets counts the values of keys among the entities that match.
func (c *Catalog) Facets(ctx context.Context, keys []string, where query.Predicate) ([][]index.FacetValue, error) {
	readable, ok, err := c.readable(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		lists := make([][]index.FacetValue, len(keys))
		for i := range lists {
			lists[i] = []index.FacetValue{}
		}
		return lists, nil
	}
	return c.index.Facets(keys, query.And(where, readable))
}

// ByRefs returns the entities with those refs, compared byte by byte: as many, in that order, nil where there is none that matches.
func (c *Catalog) ByRefs(ctx context.Context, refs []string, where query.Predicate) ([][]byte, error) {
	readable, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return make([][]byte, len(refs)), err
	}
	docs, err := c.index.ByRefs(refs, query.And(where, readable))
	if err != nil {
		return nil, err
	}
	return c.fetch(ctx, docs)
}

// Times returns when an entity came, and when it last changed; zero times for one that the caller cannot see.
func (c *Catalog) Times(ctx context.Context, ref catalogcommon.Ref) (created, updated time.Time, err error) {
	name := ref.String()
	body, err := c.visible(ctx, func() (index.Doc, bool) { return c.index.ByRef(name) })
	if err != nil || body == nil {
		return created, updated, err
	}
	return c.store.Times(ctx, name)
}

// ByName returns an entity, in whatever case its ref is.
func (c *Catalog) ByName(ctx context.Context, ref catalogcommon.Ref) ([]byte, error) {
	text := ref.String()
	body, err := c.visible(ctx, func() (index.Doc, bool) { return c.index.ByRef(text) })
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, catalogcommon.NotFoundError("no entity named '%s' found, with kind '%s' in namespace '%s'", ref.Name, ref.Kind, namespaceOf(ref))
	}
	return body, nil
}

func namespaceOf(ref catalogcommon.Ref) string {
	if ref.Namespace == "" {
		return catalogcommon.DefaultNamespace
	}
	return ref.Namespace
}

// ByUID returns an entity.
func (c *Catalog) ByUID(ctx context.Context, uid string) ([]byte, error) {
	body, err := c.visible(ctx, func() (index.Doc, bool) { return c.index.ByUID(uid) })
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, catalogcommon.NotFoundError("no entity with uid %s found", uid)
	}
	return body, nil
}

// visible returns the entity that find finds, if the caller may read it; nil otherwise.
func (c *Catalog) visible(ctx context.Context, find func() (index.Doc, bool)) ([]byte, error) {
	readable, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return nil, err
	}
	doc, found := find()
	if !found {
		return nil, nil
	}
	if readable != nil {
		if matches, err := c.index.Matches(doc.Ref, readable); err != nil || !matches {
			return nil, err
		}
	}
	if body := doc.Kept.Get(); body != nil {
		return body, nil
	}
	bodies, err := c.fetch(ctx, []index.Doc{doc})
	if err != nil {
		return nil, err
	}
	return bodies[0], nil
}

// fetch returns the stored bytes of entities, from memory as far as they are there.
func (c *Catalog) fetch(ctx context.Context, docs []index.Doc) ([][]byte, error) {
	bodies := make([][]byte, len(docs))
	var missing []string
	for i := range docs {
		if kept := docs[i].Kept; kept != nil {
			if bodies[i] = kept.Get(); bodies[i] == nil {
				missing = append(missing, docs[i].Ref)
			}
		}
	}
	if missing == nil {
		return bodies, nil
	}
	const atOnce = 1000
	found := make(map[string][]byte, len(missing))
	for some := range slices.Chunk(missing, atOnce) {
		stored, err := c.store.Bodies(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			found[s.Ref] = s.Body
		}
	}
	for i, doc := range docs {
		if body := found[doc.Ref]; bodies[i] == nil && body != nil {
			c.bodies.put(doc.Kept, body)
			bodies[i] = body
		}
	}
	return bodies, nil
}

// Step is an entity on the way to another, with what brings it.
type Step struct {
	Body    []byte
	Parents []string
}

// Ancestry returns an entity and what led to it. What the caller may not read is left out with all above it.
func (c *Catalog) Ancestry(ctx context.Context, ref catalogcommon.Ref) ([]Step, error) {
	name := ref.String()
	readable, ok, err := c.readable(ctx)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, pluginapi.NotAllowed("permission %s is denied", catalogcommon.PermissionEntityRead)
	}
	all, err := c.store.Ancestry(ctx, name)
	if err != nil {
		return nil, err
	}
	parents := map[string][]string{}
	refs := make([]string, len(all))
	for i, step := range all {
		refs[i] = step.Ref
		parents[step.Ref] = step.Parents
	}
	docs, err := c.index.ByRefs(refs, readable)
	if err != nil {
		return nil, err
	}
	bodies, err := c.fetch(ctx, docs)
	if err != nil {
		return nil, err
	}
	known := map[string][]byte{}
	for i, body := range bodies {
		if body != nil {
			known[refs[i]] = body
		}
	}
	if known[name] == nil {
		return nil, catalogcommon.NotFoundError("no such entity %s", name)
	}
	var steps []Step
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		step := Step{Body: known[queue[0]], Parents: []string{}}
		for _, parent := range parents[queue[0]] {
			if known[parent] == nil {
				continue
			}
			step.Parents = append(step.Parents, parent)
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func (c *Catalog) refresh(ctx context.Context, ref catalogcommon.Ref) error {
	ingestion, err := c.connected()
	if err != nil {
		return err
	}
	name := ref.String()
	if ok, err := c.may(ctx, catalogcommon.PermissionEntityRefresh, name); err != nil || !ok {
		return denied(ctx, catalogcommon.PermissionEntityRefresh, err)
	}
	found, err := c.store.Refresh(ctx, name)
	if err != nil {
		return err
	}
	if !found {
		return catalogcommon.NotFoundError("location %s not found", name)
	}
	ingestion.Wake()
	return nil
}

func (c *Catalog) remove(ctx context.Context, uid string) error {
	ingestion, err := c.connected()
	if err != nil {
		return err
	}
	doc, found := c.index.ByUID(uid)
	name := ""
	if found {
		name = doc.Ref
	}
	if ok, err := c.may(ctx, catalogcommon.PermissionEntityDelete, name); err != nil || !ok {
		return denied(ctx, catalogcommon.PermissionEntityDelete, err)
	}
	if ingestion.Readonly() {
		return readonly()
	}
	if !found {
		return nil
	}
	changes, err := c.store.Remove(ctx, doc.Ref, uid)
	if err != nil {
		return err
	}
	return c.published(ctx, ingestion, changes)
}

// published hands changes on and waits until answers include them, so that who made them sees them.
func (c *Catalog) published(ctx context.Context, ingestion *Ingestion, changes []store.Change) error {
	ingestion.Published(changes)
	ingestion.Wake()
	if len(changes) == 0 {
		return nil
	}
	return c.index.WaitFor(ctx, changes[len(changes)-1].Seq)
}

func denied(ctx context.Context, name string, err error) error {
	switch {
	case err != nil:
		return err
	case pluginapi.PrincipalFrom(ctx).IsZero():
		return pluginapi.Unauthenticated("sign in first")
	}
	return pluginapi.NotAllowed("permission %s is denied", name)
}

func readonly() error {
	return catalogcommon.NotAllowedError("This operation not allowed in readonly mode")
}
