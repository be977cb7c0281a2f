// Package index answers what is asked of a catalog, from memory: lists, counts, facets, text, order, and the relations
// between entities. It is an inverted index: each search row (a key and a value, see package query) leads to the set of
// entities that have it. It keeps no entities; an answer names them, in order, and whoever asks fetches their stored
// bytes by uid or ref.
//
// It is derived: built from a store at start, and kept in step by a sequence of changes. Any number of goroutines may
// ask while one applies changes. Every answer is of one moment, between two changes. A reader waits for a writer for
// the time of one entity's change, or half a millisecond in a long series of them; a writer waits for readers.
//
// Memory is about 1 KB per entity of 25 rows, most of it text that occurs once; there is room for 4 GB of that.
// Structures that only some questions need, such as sorted lists, are built when first asked for (about a second for a
// million entities, a few milliseconds for ten thousand) and kept while they fit [Options.Derived]. Who wants the first
// question to be as fast as the others asks it once before serving.
package index

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// Options configure an [Index]. The zero value is ready for use.
type Options struct {
	// Derived bounds the memory, in bytes, of sorted lists and text tables. What was used least recently goes and
	// is built again when needed. Default: 32 MB and 640 bytes per entity.
	Derived int
}

// Index is an inverted index over entities. Make one with [New].
type Index struct {
	write sync.Mutex // held by the one who applies changes

	mu sync.RWMutex // guards what follows
	dictionary
	documents
	derived derived
	rows    int // search rows of all entities
	related int // those that are relations

	scratch sync.Pool    // of *evaluation
	slow    atomic.Int32 // readers at work that will take long

	seqMu   sync.Mutex
	seq     int64
	changed chan struct{} // closed when seq grows
}

// Change is an entity that is there now, or no longer.
type Change struct {
	Ref    string // kind:namespace/name in lower case; identifies the entity
	UID    string // the entity's id, which also decides ties; ignored if the entity is gone
	Entity []byte // JSON as stored, read until Apply returns; nil: the entity is gone
}

// Problem is what [Index.Apply] met in one change.
type Problem struct {
	Ref string

	// Err is why the entity could not be read; nothing of the change was applied then, and what was known of the
	// entity stays. It is nil for a warning.
	Err error

	// Clashes are keys that occur in several casings within the entity. All their values are found under either.
	Clashes []string
}

// Doc names an entity.
type Doc struct {
	ID  uint32 // small number, unique among the entities that are there at one moment; given anew after a deletion
	UID string
	Ref string

	Kept *Kept // nil in the zero Doc
}

var errFull = errors.New("index entity: the index is full, with 4 GB of keys and values")

// New returns an empty index.
func New(opts Options) *Index {
	ix := &Index{dictionary: newDictionary(), changed: make(chan struct{})}
	ix.documents.seed = ix.dictionary.seed
	ix.derived.init(opts.Derived)
	return ix
}

// Apply makes changes in order and then reports seq as applied. A seq below one applied before changes nothing about
// that, so changes can be made that have no number of their own: pass 0. Readers may see some changes of one call and
// not yet others, always in order. Calls from several goroutines go one after the other.
func (ix *Index) Apply(seq int64, changes []Change) []Problem {
	ix.write.Lock()
	defer ix.write.Unlock()
	var problems []Problem
	apply := func(c *Change, x *extraction, err error) {
		if err == nil && c.Entity != nil && ix.arena.full() {
			err = errFull
		}
		if err != nil {
			problems = append(problems, Problem{Ref: c.Ref, Err: err})
			return
		}
		if len(x.clashes) > 0 {
			problems = append(problems, Problem{Ref: c.Ref, Clashes: x.clashes})
		}
		if c.Entity == nil {
			ix.remove(c.Ref)
		} else {
			ix.upsert(c.Ref, c.UID, x)
		}
	}
	turn := writeTurn{ix: ix}
	if len(changes) < 64 || runtime.GOMAXPROCS(0) == 1 {
		x := &extraction{seed: ix.dictionary.seed}
		for i := range changes {
			err := read(&changes[i], x)
			turn.begin()
			apply(&changes[i], x, err)
			turn.pause()
		}
	} else {
		extractAhead(ix, changes, func(c *Change, x *extraction, err error) {
			turn.begin()
			apply(c, x, err)
		})
	}
	turn.end()
	ix.applied(seq)
	return problems
}

func read(c *Change, x *extraction) error {
	x.clashes = nil
	if c.Ref == "" {
		return fmt.Errorf("index entity: it has no ref")
	}
	if c.Entity == nil {
		return nil
	}
	return x.extract(c.Entity, c.UID)
}

// extractAhead reads changes on all cores and hands them on in order.
func extractAhead(ix *Index, changes []Change, apply func(*Change, *extraction, error)) {
	type job struct {
		x    extraction
		err  error
		done chan struct{}
	}
	const ahead = 256
	jobs := make([]job, min(ahead, len(changes)))
	todo := make(chan int, len(jobs))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range todo {
				j := &jobs[i%len(jobs)]
				j.err = read(&changes[i], &j.x)
				j.done <- struct{}{}
			}
		})
	}
	for i := range jobs {
		jobs[i].x.seed = ix.dictionary.seed
		jobs[i].done = make(chan struct{}, 1)
		todo <- i
	}
	for i := range changes {
		j := &jobs[i%len(jobs)]
		<-j.done
		apply(&changes[i], &j.x, j.err)
		if next := i + len(jobs); next < len(changes) {
			todo <- next
		}
	}
	close(todo)
	workers.Wait()
}

// writeTurn holds the write lock for short times.
type writeTurn struct {
	ix    *Index
	since time.Time
	held  bool
	n     int
}

const (
	turnTime   = 500 * time.Microsecond // that readers wait in a long series of changes
	turnChecks = 8                      // changes between looks at the clock

	// A waiting writer stops new readers, so one slow reader would hold up all others. While a reader is known to
	// be slow, the writer tries now and then instead, for so long.
	slowWait = 5 * time.Second
	slowTry  = 200 * time.Microsecond
)

func (w *writeTurn) begin() {
	if w.held {
		if w.n++; w.n%turnChecks != 0 || time.Since(w.since) < turnTime {
			return
		}
		w.end()
	}
	w.lock()
	w.held, w.since = true, time.Now()
}

func (w *writeTurn) lock() {
	for start := time.Now(); w.ix.slow.Load() > 0 && time.Since(start) < slowWait; time.Sleep(slowTry) {
		if w.ix.mu.TryLock() {
			return
		}
	}
	w.ix.mu.Lock()
}

// pause lets readers in while the next change is read.
func (w *writeTurn) pause() { w.end() }

func (w *writeTurn) end() {
	if w.held {
		w.held = false
		w.ix.mu.Unlock()
	}
}

func (ix *Index) applied(seq int64) {
	ix.seqMu.Lock()
	defer ix.seqMu.Unlock()
	if seq > ix.seq {
		ix.seq = seq
		close(ix.changed)
		ix.changed = make(chan struct{})
	}
}

// Seq is the highest number given to [Index.Apply].
func (ix *Index) Seq() int64 {
	ix.seqMu.Lock()
	defer ix.seqMu.Unlock()
	return ix.seq
}

// WaitFor returns when changes up to seq are applied, or with the context's error.
func (ix *Index) WaitFor(ctx context.Context, seq int64) error {
	for {
		ix.seqMu.Lock()
		at, changed := ix.seq, ix.changed
		ix.seqMu.Unlock()
		if at >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for change %d in the index, which is at %d: %w", seq, at, ctx.Err())
		}
	}
}

// upsert makes an entity have the rows of x. The write lock is held.
func (ix *Index) upsert(ref, uid string, x *extraction) {
	d := &ix.dictionary
	doc := ix.findRef(ref)
	if doc != 0 && ix.doc(doc).uid != uid {
		ix.remove(ref) // another entity of that name, as far as order is concerned
		doc = 0
	}
	isNew := doc == 0
	var old []uint32
	if !isNew {
		old = ix.doc(doc).rows
		ix.doc(doc).kept = ix.doc(doc).kept.renew() // text can differ where rows do not
	}

	// What stays, what comes. Rows are sorted by key, then term, as old is.
	rows := make([]uint64, 0, len(x.rows)) // key << 32 | term; those without a term yet are in missing
	var missing []*row
	for i := range x.rows {
		if t, k := d.findRow(x, &x.rows[i]); t != 0 {
			rows = append(rows, uint64(k)<<32|uint64(t))
		} else {
			missing = append(missing, &x.rows[i])
		}
	}
	slices.Sort(rows)
	var gone, come []uint32
	i := 0
	for _, t := range old {
		id := uint64(d.terms.at(t).key)<<32 | uint64(t)
		for i < len(rows) && rows[i] < id {
			come = append(come, uint32(rows[i]))
			i++
		}
		if i < len(rows) && rows[i] == id {
			i++
		} else {
			gone = append(gone, t)
		}
	}
	for ; i < len(rows); i++ {
		come = append(come, uint32(rows[i]))
	}
	if !isNew && len(gone)+len(come)+len(missing) == 0 {
		return
	}

	// Sorted lists first forget the entity as it was, and at the end take it as it is.
	affected := ix.derived.runsOf(func(visit func(k uint32)) {
		for _, t := range gone {
			visit(d.terms.at(t).key)
		}
		for _, t := range come {
			visit(d.terms.at(t).key)
		}
		for _, r := range missing {
			visit(d.findKeyHash(r.keyHash, x.text(r.key)))
		}
	}, isNew)
	for _, r := range affected {
		ix.leaveRun(r, doc, isNew)
	}
	if isNew {
		if doc = ix.addDoc(ref, uid); len(ix.all) != d.postings.words {
			d.postings.grow(len(ix.all))
		}
	}
	for _, r := range missing {
		k := d.findKeyHash(r.keyHash, x.text(r.key))
		if k == 0 {
			k = d.addKey(x, r)
			ix.keyAdded(k)
		}
		t := d.addTerm(x, r, k)
		ix.termAdded(t)
		rows = append(rows, uint64(k)<<32|uint64(t))
		come = append(come, t)
	}
	if len(missing) > 0 {
		slices.Sort(rows)
	}
	terms := make([]uint32, len(rows))
	for i, r := range rows {
		terms[i] = uint32(r)
	}
	ix.derived.touch(doc, isNew, func(visit func(k uint32)) {
		for _, list := range [][]uint32{gone, come} {
			for _, t := range list {
				visit(d.terms.at(t).key)
			}
		}
	})
	for _, t := range come {
		ix.addMember(t, doc)
	}
	ix.doc(doc).rows = terms
	ix.rows += len(terms) - len(old)
	for _, t := range gone {
		ix.dropMember(t, doc)
	}
	for _, r := range affected {
		ix.joinRun(r, doc)
	}
}

// remove forgets an entity. The write lock is held.
func (ix *Index) remove(ref string) {
	doc := ix.findRef(ref)
	if doc == 0 {
		return
	}
	rows := ix.doc(doc).rows
	affected := ix.derived.runsOf(func(visit func(k uint32)) {
		for _, t := range rows {
			visit(ix.terms.at(t).key)
		}
	}, true)
	for _, r := range affected {
		ix.leaveRun(r, doc, false)
	}
	ix.doc(doc).rows = nil
	ix.rows -= len(rows)
	for _, t := range rows {
		ix.dropMember(t, doc)
	}
	ix.removeDoc(doc)
}

// addMember notes that doc has t.
func (ix *Index) addMember(t, doc uint32) {
	d := &ix.dictionary
	tt := d.terms.at(t)
	before := tt.docs
	if tt.docs = d.postings.add(tt.docs, doc); tt.docs != before {
		ix.docsChanged(t)
	}
	of := d.keys.at(tt.key)
	if tt.text != 0 && of.terms > 1 {
		of.docs = d.postings.add(of.docs, doc)
	}
	if of.relation {
		ix.related++
	}
}

// dropMember notes that doc no longer has t. The rows of doc are already without it.
func (ix *Index) dropMember(t, doc uint32) {
	d := &ix.dictionary
	tt := d.terms.at(t)
	k := tt.key
	of := d.keys.at(k)
	if of.relation {
		ix.related--
	}
	before := tt.docs
	if tt.docs = d.postings.remove(tt.docs, doc); tt.docs != before && tt.docs != 0 {
		ix.docsChanged(t)
	}
	if tt.text != 0 && of.terms > 1 && !ix.hasValue(doc, k) {
		of.docs = d.postings.remove(of.docs, doc)
	}
	if tt.docs != 0 {
		return
	}
	ix.termRemoved(t)
	d.removeTerm(t)
	if of.terms == 0 && of.null == 0 {
		ix.keyRemoved(k)
		d.removeKey(k)
	}
}

// Len is the number of entities.
func (ix *Index) Len() int {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.docs.len()
}

// ByRefs returns the entities with these refs, compared byte by byte: same length, same order, the zero Doc where there
// is none or where does not match it.
func (ix *Index) ByRefs(refs []string, where query.Predicate) ([]Doc, error) {
	found := make([]Doc, len(refs))
	ev := ix.reading()
	defer ix.done(ev)
	n, err := ev.compile(where)
	if err != nil {
		return nil, err
	}
	for i, ref := range refs {
		if doc := ix.findRef(ref); doc != 0 && n.has(ev, doc) {
			found[i] = ix.name(doc)
		}
	}
	return found, nil
}

// ByRef returns the entity with this ref, compared byte by byte.
func (ix *Index) ByRef(ref string) (Doc, bool) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	doc := ix.findRef(ref)
	if doc == 0 {
		return Doc{}, false
	}
	return ix.name(doc), true
}

// ByUID returns the entity with this id.
func (ix *Index) ByUID(uid string) (Doc, bool) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	doc := ix.findUID(uid)
	if doc == 0 {
		return Doc{}, false
	}
	return ix.name(doc), true
}

// Stats are sizes, for metrics.
type Stats struct {
	Entities, Rows, Keys, Values int
	Relations                    int // in one direction each, as entities list them
	TextBytes                    int // keys and values
	DerivedBytes                 int // sorted lists and text tables, roughly
}

// Stats returns the present sizes.
func (ix *Index) Stats() Stats {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return Stats{
		Entities: ix.docs.len(), Rows: ix.rows, Keys: ix.keys.len(), Values: ix.terms.len(), Relations: ix.related,
		TextBytes: ix.arena.bytes(), DerivedBytes: ix.derived.size(),
	}
}
