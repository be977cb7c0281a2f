package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Load hands every final entity to each, in no order, and returns the number of the last change that they include. Bodies are valid until each returns.
func (s *Store) Load(ctx context.Context, each func(ref, uid string, body []byte) error) (seq int64, err error) {
	err = s.read(ctx, "load entities", func(t *tx) error {
		if err := t.GetContext(t.ctx, &seq, `select value from counters where name = 'change'`); err != nil {
			return err
		}
		return t.collect(`select entity_ref, uid, body from final_entities`, nil, func(row *sqlx.Rows) error {
			var ref, uid string
			var body []byte
			if err := row.Scan(&ref, &uid, &body); err != nil {
				return err
			}
			return each(ref, uid, body)
		})
	})
	return seq, err
}

// ErrTrimmed says that the change log does not go on after a number: it no longer reaches back so far, or it never came to that number. Who kept in step by it has to read everything anew.
var ErrTrimmed = errors.New("the change log does not go on after that number")

// ChangesAfter returns up to limit changes that follow number seq, in order, or [ErrTrimmed]. With a negative seq it begins with the oldest.
func (s *Store) ChangesAfter(ctx context.Context, seq int64, limit int) ([]Change, error) {
	changes, err := s.changesAfter(ctx, s.db, seq, limit)
	if errors.Is(err, ErrTrimmed) {
		// Unless a transaction was seen before it was at its end.
		err = s.readCommitted(ctx, "read the change log", func(t *tx) error {
			changes, err = s.changesAfter(ctx, t, seq, limit)
			return err
		})
	}
	return changes, err
}

func (s *Store) changesAfter(ctx context.Context, from sqlx.QueryerContext, seq int64, limit int) ([]Change, error) {
	var last int64 // first, so that what is missing then is missing
	err := collect(ctx, from, `select value from counters where name = 'change'`, nil, func(row *sqlx.Rows) error { return row.Scan(&last) })
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	if last == seq {
		return nil, nil
	}
	var changes []Change
	err = collect(ctx, from, `select c.seq, c.at, c.op, c.entity_ref, c.uid, c.etag, f.body from change_log c left join final_entities f on f.entity_ref = c.entity_ref and f.uid = c.uid where c.seq > $1 order by c.seq limit $2`, []any{seq, limit}, func(row *sqlx.Rows) error {
		var c Change
		err := row.Scan(&c.Seq, &c.At, &c.Op, &c.Ref, &c.UID, &c.ETag, &c.Body)
		changes = append(changes, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the change log: %w", err)
	}
	if seq >= 0 && (len(changes) == 0 || changes[0].Seq != seq+1) {
		return nil, ErrTrimmed
	}
	return changes, nil
}

// TrimChanges removes changes from before a time from the change log.
func (s *Store) TrimChanges(ctx context.Context, before time.Time) (removed int, err error) {
	const atOnce = 1000 // so that nobody waits long for the writer's turn
	for n := int64(atOnce); n == atOnce; removed += int(n) {
		err := s.write(ctx, "trim the change log", func(t *tx) error {
			// Without an index on times: the oldest are the first.
			result, err := t.ExecContext(t.ctx, `delete from change_log where at < $1 and seq in (select seq from change_log order by seq limit $2)`, t.clock.stored(before), atOnce)
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// LastChange returns the number of the last change.
func (s *Store) LastChange(ctx context.Context) (int64, error) {
	var seq int64
	if err := s.db.GetContext(ctx, &seq, `select value from counters where name = 'change'`); err != nil {
		return 0, fmt.Errorf("read the change log: %w", err)
	}
	return seq, nil
}

// Stored is a final entity as it is served.
type Stored struct {
	Ref  string
	Seq  int64 // of its last change
	Body []byte
}

// Bodies returns the final entities with these refs, in no order; those that are not there are left out.
func (s *Store) Bodies(ctx context.Context, refs []string) ([]Stored, error) {
	var found []Stored
	scan := func(row *sqlx.Rows) error {
		var f Stored
		err := row.Scan(&f.Ref, &f.Seq, &f.Body)
		found = append(found, f)
		return err
	}
	t := &tx{ctx: ctx, dialect: s.dialect}
	if err := collect(ctx, s.db, `select entity_ref, seq, body from final_entities where `+t.in("entity_ref", 1), []any{t.texts(refs)}, scan); err != nil {
		return nil, fmt.Errorf("read entities: %w", err)
	}
	return found, nil
}
