package pipeline_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// Two processes on one database share the work, do nothing twice at once, and come to the same index.
func TestReplicas(t *testing.T) {
	t.Parallel()
	c := newCatalog(t, databasetest.New(t, databasetest.PostgresSchemas))
	var working sync.Map
	var twice atomic.Int64
	var ran [2]atomic.Int64
	watch := func(replica int) func(*pipeline.Options) {
		return func(o *pipeline.Options) {
			o.Processors = []pipeline.Processor{processor("test/watch", false, catalognode.Stages{
				PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					if _, busy := working.LoadOrStore(e.Metadata.Name, true); busy {
						twice.Add(1)
					}
					ran[replica].Add(1)
					return e, nil
				},
				PostProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					working.Delete(e.Metadata.Name)
					return e, nil
				},
			})}
		}
	}
	c.more = watch(0)
	c.start()

	db, err := c.databases.For("catalog")
	if err != nil {
		t.Fatal(err)
	}
	other := c.options
	other.Store, other.Index, other.Logger = store.New(db), index.New(index.Options{}), slog.New(slog.DiscardHandler)
	watch(1)(&other)
	second := pipeline.New(other)
	if _, err := second.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = second.Run(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })

	var entities []catalognode.Deferred
	for i := range 600 {
		entities = append(entities, user(fmt.Sprintf("user-%d", i), fmt.Sprintf("team-%d", i%7)))
	}
	for i := range 7 {
		entities = append(entities, team(fmt.Sprintf("team-%d", i)))
	}
	if err := c.pipeline.Connection("people").Full(t.Context(), entities); err != nil {
		t.Fatal(err)
	}
	second.Wake()
	c.settle()
	if err := second.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.settle()
	if c.index.Len() != len(entities) || other.Index.Len() != len(entities) || c.index.Seq() != other.Index.Seq() {
		t.Errorf("%d and %d entities, want %d; changes %d and %d", c.index.Len(), other.Index.Len(), len(entities), c.index.Seq(), other.Index.Seq())
	}
	if twice.Load() > 0 {
		t.Errorf("%d entities were processed by two replicas at once", twice.Load())
	}
	if n := ran[0].Load() + ran[1].Load(); n != int64(len(entities)) {
		t.Errorf("%d runs for %d entities", n, len(entities))
	}
	t.Logf("the replicas took %d and %d", ran[0].Load(), ran[1].Load())
	if got := len(c.must("group:default/team-3").Targets("hasMember")); got != 86 {
		t.Errorf("%d members, want 86", got)
	}

	changes, err := c.store.ChangesAfter(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(changes, func(a, b store.Change) int { return int(a.Seq - b.Seq) }) || changes[len(changes)-1].Seq != int64(len(changes)) {
		t.Errorf("the change log has gaps: %d entries up to %d", len(changes), changes[len(changes)-1].Seq)
	}
}
