package feed

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// row is a line of radar_copies without the document.
type row struct {
	Radar     string       `db:"radar"`
	Source    string       `db:"source"`
	Version   string       `db:"version"`
	ETag      string       `db:"etag"`
	FetchedAt sql.NullTime `db:"fetched_at"`
	CheckedAt time.Time    `db:"checked_at"`
	Failure   string       `db:"failure"`
}

// copies are the last good copies, in the plugin's database.
type copies struct{ db *sqlx.DB }

// row returns what is known of a radar that is read from a source; the zero row when nothing is.
func (c copies) row(ctx context.Context, id, source string) (r row, err error) {
	err = c.db.GetContext(ctx, &r, `SELECT radar, source, version, etag, fetched_at, checked_at, failure FROM radar_copies WHERE radar = $1 AND source = $2`, id, source)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, fmt.Errorf("read what is known of radar %s: %w", id, err)
	}
	return r, nil
}

// document returns the copy of a version; nil when there is another by now.
func (c copies) document(ctx context.Context, id, version string) ([]byte, error) {
	var document string
	err := c.db.GetContext(ctx, &document, `SELECT document FROM radar_copies WHERE radar = $1 AND version = $2`, id, version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the copy of radar %s: %w", id, err)
	}
	return []byte(document), nil
}

// store writes what an attempt found. A nil document leaves the copy that is there, if it is of the same source.
func (c copies) store(ctx context.Context, r row, document []byte) error {
	_, err := c.db.ExecContext(ctx, `INSERT INTO radar_copies (radar, source, document, version, etag, fetched_at, checked_at, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (radar) DO UPDATE SET source = excluded.source, version = excluded.version, etag = excluded.etag, fetched_at = excluded.fetched_at, checked_at = excluded.checked_at, failure = excluded.failure,
			document = CASE WHEN excluded.document = '' AND radar_copies.source = excluded.source THEN radar_copies.document ELSE excluded.document END`,
		r.Radar, r.Source, string(document), r.Version, r.ETag, r.FetchedAt, r.CheckedAt, r.Failure)
	if err != nil {
		return fmt.Errorf("store the copy of radar %s: %w", r.Radar, err)
	}
	return nil
}

// forget removes radars that are not in the list any more.
func (c copies) forget(ctx context.Context, keep []Radar) error {
	var known []string
	if err := c.db.SelectContext(ctx, &known, `SELECT radar FROM radar_copies`); err != nil {
		return fmt.Errorf("list the copies of radars: %w", err)
	}
	for _, r := range keep {
		for i, id := range known {
			if id == r.ID {
				known = append(known[:i], known[i+1:]...)
				break
			}
		}
	}
	for _, id := range known {
		if _, err := c.db.ExecContext(ctx, `DELETE FROM radar_copies WHERE radar = $1`, id); err != nil {
			return fmt.Errorf("remove the copy of radar %s: %w", id, err)
		}
	}
	return nil
}
