package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// ErrNoLocation says that there is no location with that id.
var ErrNoLocation = errors.New("there is no such location")

const locationColumns = `select id, type, target, entity_ref from locations `

func scanLocation(row interface{ Scan(...any) error }) (catalogcommon.Location, error) {
	var l catalogcommon.Location
	err := row.Scan(&l.ID, &l.Type, &l.Target, &l.EntityRef)
	return l, err
}

// Locations returns all registered locations, by id.
func (s *Store) Locations(ctx context.Context) ([]catalogcommon.Location, error) {
	locations := []catalogcommon.Location{}
	err := collect(ctx, s.db, locationColumns+`order by id`, nil, func(row *sqlx.Rows) error {
		l, err := scanLocation(row)
		locations = append(locations, l)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	return locations, nil
}

// LocationByID returns a registered location, or [ErrNoLocation].
func (s *Store) LocationByID(ctx context.Context, id string) (catalogcommon.Location, error) {
	return location(scanLocation(s.db.QueryRowxContext(ctx, locationColumns+`where id = $1`, id)))
}

// LocationByTarget returns a registered location, or [ErrNoLocation].
func (s *Store) LocationByTarget(ctx context.Context, ref catalogcommon.LocationRef) (catalogcommon.Location, error) {
	return location(scanLocation(s.db.QueryRowxContext(ctx, locationColumns+`where type = $1 and target = $2`, ref.Type, ref.Target)))
}

func location(l catalogcommon.Location, err error) (catalogcommon.Location, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrNoLocation
	}
	if err != nil {
		return l, fmt.Errorf("look up a location: %w", err)
	}
	return l, nil
}

// AddLocation registers a location with the entity that stands for it. One that is registered already is returned with created false; if its entity was removed, it comes back as again makes it.
func (s *Store) AddLocation(ctx context.Context, ref catalogcommon.LocationRef, name string, entity Child, again func(catalogcommon.Location) (Child, error)) (l catalogcommon.Location, created bool, err error) {
	err = s.write(ctx, "register "+ref.String(), func(t *tx) error {
		created = false
		l, err = location(scanLocation(t.QueryRowxContext(t.ctx, locationColumns+`where type = $1 and target = $2`, ref.Type, ref.Target)))
		switch {
		case err == nil:
			if there, err := t.knownByRef([]string{l.EntityRef}); err != nil || len(there) > 0 {
				return err
			}
			if entity, err = again(l); err != nil {
				return err
			}
		case !errors.Is(err, ErrNoLocation):
			return err
		default:
			created = true
			l = catalogcommon.Location{ID: newUID(), Type: ref.Type, Target: ref.Target, EntityRef: entity.Ref}
			if err := t.insertLocation(l); err != nil {
				return err
			}
		}
		result, err := t.bring(source{key: name}, []Child{entity})
		if err != nil {
			return err
		}
		_, err = t.setRootEdges(Mutation{Source: name}, result.ids)
		return err
	})
	return l, created, err
}

func (t *tx) insertLocation(l catalogcommon.Location) error {
	result, err := t.ExecContext(t.ctx, `insert into locations (id, type, target, entity_ref) values ($1, $2, $3, $4) on conflict (type, target) do nothing`, l.ID, l.Type, l.Target, l.EntityRef)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return errTryAgain
	}
	return nil
}

// ChangeLocation makes a registered location another one, which keeps the id and the entity's name. entity is what stands for it now.
func (s *Store) ChangeLocation(ctx context.Context, id string, ref catalogcommon.LocationRef, name string, entity func(catalogcommon.Location) (Child, error)) (l catalogcommon.Location, taken bool, err error) {
	err = s.write(ctx, "change a location", func(t *tx) error {
		taken = false
		l, err = location(scanLocation(t.QueryRowxContext(t.ctx, locationColumns+`where id = $1`, id)))
		if err != nil {
			return err
		}
		other, err := location(scanLocation(t.QueryRowxContext(t.ctx, locationColumns+`where type = $1 and target = $2`, ref.Type, ref.Target)))
		switch {
		case errors.Is(err, ErrNoLocation):
		case err != nil:
			return err
		case other.ID != id:
			taken = true
			return nil
		}
		l.Type, l.Target = ref.Type, ref.Target
		if _, err := t.ExecContext(t.ctx, `update locations set type = $2, target = $3 where id = $1`, id, l.Type, l.Target); err != nil {
			return err
		}
		child, err := entity(l)
		if err != nil {
			return err
		}
		result, err := t.bring(source{key: name}, []Child{child})
		if err != nil {
			return err
		}
		_, err = t.setRootEdges(Mutation{Source: name}, result.ids)
		return err
	})
	return l, taken, err
}

// RemoveLocation forgets a registered location, with what only it brought, or returns [ErrNoLocation].
func (s *Store) RemoveLocation(ctx context.Context, id, name string) (changes []Change, err error) {
	err = s.write(ctx, "remove a location", func(t *tx) error {
		changes = nil
		l, err := location(scanLocation(t.QueryRowxContext(t.ctx, `delete from locations where id = $1 returning id, type, target, entity_ref`, id)))
		if err != nil {
			return err
		}
		gone, err := t.setRootEdges(Mutation{Source: name, Removed: []string{l.EntityRef}}, nil)
		if err != nil || len(gone) == 0 {
			return err
		}
		changes, err = t.prune(gone)
		return err
	})
	return changes, err
}
