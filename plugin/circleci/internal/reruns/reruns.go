// Package reruns remembers who had which workflow run again.
package reruns

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
)

// Outcome is what became of the wish to run a workflow again.
type Outcome string

// The outcomes.
const (
	Asked    Outcome = "asked"    // CircleCI has been asked and has not answered yet; if it stays, the portal was stopped meanwhile
	Started  Outcome = "started"  // there is a new workflow
	Rejected Outcome = "rejected" // there is none
)

// Rerun is one such wish.
type Rerun struct {
	ID          string    `db:"id"` // made by the page that offered the button, so that a form sent twice is one wish
	At          time.Time `db:"at"`
	Actor       string    `db:"actor"`  // reference of who pressed the button
	Entity      string    `db:"entity"` // reference of the entity on whose page
	Project     string    `db:"project"`
	Workflow    string    `db:"workflow"`
	Name        string    `db:"name"` // of the workflow
	FromFailed  bool      `db:"from_failed"`
	Outcome     Outcome   `db:"outcome"`
	NewWorkflow string    `db:"new_workflow"`
	FaultJSON   string    `db:"fault"`
}

// Fault is why it was rejected; nil when it was not.
func (r Rerun) Fault() *api.Fault {
	if r.FaultJSON == "" {
		return nil
	}
	var fault api.Fault
	if err := json.Unmarshal([]byte(r.FaultJSON), &fault); err != nil {
		return &api.Fault{Kind: api.Unknown}
	}
	return &fault
}

// Store keeps reruns in the plugin's database. It is safe for concurrent use.
type Store struct{ db *sqlx.DB }

// NewStore returns a Store.
func NewStore(db *sqlx.DB) *Store { return &Store{db} }

const columns = `id, at, actor, entity, project, workflow, name, from_failed, outcome, new_workflow, fault`

// Keep is how long a wish is remembered: longer than CircleCI keeps the workflow that it is about.
const Keep = 400 * 24 * time.Hour

// Forget removes what is older than [Keep].
func (s *Store) Forget(ctx context.Context, now time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM reruns WHERE at < $1`, now.Add(-Keep).UTC()); err != nil {
		return fmt.Errorf("forget old reruns: %w", err)
	}
	return nil
}

// Begin notes a wish before CircleCI is asked. It reports false if one with that id is there already.
func (s *Store) Begin(ctx context.Context, r Rerun) (bool, error) {
	_, err := s.db.ExecContext(ctx, `INSERT INTO reruns (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.ID, r.At.UTC(), r.Actor, r.Entity, r.Project, r.Workflow, r.Name, r.FromFailed, Asked, "", "")
	switch {
	case database.IsUniqueViolation(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("record that %s wants workflow %s run again: %w", r.Actor, r.Workflow, err)
	}
	return true, nil
}

// End notes what became of it: fault is nil when it went well.
func (s *Store) End(ctx context.Context, id, newWorkflow string, fault *api.Fault) error {
	outcome, why := Started, ""
	if fault != nil {
		outcome = Rejected
		text, err := json.Marshal(fault)
		if err != nil {
			return fmt.Errorf("record outcome of rerun %s: %w", id, err)
		}
		why = string(text)
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE reruns SET outcome = $1, new_workflow = $2, fault = $3 WHERE id = $4`, outcome, newWorkflow, why, id); err != nil {
		return fmt.Errorf("record outcome of rerun %s: %w", id, err)
	}
	return nil
}

// Of returns the wish with that id for a project; false if there is none.
func (s *Store) Of(ctx context.Context, project, id string) (Rerun, bool, error) {
	var r Rerun
	err := s.db.GetContext(ctx, &r, `SELECT `+columns+` FROM reruns WHERE id = $1 AND project = $2`, id, project)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read rerun %s: %w", id, err)
	}
	return r, true, nil
}

// About returns the wishes that made a workflow, or were about it, newest first, ten at most.
func (s *Store) About(ctx context.Context, workflow string) ([]Rerun, error) {
	var list []Rerun
	err := s.db.SelectContext(ctx, &list, `SELECT `+columns+` FROM reruns WHERE workflow = $1 OR new_workflow = $2 ORDER BY at DESC LIMIT 10`, workflow, workflow)
	if err != nil {
		return nil, fmt.Errorf("read reruns of workflow %s: %w", workflow, err)
	}
	return list, nil
}
