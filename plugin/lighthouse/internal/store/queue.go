package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
)

// Lease is how long a worker counts as alive after its last beat. It should beat three times as often.
const Lease = 15 * time.Second

// attempts is how often an audit is begun before it counts as what ends its workers.
const attempts = 2

// Job is an audit that a worker has taken.
type Job struct {
	ID        string `db:"id"`
	URL       string `db:"url"`
	Config    string `db:"config"`     // of Lighthouse, as JSON
	UpTimeout int64  `db:"up_timeout"` // milliseconds
}

// leaseEnd is when a lease that is given now ends, by the database's clock: those of several replicas need not agree.
func (s *Store) leaseEnd() string {
	seconds := int(Lease / time.Second)
	if s.dialect == database.Postgres {
		return fmt.Sprintf("(clock_timestamp() at time zone 'UTC') + interval '%d seconds'", seconds)
	}
	return fmt.Sprintf("strftime('%%Y-%%m-%%d %%H:%%M:%%f+00:00', 'now', '+%d seconds')", seconds)
}

// Claim takes the audit that waits longest for a worker. Without one it returns false. No two workers get the same audit, and none waits for another.
func (s *Store) Claim(ctx context.Context, worker string) (job Job, ok bool, err error) {
	err = s.db.GetContext(ctx, &job, `UPDATE site_audits SET worker = $1, attempts = attempts + 1, time_started = $2, leased_until = `+s.leaseEnd()+`
		WHERE id = (SELECT id FROM site_audits WHERE time_completed IS NULL AND attempts < $3 AND (leased_until IS NULL OR leased_until < `+s.dialect.Now()+`)
			ORDER BY time_created, id LIMIT 1`+s.dialect.SkipLocked()+`)
		RETURNING id, url, config, up_timeout`, worker, now(), attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return job, false, nil
	}
	if err != nil {
		return job, false, fmt.Errorf("take an audit from the queue: %w", err)
	}
	return job, true, nil
}

// Beat says that the worker is alive. [ErrLost] tells it to stop.
func (s *Store) Beat(ctx context.Context, id, worker string) error {
	result, err := s.db.ExecContext(ctx, `UPDATE site_audits SET leased_until = `+s.leaseEnd()+` WHERE id = $1 AND worker = $2 AND time_completed IS NULL`, id, worker)
	if err := one(result, err)(ErrLost); err != nil {
		return fmt.Errorf("keep audit %s: %w", id, err)
	}
	return nil
}

// Release gives an audit back to the queue, as if it had not been begun.
func (s *Store) Release(ctx context.Context, id, worker string) error {
	_, err := s.db.ExecContext(ctx, `UPDATE site_audits SET worker = '', leased_until = NULL, time_started = NULL, attempts = attempts - 1
		WHERE id = $1 AND worker = $2 AND time_completed IS NULL`, id, worker)
	if err != nil {
		return fmt.Errorf("give audit %s back: %w", id, err)
	}
	return nil
}

// Complete stores what Lighthouse found. [ErrLost] means that nothing was stored.
func (s *Store) Complete(ctx context.Context, id, worker string, categories map[string]auditapi.Category, report json.RawMessage) error {
	if categories == nil {
		categories = map[string]auditapi.Category{}
	}
	scores, err := json.Marshal(categories)
	if err != nil {
		return fmt.Errorf("encode the scores of audit %s: %w", id, err)
	}
	var packed bytes.Buffer
	// The fastest level: audits keep all processors busy, and a better one saves a sixth of the space for twice the work.
	packer, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("pack report of audit %s: %w", id, err)
	}
	if _, err := packer.Write(report); err != nil {
		return fmt.Errorf("pack report of audit %s: %w", id, err)
	}
	if err := packer.Close(); err != nil {
		return fmt.Errorf("pack report of audit %s: %w", id, err)
	}
	return s.end(ctx, id, worker, string(scores), "", packed.Bytes())
}

// Fail stores why an audit failed, for people.
func (s *Store) Fail(ctx context.Context, id, worker, reason string) error {
	return s.end(ctx, id, worker, "", reason, nil)
}

func (s *Store) end(ctx context.Context, id, worker, categories, reason string, report []byte) error {
	err := database.InTx(ctx, s.db, func(tx *sqlx.Tx) error {
		// The report comes first: whoever sees the audit completed finds it, even where readers see what is not committed yet.
		if report != nil {
			if _, err := tx.ExecContext(ctx, `INSERT INTO site_audit_reports (audit, report) VALUES ($1, $2) ON CONFLICT (audit) DO NOTHING`, id, report); err != nil {
				return err
			}
		}
		err := one(tx.ExecContext(ctx, `UPDATE site_audits SET time_completed = $3, categories = $4, reason = $5, worker = '', leased_until = NULL
			WHERE id = $1 AND worker = $2 AND time_completed IS NULL`, id, worker, now(), categories, reason))(ErrLost)
		if err != nil {
			return err
		}
		return s.prune(ctx, tx, id, reason == "")
	})
	if err != nil {
		return fmt.Errorf("end audit %s: %w", id, err)
	}
	return nil
}

// prune removes the oldest audits of the website of an audit that has ended. Failed and completed ones are counted apart, so that a page that is down for weeks does not lose its scores.
func (s *Store) prune(ctx context.Context, tx *sqlx.Tx, id string, completed bool) error {
	if s.keep <= 0 {
		return nil
	}
	outcome := "categories = ''"
	if completed {
		outcome = "categories <> ''"
	}
	var old []string
	if err := tx.SelectContext(ctx, &old, `SELECT id FROM site_audits WHERE site = (SELECT site FROM site_audits WHERE id = $1) AND time_completed IS NOT NULL AND `+outcome+`
		ORDER BY time_created DESC, id LIMIT 1000 OFFSET $2`, id, s.keep); err != nil || len(old) == 0 {
		return err
	}
	ids, err := json.Marshal(old)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM site_audit_reports WHERE `+s.dialect.InJSON("audit", "$1"), string(ids)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM site_audits WHERE `+s.dialect.InJSON("id", "$1"), string(ids))
	return err
}

// Recover sees to audits whose workers are gone: those that were begun for the last time become failed ones, the others are there to be claimed again. alone says that no other process uses the
// database, and nothing is running here yet; every audit that has begun is then abandoned. It returns how many failed.
func (s *Store) Recover(ctx context.Context, alone bool) (failed int, err error) {
	if alone {
		if _, err := s.db.ExecContext(ctx, `UPDATE site_audits SET worker = '', leased_until = NULL WHERE time_completed IS NULL AND worker <> ''`); err != nil {
			return 0, fmt.Errorf("recover audits: %w", err)
		}
	}
	result, err := s.db.ExecContext(ctx, `UPDATE site_audits SET time_completed = $1, worker = '', leased_until = NULL, reason = $2
		WHERE time_completed IS NULL AND attempts >= $3 AND (leased_until IS NULL OR leased_until < `+s.dialect.Now()+`)`,
		now(), fmt.Sprintf("the audit service ended %d times while it ran this audit", attempts), attempts)
	if err != nil {
		return 0, fmt.Errorf("recover audits: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Load is how much there is to do.
type Load struct {
	Waiting int `db:"waiting"` // for a worker
	Begun   int `db:"begun"`   // by any replica
}

// Load counts the audits that have not ended.
func (s *Store) Load(ctx context.Context) (load Load, err error) {
	err = s.db.GetContext(ctx, &load, `SELECT COUNT(CASE WHEN worker = '' THEN 1 END) AS waiting, COUNT(CASE WHEN worker <> '' THEN 1 END) AS begun FROM site_audits WHERE time_completed IS NULL`)
	if err != nil {
		return load, fmt.Errorf("count the audits that have not ended: %w", err)
	}
	return load, nil
}
