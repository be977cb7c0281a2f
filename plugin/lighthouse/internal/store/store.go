// Package store keeps audits, their reports, and the queue of those that are to be run, in one database that several processes may share.
package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables, for [database.Databases.Migrate].
func Migrations() fs.FS {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return files // cannot be: the name is a valid one
	}
	return migrations
}

// ErrNotFound is what errors.Is finds when there is no such audit or website.
var ErrNotFound = errors.New("not found")

// ErrLost is what errors.Is finds when an audit is no longer its worker's: it was deleted, or the worker was taken for gone.
var ErrLost = errors.New("the audit is no longer this worker's")

// Store keeps audits. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB
	dialect database.Dialect
	keep    int
}

// New returns a Store on migrated tables. Of each website it keeps that many completed audits, and as many failed ones; zero keeps all.
func New(db *sqlx.DB, keep int) *Store { return &Store{db, database.DialectOf(db), keep} }

// row is an audit as the table has it.
type row struct {
	ID            string       `db:"id"`
	URL           string       `db:"url"`
	Site          string       `db:"site"`
	FormFactor    string       `db:"form_factor"`
	TimeCreated   time.Time    `db:"time_created"`
	TimeStarted   sql.NullTime `db:"time_started"`
	TimeCompleted sql.NullTime `db:"time_completed"`
	Reason        string       `db:"reason"`
	Categories    string       `db:"categories"`
}

const columns = "id, url, site, form_factor, time_created, time_started, time_completed, reason, categories"

func (r row) audit() (auditapi.Audit, error) {
	a := auditapi.Audit{ID: r.ID, URL: r.URL, TimeCreated: r.TimeCreated.UTC(), Status: auditapi.Running, FormFactor: r.FormFactor, Reason: r.Reason}
	if r.TimeStarted.Valid {
		a.TimeStarted = new(r.TimeStarted.Time.UTC())
	}
	if r.TimeCompleted.Valid {
		a.TimeCompleted, a.Status = new(r.TimeCompleted.Time.UTC()), auditapi.Failed
	}
	if r.Categories != "" {
		a.Status = auditapi.Completed
		if err := json.Unmarshal([]byte(r.Categories), &a.Categories); err != nil {
			return a, fmt.Errorf("read the scores of audit %s: %w", r.ID, err)
		}
	}
	return a, nil
}

// NewAudit is an audit to be run.
type NewAudit struct {
	ID         string
	URL        string
	FormFactor string
	Config     json.RawMessage // Lighthouse's
	UpTimeout  time.Duration
}

// Create puts an audit into the queue.
func (s *Store) Create(ctx context.Context, n NewAudit) (auditapi.Audit, error) {
	r := row{ID: n.ID, URL: n.URL, Site: auditapi.Site(n.URL), FormFactor: n.FormFactor, TimeCreated: now()}
	_, err := s.db.ExecContext(ctx, `INSERT INTO site_audits (id, url, site, form_factor, config, up_timeout, time_created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, r.URL, r.Site, r.FormFactor, string(n.Config), n.UpTimeout.Milliseconds(), r.TimeCreated)
	if err != nil {
		return auditapi.Audit{}, fmt.Errorf("create audit: %w", err)
	}
	return r.audit()
}

// now is the current time as precise as the API tells it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// Audit returns one audit.
func (s *Store) Audit(ctx context.Context, id string) (auditapi.Audit, error) {
	var r row
	if err := s.db.GetContext(ctx, &r, `SELECT `+columns+` FROM site_audits WHERE id = $1`, id); err != nil {
		return auditapi.Audit{}, fmt.Errorf("read audit %s: %w", id, found(err))
	}
	return r.audit()
}

func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// maxReport bounds what one report may unfold to, in bytes.
const maxReport = 64 << 20

// Report returns an audit's report, as JSON. An audit that has none is [ErrNotFound].
func (s *Store) Report(ctx context.Context, id string) (json.RawMessage, error) {
	var packed []byte
	if err := s.db.GetContext(ctx, &packed, `SELECT report FROM site_audit_reports WHERE audit = $1`, id); err != nil {
		return nil, fmt.Errorf("read report of audit %s: %w", id, found(err))
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack report of audit %s: %w", id, err)
	}
	report, err := io.ReadAll(io.LimitReader(unpacked, maxReport))
	if err != nil {
		return nil, fmt.Errorf("unpack report of audit %s: %w", id, err)
	}
	return report, nil
}

// Audits returns audits, newest first, and how many there are.
func (s *Store) Audits(ctx context.Context, limit, offset int) (list auditapi.List[auditapi.Audit], err error) {
	list = auditapi.List[auditapi.Audit]{Items: []auditapi.Audit{}, Limit: limit, Offset: offset}
	err = database.InReadTx(ctx, s.db, func(tx *sqlx.Tx) error {
		var rows []row
		if err := tx.GetContext(ctx, &list.Total, `SELECT COUNT(*) FROM site_audits`); err != nil {
			return err
		}
		if err := tx.SelectContext(ctx, &rows, `SELECT `+columns+` FROM site_audits ORDER BY time_created DESC, id LIMIT $1 OFFSET $2`, limit, offset); err != nil {
			return err
		}
		for _, r := range rows {
			a, err := r.audit()
			if err != nil {
				return err
			}
			list.Items = append(list.Items, a)
		}
		return nil
	})
	if err != nil {
		return list, fmt.Errorf("list audits: %w", err)
	}
	return list, nil
}

// Websites returns websites with all their audits, those with the newest first, and how many there are.
func (s *Store) Websites(ctx context.Context, limit, offset int) (list auditapi.List[auditapi.Website], err error) {
	list = auditapi.List[auditapi.Website]{Items: []auditapi.Website{}, Limit: limit, Offset: offset}
	err = database.InReadTx(ctx, s.db, func(tx *sqlx.Tx) error {
		if err := tx.GetContext(ctx, &list.Total, `SELECT COUNT(DISTINCT site) FROM site_audits`); err != nil {
			return err
		}
		var sites []string
		if err := tx.SelectContext(ctx, &sites, `SELECT site FROM site_audits GROUP BY site ORDER BY MAX(time_created) DESC, site LIMIT $1 OFFSET $2`, limit, offset); err != nil {
			return err
		}
		list.Items, err = s.websites(ctx, tx, sites)
		return err
	})
	if err != nil {
		return list, fmt.Errorf("list websites: %w", err)
	}
	return list, nil
}

// websites reads the audits of some sites, in the order of the sites.
func (s *Store) websites(ctx context.Context, tx *sqlx.Tx, sites []string) ([]auditapi.Website, error) {
	names, err := json.Marshal(sites)
	if err != nil {
		return nil, err
	}
	var rows []row
	if err := tx.SelectContext(ctx, &rows, `SELECT `+columns+` FROM site_audits WHERE `+s.dialect.InJSON("site", "$1")+` ORDER BY time_created DESC, id`, string(names)); err != nil {
		return nil, err
	}
	audits := make(map[string][]auditapi.Audit, len(sites))
	for _, r := range rows {
		a, err := r.audit()
		if err != nil {
			return nil, err
		}
		audits[r.Site] = append(audits[r.Site], a)
	}
	websites := make([]auditapi.Website, 0, len(sites))
	for _, site := range sites {
		if of := audits[site]; len(of) > 0 {
			websites = append(websites, auditapi.Website{URL: of[0].URL, LastAudit: of[0], Audits: of})
		}
	}
	return websites, nil
}

// Website returns the website that a URL belongs to.
func (s *Store) Website(ctx context.Context, url string) (site auditapi.Website, err error) {
	err = database.InReadTx(ctx, s.db, func(tx *sqlx.Tx) error {
		list, err := s.websites(ctx, tx, []string{auditapi.Site(url)})
		if err == nil && len(list) == 0 {
			err = ErrNotFound
		}
		if err == nil {
			site = list[0]
		}
		return err
	})
	if err != nil {
		return site, fmt.Errorf("read website: %w", err)
	}
	return site, nil
}

// Delete removes an audit and its report. Whoever runs it learns of it at the next beat.
func (s *Store) Delete(ctx context.Context, id string) error {
	err := database.InTx(ctx, s.db, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM site_audit_reports WHERE audit = $1`, id); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `DELETE FROM site_audits WHERE id = $1`, id))(ErrNotFound)
	})
	if err != nil {
		return fmt.Errorf("delete audit %s: %w", id, err)
	}
	return nil
}

// one returns a function that gives its argument back when a statement has changed no row.
func one(result sql.Result, err error) func(none error) error {
	return func(none error) error {
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return none
	}
}
