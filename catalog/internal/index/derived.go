package index

import (
	"strconv"
	"sync"
	"sync/atomic"
)

// derived holds what only some questions need: orders of entities, orders of values, text tables. A reader that finds
// something missing builds it while others who want the same wait; the writer, alone when it holds the lock, keeps
// everything built in step.
type derived struct {
	mu     sync.Mutex // guards the maps among readers
	budget int        // 0: by the number of entities
	clock  atomic.Int64
	items  map[string]*item

	runs   map[uint32][]*run // by key
	whole  []*run            // that hold every entity
	values map[uint32][]*valueList
	ranks  map[uint32][]*ranks
	texts  map[uint32]*textTable
	keys   *keyList
}

// item is one thing built.
type item struct {
	once sync.Once
	used atomic.Int64
	what sized // *run, *ranks, *valueList, *textTable or *keyList
	name string
}

// sized is something that knows, roughly, the memory it holds.
type sized interface{ bytes() int }

func (d *derived) init(budget int) {
	d.budget = budget
	d.items = map[string]*item{}
	d.runs = map[uint32][]*run{}
	d.values = map[uint32][]*valueList{}
	d.ranks = map[uint32][]*ranks{}
	d.texts = map[uint32]*textTable{}
}

// use returns what is kept under name, building it if need be. Called by readers, who hold the read lock.
func (ix *Index) use(name string, build func() sized) sized {
	d := &ix.derived
	d.mu.Lock()
	it := d.items[name]
	if it == nil {
		it = &item{name: name}
		d.items[name] = it
	}
	d.mu.Unlock()
	it.used.Store(d.clock.Add(1))
	it.once.Do(func() {
		ix.slow.Add(1)
		defer ix.slow.Add(-1)
		what := build()
		d.mu.Lock()
		defer d.mu.Unlock()
		it.what = what
		d.enter(it)
		d.shrink(it, ix.docs.len())
	})
	return it.what
}

// enter makes the writer know an item.
func (d *derived) enter(it *item) {
	switch w := it.what.(type) {
	case *run:
		if w.whole() {
			d.whole = append(d.whole, w)
		}
		if w.key.key != 0 {
			d.runs[w.key.key] = append(d.runs[w.key.key], w)
		}
	case *ranks:
		d.ranks[w.key] = append(d.ranks[w.key], w)
	case *valueList:
		d.values[w.key] = append(d.values[w.key], w)
	case *textTable:
		d.texts[w.key] = w
	case *keyList:
		d.keys = w
	}
}

// drop makes everybody forget an item.
func (d *derived) drop(it *item) {
	delete(d.items, it.name)
	switch w := it.what.(type) {
	case *run:
		d.whole = without(d.whole, w)
		forget(d.runs, w.key.key, w)
	case *ranks:
		forget(d.ranks, w.key, w)
	case *valueList:
		forget(d.values, w.key, w)
	case *textTable:
		delete(d.texts, w.key)
	case *keyList:
		d.keys = nil
	}
}

func forget[T comparable](lists map[uint32][]T, k uint32, one T) {
	if lists[k] = without(lists[k], one); len(lists[k]) == 0 {
		delete(lists, k)
	}
}

func without[T comparable](list []T, one T) []T {
	var rest []T // a new one: readers may hold the old
	for _, e := range list {
		if e != one {
			rest = append(rest, e)
		}
	}
	return rest
}

// shrink drops what was used least recently until the rest fits; not the one just made.
func (d *derived) shrink(fresh *item, entities int) {
	budget := d.budget
	if budget <= 0 {
		budget = 32<<20 + 640*entities
	}
	for d.held() > budget {
		var oldest *item
		for _, it := range d.items {
			if it.what != nil && it != fresh && (oldest == nil || it.used.Load() < oldest.used.Load()) {
				oldest = it
			}
		}
		if oldest == nil {
			return
		}
		d.drop(oldest)
	}
}

func (d *derived) held() int {
	n := 0
	for _, it := range d.items {
		if it.what != nil {
			n += it.what.bytes() + itemBytes
		}
	}
	return n
}

// itemBytes is the memory of an item beside what it keeps.
const itemBytes = 300

// discard drops one thing by what it is. The write lock is held.
func (d *derived) discard(what sized) {
	for _, it := range d.items {
		if it.what == what {
			d.drop(it)
			return
		}
	}
}

func (d *derived) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held()
}

// runsOf returns the runs in which an entity may stand elsewhere after rows of the visited keys came or went, and if
// whole also those that every entity is in. The write lock is held.
func (d *derived) runsOf(keys func(visit func(k uint32)), whole bool) []*run {
	if len(d.runs) == 0 && len(d.whole) == 0 {
		return nil
	}
	var found []*run
	keys(func(k uint32) {
		for _, r := range d.runs[k] {
			if !r.marked {
				r.marked = true
				found = append(found, r)
			}
		}
	})
	if whole {
		for _, r := range d.whole {
			if !r.marked {
				r.marked = true
				found = append(found, r)
			}
		}
	}
	for _, r := range found {
		r.marked = false
	}
	return found
}

// touch has ranks know that a document has other values of the visited keys, or if it is new, of all. The write lock is held.
func (d *derived) touch(doc uint32, isNew bool, keys func(visit func(k uint32))) {
	touch := func(k uint32) {
		for _, r := range d.ranks[k] {
			if !r.touch(doc) {
				d.discard(r)
			}
		}
	}
	switch {
	case len(d.ranks) == 0:
	case isNew:
		for k := range d.ranks {
			touch(k)
		}
	default:
		keys(touch)
	}
}

func (ix *Index) keyAdded(k uint32) {
	if ix.derived.keys != nil {
		ix.derived.keys.add(ix, k)
	}
}

func (ix *Index) keyRemoved(k uint32) {
	d := &ix.derived
	if d.keys != nil {
		d.keys.remove(ix, k)
	}
	for _, r := range d.runs[k] { // the number will mean another key
		d.discard(r)
	}
	for _, r := range d.ranks[k] {
		d.discard(r)
	}
	for _, v := range d.values[k] {
		d.discard(v)
	}
	if t := d.texts[k]; t != nil {
		d.discard(t)
	}
}

func (ix *Index) termAdded(t uint32) {
	k := ix.terms.at(t).key
	for _, v := range ix.derived.values[k] {
		v.add(ix, t)
	}
	if table := ix.derived.texts[k]; table != nil && ix.terms.at(t).text != 0 {
		table.add(t, ix.lower(t))
	}
}

// docsChanged is called when a term's posting is another one; that its members are others does not matter.
func (ix *Index) docsChanged(t uint32) {
	if tt := ix.terms.at(t); tt.text != 0 {
		if table := ix.derived.texts[tt.key]; table != nil {
			table.has(t, ix.lower(t), tt.docs)
		}
	}
}

func (ix *Index) termRemoved(t uint32) {
	k := ix.terms.at(t).key
	for _, v := range ix.derived.values[k] {
		if !v.remove(ix, t) {
			ix.derived.discard(v)
		}
	}
	if table := ix.derived.texts[k]; table != nil && ix.terms.at(t).text != 0 {
		if table.remove(t, ix.lower(t)) {
			ix.derived.discard(table)
		}
	}
}

// itemName names an item by its kind and key.
func itemName(kind string, k runKey) string {
	b := append(make([]byte, 0, 32), kind...)
	b = strconv.AppendUint(append(b, ' '), uint64(k.key), 10)
	if k.desc {
		b = append(b, '-')
	}
	return string(b)
}
