package pipeline_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// replica returns another pipeline on the catalog's database, as another process has it, with its index, which is loaded.
func (c *catalog) replica(change func(*pipeline.Options)) (*pipeline.Pipeline, *index.Index) {
	c.t.Helper()
	db, err := c.databases.For("catalog")
	if err != nil {
		c.t.Fatal(err)
	}
	o := c.options
	o.Store, o.Index, o.Logger = store.New(db), index.New(index.Options{}), slog.New(slog.NewTextHandler(c.log, nil))
	change(&o)
	p := pipeline.New(o)
	if _, err := p.Load(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return p, o.Index
}

// run runs a pipeline until the test ends.
func run(t *testing.T, p *pipeline.Pipeline) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = p.Run(ctx) })
	t.Cleanup(func() { cancel(); group.Wait() })
}

func (c *catalog) wantSame(other *index.Index) {
	c.t.Helper()
	want := c.docs(c.index)
	if got := c.docs(other); !maps.Equal(got, want) || other.Seq() != c.index.Seq() {
		c.t.Errorf("the replica has, at %d,\n%v, want, at %d,\n%v", other.Seq(), got, c.index.Seq(), want)
	}
}

// docs are the entities of an index, with their owners.
func (c *catalog) docs(ix *index.Index) map[string]string {
	c.t.Helper()
	page, err := ix.Query(index.Query{Limit: index.NoLimit})
	if err != nil {
		c.t.Fatal(err)
	}
	docs := map[string]string{}
	for _, doc := range page.Docs {
		docs[doc.Ref] = doc.UID
		for i := range 10 {
			if owned, err := ix.Matches(doc.Ref, query.In{Key: "spec.owner", Values: []string{strconv.Itoa(i)}}); err == nil && owned {
				docs[doc.Ref] += " of " + strconv.Itoa(i)
			}
		}
	}
	return docs
}

// owned is a component that belongs to somebody.
func owned(name string, owner int) catalognode.Deferred {
	return deferred("Component", name, map[string]any{"type": "service", "lifecycle": "production", "owner": strconv.Itoa(owner)})
}

// A replica that no signal ever reaches looks by itself.
func TestReplicaWithoutSignals(t *testing.T) {
	t.Parallel()
	c := newCatalog(t, databasetest.New(t, databasetest.PostgresSchemas))
	c.start()
	second, other := c.replica(func(*pipeline.Options) {})
	run(t, second)
	writer := c.pipeline.Connection("writer")
	for round := range 3 {
		for i := range 20 {
			if err := writer.Delta(t.Context(), []catalognode.Deferred{owned(fmt.Sprint("service-", i), round)}, []catalogcommon.Ref{{Kind: "Component", Name: fmt.Sprint("service-", (i+7)%20)}}); err != nil {
				t.Fatal(err)
			}
		}
		c.settle()
		c.eventually(func() bool { return other.Seq() == c.index.Seq() })
		c.wantSame(other)
	}
}

// A replica that was away for so long that the change log no longer tells what it missed reads everything anew.
func TestReplicaThatWasAwayForTooLong(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		writer := c.pipeline.Connection("writer")
		write := func(entities ...catalognode.Deferred) {
			t.Helper()
			if err := writer.Full(t.Context(), entities); err != nil {
				t.Fatal(err)
			}
			c.settle()
		}
		write(owned("goes", 1), owned("changes", 1), owned("stays", 1))
		second, other := c.replica(func(*pipeline.Options) {})
		write(owned("comes", 2), owned("changes", 2), owned("stays", 1))
		if _, err := c.store.TrimChanges(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		c.wantDifferent(other)
		run(t, second)
		c.eventually(func() bool { return other.Seq() == c.index.Seq() })
		c.wantSame(other)
		if !strings.Contains(c.log.String(), "everything is read anew") {
			t.Errorf("it is not logged\n%s", c.log)
		}
		write(owned("comes", 3))
		c.eventually(func() bool { return other.Seq() == c.index.Seq() })
		c.wantSame(other)
	})
}

func (c *catalog) wantDifferent(other *index.Index) {
	c.t.Helper()
	if maps.Equal(c.docs(other), c.docs(c.index)) {
		c.t.Error("the replica has what it cannot have")
	}
}

const (
	heldBy   = "PROSCENIUM_TEST_HELD_PORT" // set in the process that holds on to its work: the server's port
	heldIn   = "PROSCENIUM_TEST_HELD_DATABASE"
	heldWork = 20
)

// TestHoldingVictim is not a test of its own: TestKilledReplica runs it in a process. It takes work, and never finishes it.
func TestHoldingVictim(t *testing.T) {
	port, err := strconv.Atoi(os.Getenv(heldBy))
	if err != nil {
		t.Skip("it is run by TestKilledReplica")
	}
	c := newCatalog(t, databasetest.Open(t, postgresOptions(&databasetest.Server{Port: port, User: "postgres"}, os.Getenv(heldIn))))
	c.more = func(o *pipeline.Options) {
		o.Processors = []pipeline.Processor{processor("test/hold", false, catalognode.Stages{
			PreProcess: func(ctx context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				fmt.Printf("\nholds %s\n", e.Metadata.Name)
				<-ctx.Done()
				return e, ctx.Err()
			},
		})}
	}
	c.start()
	<-t.Context().Done()
}

func postgresOptions(s *databasetest.Server, name string) database.Options {
	return database.Options{Config: database.Config{Client: "pg", PluginDivisionMode: "schema", Connection: s.Connection(name)}}
}

// What a replica works on is its own for as long as it lives, and somebody else's soon after it is killed.
func TestKilledReplica(t *testing.T) {
	t.Parallel()
	server := databasetest.Postgres(t)
	name := server.Database(t)
	c := newCatalog(t, databasetest.Open(t, postgresOptions(server, name)))
	victim := exec.Command(os.Args[0], "-test.run=^TestHoldingVictim$", "-test.count=1")
	victim.Env = append(os.Environ(), heldBy+"="+strconv.Itoa(server.Port), heldIn+"="+name)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill := func() { once.Do(func() { _ = victim.Process.Kill(); _ = victim.Wait() }) }
	t.Cleanup(kill)

	// This replica takes nothing until the other has something.
	c.set(func(s *pipeline.Settings) { s.Interval = 0 })
	var held sync.Map
	var alive atomic.Bool
	alive.Store(true)
	var early atomic.Int64
	c.more = func(o *pipeline.Options) {
		o.Processors = []pipeline.Processor{processor("test/hold", false, catalognode.Stages{
			PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				if _, ok := held.Load(e.Metadata.Name); ok && alive.Load() {
					early.Add(1)
				}
				return e, nil
			},
		})}
	}
	c.start()
	var entities []catalognode.Deferred
	for i := range heldWork {
		entities = append(entities, owned(fmt.Sprint("service-", i), 1))
	}
	if err := c.pipeline.Connection("writer").Full(t.Context(), entities); err != nil {
		t.Fatal(err)
	}
	const workers = 16 // of a pipeline
	lines := bufio.NewScanner(out)
	for n := 0; n < workers && lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "holds "); ok {
			held.Store(name, true)
			n++
		}
	}
	c.set(func(s *pipeline.Settings) { s.Interval = time.Hour })
	c.pipeline.Wake()
	time.Sleep(8 * time.Second) // longer than a claim lasts that is not renewed
	alive.Store(false)
	killed := time.Now()
	kill()
	if n := early.Load(); n > 0 {
		t.Errorf("%d entities were processed by two replicas at once", n)
	}
	c.eventually(func() bool { return c.index.Len() == heldWork })
	t.Logf("%v after the replica was killed its work was done", time.Since(killed).Round(100*time.Millisecond))
}

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

	second, other := c.replica(watch(1))
	run(t, second)

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
	if c.index.Len() != len(entities) || other.Len() != len(entities) || c.index.Seq() != other.Seq() {
		t.Errorf("%d and %d entities, want %d; changes %d and %d", c.index.Len(), other.Len(), len(entities), c.index.Seq(), other.Seq())
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
