// Package board delivers messages to subscribers in one process, without letting a slow one hold anybody up.
package board

import (
	"context"
	"sync"
)

// Board knows who subscribes to what. Its methods may be called from many goroutines.
type Board struct {
	mu     sync.Mutex
	topics map[string]map[*Subscription]struct{}
}

// New returns a board without subscribers.
func New() *Board { return &Board{topics: map[string]map[*Subscription]struct{}{}} }

// Subscription is one subscriber's queue.
type Subscription struct {
	board *Board
	topic string

	mu     sync.Mutex
	queue  []string
	missed bool          // something may have been missed since the last message
	some   chan struct{} // holds a token while there is something to take
}

// maxQueue is how many messages wait for a slow subscriber; past it they become one "look again".
const maxQueue = 128

// Subscribe begins to collect messages. Whoever subscribes calls Cancel.
func (b *Board) Subscribe(topic string) *Subscription {
	s := &Subscription{board: b, topic: topic, some: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics[topic] == nil {
		b.topics[topic] = map[*Subscription]struct{}{}
	}
	b.topics[topic][s] = struct{}{}
	return s
}

// Cancel ends the subscription.
func (s *Subscription) Cancel() {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	delete(s.board.topics[s.topic], s)
	if len(s.board.topics[s.topic]) == 0 {
		delete(s.board.topics, s.topic)
	}
}

// Topics returns the topics that somebody subscribes to.
func (b *Board) Topics() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	topics := make(map[string]bool, len(b.topics))
	for t := range b.topics {
		topics[t] = true
	}
	return topics
}

// Deliver puts payload into the queues of the topic's subscribers.
func (b *Board) Deliver(topic, payload string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.topics[topic] {
		s.put(payload)
	}
}

// Missed tells the topic's subscribers that messages may have been lost.
func (b *Board) Missed(topic string) { b.Deliver(topic, "") }

// Missed tells this subscriber that messages may have been lost.
func (s *Subscription) Missed() { s.put("") }

func (s *Subscription) put(payload string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if payload == "" || len(s.queue) >= maxQueue {
		// Looking again covers what is queued, too.
		s.missed, s.queue = true, nil
	} else {
		s.queue = append(s.queue, payload)
	}
	select {
	case s.some <- struct{}{}:
	default:
	}
}

// Each calls fn with one message after the other, "" standing for "look again", until ctx or done ends.
func (s *Subscription) Each(ctx context.Context, done <-chan struct{}, fn func(payload string)) {
	for {
		select {
		case <-s.some:
		case <-ctx.Done():
			return
		case <-done:
			return
		}
		s.mu.Lock()
		missed, queue := s.missed, s.queue
		s.missed, s.queue = false, nil
		s.mu.Unlock()
		if missed {
			fn("")
		}
		for _, payload := range queue {
			if ctx.Err() != nil {
				return
			}
			fn(payload)
		}
	}
}
