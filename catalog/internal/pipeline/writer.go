package pipeline

import (
	"context"
	"sync/atomic"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// writer hands over to the store what is ready at the same time in one transaction, which is what makes many small hand-overs cheap.
type writer struct {
	store   *store.Store
	queue   chan handOver
	waiting atomic.Int64
}

// handOver is one hand-over; done is told how it went.
type handOver struct {
	op   store.Op
	size int // rows, roughly
	done func(error)
}

const maxRows = 2000 // in one transaction

func newWriter(s *store.Store) *writer {
	return &writer{store: s, queue: make(chan handOver, 1024)}
}

func (w *writer) idle() bool { return w.waiting.Load() == 0 }

// submit queues a hand-over. done is called by the writer's goroutine, or by this one if ctx ends before.
func (w *writer) submit(ctx context.Context, h handOver) {
	w.waiting.Add(1)
	select {
	case w.queue <- h:
	case <-ctx.Done():
		w.waiting.Add(-1)
		h.done(ctx.Err())
	}
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

// refuse ends what is still queued.
func (w *writer) refuse(ctx context.Context) {
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
