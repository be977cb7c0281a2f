package access

import (
	"context"
	"log/slog"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

type running struct{}

var _ pluginapi.Self = running{}

func (running) ID() string                             { return "catalog" }
func (running) Available() error                       { return nil }
func (running) As(ctx context.Context) context.Context { return ctx }

// onlyComponents lets everybody read components, and nothing else.
type onlyComponents struct{}

func (onlyComponents) Authorize(context.Context, pluginapi.Permission, string) (pluginapi.Decision, error) {
	call := &pluginapi.RuleCall{Name: catalogcommon.RuleIsEntityKind, Params: map[string]any{"kinds": []string{"component"}}}
	return pluginapi.Decision{Effect: pluginapi.Conditional, Conditions: pluginapi.Condition{Rule: call}}, nil
}

// TestChangesWaitForTheIndex asks for changes between the moment when the store has them and the one when the index does, which decides who may see them.
func TestChangesWaitForTheIndex(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.SQLite)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(d.Prepare(t.Context(), "catalog"))
	ok(d.Migrate(t.Context(), "catalog", store.Migrations()))
	db, err := d.For("catalog")
	ok(err)
	s, ix := store.New(db), index.New(index.Options{})
	c := New(s, ix, onlyComponents{}, running{}, slog.New(slog.DiscardHandler), nil, nil)

	const body = `{"kind":"Component","metadata":{"name":"shop"}}`
	_, _, err = s.Mutate(t.Context(), store.Mutation{Source: "p", Added: []store.Child{{Ref: "component:default/shop", Body: body, Hash: "1"}}})
	ok(err)
	work, err := s.Claim(t.Context(), 1, time.Minute)
	ok(err)
	ok(s.Write(t.Context(), store.Finished{{ID: work[0].ID, Revision: work[0].Revision, Hash: "1", AsIs: true}}))
	_, stored, err := s.Stitch(t.Context(), 1, false, func(p *store.Parts) store.Final {
		return store.Final{Hash: "1", ETag: "1", Body: []byte(p.Body)}
	})
	ok(err)
	if len(stored) != 1 {
		t.Fatalf("stored: %+v", stored)
	}

	changes, next, err := c.Changes(t.Context(), 0, 10)
	ok(err)
	if len(changes) != 0 || next != 0 {
		t.Errorf("before the index has it: %+v, go on after %d", changes, next)
	}
	ix.Apply(stored[0].Seq, []index.Change{{Ref: stored[0].Ref, UID: stored[0].UID, Entity: stored[0].Body}})
	changes, next, err = c.Changes(t.Context(), next, 10)
	ok(err)
	if len(changes) != 1 || next != stored[0].Seq {
		t.Errorf("after: %+v, go on after %d", changes, next)
	}
}
