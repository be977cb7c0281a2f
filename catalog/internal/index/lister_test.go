package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// TestSortingAndWalkingAgree finds pages in both ways, whichever would be the cheaper one.
func TestSortingAndWalkingAgree(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	ix := New(Options{})
	var changes []Change
	for i := range 500 {
		entity := fmt.Sprintf(`{"kind":"K%d","metadata":{"name":"n%d"},"spec":{"list":["%c","%c"],"n":%d}}`, i%3, r.IntN(40), 'a'+r.IntN(6), 'A'+r.IntN(6), i%17)
		if i%5 == 0 {
			entity = fmt.Sprintf(`{"kind":"K%d"}`, i%3)
		}
		changes = append(changes, Change{Ref: fmt.Sprint("ref", i), UID: fmt.Sprintf("%08x", r.Uint32()), Entity: []byte(entity)})
	}
	ix.Apply(1, changes)
	fields := []string{"kind", "metadata.name", "spec.list", "spec.n"}
	for round := range 2000 {
		if round%10 == 0 { // documents that changed since are compared otherwise
			c := changes[r.IntN(len(changes))]
			c.Entity = changes[r.IntN(len(changes))].Entity
			ix.Apply(int64(round), []Change{c})
		}
		q := Query{Order: query.Order{KeepAll: r.IntN(2) == 0}, Offset: r.IntN(3) * r.IntN(20), Backward: r.IntN(2) == 0}
		for range 1 + r.IntN(3) {
			q.Order.Keys = append(q.Order.Keys, query.SortKey{Field: fields[r.IntN(len(fields))], Desc: r.IntN(2) == 0})
		}
		q.Where = query.In{Key: "spec.n", Values: []string{fmt.Sprint(r.IntN(17)), fmt.Sprint(r.IntN(17))}}
		if r.IntN(2) == 0 {
			q.Where = query.Not{Of: query.Exists{Key: "spec.n"}}
		}
		ev := ix.reading()
		n, err := ev.compile(q.Where)
		if err != nil {
			t.Fatal(err)
		}
		s := ix.sortingFor(q.Order)
		if s.reverse == q.Backward && r.IntN(2) == 0 || r.IntN(4) == 0 { // somewhere in the listing
			whole := lister{ev: ev, sorting: s, query: &q}
			q.After = whole.place(s.run.list.blocks[0][r.IntN(len(s.run.list.blocks[0]))])
		}
		l := lister{ev: ev, sorting: s, forward: s.reverse == q.Backward, query: &q, matches: n.eval(ev)}
		l.matching = l.matches.count()
		sorted, walked := l.sorted(25), []uint64(nil)
		if len(s.further) > 0 {
			walked = l.tied(25)
		} else {
			walked = l.walk(25)
		}
		if !slices.Equal(walked, sorted) {
			t.Fatalf("%+v: walking finds %d entries, sorting %d", q, len(walked), len(sorted))
		}
		ix.done(ev)
	}
}

func TestSlowReaderHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	ix := New(Options{})
	slow := ix.reading()
	slow.takesLong()
	written := make(chan struct{})
	go func() {
		defer close(written)
		ix.Apply(1, []Change{{Ref: "a", UID: "u", Entity: []byte(`{}`)}})
	}()
	time.Sleep(20 * time.Millisecond) // the writer is at the door; if not yet, the test sees less but stays true
	asked := make(chan int)
	go func() { asked <- ix.Len() }()
	select {
	case n := <-asked:
		if n != 0 {
			t.Errorf("%d entities while the writer waits", n)
		}
	case <-time.After(slowWait / 2):
		t.Error("a reader waits for the writer, who waits for a slow reader")
	}
	ix.done(slow)
	<-written
	if doc, ok := ix.ByRef("a"); !ok || doc.UID != "u" {
		t.Errorf("%v, %v", doc, ok)
	}
	for where, want := range map[query.Predicate]bool{query.Exists{Key: "metadata.uid"}: true, query.Exists{Key: "kind"}: false} {
		if got, err := ix.Matches("a", where); err != nil || got != want {
			t.Errorf("%v: %v, %v", where, got, err)
		}
	}
}
