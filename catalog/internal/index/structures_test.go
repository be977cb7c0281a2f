package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var table table
	hashes := map[uint32]uint64{} // by number
	same := func(want uint32) func(uint32) bool { return func(id uint32) bool { return id == want } }
	for step := range 200_000 {
		id := uint32(r.IntN(5000) + 1)
		hash, known := hashes[id]
		if !known {
			hash = uint64(r.IntN(40))<<58 | uint64(r.IntN(64)) // crowded, so that probes run into one another
		}
		if got := table.find(hash, same(id)); known != (got == id) {
			t.Fatalf("step %d: find %d gives %d, want it there: %v", step, id, got, known)
		}
		switch {
		case !known:
			table.insert(hash, id)
			hashes[id] = hash
		case step%7 == 0:
			table.replace(hash, id, id+10_000)
			if table.find(hash, same(id)) != 0 || table.find(hash, same(id+10_000)) == 0 {
				t.Fatalf("step %d: %d is not replaced", step, id)
			}
			table.remove(hash, id+10_000)
			delete(hashes, id)
		default:
			table.remove(hash, id)
			delete(hashes, id)
		}
	}
	for id, hash := range hashes {
		if table.find(hash, same(id)) != id {
			t.Errorf("%d is lost", id)
		}
	}
}

func TestArena(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	var a arena
	type text struct {
		at              uint32
		lower, original string
	}
	texts := map[uint32]*text{}
	moves := 0
	moved := func(owner, at uint32) {
		moves++
		texts[owner].at = at
	}
	for step := range 30_000 {
		owner := uint32(step + 1)
		tx := &text{lower: strings.Repeat("x", r.IntN(400)) + fmt.Sprint(step)}
		if r.IntN(3) == 0 {
			tx.original = strings.ToUpper(tx.lower)
		}
		if r.IntN(20) == 0 {
			tx.lower, tx.original = "", ""
		}
		tx.at = a.put(owner, []byte(tx.lower), []byte(tx.original))
		texts[owner] = tx
		if len(texts) > 2000 {
			for victim := range texts { // a random one
				at := texts[victim].at
				delete(texts, victim)
				a.remove(at, moved)
				break
			}
		}
	}
	for owner, tx := range texts {
		original := tx.original
		if original == "" {
			original = tx.lower
		}
		if string(a.lower(tx.at)) != tx.lower || string(a.original(tx.at)) != original {
			t.Fatalf("text of %d is lost", owner)
		}
	}
	if moves == 0 || a.bytes() > 16*arenaBlock {
		t.Errorf("%d moves, %d bytes for about 400 KB", moves, a.bytes())
	}
}

func TestPosting(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	ps := &postings{words: 16}
	var all, some [4]posting
	want := [4]map[uint32]bool{{}, {}, {}, {}}
	for step := range 60_000 {
		if step%6000 == 5999 { // so that what was a bitmap is too sparse for one
			ps.grow(ps.words * 2)
		}
		n := r.IntN(4)
		doc := uint32(r.IntN(min(ps.words*64, []int{3, 200, 3000, 100_000}[n]))) + 1
		if doc >= uint32(ps.words*64) {
			continue
		}
		if r.IntN(5) < 2+2*(step/15_000%2) {
			all[n] = ps.remove(all[n], doc)
			delete(want[n], doc)
		} else {
			all[n] = ps.add(all[n], doc)
			want[n][doc] = true
		}
		if ps.has(all[n], doc) != want[n][doc] || ps.count(all[n]) != len(want[n]) {
			t.Fatalf("step %d: %d: count %d, want %d", step, n, ps.count(all[n]), len(want[n]))
		}
		if step%500 != 0 {
			continue
		}
		for n := range all {
			docs := slices.Sorted(maps.Keys(want[n]))
			if got := ps.appendTo(nil, all[n]); !slices.Equal(got, docs) {
				t.Fatalf("step %d: %d has %d documents, want %d", step, n, len(got), len(docs))
			}
			set, half := make(bitset, ps.words), make(bitset, ps.words)
			ps.or(set, all[n])
			if got := set.appendTo(nil); !slices.Equal(got, docs) {
				t.Fatalf("step %d: or gives %d documents, want %d", step, len(got), len(docs))
			}
			in := 0
			for i, doc := range docs {
				if i%2 == 0 {
					half.add(doc)
					in++
				}
			}
			if got := ps.countIn(all[n], half); got != in {
				t.Fatalf("step %d: count in half is %d, want %d", step, got, in)
			}
			ps.free(some[n])
			some[n] = ps.copy(all[n])
			if got := ps.appendTo(nil, some[n]); !slices.Equal(got, docs) {
				t.Fatalf("step %d: copy differs", step)
			}
		}
	}
}

func TestSortedList(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	var start []uint64
	for i := range uint64(2000) {
		start = append(start, i*10)
	}
	s, want := newSortedList(start), slices.Clone(start)
	for step := range 20_000 {
		e := uint64(r.IntN(20_000))
		before := func(o uint64) bool { return o < e }
		at, known := slices.BinarySearch(want, e)
		if step/5000%2 == 0 {
			if s.insert(e, before) == known {
				t.Fatalf("insert of %d, which is there: %v", e, known)
			}
			if !known {
				want = slices.Insert(want, at, e)
			}
		} else {
			if s.remove(e, before) != known {
				t.Fatalf("remove of %d, which is there: %v", e, known)
			}
			if known {
				want = slices.Delete(want, at, at+1)
			}
		}
		if step%1000 != 0 && len(want) > 0 {
			continue
		}
		var got []uint64
		s.forward(position{}, func(e uint64) bool { got = append(got, e); return true })
		if !slices.Equal(got, want) || s.n != len(want) {
			t.Fatalf("step %d: %d entries, want %d", step, len(got), len(want))
		}
		got = nil
		s.backward(s.end(), func(e uint64) bool { got = append(got, e); return true })
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: backward gives %d entries, want %d", step, len(got), len(want))
		}
		for n := 0; n <= len(want); n += 97 {
			if got := s.rank(s.skip(n)); got != n {
				t.Fatalf("rank after skipping %d is %d", n, got)
			}
		}
	}
	for _, e := range slices.Clone(want) {
		if !s.remove(e, func(o uint64) bool { return o < e }) {
			t.Fatalf("%d is lost", e)
		}
	}
	if s.n != 0 || len(s.blocks) != 0 {
		t.Errorf("%d entries in %d blocks are left", s.n, len(s.blocks))
	}
}

func TestSlab(t *testing.T) {
	t.Parallel()
	var s slab[int]
	seen := map[uint32]bool{}
	for i := range 10_000 {
		id := s.alloc()
		if id == 0 || seen[id] || *s.at(id) != 0 {
			t.Fatalf("number %d given out again", id)
		}
		seen[id] = true
		*s.at(id) = i
		if i%3 == 0 {
			s.release(id)
			delete(seen, id)
		}
	}
	if s.len() != len(seen) {
		t.Errorf("%d in use, want %d", s.len(), len(seen))
	}
}

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, value string
		want           bool
	}{
		{"abc", "xabcx", true}, {"abc", "ab", false}, {"a%c", "xaxxcx", true}, {"a%c", "c a", false}, {"%", "", true}, {"_", "", false}, {"_", "é", true},
		{"__", "é", false}, {"__x", "€x", false}, {"_x", "€x", true}, {"a_c", "xa€c", true}, {"a%b%c", "a c b c", true}, {"aab", "aaab", true}, {"a_b%", "aab", true},
	} {
		if got := newPattern(test.pattern).match([]byte(test.value)); got != test.want {
			t.Errorf("%q in %q: %v", test.pattern, test.value, got)
		}
	}
}

func TestTextTableStaysInStep(t *testing.T) {
	t.Parallel()
	table := &textTable{starts: []uint32{0}, grams: map[uint32]*gram{}}
	values := map[uint32]string{}
	docs := map[uint32]posting{}
	has := func(term uint32, p posting) {
		docs[term] = p
		table.has(term, []byte(values[term]), p)
	}
	r := rand.New(rand.NewPCG(5, 5))
	rebuild := false
	for term := uint32(1); term < 4000; term++ {
		value := fmt.Sprintf("%c%c-%d", 'a'+r.IntN(5), 'a'+r.IntN(5), r.IntN(300))
		values[term] = value
		table.add(term, []byte(value))
		has(term, posting(term))
		if another := term - uint32(r.IntN(min(500, int(term)))); values[another] != "" {
			has(another, docs[another]+10_000)
		}
		if r.IntN(5) > 0 {
			victim := term - uint32(r.IntN(min(50, int(term))))
			if value, known := values[victim]; known {
				rebuild = table.remove(victim, []byte(value)) || rebuild
				delete(values, victim)
			}
		}
	}
	if !rebuild {
		t.Error("most values are gone, and the table says nothing")
	}
	if !slices.IsSorted(table.sorted) {
		t.Error("groups are out of order")
	}
	for _, term := range []string{"a", "-", "ab", "a-", "-1", "ab-", "ab-1", "b-29", "z", "zz", "zzz", "a%9", "_b-"} {
		p := newPattern(term)
		got := table.find(p, nil)
		slices.Sort(got)
		var want []posting
		for id, value := range values {
			if p.match([]byte(value)) {
				want = append(want, docs[id])
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d values, want %d", term, len(got), len(want))
		}
	}
}

func TestSortByText(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 6))
	texts := []string{"", "a", "a\x00", "a\x00\x00b", "same-start-of-many-bytes", "same-start-of-many-bytes"}
	for range 3000 {
		text := strings.Repeat("same-start-", r.IntN(4))
		for range r.IntN(12) {
			text += string(rune('a' + r.IntN(2)))
		}
		texts = append(texts, text)
	}
	var list []prefixed
	for i := range texts {
		list = append(list, prefixed{id: uint32(i)})
	}
	sortByText(list, func(id uint32) string { return texts[id] })
	for i := 1; i < len(list); i++ {
		a, b := list[i-1].id, list[i].id
		if c := strings.Compare(texts[a], texts[b]); c > 0 || c == 0 && a >= b {
			t.Fatalf("%q (%d) before %q (%d)", texts[a], a, texts[b], b)
		}
	}
}
