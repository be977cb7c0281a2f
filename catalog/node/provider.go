package catalognode

import (
	"context"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Provider is the spec of a provider.
type Provider struct {
	// Name is what the catalog remembers the provider's entities under. Keep it when the extension gets another id. The default is the extension's id without its kind: people/directory.
	Name string `yaml:"name"`
}

// ProviderFunc brings entities into the catalog, through to. The catalog calls it once it runs, in a goroutine of its own.
//
// It may stay, to push changes until ctx ends, or return nil when there is nothing more to come; what it handed over stays in any case. When it returns an error it is called again, with growing pauses.
// Several replicas of a portal each run it; use pluginapi.Leases if that is a problem. The connection may be used from several goroutines, and until ctx ends.
type ProviderFunc func(ctx context.Context, to Connection) error

// Providers is where plugins bring entities into the catalog.
var Providers = &pluginapi.Point[Provider, ProviderFunc]{Kind: "entity-provider"}

// Connection is a provider's way into the catalog. Each call is one transaction: when it returns nil everything is stored, and when it returns an error nothing is. Processing comes later.
// An entity that lacks kind, apiVersion or name fails the call; one that is otherwise not valid is stored, and its faults are shown where its ingestion is.
type Connection interface {
	// Full says that these are all the entities of the provider. Others that it handed over before are removed, with what only they brought. Entities that did not change cost next to nothing.
	Full(ctx context.Context, entities []Deferred) error

	// Delta adds, changes and removes some of the provider's entities. What is removed must be the provider's own; references to other entities are ignored.
	Delta(ctx context.Context, changed []Deferred, removed []catalogcommon.Ref) error

	// Refresh has every entity processed again that depends on one of the keys: see [Run.RefreshKey].
	Refresh(ctx context.Context, keys ...string) error
}

// Deferred is an entity that a provider hands over.
type Deferred struct {
	// Entity belongs to the catalog once it is handed over. It needs the annotations backstage.io/managed-by-location and backstage.io/managed-by-origin-location; without them the catalog writes provider:NAME.
	Entity *catalogcommon.Entity

	// LocationKey says who may write the entity: of two sources with different keys the first keeps it, and the other is a conflict. The default is provider: and the provider's name.
	LocationKey string
}
