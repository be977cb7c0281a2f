package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// engines are those that every test of the pipeline runs on.
var engines = []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas}

func onEngines(t *testing.T, fn func(t *testing.T, c *catalog)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			fn(t, newCatalog(t, databasetest.New(t, engine)))
		})
	}
}

// catalog is a pipeline with all around it.
type catalog struct {
	t         testing.TB
	databases *database.Databases
	store     *store.Store
	index     *index.Index
	pipeline  *pipeline.Pipeline
	log       *lockedBuffer
	dir       string

	mu       sync.Mutex
	settings pipeline.Settings
	more     func(*pipeline.Options)
	stop     func()
	options  pipeline.Options
}

func newCatalog(t testing.TB, d *database.Databases) *catalog {
	t.Helper()
	c := &catalog{t: t, databases: d, log: &lockedBuffer{}, dir: t.TempDir()}
	if err := d.Prepare(t.Context(), "catalog"); err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), "catalog", store.Migrations()); err != nil {
		t.Fatal(err)
	}
	rules, err := location.NewRules(location.Rule{Allow: []location.AllowedKind{{Kind: "Component"}, {Kind: "API"}, {Kind: "Resource"}, {Kind: "System"}, {Kind: "Domain"}, {Kind: "Group"}, {Kind: "User"}, {Kind: "Location"}, {Kind: "Template"}}})
	if err != nil {
		t.Fatal(err)
	}
	c.settings = pipeline.Settings{Rules: rules, Interval: time.Hour, OrphanGrace: time.Hour}
	return c
}

// start starts a pipeline on the database, as a process does.
func (c *catalog) start() {
	c.t.Helper()
	db, err := c.databases.For("catalog")
	if err != nil {
		c.t.Fatal(err)
	}
	kinds, err := model.New(model.Builtin()...)
	if err != nil {
		c.t.Fatal(err)
	}
	readers := location.Readers{"file": location.Files{}}
	c.store, c.index = store.New(db), index.New(index.Options{})
	options := pipeline.Options{
		Store: c.store, Index: c.index, Model: kinds, Readers: readers, References: location.References{Readers: readers},
		Placeholders: location.BuiltinPlaceholders(descriptor.Limits{}),
		Logger:       slog.New(slog.NewTextHandler(c.log, nil)),
		Settings: func() pipeline.Settings {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.settings
		},
		Fingerprint: "test",
	}
	if c.more != nil {
		c.more(&options)
	}
	c.options = options
	c.pipeline = pipeline.New(options)
	if err := c.store.Alone(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.pipeline.Load(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.pipeline.Run(ctx) }()
	var once sync.Once
	c.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				c.t.Errorf("pipeline ended with: %v", err)
			}
		})
	}
	c.t.Cleanup(c.stop)
}

func (c *catalog) set(change func(*pipeline.Settings)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.settings)
}

// settle waits until there is nothing left to do.
func (c *catalog) settle() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	if err := c.pipeline.Settle(ctx); err != nil {
		c.t.Fatalf("settle: %v\n%s", err, c.log)
	}
}

// write writes a file and returns its path.
func (c *catalog) write(name, content string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// register makes files the configured locations.
func (c *catalog) register(paths ...string) {
	c.t.Helper()
	var children []store.Child
	for _, path := range paths {
		child, err := pipeline.LocationChild(catalogcommon.LocationRef{Type: "file", Target: path}, "")
		if err != nil {
			c.t.Fatal(err)
		}
		children = append(children, child)
	}
	if err := c.pipeline.Mutate(c.t.Context(), store.Mutation{Source: "config", Full: true, Added: children}); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}

// reread processes the Location entities that lead to an entity again.
func (c *catalog) reread(ref string) {
	c.t.Helper()
	found, err := c.store.Refresh(c.t.Context(), ref)
	if err != nil || !found {
		c.t.Fatalf("refresh %s: %v, %v", ref, found, err)
	}
	c.pipeline.Wake()
	c.settle()
}

func locationRef(path string) string {
	return catalogcommon.LocationRef{Type: "file", Target: path}.EntityRef().String()
}

// entity returns a final entity, or nil.
func (c *catalog) entity(ref string) *catalogcommon.Entity {
	c.t.Helper()
	if _, ok := c.index.ByRef(ref); !ok {
		return nil
	}
	found, err := c.store.Bodies(c.t.Context(), []string{ref})
	if err != nil {
		c.t.Fatal(err)
	}
	if len(found) != 1 {
		c.t.Fatalf("%s is in the index, but not in the store", ref)
	}
	var e catalogcommon.Entity
	if err := json.Unmarshal(found[0].Body, &e); err != nil {
		c.t.Fatal(err)
	}
	return &e
}

func (c *catalog) must(ref string) *catalogcommon.Entity {
	c.t.Helper()
	e := c.entity(ref)
	if e == nil {
		c.t.Fatalf("%s is not there\n%s", ref, c.log)
	}
	return e
}

func component(name, owner string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\nspec:\n  type: service\n  lifecycle: production\n  owner: " + owner + "\n"
}

func group(name string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: " + name + "\nspec:\n  type: team\n  children: []\n"
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func mutation(children ...store.Child) store.Mutation {
	return store.Mutation{Source: "config", Full: true, Added: children}
}
