// Package pipeline brings entities from where they are described to where they are read: providers hand over, processing turns what was handed over into entities and finds what they point to, stitching puts
// each together with what others say about it, and the index follows.
//
// Each stage takes its work from the store and hands its outcome back in one transaction, so that a process can end at any moment. Failures stay where they are: a target, a document or an entity that fails keeps its last good
// outcome and spoils no other.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// Options say what a pipeline works with.
type Options struct {
	Store  *store.Store
	Index  *index.Index
	Logger *slog.Logger

	Model        *model.Model
	Readers      location.Readers
	Resolver     location.TargetResolver
	References   location.References
	Placeholders map[string]location.PlaceholderResolver
	Processors   []Processor // in the order in which they run

	Metrics *metrics.Ingestion // nil: nobody counts

	// Settings is asked anew for each entity, so that configuration can change.
	Settings func() Settings

	// Fingerprint stands for what Model, Processors and Placeholders do: when it changes everything is processed again.
	Fingerprint string

	// Changed is told of changes that the index has, in order.
	Changed func([]store.Change)

	// Announce tells other replicas of the last change; nil: there are none.
	Announce func(ctx context.Context, seq int64)
}

// Settings can change while the pipeline runs.
type Settings struct {
	Rules       location.Rules
	RulesText   string        // changes when Rules do
	Interval    time.Duration // between two looks at an entity that can change by itself; up to half of it is added by chance. 0 or less: no processing at all
	KeepOrphans bool
	OrphanGrace time.Duration // that an orphan is kept, so that what moves from one file to another is not removed in between
}

// Pipeline is the catalog's ingestion. Make one with [New].
type Pipeline struct {
	Options
	writer   *writer
	feed     *feed
	wake     signal // there may be something to process
	stitch   signal // there may be something to stitch
	inFlight atomic.Int64
	handed   atomic.Int64  // counts hand-overs
	stitches atomic.Bool   // one is under way
	drained  atomic.Bool   // nothing was due at the last look
	unseen   time.Time     // until then nobody misses what is not stitched yet
	reading  chan struct{} // holds a token for each target that is being read
	parsing  chan struct{} // holds a token for each file that is being parsed
	mu       sync.Mutex
	claimed  map[int64]bool
	left     []int64 // claimed, and not processed
}

// How much is done at a time.
const (
	maxInFlight  = 512
	claimAtOnce  = 256
	stitchAtOnce = 1000
	firstRound   = 5 * time.Second // how long an empty catalog is filled before its entities start to appear
	hold         = 6 * time.Second // of a claim; the work of a replica that dies goes on elsewhere after that
	poll         = time.Second
)

// New returns a pipeline. It does nothing until [Pipeline.Run].
func New(o Options) *Pipeline {
	p := &Pipeline{Options: o, wake: newSignal(), stitch: newSignal(), reading: make(chan struct{}, 16), parsing: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)), claimed: map[int64]bool{}}
	p.writer = newWriter(o.Store, &p.handed)
	p.feed = newFeed(o)
	return p
}

// Run works until ctx ends, and returns when all of its goroutines have. An error says that something failed that is not about one entity, such as the database; it can be called again.
func (p *Pipeline) Run(ctx context.Context) error {
	outside := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.writer.setOpen(true)
	var group sync.WaitGroup
	for name, loop := range map[string]func(context.Context) error{
		"write": p.writer.run, "process": p.process, "stitch": p.stitchLoop, "follow": p.feed.run, "renew": p.renew, "sweep": p.sweep, "reconcile": p.reconcile,
	} {
		group.Go(func() {
			if err := loop(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	group.Wait()
	p.giveBack(outside)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return ctx.Err()
}

// Wake has the pipeline look for work now instead of at its next look.
func (p *Pipeline) Wake() {
	p.wake.set()
	p.stitch.set()
	p.feed.changed.set()
}

// Settle waits until nothing is due and the index has every change, or ctx ends. The pipeline must be running.
func (p *Pipeline) Settle(ctx context.Context) error {
	pause := time.Millisecond
	for {
		settled, err := p.settled(ctx)
		if err != nil {
			return err
		}
		if settled {
			last, err := p.Store.LastChange(ctx)
			if err != nil {
				return err
			}
			return p.Index.WaitFor(ctx, last)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 10*time.Millisecond)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settled reports whether nothing is due. Only if nothing was handed over while it looked does it know: what came meanwhile is due later than the moment it asked about, and a database in memory shows what is not yet committed.
func (p *Pipeline) settled(ctx context.Context) (bool, error) {
	before := p.handed.Load()
	quiet := func() bool { return p.inFlight.Load() == 0 && p.writer.idle() && !p.stitches.Load() }
	if !quiet() {
		return false, nil
	}
	due, err := p.Store.DueBefore(ctx, time.Now())
	return err == nil && !due && quiet() && p.handed.Load() == before, err
}

// Published hands changes that were made elsewhere, such as removals, to the index.
func (p *Pipeline) Published(changes []store.Change) {
	p.feed.publish(changes)
	p.wake.set()
	p.stitch.set()
}

// process claims what is due and processes it.
func (p *Pipeline) process(ctx context.Context) error {
	jobs := make(chan store.Work)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(jobs)
	for range 16 { // more than processors, since some wait for files and networks
		workers.Go(func() {
			for work := range jobs {
				p.one(ctx, work)
			}
		})
	}
	for {
		n := min(claimAtOnce, maxInFlight-int(p.inFlight.Load()))
		var work []store.Work
		if n > maxInFlight/4 && p.Settings().Interval > 0 {
			var err error
			if work, err = p.Store.Claim(ctx, n, hold); err != nil {
				return err
			}
			p.drained.Store(len(work) == 0)
		}
		p.inFlight.Add(int64(len(work)))
		p.handed.Add(int64(len(work)))
		p.mu.Lock()
		for _, w := range work {
			p.claimed[w.ID] = true
		}
		p.mu.Unlock()
		for _, w := range work {
			select {
			case jobs <- w:
			case <-ctx.Done():
				p.leave(w.ID)
			}
		}
		if len(work) > 0 && len(work) == n && ctx.Err() == nil { // else there was no more
			continue
		}
		select {
		case <-p.wake.C:
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave notes that a claimed entity was not processed.
func (p *Pipeline) leave(id int64) {
	p.mu.Lock()
	p.left = append(p.left, id)
	p.mu.Unlock()
	p.done(id)
}

// giveBack lets others have what was claimed and not processed, instead of having them wait for the claims to run out.
func (p *Pipeline) giveBack(ctx context.Context) {
	p.mu.Lock()
	left := p.left
	p.left = nil
	p.mu.Unlock()
	if len(left) == 0 {
		return
	}
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := p.Store.Release(ctx, left); err != nil {
		p.Logger.Debug("claims could not be given back; they run out by themselves", "error", err)
	}
}

func (p *Pipeline) done(id int64) {
	p.mu.Lock()
	delete(p.claimed, id)
	p.mu.Unlock()
	p.inFlight.Add(-1)
}

// renew holds on to what takes long.
func (p *Pipeline) renew(ctx context.Context) error {
	ids := func() []int64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		var ids []int64
		for id := range p.claimed {
			ids = append(ids, id)
		}
		return ids
	}
	tick := time.NewTicker(hold / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if held := ids(); len(held) > 0 {
				if err := p.Store.Renew(ctx, held, hold); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stitchLoop puts together what is queued. It lets requests gather for a moment, since one processed file asks for the same group again and again.
func (p *Pipeline) stitchLoop(ctx context.Context) error {
	assembler := newAssembler()
	assemble := func(parts *store.Parts) store.Final {
		final, err := assembler.assemble(parts)
		if err != nil {
			p.Logger.Error("an entity cannot be put together; what can be seen of it stays as it was", "entity", parts.Ref, "error", err)
			return store.Final{Fault: listText([]catalogcommon.ErrorInfo{faultOf(fmt.Errorf("put the entity together: %w", err), positions{})})}
		}
		return final
	}
	took := time.Second // of the last round; nothing is known of the first
	for {
		select {
		case <-p.stitch.C:
		case <-time.After(p.Store.RestLeft(poll)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := p.gather(ctx, took); err != nil {
			return err
		}
		start := time.Now()
		for {
			// As long as there is much to process, only what nobody can see yet: the others would change again.
			p.stitches.Store(true)
			begun := time.Now()
			taken, changes, err := p.Store.Stitch(ctx, stitchAtOnce, p.busy(), assemble)
			p.handed.Add(1)
			p.feed.publish(changes)
			p.stitches.Store(false)
			if err != nil {
				return err
			}
			p.Metrics.Stitched(taken, time.Since(begun))
			if len(changes) > 0 && p.Announce != nil {
				p.Announce(ctx, changes[len(changes)-1].Seq)
			}
			if taken < stitchAtOnce {
				break
			}
		}
		took = time.Since(start)
	}
}

// busy reports whether one outcome follows the other.
func (p *Pipeline) busy() bool { return p.inFlight.Load() > 0 && p.writer.busy(time.Now()) }

// gather waits while there is more to process, but not for long: stitching may cost a fifth of the time then, so that entities appear while a large catalog is still being read.
func (p *Pipeline) gather(ctx context.Context, took time.Duration) error {
	limit := time.Now().Add(max(4*took, time.Second))
	for p.busy() && time.Now().Before(limit) || (p.inFlight.Load() > 0 || !p.drained.Load()) && time.Now().Before(p.unseen) {
		select {
		case <-time.After(minLull / 4):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sweep removes orphans, and looks for what was lost between stages.
func (p *Pipeline) sweep(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		settings := p.Settings()
		if settings.KeepOrphans || settings.Interval <= 0 {
			continue
		}
		changes, err := p.Store.RemoveOrphans(ctx, time.Now().Add(-settings.OrphanGrace), 1000)
		if err != nil {
			return err
		}
		if len(changes) > 0 {
			p.Logger.Info("removed entities that nothing leads to any more", "count", len(changes), "first", changes[0].Ref)
			p.Published(changes)
		}
	}
}

// decides stands for what decides about files besides their content, and the rules; for those see verdicts.
func (p *Pipeline) decides(origin catalogcommon.LocationRef) string {
	return digest(p.Fingerprint + "\n" + origin.String())
}

// signal wakes one goroutine; a second one before it wakes is the same signal.
type signal struct{ C chan struct{} }

func newSignal() signal { return signal{make(chan struct{}, 1)} }

func (s signal) set() {
	select {
	case s.C <- struct{}{}:
	default:
	}
}
