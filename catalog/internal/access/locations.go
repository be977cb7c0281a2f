package access

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// LocationSource is the name under which registered locations bring their entities.
const LocationSource = "locations"

// Locations returns the registered locations, by id.
func (c *Catalog) Locations(ctx context.Context) ([]catalogcommon.Location, error) {
	if ok, err := c.mayReadLocations(ctx); err != nil || !ok {
		return []catalogcommon.Location{}, err
	}
	return c.store.Locations(ctx)
}

// storable reports whether a database can be asked for a text. One that is not UTF-8 it does not have, and says so with an error.
func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

func (c *Catalog) mayReadLocations(ctx context.Context) (bool, error) {
	if err := c.self.Available(); err != nil {
		return false, err
	}
	decision, err := c.authorizer.Authorize(ctx, c.permissions[catalogcommon.PermissionLocationRead], "")
	return err == nil && decision.Effect == pluginapi.Allow, nil
}

// LocationByID returns a registered location.
func (c *Catalog) LocationByID(ctx context.Context, id string) (catalogcommon.Location, error) {
	missing := catalogcommon.NotFoundError("found no location with id %s", id)
	if ok, err := c.mayReadLocations(ctx); err != nil || !ok {
		return catalogcommon.Location{}, errors.Join(err, missing)
	}
	if !storable(id) {
		return catalogcommon.Location{}, missing
	}
	l, err := c.store.LocationByID(ctx, id)
	if errors.Is(err, store.ErrNoLocation) {
		return l, missing
	}
	return l, err
}

// LocationByEntity returns the registered location from which an entity originates.
func (c *Catalog) LocationByEntity(ctx context.Context, ref catalogcommon.Ref) (catalogcommon.Location, error) {
	none := catalogcommon.Location{}
	missing := catalogcommon.NotFoundError("found no location of entity %s", ref)
	if ok, err := c.mayReadLocations(ctx); err != nil || !ok {
		return none, errors.Join(err, missing)
	}
	body, err := c.ByName(ctx, ref)
	if err != nil {
		return none, err
	}
	var entity catalogcommon.Entity
	if err := json.Unmarshal(body, &entity); err != nil {
		return none, err
	}
	origin, err := catalogcommon.ParseLocationRef(entity.Annotation(catalogcommon.AnnotationOriginLocation))
	if err != nil {
		return none, missing // not wrapped: an entity without a place has no location
	}
	l, err := c.store.LocationByTarget(ctx, origin)
	if errors.Is(err, store.ErrNoLocation) {
		return none, missing
	}
	return l, err
}

func (c *Catalog) addLocation(ctx context.Context, request catalogcommon.AddLocationRequest) (catalogcommon.AddLocationResponse, error) {
	none := catalogcommon.AddLocationResponse{}
	ingestion, err := c.connected()
	if err != nil {
		return none, err
	}
	if err := c.require(ctx, catalogcommon.PermissionLocationCreate); err != nil {
		return none, err
	}
	ref, err := checkLocation(ingestion, catalogcommon.LocationRef{Type: request.Type, Target: request.Target})
	if err != nil {
		return none, err
	}
	if request.DryRun {
		return c.dryRun(ctx, ingestion, ref, request.Presence)
	}
	if ingestion.Readonly() {
		return none, readonly()
	}
	child, err := pipeline.LocationChild(ref, request.Presence)
	if err != nil {
		return none, err
	}
	location, created, err := c.store.AddLocation(ctx, ref, LocationSource, child, pipeline.RegisteredChild)
	if err != nil {
		return none, err
	}
	response := catalogcommon.AddLocationResponse{Location: location, Entities: []*catalogcommon.Entity{}}
	if !created {
		conflict := request.OnConflict
		if conflict == "" {
			conflict = ingestion.Conflict()
		}
		if conflict != catalogcommon.OnConflictRefresh {
			return none, catalogcommon.ConflictError("Location %s already exists", ref)
		}
		if ok, err := c.may(ctx, catalogcommon.PermissionEntityRefresh, location.EntityRef); err != nil || !ok {
			return none, denied(ctx, catalogcommon.PermissionEntityRefresh, err)
		}
		if _, err := c.store.Refresh(ctx, location.EntityRef); err != nil {
			return none, err
		}
		response.Exists = new(bool)
		*response.Exists = true
	}
	ingestion.Wake()
	return response, nil
}

func checkLocation(ingestion *Ingestion, ref catalogcommon.LocationRef) (catalogcommon.LocationRef, error) {
	if ref.Type == "" {
		ref.Type = catalogcommon.LocationTypeURL
	}
	parsed, err := catalogcommon.ParseLocationRef(ref.String())
	if err != nil {
		return ref, catalogcommon.InputError("%v", err)
	}
	if err := ingestion.Allowed(parsed.Type); err != nil {
		return ref, err
	}
	return parsed, nil
}

func (c *Catalog) dryRun(ctx context.Context, ingestion *Ingestion, ref catalogcommon.LocationRef, presence string) (catalogcommon.AddLocationResponse, error) {
	_, err := c.store.LocationByTarget(ctx, ref)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNoLocation) {
		return catalogcommon.AddLocationResponse{}, err
	}
	entities, err := ingestion.DryRun(ctx, ref, presence)
	if err != nil {
		return catalogcommon.AddLocationResponse{}, err
	}
	return catalogcommon.AddLocationResponse{
		Location: catalogcommon.Location{ID: ref.String(), Type: ref.Type, Target: ref.Target, EntityRef: ref.EntityRef().String()},
		Entities: entities, Exists: &exists,
	}, nil
}

func (c *Catalog) changeLocation(ctx context.Context, id string, to catalogcommon.LocationRef) (catalogcommon.Location, error) {
	none := catalogcommon.Location{}
	ingestion, err := c.connected()
	if err != nil {
		return none, err
	}
	if err := c.require(ctx, catalogcommon.PermissionLocationCreate); err != nil {
		return none, err
	}
	if ingestion.Readonly() {
		return none, readonly()
	}
	ref, err := checkLocation(ingestion, to)
	if err != nil {
		return none, err
	}
	if !storable(id) {
		return none, catalogcommon.NotFoundError("found no location with id %s", id)
	}
	location, taken, err := c.store.ChangeLocation(ctx, id, ref, LocationSource, pipeline.RegisteredChild)
	switch {
	case errors.Is(err, store.ErrNoLocation):
		return none, catalogcommon.NotFoundError("found no location with id %s", id)
	case err != nil:
		return none, err
	case taken:
		return none, catalogcommon.ConflictError("Location %s already exists", ref)
	}
	ingestion.Wake()
	return location, nil
}

func (c *Catalog) removeLocation(ctx context.Context, id string) error {
	ingestion, err := c.connected()
	if err != nil {
		return err
	}
	if err := c.require(ctx, catalogcommon.PermissionLocationDelete); err != nil {
		return err
	}
	if ingestion.Readonly() {
		return readonly()
	}
	if !storable(id) {
		return catalogcommon.NotFoundError("found no location with id %s", id)
	}
	changes, err := c.store.RemoveLocation(ctx, id, LocationSource)
	if errors.Is(err, store.ErrNoLocation) {
		return catalogcommon.NotFoundError("found no location with id %s", id)
	}
	if err != nil {
		return err
	}
	return c.published(ctx, ingestion, changes)
}

// Validate tells what is wrong with an entity that would come from a location; nothing if it would be accepted.
func (c *Catalog) Validate(ctx context.Context, entity *catalogcommon.Entity, from catalogcommon.LocationRef) ([]catalogcommon.ErrorInfo, error) {
	ingestion, err := c.connected()
	if err != nil {
		return nil, err
	}
	if err := c.require(ctx, catalogcommon.PermissionEntityValidate); err != nil {
		return nil, err
	}
	if from.Type != catalogcommon.LocationTypeURL {
		return nil, catalogcommon.InputError("location %s is not of type url, which is the only one that can be validated", from)
	}
	return ingestion.Validate(ctx, entity, from), nil
}
