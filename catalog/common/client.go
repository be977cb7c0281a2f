package catalogcommon

import (
	"context"
	"iter"
)

// Client is how other plugins ask the catalog. In one process it is a direct call; elsewhere [NewClient] makes one that speaks HTTP.
//
// Every call acts for the principal in the context and sees what that principal may see; what it may not see does not exist for it. Results belong to the caller and share nothing with the catalog.
// Something that is not there is an error that matches [ErrNotFound], never a nil result without an error. Refusals are an [*Error] with a status; what the context or the network ended is that error.
// A Client may be used by any number of goroutines.
//
// Methods may be added to this interface. A fake in a test embeds Client, so that it keeps compiling.
type Client interface {
	// EntityByRef returns one entity. Case does not matter.
	EntityByRef(ctx context.Context, ref Ref) (*Entity, error)
	// EntitiesByRefs returns one item for each reference asked for, in that order, nil where there is none.
	EntitiesByRefs(ctx context.Context, request ByRefsRequest) ([]*Entity, error)
	// QueryEntities returns a page of entities. For all pages see [Entities].
	QueryEntities(ctx context.Context, request QueryRequest) (QueryResponse, error)
	// Facets returns, for each path asked for, the values there and how many entities have each, in alphabetical order.
	Facets(ctx context.Context, request FacetsRequest) (map[string][]Facet, error)
	// Ancestry tells which entities led the catalog to this one.
	Ancestry(ctx context.Context, ref Ref) (Ancestry, error)
	// RefreshEntity has the entity and the locations above it read again soon. It does not wait for that.
	RefreshEntity(ctx context.Context, ref Ref) error
	// RemoveEntity removes an entity by its metadata.uid; removing what is not there succeeds. An entity that a location still emits comes back.
	RemoveEntity(ctx context.Context, uid string) error
	// ValidateEntity tells whether the catalog would accept the entity from that location, whose type must be url. If not, the error is a [*ValidationError].
	ValidateEntity(ctx context.Context, entity *Entity, location LocationRef) error

	// Locations returns all registered locations.
	Locations(ctx context.Context) ([]Location, error)
	// QueryLocations returns a page of the registered locations that a predicate matches, by id.
	QueryLocations(ctx context.Context, request LocationsQuery) (LocationsPage, error)
	// LocationByID returns one registered location.
	LocationByID(ctx context.Context, id string) (Location, error)
	// LocationByEntity returns the registered location that an entity originates from.
	LocationByEntity(ctx context.Context, ref Ref) (Location, error)
	// AddLocation registers a location, or tells in a dry run what that would bring.
	AddLocation(ctx context.Context, request AddLocationRequest) (AddLocationResponse, error)
	// UpdateLocation makes a registered location another one, of type url if the type is empty. Its id and the reference of its entity stay.
	UpdateLocation(ctx context.Context, id string, location LocationRef) (Location, error)
	// RemoveLocation removes a registered location and, with it, what only it brought.
	RemoveLocation(ctx context.Context, id string) error
	// AnalyzeLocation tells what a repository has for the catalog, or proposes a descriptor for it. The location's type is url, also if it is empty.
	AnalyzeLocation(ctx context.Context, request AnalyzeLocationRequest) (AnalyzeLocationResponse, error)
}

// Entities returns every entity that the request matches, fetching page after page while the loop goes on. The request's Limit is the size of a page, 500 if nil. After an error, which comes with a nil entity, there is nothing more.
func Entities(ctx context.Context, client Client, request QueryRequest) iter.Seq2[*Entity, error] {
	return func(yield func(*Entity, error) bool) {
		request := request
		if request.Limit == nil {
			request.Limit = new(500)
		}
		if request.Total == "" {
			request.Total = TotalExclude
		}
		for {
			page, err := client.QueryEntities(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entity := range page.Items {
				if !yield(entity, nil) {
					return
				}
			}
			if page.PageInfo.NextCursor == "" || len(page.Items) == 0 {
				return
			}
			request = QueryRequest{Cursor: page.PageInfo.NextCursor, Limit: request.Limit, Fields: request.Fields}
		}
	}
}
