package catalogapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Column is the spec of a column in the list of entities.
type Column struct {
	Title string    `yaml:"title"`
	For   Condition `yaml:"filter"` // which entities have a cell; empty: all. The column is there when the page of the list shows one of them

	Permission *pluginapi.Permission // as a [Card]'s
}

// Validate checks title, condition and permission.
func (c Column) Validate() error {
	if c.Title == "" {
		return pluginapi.BadConfig("title", "a column needs one")
	}
	return errors.Join(c.For.Validate(), named(c.Permission))
}

// ColumnFunc makes the cells of a column: for each of the entities, which it must not change, one component, in their order; nil leaves a cell empty. It is asked once for a page of the list, so that one
// request or statement can serve all of its entities, 25 at most. When it fails, or takes longer than two seconds, its cells say so and the list is shown all the same.
type ColumnFunc func(ctx context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error)

// EntityColumns is where plugins add columns to the list of entities.
var EntityColumns = &pluginapi.Point[Column, ColumnFunc]{Kind: "entity-column", Timeout: 2 * time.Second, Relay: &pluginapi.Relay[Column, ColumnFunc]{Serve: serveColumn, Remote: remoteColumn}}

func serveColumn(_ Column, column ColumnFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		var entities []*catalogcommon.Entity
		if err := json.NewDecoder(io.LimitReader(r.Body, 64<<20)).Decode(&entities); err != nil {
			return pluginapi.BadInput("relayed request does not carry entities").Because(err)
		}
		cells, err := column(r.Context(), entities)
		if err != nil {
			return err
		}
		reply := make([]drawn, len(cells))
		for i, cell := range cells {
			if reply[i], err = draw(r.Context(), cell); err != nil {
				return fmt.Errorf("draw cell %d: %w", i, err)
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(reply) // a unit that left is no error of ours
		return nil
	}
}

func remoteColumn(_ Column, rt http.RoundTripper) ColumnFunc {
	return func(ctx context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error) {
		body, err := json.Marshal(entities)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://unit/", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		var reply []drawn
		if err := pluginapi.RelayJSON(rt, r, &reply); err != nil {
			return nil, err
		}
		cells := make([]pluginapi.Component, len(reply))
		for i, cell := range reply {
			cells[i] = cell.component()
		}
		return cells, nil
	}
}
