package store_test

import (
	"errors"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// TestExpected hands over only if the entity is what is expected, which is known once it shows what was handed over before.
func TestExpected(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		errOther := errors.New("it is not what is expected")
		mutation := func(hash string, there bool) store.Mutation {
			c := child("shop", "p")
			c.Hash = hash
			return store.Mutation{Source: "p", Added: []store.Child{c}, Expect: func(final []byte) error {
				if (final != nil) != there {
					return errOther
				}
				return nil
			}}
		}
		mutate := func(m store.Mutation, want error) {
			t.Helper()
			if _, _, err := k.Mutate(t.Context(), m); !errors.Is(err, want) {
				t.Errorf("error %v, not %v", err, want)
			}
		}
		mutate(mutation("1", true), errOther)
		if claimed := k.claim(); len(claimed) != 0 {
			t.Fatalf("what is not expected was stored: %v", claimed)
		}
		mutate(mutation("1", false), nil)
		mutate(mutation("2", false), store.ErrUnsettled) // to be processed,
		k.process()
		mutate(mutation("2", false), store.ErrUnsettled) // and put together
		k.stitch()
		mutate(mutation("2", false), errOther)
		mutate(mutation("2", true), nil)
		removal := store.Mutation{Source: "p", Removed: []string{"component:default/shop"}, Expect: func([]byte) error { return errOther }}
		mutate(removal, store.ErrUnsettled)
		k.process()
		k.stitch()
		mutate(removal, errOther)
	})
}

// TestWhole hands over what belongs to another in part.
func TestWhole(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("first", "a")
		k.process()
		k.stitch()
		conflicts, changes, err := k.Mutate(t.Context(), store.Mutation{Source: "second", Added: children("second", "a", "b"), Whole: true})
		k.ok(err)
		if len(conflicts) != 1 || conflicts[0].Owner != "first" || changes != nil {
			t.Errorf("conflicts %v, changes %v", conflicts, changes)
		}
		if claimed, stitched := k.claim(), k.stitch(); len(claimed) != 0 || len(stitched) != 0 {
			t.Errorf("it left %v to process, and changed %v", claimed, stitched)
		}
	})
}
