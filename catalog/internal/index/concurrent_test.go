package index_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAnswersAreOfOneMoment moves a single entity between two owners while many ask: it has always exactly one.
func TestAnswersAreOfOneMoment(t *testing.T) {
	t.Parallel()
	ix := index.New(index.Options{})
	small := company{n: 300}
	small.load(ix)
	mover := func(i int) index.Change {
		side := []string{"left", "right"}[i%2]
		return index.Change{Ref: "component:default/mover", UID: "mover", Entity: fmt.Appendf(nil, `{"kind":"Mover","metadata":{"name":"%s-mover","tags":["%s"]},"spec":{"side":"%s","step":%d}}`, side, side, side, i)}
	}
	ix.Apply(1, []index.Change{mover(0)})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(stop)
		for i := range 400 {
			changes := []index.Change{mover(i)}
			if i%20 == 0 {
				for n := range 150 { // long enough to be read on several cores
					changes = append(changes, small.change((i+n)%small.n, i))
				}
			}
			if i%50 == 0 {
				changes = append(changes, index.Change{Ref: small.ref(i % small.n)})
			}
			ix.Apply(int64(i+2), changes)
		}
	})
	is := query.In{Key: "kind", Values: []string{"mover"}}
	left, right := query.In{Key: "spec.side", Values: []string{"left"}}, query.Text{Keys: []string{"metadata.name"}, Term: "right-mover"}
	for reader := range 4 {
		wg.Go(func() {
			for n := reader; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				count := func(where query.Predicate) int {
					order := query.Order{Keys: []query.SortKey{{Field: []string{"metadata.name", "spec.side", "metadata.tags"}[n%3]}}}
					page, err := ix.Query(index.Query{Where: where, Order: order, Limit: 10, Total: true})
					if err != nil || page.Total != len(page.Docs) {
						t.Errorf("%d listed, total %d, %v", len(page.Docs), page.Total, err)
					}
					return page.Total
				}
				if got := count(query.All{is, query.Any{left, right}}); got != 1 {
					t.Errorf("the mover is on %d sides", got)
				}
				if got := count(query.All{is, left, right}); got != 0 {
					t.Error("the mover is on both sides")
				}
				facets, err := ix.Facets([]string{"spec.side"}, is)
				if err != nil || len(facets[0]) != 1 || facets[0][0].Count != 1 {
					t.Errorf("facets %v, %v", facets, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestCursorWalk walks a changing listing by cursors in both directions: who does not change is met exactly once.
func TestCursorWalk(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]query.Order{
		"by id":       {},
		"by name":     {Keys: []query.SortKey{{Field: "metadata.name"}}},
		"down, ties":  {Keys: []query.SortKey{{Field: "spec.type", Desc: true}}},
		"two keys":    {Keys: []query.SortKey{{Field: "kind"}, {Field: "metadata.title", Desc: true}}},
		"keeping all": {Keys: []query.SortKey{{Field: "metadata.title"}, {Field: "spec.lifecycle"}}, KeepAll: true},
		"by ref":      {ByRef: true},
	} {
		for _, filtered := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", filtered ", filtered), func(t *testing.T) {
				t.Parallel()
				walk(t, order, filtered)
			})
		}
	}
}

func walk(t *testing.T, order query.Order, filtered bool) {
	const n = 400
	ix := index.New(index.Options{})
	c := company{n: n}
	c.load(ix)
	var where query.Predicate
	if filtered {
		where = query.In{Key: "metadata.labels.example.com/tier", Values: []string{"gold", "silver"}}
	}
	all, err := ix.Query(index.Query{Where: where, Order: order, Limit: index.NoLimit, Total: true})
	if err != nil {
		t.Fatal(err)
	}
	var stays []string // entities with an even number never change
	number := map[string]int{}
	for i := range n {
		number[c.ref(i)] = i
	}
	for _, d := range all.Docs {
		if number[d.Ref]%2 == 0 {
			stays = append(stays, d.Ref)
		}
	}
	if all.Total != len(all.Docs) || len(stays) < 50 {
		t.Fatalf("%d of %d, %d stay", len(all.Docs), all.Total, len(stays))
	}
	var met []string
	step := 0
	change := func() {
		i := (step*37)%n | 1
		switch step++; step % 3 {
		case 0:
			ix.Apply(0, []index.Change{{Ref: c.ref(i)}})
		case 1:
			ix.Apply(0, []index.Change{c.change(i, step)})
		default: // now somewhere else in most orders
			other := c.change((i+n/2)|1, step)
			ix.Apply(0, []index.Change{{Ref: c.ref(i), UID: other.UID + "x", Entity: other.Entity}})
		}
	}
	last := (*index.Page)(nil)
	for q := (index.Query{Where: where, Order: order, Limit: 7}); ; {
		page, err := ix.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Docs {
			if number[d.Ref]%2 == 0 {
				met = append(met, d.Ref)
			}
		}
		change()
		last = page
		if !page.More {
			break
		}
		q.After = passed(t, order, page.Last)
	}
	if !slices.Equal(met, stays) {
		t.Errorf("forward met\n%v\nwant\n%v", met, stays)
	}
	met = nil
	for _, d := range last.Docs {
		if number[d.Ref]%2 == 0 {
			met = append(met, d.Ref)
		}
	}
	for q := (index.Query{Where: where, Order: order, Limit: 7, Backward: true, After: passed(t, order, last.First)}); ; {
		page, err := ix.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		var part []string
		for _, d := range page.Docs {
			if number[d.Ref]%2 == 0 {
				part = append(part, d.Ref)
			}
		}
		met = append(part, met...)
		change()
		if !page.More {
			break
		}
		q.After = passed(t, order, page.First)
	}
	if !slices.Equal(met, stays) {
		t.Errorf("backward met\n%v\nwant\n%v", met, stays)
	}
}

// passed sends a place through the hands of a client.
func passed(t *testing.T, order query.Order, at []*string) []*string {
	t.Helper()
	c, err := query.DecodeCursor(query.Cursor{Order: order.Keys, At: at}.Encode())
	if err != nil {
		if order.KeepAll && len(order.Keys) > 0 && at[0] == nil {
			return at // listings of this kind are paged by offset, not by cursor
		}
		t.Fatal(err)
	}
	return c.At
}

func TestWaitFor(t *testing.T) {
	t.Parallel()
	ix := index.New(index.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := ix.WaitFor(ctx, 0); err != nil {
		t.Error(err)
	}
	var wg sync.WaitGroup
	for seq := range int64(5) {
		wg.Go(func() {
			if err := ix.WaitFor(ctx, seq); err != nil || ix.Seq() < seq {
				t.Errorf("waited for %d, now at %d: %v", seq, ix.Seq(), err)
			}
		})
	}
	for seq := range int64(5) {
		ix.Apply(seq, nil)
	}
	wg.Wait()
	ix.Apply(2, nil)
	if ix.Seq() != 4 {
		t.Errorf("went back to %d", ix.Seq())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ix.WaitFor(gone, 5); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "at 4") {
		t.Errorf("error %v", err)
	}
}
