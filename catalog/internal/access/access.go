// Package access answers what callers ask of the catalog, each as far as the principal in its context may know. The HTTP API, other plugins' clients and the pages all go through it.
//
// What may not be seen does not exist: lists leave it out, and asking for it by name is a 404. Entities are bytes as they are stored, shared with others: read them only.
package access

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Catalog is the catalog as callers see it. Make one with [New]; it is safe for concurrent use.
type Catalog struct {
	store      *store.Store
	index      *index.Index
	authorizer pluginapi.Authorizer
	self       pluginapi.Self
	logger     *slog.Logger
	urls       *location.URLs // know repositories
	bodies     *bodies
	ingestion  atomic.Pointer[Ingestion]

	permissions map[string]pluginapi.Permission // by name
	own         []rule
	added       *pluginapi.Live[[]pluginapi.Extended[catalognode.Rule, catalognode.RuleFunc]]
}

// Ingestion is what callers can make the catalog do. It is connected when the catalog starts: what it consists of can need other plugins that need the catalog.
type Ingestion struct {
	Published func([]store.Change) // hands changes of the store to the index, and wakes what has to do with them
	Wake      func()
	Readonly  func() bool
	Conflict  func() string // what registering a location again means: catalogcommon.OnConflictReject or OnConflictRefresh
	Validate  func(ctx context.Context, entity *catalogcommon.Entity, from catalogcommon.LocationRef) []catalogcommon.ErrorInfo
	Foreseen  func(ctx context.Context, child store.Child) store.Child // with its outcome, if that is known without storing it
	DryRun    func(ctx context.Context, location catalogcommon.LocationRef, presence string) ([]*catalogcommon.Entity, error)
	Allowed   func(locationType string) error // whether locations of the type may be registered
	Analyze   func(ctx context.Context, request catalogcommon.AnalyzeLocationRequest) (*catalogcommon.AnalyzeLocationResponse, error)
}

// New returns a catalog over a store and the index that follows it. Somebody else tells urls what they may read.
func New(s *store.Store, ix *index.Index, a pluginapi.Authorizer, self pluginapi.Self, logger *slog.Logger, urls *location.URLs, rules *pluginapi.Live[[]pluginapi.Extended[catalognode.Rule, catalognode.RuleFunc]]) *Catalog {
	c := &Catalog{store: s, index: ix, authorizer: a, self: self, logger: logger, urls: urls, own: ownRules(), added: rules, bodies: &bodies{limit: defaultBodies}, permissions: map[string]pluginapi.Permission{}}
	for _, p := range catalogcommon.Permissions() {
		c.permissions[p.Name] = pluginapi.Permission{Name: p.Name, Action: p.Action, Resource: p.ResourceType}
	}
	return c
}

// Connect gives the catalog its ingestion.
func (c *Catalog) Connect(i Ingestion) { c.ingestion.Store(&i) }

// Changed takes note of changes that the index has, and keeps the texts.
func (c *Catalog) Changed(changes []store.Change) {
	for _, change := range slices.Backward(changes) { // the last one of an entity counts
		if change.Body == nil {
			continue
		}
		if doc, there := c.index.ByRef(change.Ref); there {
			c.bodies.put(doc.Kept, change.Body)
		}
	}
}

// Seq is the number of the last change that answers include.
func (c *Catalog) Seq() int64 { return c.index.Seq() }

func (c *Catalog) connected() (*Ingestion, error) {
	if err := c.self.Available(); err != nil {
		return nil, err
	}
	i := c.ingestion.Load()
	if i == nil {
		return nil, &pluginapi.UnavailableError{Plugin: c.self.ID(), State: "starting"}
	}
	return i, nil
}

// readable returns which entities the caller may read: all that match, which is every one if the predicate is nil; none if ok is false.
func (c *Catalog) readable(ctx context.Context) (where query.Predicate, ok bool, err error) {
	if err := c.self.Available(); err != nil {
		return nil, false, err
	}
	return c.permitted(ctx, catalogcommon.PermissionEntityRead)
}

func (c *Catalog) permitted(ctx context.Context, name string) (where query.Predicate, ok bool, err error) {
	decision, err := c.authorizer.Authorize(ctx, c.permissions[name], "")
	switch {
	case err != nil:
		// No decision is a denial; why is for the log.
		c.logger.WarnContext(ctx, "a permission could not be decided", "permission", name, "error", err)
		return nil, false, nil
	case decision.Effect == pluginapi.Allow:
		return nil, true, nil
	case decision.Effect == pluginapi.Conditional:
		where, err := c.conditions(ctx, decision.Conditions)
		if err != nil {
			c.logger.WarnContext(ctx, "the conditions of a permission make no sense", "permission", name, "error", err)
			return nil, false, nil
		}
		return where, true, nil
	}
	return nil, false, nil
}

// require is nil when the caller has a permission that is not about one entity.
func (c *Catalog) require(ctx context.Context, name string) error {
	if err := c.self.Available(); err != nil {
		return err
	}
	return pluginapi.Require(ctx, c.authorizer, c.permissions[name], "")
}

// may tells whether the caller has a permission on one entity.
func (c *Catalog) may(ctx context.Context, name, ref string) (bool, error) {
	where, ok, err := c.permitted(ctx, name)
	if err != nil || !ok {
		return false, err
	}
	if where == nil {
		return true, nil
	}
	return c.index.Matches(ref, where)
}
