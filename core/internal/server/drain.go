package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

func (h *Handler) enter(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x.next = h.first
	if h.first != nil {
		h.first.prev = x
	}
	h.first = x
	h.count++
}

func (h *Handler) leave(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		h.first = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	}
	if h.count--; h.count == 0 && h.waiter != nil {
		close(h.waiter)
		h.waiter = nil
	}
}

// InFlight returns how many requests are being answered.
func (h *Handler) InFlight() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Drain begins to refuse requests, except for health, which now says "not ready"; it ends the contexts of streams, and waits until all requests are answered.
// When ctx ends before that, the error names the requests that were not. It can be called again.
func (h *Handler) Drain(ctx context.Context) error {
	h.draining.Store(true)
	h.mu.Lock()
	for x := h.first; x != nil; x = x.next {
		x.shutDown() // those that begin to wait later see that the portal is draining
	}
	if h.count == 0 {
		h.mu.Unlock()
		return nil
	}
	if h.waiter == nil {
		h.waiter = make(chan struct{})
	}
	done := h.waiter
	h.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	return fmt.Errorf("drain requests: %w; still running: %s", ctx.Err(), strings.Join(h.underWay(), ", "))
}

// underWay names the requests in flight, some of them if there are many.
func (h *Handler) underWay() []string {
	const enough = 5
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for x := h.first; x != nil; x = x.next {
		if len(names) == enough {
			names = append(names, fmt.Sprintf("%d more", h.count-enough))
			break
		}
		names = append(names, x.request.Method+" "+x.request.URL.Path)
	}
	slices.Sort(names)
	return names
}
