// Package ledger keeps what the audit service does not: who asked for an audit, and when each website is to be audited next. It is in the plugin's own database, so it works with every service.
package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Ledger is safe for concurrent use.
type Ledger struct {
	db      *sqlx.DB
	dialect database.Dialect
}

// New returns the ledger in the plugin's database.
func New(db *sqlx.DB) *Ledger { return &Ledger{db, database.DialectOf(db)} }

// Record notes that the context's principal has asked for an audit.
func (l *Ledger) Record(ctx context.Context, audit string, at time.Time) error {
	_, err := l.db.ExecContext(ctx, `INSERT INTO requests (audit, principal, asked_at) VALUES ($1, $2, $3) ON CONFLICT (audit) DO NOTHING`, audit, pluginapi.PrincipalFrom(ctx).Ref, at.UTC())
	if err != nil {
		return fmt.Errorf("record who asked for audit %s: %w", audit, err)
	}
	return nil
}

// AskedBy returns who asked for audits, by their ids. Those that were not asked for here are missing.
func (l *Ledger) AskedBy(ctx context.Context, audits []string) (map[string]string, error) {
	ids, err := json.Marshal(audits)
	if err != nil {
		return nil, fmt.Errorf("encode ids: %w", err)
	}
	var rows []struct {
		Audit     string `db:"audit"`
		Principal string `db:"principal"`
	}
	if err := l.db.SelectContext(ctx, &rows, `SELECT audit, principal FROM requests WHERE `+l.dialect.InJSON("audit", "$1"), string(ids)); err != nil {
		return nil, fmt.Errorf("read who asked for audits: %w", err)
	}
	by := make(map[string]string, len(rows))
	for _, row := range rows {
		by[row.Audit] = row.Principal
	}
	return by, nil
}

// Asked counts the audits that a principal has asked for since a moment, and tells when the last of them was; the zero time without one.
func (l *Ledger) Asked(ctx context.Context, principal string, since time.Time) (count int, last time.Time, err error) {
	var times []time.Time
	if err := l.db.SelectContext(ctx, &times, `SELECT asked_at FROM requests WHERE principal = $1 AND asked_at >= $2 ORDER BY asked_at DESC`, principal, since.UTC()); err != nil {
		return 0, last, fmt.Errorf("count audits: %w", err)
	}
	if len(times) > 0 {
		last = times[0]
	}
	return len(times), last, nil
}

// Forget removes what is older than a moment about who asked.
func (l *Ledger) Forget(ctx context.Context, before time.Time) error {
	if _, err := l.db.ExecContext(ctx, `DELETE FROM requests WHERE asked_at < $1`, before.UTC()); err != nil {
		return fmt.Errorf("forget who asked for audits: %w", err)
	}
	return nil
}

// SetSites makes these the scheduled websites. New ones are due at first; what is known about the others stays.
func (l *Ledger) SetSites(ctx context.Context, sites []string, first time.Time) error {
	if sites == nil {
		sites = []string{}
	}
	names, err := json.Marshal(sites)
	if err != nil {
		return fmt.Errorf("encode sites: %w", err)
	}
	err = database.InTx(ctx, l.db, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM schedule WHERE NOT (`+l.dialect.InJSON("site", "$1")+`)`, string(names)); err != nil {
			return err
		}
		var known []string
		if err := tx.SelectContext(ctx, &known, `SELECT site FROM schedule`); err != nil {
			return err
		}
		have := make(map[string]bool, len(known))
		for _, site := range known {
			have[site] = true
		}
		for _, site := range sites {
			if have[site] {
				continue
			}
			have[site] = true
			if _, err := tx.ExecContext(ctx, `INSERT INTO schedule (site, next_at) VALUES ($1, $2)`, site, first.UTC()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the scheduled websites: %w", err)
	}
	return nil
}

// Due returns the website that has been due for the longest, or "".
func (l *Ledger) Due(ctx context.Context, now time.Time) (site string, err error) {
	err = l.db.GetContext(ctx, &site, `SELECT site FROM schedule WHERE next_at <= $1 ORDER BY next_at, site LIMIT 1`, now.UTC())
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the schedule: %w", err)
	}
	return site, nil
}

// Postpone says when a website is due next, and why it was not audited now, if it was not.
func (l *Ledger) Postpone(ctx context.Context, site string, next time.Time, problem string) error {
	if _, err := l.db.ExecContext(ctx, `UPDATE schedule SET next_at = $2, problem = $3 WHERE site = $1`, site, next.UTC(), problem); err != nil {
		return fmt.Errorf("keep the schedule: %w", err)
	}
	return nil
}

// Plan is what the schedule has about one website.
type Plan struct {
	Next    time.Time `db:"next_at"`
	Problem string    `db:"problem"`
}

// Plan returns what is planned for a website, nil when nothing is.
func (l *Ledger) Plan(ctx context.Context, site string) (*Plan, error) {
	var plan Plan
	err := l.db.GetContext(ctx, &plan, `SELECT next_at, problem FROM schedule WHERE site = $1`, site)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the schedule: %w", err)
	}
	return &plan, nil
}
