// Package shelf keeps what a third party answered, so that any number of readers cost it one request per interval.
//
// Readers take what is on the shelf and never ask the third party themselves. What somebody has read lately is kept fresh by one worker, whoever reads; what nobody reads any more is forgotten.
// What was read stays readable when the third party fails, with its age and what is wrong.
package shelf

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	// watched is how long after the last reader an item is kept fresh. It is longer than the pause between two looks of an open page.
	watched = 75 * time.Second
	// kept is how long after the last reader an item is kept at all.
	kept = 10 * time.Minute
	// maxItems bounds the shelf; beyond it the ones not read for longest go.
	maxItems = 5_000
	// fetchers is how many requests are under way at once.
	fetchers = 4
	// tick is how often the worker looks for items that are due.
	tick = 250 * time.Millisecond
	// sharedFor is how long other replicas, and this one after a start, can use an item from the cache.
	sharedFor = 10 * time.Minute
	// firstPause and maxPause bound the growing pause after failures.
	firstPause = 5 * time.Second
	maxPause   = 5 * time.Minute
	// limitedPause is how long nothing is asked after an answer that says "too many requests" but not for how long.
	limitedPause = time.Minute
)

// Source says where an item comes from.
type Source[T any] struct {
	Key   string                                     // unique among all sources
	Fetch func(context.Context) (T, error)           // asks the third party; its errors are [api.Fault]s
	Fresh func(value T, now time.Time) time.Duration // for how long an answer is good
}

// Answer is what is on the shelf. Value is shared with other readers and must not be changed.
type Answer[T any] struct {
	Value T
	Have  bool       // there is a value
	At    time.Time  // when it was fetched
	Fault *api.Fault // why the last try failed; nil when it did not
	Next  time.Time  // when the next try is due
}

// Shelf is the shelf. It is safe for concurrent use. Nothing is fetched unless [Shelf.Run] runs.
type Shelf struct {
	cache pluginapi.Cache
	log   *slog.Logger

	mu     sync.Mutex
	items  map[string]*item
	paused time.Time  // nothing is asked before
	last   *api.Fault // of the last request; nil when it went well
	asked  int        // requests so far
	wake   chan struct{}
	queue  chan *item
}

// item is one answer on the shelf. Its fields are guarded by the shelf's mutex.
type item struct {
	key      string
	fetch    func(context.Context) (value any, fresh time.Duration, err error)
	read     func([]byte) (value any, fresh time.Duration, err error)
	value    any
	at       time.Time
	fault    *api.Fault
	failures int
	due      time.Time     // when to fetch next
	reader   time.Time     // when somebody last read it
	busy     bool          // being fetched, or about to be
	settled  chan struct{} // closed, and replaced, whenever a fetch ends
	version  int           // grows with every Drop, so that an answer to an older question is not taken for news
}

// New returns an empty shelf. cache shares answers with other replicas.
func New(cache pluginapi.Cache, log *slog.Logger) *Shelf {
	return &Shelf{cache: cache, log: log, items: map[string]*item{}, wake: make(chan struct{}, 1), queue: make(chan *item)}
}

// Peek returns what is there, and has it fetched if it is not there or not fresh. It never waits.
func Peek[T any](s *Shelf, source Source[T]) Answer[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return answer[T](find(s, source))
}

// Get returns what is there, however old; if there is nothing yet it waits until the first try ended or ctx does, whose error it then returns as a fault.
func Get[T any](ctx context.Context, s *Shelf, source Source[T]) Answer[T] {
	s.mu.Lock()
	it := find(s, source)
	for it.value == nil && it.fault == nil {
		settled := it.settled
		s.mu.Unlock()
		select {
		case <-settled:
			s.mu.Lock()
		case <-ctx.Done():
			return Answer[T]{Fault: &api.Fault{Kind: api.TimedOut, Message: "CircleCI has not answered yet"}}
		}
	}
	defer s.mu.Unlock()
	return answer[T](it)
}

func answer[T any](it *item) Answer[T] {
	a := Answer[T]{At: it.at, Fault: it.fault, Next: it.due}
	a.Value, a.Have = it.value.(T)
	return a
}

// keep makes a source one for a shelf of anything.
func keep[T any](source Source[T]) *item {
	return &item{
		key: source.Key,
		fetch: func(ctx context.Context) (any, time.Duration, error) {
			value, err := source.Fetch(ctx)
			if err != nil {
				return nil, 0, err
			}
			return value, source.Fresh(value, time.Now()), nil
		},
		read: func(text []byte) (any, time.Duration, error) {
			var value T
			if err := json.Unmarshal(text, &value); err != nil {
				return nil, 0, err
			}
			return value, source.Fresh(value, time.Now()), nil
		},
		settled: make(chan struct{}),
	}
}

// find returns the item on the shelf, notes that somebody reads it, and wakes the worker if it is due. The caller holds the mutex.
func find[T any](s *Shelf, source Source[T]) *item {
	now := time.Now()
	it := s.items[source.Key]
	if it == nil {
		if len(s.items) >= maxItems {
			s.evict()
		}
		it = keep(source)
		s.items[it.key] = it
	}
	it.reader = now
	if !it.busy && !it.due.After(now) {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return it
}

// evict forgets the item that was not read for longest.
func (s *Shelf) evict() {
	var oldest *item
	for _, it := range s.items {
		if !it.busy && (oldest == nil || it.reader.Before(oldest.reader)) {
			oldest = it
		}
	}
	if oldest != nil {
		delete(s.items, oldest.key)
	}
}

// Drop has the items with these keys fetched anew, because we know that they changed. What is there stays readable until then.
func (s *Shelf) Drop(ctx context.Context, keys ...string) {
	for _, key := range keys {
		if err := s.cache.Delete(ctx, key); err != nil {
			s.log.WarnContext(ctx, "other replicas may show an old state for a while", "key", key, "error", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		if it := s.items[key]; it != nil {
			it.due, it.version = time.Time{}, it.version+1
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// State is how it goes with the third party.
type State struct {
	Asked  int        // requests, each of which may be several for long lists, since the start
	Items  int        // on the shelf
	Paused time.Time  // nothing is asked before; zero or past when it is
	Fault  *api.Fault // of the last request; nil when it went well
}

// State returns how it goes.
func (s *Shelf) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{s.asked, len(s.items), s.paused, s.last}
}

// Run keeps the shelf fresh until ctx ends. One Run at a time.
func (s *Shelf) Run(ctx context.Context) error {
	var fetching sync.WaitGroup
	defer fetching.Wait()
	for range fetchers {
		fetching.Go(func() {
			for {
				select {
				case it := <-s.queue:
					s.refresh(ctx, it)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		for _, it := range s.due(time.Now()) {
			select {
			case s.queue <- it:
			case <-ctx.Done():
				s.release()
				return ctx.Err()
			}
		}
		select {
		case <-ticker.C:
		case <-s.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// release makes items that were about to be fetched ordinary ones again: another Run will find them.
func (s *Shelf) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range s.items {
		it.busy = false
	}
}

// due returns the items to fetch now, those that nobody has an answer for yet first, and forgets those that nobody reads.
func (s *Shelf) due(now time.Time) []*item {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing, stale []*item
	for key, it := range s.items {
		unread := now.Sub(it.reader)
		switch {
		case it.busy:
			continue
		case unread > kept:
			delete(s.items, key)
			continue
		case it.due.After(now), unread > watched:
			continue
		case now.Before(s.paused):
			it.fault = &api.Fault{Kind: api.RateLimited, Wait: s.paused.Sub(now)}
			it.due = s.paused
			it.settle()
			continue
		}
		it.busy = true
		if it.value == nil {
			missing = append(missing, it)
		} else {
			stale = append(stale, it)
		}
	}
	return append(missing, stale...)
}

func (it *item) settle() {
	close(it.settled)
	it.settled = make(chan struct{})
}

// envelope is an answer in the cache.
type envelope struct {
	At    time.Time       `json:"at"`
	Value json.RawMessage `json:"value"`
}

// refresh fetches an item, from the cache if another replica was faster.
func (s *Shelf) refresh(ctx context.Context, it *item) {
	s.mu.Lock()
	version, last := it.version, it.at
	if now := time.Now(); now.Before(s.paused) { // since it was queued
		it.busy = false
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	value, at, fresh, ok := s.shared(ctx, it, last)
	var err error
	if !ok {
		at = time.Now()
		s.count()
		if value, fresh, err = it.fetch(ctx); err == nil {
			s.share(ctx, it.key, value, at)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	it.busy = false
	if ctx.Err() != nil && err != nil {
		return // we are stopping; it says nothing about the third party
	}
	defer it.settle()
	now := time.Now()
	if err != nil {
		s.failed(ctx, it, api.AsFault(err), now)
		return
	}
	if !ok {
		s.last = nil
	}
	it.value, it.at, it.fault, it.failures = value, at, nil, 0
	if it.version == version {
		// A little later for each, so that replicas and items that began together drift apart and one asks for all.
		it.due = at.Add(fresh + rand.N(fresh/10+1))
	}
}

func (s *Shelf) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
}

// failed notes a failure and when to try again. The caller holds the mutex.
func (s *Shelf) failed(ctx context.Context, it *item, fault *api.Fault, now time.Time) {
	it.fault, s.last = fault, fault
	pause := firstPause << min(it.failures, 6)
	it.failures++
	if fault.Kind == api.RateLimited {
		if fault.Wait == 0 {
			fault = &api.Fault{Kind: fault.Kind, Status: fault.Status, Message: fault.Message, Wait: limitedPause}
			it.fault = fault
		}
		if until := now.Add(fault.Wait); until.After(s.paused) {
			s.paused = until
			s.log.WarnContext(ctx, "CircleCI wants to be left alone", "until", until.UTC().Format(time.RFC3339), "message", fault.Message)
		}
	} else if it.failures == 1 {
		s.log.WarnContext(ctx, "CircleCI did not answer as hoped", "key", it.key, "error", fault)
	}
	it.due = now.Add(max(fault.Wait, min(pause, maxPause)))
}

// shared returns an answer that is in the cache, good still, and news to us.
func (s *Shelf) shared(ctx context.Context, it *item, last time.Time) (value any, at time.Time, fresh time.Duration, ok bool) {
	text, ok := s.cache.Get(ctx, it.key)
	if !ok {
		return nil, at, 0, false
	}
	var e envelope
	if json.Unmarshal(text, &e) != nil || !e.At.After(last) {
		return nil, at, 0, false
	}
	value, fresh, err := it.read(e.Value)
	if err != nil || !e.At.Add(fresh).After(time.Now()) {
		return nil, at, 0, false
	}
	return value, e.At, fresh, true
}

// share puts an answer into the cache.
func (s *Shelf) share(ctx context.Context, key string, value any, at time.Time) {
	text, err := json.Marshal(value)
	if err == nil {
		text, err = json.Marshal(envelope{at, text})
	}
	if err == nil {
		err = s.cache.Set(ctx, key, text, sharedFor)
	}
	if err != nil && !errors.Is(err, pluginapi.ErrTooLarge) { // a large one is kept here only
		s.log.WarnContext(ctx, "an answer of CircleCI's is not shared with other replicas", "key", key, "error", err)
	}
}
