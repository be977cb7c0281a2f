package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// feed keeps the index in step with the change log. Changes of this process are handed over as they are; what others changed, and what was missed, is read from the store.
type feed struct {
	store   *store.Store
	index   *index.Index
	logger  *slog.Logger
	told    func([]store.Change)
	changed signal

	mu    sync.Mutex
	ready map[int64][]store.Change // by the number of their first
}

func newFeed(o Options) *feed {
	told := o.Changed
	if told == nil {
		told = func([]store.Change) {}
	}
	return &feed{store: o.Store, index: o.Index, logger: o.Logger, told: told, changed: newSignal(), ready: map[int64][]store.Change{}}
}

// maxReady bounds the memory of changes that wait for others; what does not fit is read from the store.
const maxReady = 64

func (f *feed) publish(changes []store.Change) {
	if len(changes) == 0 {
		return
	}
	f.mu.Lock()
	if len(f.ready) < maxReady {
		f.ready[changes[0].Seq] = changes
	}
	f.mu.Unlock()
	f.changed.set()
}

// next returns the changes after seq if this process made them.
func (f *feed) next(seq int64) []store.Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := f.ready[seq+1]
	delete(f.ready, seq+1)
	for first := range f.ready {
		if first <= seq {
			delete(f.ready, first)
		}
	}
	return changes
}

func (f *feed) run(ctx context.Context) error {
	for {
		if err := f.catchUp(ctx); err != nil {
			return err
		}
		select {
		case <-f.changed.C:
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const changesAtOnce = 1000

// catchUp applies every change there is.
func (f *feed) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		seq := f.index.Seq()
		changes := f.next(seq)
		if changes == nil {
			var err error
			changes, err = f.store.ChangesAfter(ctx, seq, changesAtOnce)
			if errors.Is(err, store.ErrTrimmed) {
				f.logger.Warn("the change log no longer reaches back to where this process is; everything is read anew", "number", seq)
				_, err = f.load(ctx)
			}
			if err != nil || len(changes) == 0 {
				return err
			}
		}
		applied := make([]index.Change, len(changes))
		for i, c := range changes {
			applied[i] = index.Change{Ref: c.Ref, UID: c.UID, Entity: c.Body}
		}
		f.apply(changes[len(changes)-1].Seq, applied)
		f.told(changes)
	}
	return ctx.Err()
}

func (f *feed) apply(seq int64, changes []index.Change) {
	for _, problem := range f.index.Apply(seq, changes) {
		f.report(problem)
	}
}

func (f *feed) report(problem index.Problem) {
	if problem.Err != nil {
		f.logger.Error("an entity cannot be indexed", "entity", problem.Ref, "error", problem.Err)
		return
	}
	f.logger.Warn("an entity has keys that differ only in case; all their values are found under either", "entity", problem.Ref, "keys", strings.Join(problem.Clashes, ", "))
}

// Load fills the index from the store.
func (p *Pipeline) Load(ctx context.Context) (entities int, err error) {
	if entities, err = p.feed.load(ctx); entities == 0 {
		p.unseen = time.Now().Add(firstRound)
	}
	return entities, err
}

// load makes the index what the store has.
func (f *feed) load(ctx context.Context) (entities int, err error) {
	const atOnce = 2000
	before, err := f.index.Query(index.Query{Limit: index.NoLimit})
	if err != nil {
		return 0, err
	}
	gone := make(map[string]bool, len(before.Docs))
	for _, doc := range before.Docs {
		gone[doc.Ref] = true
	}
	batch := make([]index.Change, 0, atOnce)
	flush := func(seq int64) {
		f.apply(seq, batch)
		batch = batch[:0]
	}
	seq, err := f.store.Load(ctx, func(ref, uid string, body []byte) error {
		delete(gone, ref)
		batch = append(batch, index.Change{Ref: ref, UID: uid, Entity: body})
		entities++
		if len(batch) == atOnce {
			flush(0)
		}
		return ctx.Err()
	})
	if err != nil {
		return entities, err
	}
	for ref := range gone {
		batch = append(batch, index.Change{Ref: ref})
	}
	flush(seq)
	if f.index.Seq() > seq {
		return entities, errors.New("the database is older than what was read of it before; restart the portal")
	}
	return entities, nil
}
