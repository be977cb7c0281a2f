package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/pluginapi"
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
	Targets     []RecordTarget            `json:"targets,omitempty"`
}

// RecordTarget is what a Location entity points to, and how reading it went the last time that there was something to read.
type RecordTarget struct {
	Target     string                    `json:"target"` // a location, perhaps a pattern
	ReadAt     time.Time                 `json:"readAt"`
	TookMillis float64                   `json:"tookMillis"`
	Missing    bool                      `json:"missing,omitempty"`
	Errors     []catalogcommon.ErrorInfo `json:"errors"`
	Files      []RecordFile              `json:"files"`
}

// RecordFile is a file that a target stands for.
type RecordFile struct {
	File      string                    `json:"file"` // a location
	ReadAt    time.Time                 `json:"readAt"`
	Documents int                       `json:"documents"`
	Missing   bool                      `json:"missing,omitempty"`
	Errors    []catalogcommon.ErrorInfo `json:"errors"`
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
		record.Hints, err = c.hints(ctx)
		return record, err
	}
	record.Known, record.Visible, record.UID, record.LocationKey = true, stored.Visible, stored.UID, stored.LocationKey
	record.OrphanSince, record.CreatedAt, record.UpdatedAt = moment(stored.OrphanSince), moment(stored.Created), moment(stored.Updated)
	record.LastAttempt, record.LastSuccess, record.NextAttempt = moment(stored.Attempted), moment(stored.Succeeded), moment(stored.Next)
	record.TookMillis, record.Failures = float64(stored.Took.Microseconds())/1000, stored.Failures
	for _, source := range stored.Sources {
		record.Sources = append(record.Sources, RecordSource{Provider: source.Provider, EntityRef: source.Ref, File: source.File, Line: source.Line})
	}
	if record.Errors, err = infos(stored.Errors); err != nil {
		return record, err
	}
	for _, t := range stored.Targets {
		target := RecordTarget{Target: t.Target, ReadAt: t.Read, TookMillis: float64(t.Took.Microseconds()) / 1000, Missing: t.Missing, Files: []RecordFile{}}
		if target.Errors, err = infos(t.Fault); err != nil {
			return record, err
		}
		for _, f := range t.Files {
			file := RecordFile{File: f.File, ReadAt: f.Read, Documents: f.Documents, Missing: f.Missing}
			if file.Errors, err = infos(f.Faults); err != nil {
				return record, err
			}
			target.Files = append(target.Files, file)
		}
		record.Targets = append(record.Targets, target)
	}
	return record, nil
}

// infos reads a list of errors as it is stored; nothing is none.
func infos(text string) ([]catalogcommon.ErrorInfo, error) {
	list := []catalogcommon.ErrorInfo{}
	if text == "" {
		return list, nil
	}
	err := json.Unmarshal([]byte(text), &list)
	return list, err
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// hints are faults of files: an entity that is not known may be in one that cannot be read.
func (c *Catalog) hints(ctx context.Context) ([]catalogcommon.ErrorInfo, error) {
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

// Changes returns up to limit changes after number seq, in order, and the number to go on from. A negative seq means from the oldest on; one that the log does not reach back to is a 410. Who may not read every entity is told of those that it may read; of entities that are gone nobody knows who might have read them, so only
// those hear of them who may read all.
func (c *Catalog) Changes(ctx context.Context, seq int64, limit int) (changes []Change, next int64, err error) {
	where, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return []Change{}, seq, err
	}
	from := c.index.Seq()
	stored, err := c.store.ChangesAfter(ctx, seq, limit)
	switch {
	case errors.Is(err, store.ErrTrimmed):
		return nil, seq, &pluginapi.Error{Status: http.StatusGone, Name: "ResyncError", Message: fmt.Sprintf("the change log does not go on after number %d, because it is too old or from another catalog; read all entities, then go on after number %d", seq, from)}
	case err != nil:
		return nil, seq, err
	}
	changes, next = []Change{}, seq
	if seq < 0 {
		next = from // if there is none
	}
	for _, s := range stored {
		if s.Seq > from {
			break // the index, which decides who may see it, does not have it yet
		}
		next = s.Seq
		if where != nil {
			if s.Op == store.OpDelete {
				continue
			}
			visible, err := c.index.Matches(s.Ref, where)
			if err != nil {
				return nil, seq, err
			}
			if !visible {
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
