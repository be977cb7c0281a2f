package access

import (
	"context"
	"encoding/json"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// Record tells how the catalog fares with an entity: why it is there, or why not.
type Record struct {
	EntityRef   string                    `json:"entityRef"`
	UID         string                    `json:"uid,omitempty"`
	Known       bool                      `json:"known"`   // something brings the entity, or has brought it
	Visible     bool                      `json:"visible"` // it was processed without errors at least once
	LocationKey string                    `json:"locationKey,omitempty"`
	Sources     []RecordSource            `json:"sources"`
	OrphanSince *time.Time                `json:"orphanSince,omitempty"`
	CreatedAt   *time.Time                `json:"createdAt,omitempty"`
	UpdatedAt   *time.Time                `json:"updatedAt,omitempty"` // of what is visible
	LastAttempt *time.Time                `json:"lastAttemptAt,omitempty"`
	LastSuccess *time.Time                `json:"lastSuccessAt,omitempty"`
	NextAttempt *time.Time                `json:"nextAttemptAt,omitempty"` // nothing: when something changes
	TookMillis  float64                   `json:"tookMillis"`
	Failures    int                       `json:"failures"` // in a row
	Errors      []catalogcommon.ErrorInfo `json:"errors"`
	Conflicts   []string                  `json:"conflicts"` // location keys of others that bring it too
	Hints       []catalogcommon.ErrorInfo `json:"hints"`     // of an entity that is not known: what went wrong elsewhere that could be about it
}

// RecordSource is what brings an entity.
type RecordSource struct {
	Provider  string `json:"provider,omitempty"`
	EntityRef string `json:"entityRef,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
}

// Record answers why an entity is in the catalog, or why it is not. Who may not read about ingestion is refused.
func (c *Catalog) Record(ctx context.Context, ref catalogcommon.Ref) (Record, error) {
	if err := c.require(ctx, catalogcommon.PermissionIngestionRead); err != nil {
		return Record{}, err
	}
	name := ref.String()
	record := Record{EntityRef: name, Sources: []RecordSource{}, Errors: []catalogcommon.ErrorInfo{}, Conflicts: []string{}, Hints: []catalogcommon.ErrorInfo{}}
	stored, found, err := c.store.Record(ctx, name)
	if err != nil {
		return record, err
	}
	for _, conflict := range stored.Conflicts {
		record.Conflicts = append(record.Conflicts, conflict.LocationKey)
	}
	if !found {
		record.Hints, err = c.hints(ctx, ref)
		return record, err
	}
	record.Known, record.Visible, record.UID, record.LocationKey = true, stored.Visible, stored.UID, stored.LocationKey
	record.OrphanSince, record.CreatedAt, record.UpdatedAt = moment(stored.OrphanSince), moment(stored.Created), moment(stored.Updated)
	record.LastAttempt, record.LastSuccess, record.NextAttempt = moment(stored.Attempted), moment(stored.Succeeded), moment(stored.Next)
	record.TookMillis, record.Failures = float64(stored.Took.Microseconds())/1000, stored.Failures
	for _, source := range stored.Sources {
		record.Sources = append(record.Sources, RecordSource{Provider: source.Provider, EntityRef: source.Ref, File: source.File, Line: source.Line})
	}
	if stored.Errors != "" {
		if err := json.Unmarshal([]byte(stored.Errors), &record.Errors); err != nil {
			return record, err
		}
	}
	return record, nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// hints are faults of files: the entity may be in one that cannot be read.
func (c *Catalog) hints(ctx context.Context, _ catalogcommon.Ref) ([]catalogcommon.ErrorInfo, error) {
	const most = 20
	problems, err := c.Problems(ctx)
	if err != nil {
		return nil, err
	}
	hints := []catalogcommon.ErrorInfo{}
	for _, problem := range problems {
		if len(hints) == most {
			break
		}
		hints = append(hints, problem.ErrorInfo)
	}
	return hints, nil
}

// Change is an entry of the change log.
type Change struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Op   string    `json:"op"` // create, update or delete
	Ref  string    `json:"entityRef"`
	UID  string    `json:"uid"`
	ETag string    `json:"etag"`
}

// Changes returns up to limit changes after number seq, in order, and the number to go on from. Who may not read every entity is told of those that it may read; of entities that are gone nobody knows who might have read them, so only
// those hear of them who may read all.
func (c *Catalog) Changes(ctx context.Context, seq int64, limit int) (changes []Change, next int64, err error) {
	where, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return []Change{}, seq, err
	}
	stored, err := c.store.ChangesAfter(ctx, seq, limit)
	if err != nil {
		return nil, seq, err
	}
	changes, next = []Change{}, seq
	for _, s := range stored {
		next = s.Seq
		if where != nil {
			if s.Op == store.OpDelete {
				continue
			}
			if visible, err := c.index.Matches(s.Ref, where); err != nil || !visible {
				continue
			}
		}
		changes = append(changes, Change{Seq: s.Seq, At: time.UnixMilli(s.At).UTC(), Op: s.Op, Ref: s.Ref, UID: s.UID, ETag: s.ETag})
	}
	return changes, next, nil
}

// Quiet waits for a change after number seq, and reports whether there was none for that time.
func (c *Catalog) Quiet(ctx context.Context, seq int64, limit time.Duration) bool {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.index.WaitFor(wait, seq+1) != nil
}

// Graph returns what is around some entities, as far as the caller may read.
func (c *Catalog) Graph(ctx context.Context, q index.GraphQuery) (*index.Graph, [][]byte, error) {
	where, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return &index.Graph{}, nil, err
	}
	q.Where = where
	graph, err := c.index.Graph(q)
	if err != nil {
		return nil, nil, err
	}
	docs := make([]index.Doc, len(graph.Nodes))
	for i, node := range graph.Nodes {
		if !node.Missing {
			docs[i] = node.Doc
		}
	}
	bodies, err := c.fetch(ctx, docs)
	return graph, bodies, err
}
