package access

import (
	"context"
	"encoding/json"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// Unprocessed is an entity that was never processed, or whose last processing failed, in the form of Backstage's module for that.
type Unprocessed struct {
	EntityID    string                    `json:"entity_id"`
	EntityRef   string                    `json:"entity_ref"`
	Unprocessed json.RawMessage           `json:"unprocessed_entity"`
	Processed   json.RawMessage           `json:"processed_entity,omitempty"`
	Errors      []catalogcommon.ErrorInfo `json:"errors"`
	NextUpdate  time.Time                 `json:"next_update_at"`
	Discovered  time.Time                 `json:"last_discovery_at"`
	LocationKey string                    `json:"location_key,omitempty"`
}

// Unprocessed lists entities that failed, or that wait for their first processing; with an owner, only those whose spec.owner is that. There are 1,000 at most.
func (c *Catalog) Unprocessed(ctx context.Context, failed bool, owner string) ([]Unprocessed, error) {
	if err := c.require(ctx, catalogcommon.PermissionUnprocessedRead); err != nil {
		return nil, err
	}
	// The database leaves out what does not have the owner anywhere; whether it is spec.owner is looked at here.
	part := ""
	if owner != "" {
		text, err := catalogcommon.AppendJSON([]byte(`"owner":`), owner)
		if err != nil {
			return nil, err
		}
		part = string(text)
	}
	list := []Unprocessed{}
	for after, more := int64(0), true; more; {
		stored, err := c.store.Unprocessed(ctx, failed, part, after, maxProblems)
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			after = s.Place
			if len(list) < maxProblems && ownedBy(s.Body, owner) {
				u, err := unprocessed(s)
				if err != nil {
					return nil, err
				}
				list = append(list, u)
			}
		}
		more = len(stored) == maxProblems && len(list) < maxProblems
	}
	return list, nil
}

// ownedBy reports whether the owner of an entity is that; any will do if it is empty.
func ownedBy(body, owner string) bool {
	var entity catalogcommon.Entity
	return owner == "" || json.Unmarshal([]byte(body), &entity) == nil && entity.SpecString("owner") == owner
}

func unprocessed(s store.Unprocessed) (Unprocessed, error) {
	u := Unprocessed{EntityID: s.ID, EntityRef: s.Ref, Unprocessed: json.RawMessage(s.Body), NextUpdate: s.NextUpdate, Discovered: s.LastDiscovery, LocationKey: s.LocationKey}
	// Backstage's page fails without a time here: if nothing is due, because only a change can help, it is told of the last attempt.
	if u.NextUpdate.IsZero() {
		u.NextUpdate = s.Attempted
	}
	if s.Processed != "" {
		u.Processed = json.RawMessage(s.Processed)
	}
	var err error
	u.Errors, err = infos(s.Errors)
	return u, err
}

func (c *Catalog) removeUnprocessed(ctx context.Context, uid string) error {
	ingestion, err := c.connected()
	if err != nil {
		return err
	}
	if err := c.require(ctx, catalogcommon.PermissionUnprocessedDrop); err != nil {
		return err
	}
	if ingestion.Readonly() {
		return readonly()
	}
	if !storable(uid) {
		return nil
	}
	changes, err := c.store.RemoveUnprocessed(ctx, uid)
	if err != nil {
		return err
	}
	return c.published(ctx, ingestion, changes)
}
