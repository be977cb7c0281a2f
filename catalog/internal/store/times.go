package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Times returns when an entity came, and when what can be seen of it last changed; zero times if it cannot be seen.
func (s *Store) Times(ctx context.Context, ref string) (created, updated time.Time, err error) {
	err = collect(ctx, s.db, `select s.created_at, f.updated_at from refresh_state s join final_entities f on f.id = s.id where s.entity_ref = $1`, []any{ref}, func(row *sqlx.Rows) error {
		var came, changed int64
		err := row.Scan(&came, &changed)
		created, updated = fromMillis(came), fromMillis(changed)
		return err
	})
	if err != nil {
		return created, updated, fmt.Errorf("look up the times of %s: %w", ref, err)
	}
	return created, updated, nil
}
