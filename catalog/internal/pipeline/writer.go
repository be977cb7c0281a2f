package pipeline

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// writer hands over to the store what is ready at the same time in one transaction, which is what makes many small hand-overs cheap.
type writer struct {
	store   *store.Store
	queue   chan handOver
	waiting atomic.Int64
	handed  *atomic.Int64 // counts transactions

	open   bool // whether somebody takes from the queue
	opened sync.RWMutex

	mu     sync.Mutex
	wrote  time.Time
	volume float64 // rows that were written lately, those of a second ago counting a third
}

// handOver is one hand-over; done is told how it went.
type handOver struct {
	op   store.Op
	size int // rows, roughly
	done func(error)
}

const maxRows = 8000 // in one transaction

func newWriter(s *store.Store, handed *atomic.Int64) *writer {
	return &writer{store: s, handed: handed, queue: make(chan handOver, 1024)}
}

// Once nothing has been written for this long, the writer is not busy: the longer, the more was written before.
const (
	minLull = 10 * time.Millisecond
	maxLull = 500 * time.Millisecond
	perRow  = 50 * time.Microsecond
)

// note remembers that rows were written.
func (w *writer) note(rows int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.volume = w.volume*math.Exp(-now.Sub(w.wrote).Seconds()) + float64(rows)
	w.wrote = now
}

// busy reports whether more is likely to come at once.
func (w *writer) busy(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Sub(w.wrote) < min(max(minLull, time.Duration(w.volume*float64(perRow))), maxLull)
}

func (w *writer) idle() bool { return w.waiting.Load() == 0 }

// submit queues a hand-over. done is called in any case: by the writer's goroutine, or by this one when ctx ends before or nobody writes any more.
func (w *writer) submit(ctx context.Context, h handOver) {
	w.waiting.Add(1)
	if err := w.enqueue(ctx, h); err != nil {
		w.finish(h, err)
	}
}

var errStopped = errors.New("ingestion is being stopped")

func (w *writer) enqueue(ctx context.Context, h handOver) error {
	w.opened.RLock() // so that the queue is not left while something is put in
	defer w.opened.RUnlock()
	if !w.open {
		return errStopped
	}
	select {
	case w.queue <- h:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) setOpen(open bool) {
	w.opened.Lock()
	defer w.opened.Unlock()
	w.open = open
}

func (w *writer) run(ctx context.Context) error {
	for {
		var batch []handOver
		select {
		case h := <-w.queue:
			batch = append(batch, h)
		case <-ctx.Done():
			w.refuse(ctx)
			return ctx.Err()
		}
		size := batch[0].size
	gather:
		for size < maxRows {
			select {
			case h := <-w.queue:
				batch = append(batch, h)
				size += h.size
			default:
				break gather
			}
		}
		err := w.store.Write(ctx, joined(batch)...)
		w.handed.Add(1)
		w.note(size)
		if err != nil && len(batch) > 1 && ctx.Err() == nil {
			// One of them may be to blame: the others should not suffer.
			for _, h := range batch {
				w.finish(h, w.store.Write(ctx, h.op))
			}
			continue
		}
		for _, h := range batch {
			w.finish(h, err)
		}
	}
}

func (w *writer) finish(h handOver, err error) {
	h.done(err)
	w.waiting.Add(-1)
}

// refuse ends what is still queued, and what is to come.
func (w *writer) refuse(ctx context.Context) {
	w.setOpen(false)
	for {
		select {
		case h := <-w.queue:
			w.finish(h, ctx.Err())
		default:
			return
		}
	}
}

// joined makes one hand-over of the outcomes that follow each other.
func joined(batch []handOver) []store.Op {
	var ops []store.Op
	for _, h := range batch {
		if finished, ok := h.op.(store.Finished); ok && len(ops) > 0 {
			if last, ok := ops[len(ops)-1].(store.Finished); ok {
				ops[len(ops)-1] = append(last[:len(last):len(last)], finished...)
				continue
			}
		}
		ops = append(ops, h.op)
	}
	return ops
}
