package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/database/internal/board"
)

// Hub sends and receives notifications for everybody in the process, on one connection that it keeps. It connects when it is first used, and again whenever the connection is lost.
type Hub struct {
	borrower *Borrower
	board    *board.Board
	logger   *slog.Logger

	mu        sync.Mutex
	started   bool
	closed    bool
	ctx       context.Context
	stop      context.CancelFunc
	done      chan struct{}
	interrupt context.CancelFunc // ends the wait for notifications
	outbox    []*notice
	fresh     []*board.Subscription // told to look once their channels are listened to
}

// notice is one notification on its way.
type notice struct {
	ctx              context.Context
	channel, payload string
	sent             chan error
}

// NewHub returns a hub that speaks through t. It does no I/O.
func (t *Target) NewHub(applicationName string, logger *slog.Logger) *Hub {
	ctx, stop := context.WithCancel(context.Background())
	return &Hub{
		borrower: t.NewBorrower(BorrowerOptions{Name: "signals", ApplicationName: applicationName}),
		board:    board.New(),
		logger:   logger,
		ctx:      ctx,
		stop:     stop,
		done:     make(chan struct{}),
	}
}

// maxPayload is what PostgreSQL takes, less one byte: 8000 including the end.
const maxPayload = 7999

// Publish sends payload to every process that listens to channel. A payload too large to send becomes "look again". It returns when the server has it.
func (h *Hub) Publish(ctx context.Context, channel, payload string) error {
	if len(payload) > maxPayload {
		payload = ""
	}
	n := &notice{ctx, channel, payload, make(chan error, 1)}
	if err := h.do(func() { h.outbox = append(h.outbox, n) }); err != nil {
		return err
	}
	select {
	case err := <-n.sent:
		return err
	case <-ctx.Done():
		return fmt.Errorf("publish on %s: %w", h.borrower.target.Name(), ctx.Err())
	case <-h.done:
		return ErrClosed
	}
}

// Listen calls fn with each payload on channel until ctx ends, and with "" once it listens and whenever something may have been missed.
func (h *Hub) Listen(ctx context.Context, channel string, fn func(string)) error {
	var s *board.Subscription
	if err := h.do(func() {
		s = h.board.Subscribe(channel)
		h.fresh = append(h.fresh, s)
	}); err != nil {
		return err
	}
	defer func() {
		s.Cancel()
		_ = h.do(func() {}) // so that the channel is given up; a closed hub has none
	}()
	s.Each(ctx, h.done, fn)
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// do changes what the hub has to do, and wakes it.
func (h *Hub) do(change func()) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	change()
	if h.interrupt != nil {
		h.interrupt()
	}
	if !h.started {
		h.started = true
		go h.run()
	}
	return nil
}

// run keeps a connection and does on it what there is to do, until the hub is closed.
func (h *Hub) run() {
	defer close(h.done)
	pause := 50 * time.Millisecond
	for h.ctx.Err() == nil {
		began := time.Now()
		err := h.session()
		if h.ctx.Err() != nil {
			return
		}
		h.fail(err)
		if time.Since(began) > 10*time.Second {
			pause = 50 * time.Millisecond
		}
		h.logger.Warn("connection for signals lost; connecting again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-h.ctx.Done():
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// fail tells those whose notices could not be sent. Nobody waits for a server that is down longer than one attempt takes.
func (h *Hub) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.outbox {
		n.sent <- err
	}
	h.outbox = nil
}

// session lives as long as one connection.
func (h *Hub) session() error {
	pool := h.borrower.target.pool
	c, err := pool.acquire(h.ctx, h.borrower, true)
	if err != nil {
		return err
	}
	pool.pin(1)
	defer func() {
		pool.pin(-1)
		c.dirty = true
		pool.release(c, !c.dead())
	}()
	listened := map[string]bool{}
	first := true
	for {
		ctx, notices, fresh := h.turn()
		if err := h.listen(c, listened); err != nil {
			return err
		}
		if first {
			// What was sent while there was no connection is lost.
			for channel := range listened {
				h.board.Missed(channel)
			}
			first = false
		} else {
			for _, s := range fresh {
				s.Missed()
			}
		}
		if err := h.send(c, notices); err != nil {
			return err
		}
		if err := h.wait(ctx, c); err != nil {
			return err
		}
	}
}

// turn takes what is to be done, and returns a context that ends when there is more.
func (h *Hub) turn() (context.Context, []*notice, []*board.Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	notices, fresh := h.outbox, h.fresh
	h.outbox, h.fresh = nil, nil
	if h.interrupt != nil {
		h.interrupt()
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.interrupt = cancel
	return ctx, notices, fresh
}

// listen brings the server's idea of the channels in line with the subscribers'.
func (h *Hub) listen(c *physical, listened map[string]bool) error {
	ctx, cancel := context.WithTimeout(h.ctx, roundTrip)
	defer cancel()
	wanted := h.board.Topics()
	for channel := range wanted {
		if !listened[channel] {
			if err := c.simple(ctx, "listen "+QuoteName(channel)); err != nil {
				return h.borrower.target.explain(err)
			}
			listened[channel] = true
		}
	}
	for channel := range listened {
		if !wanted[channel] {
			if err := c.simple(ctx, "unlisten "+QuoteName(channel)); err != nil {
				return h.borrower.target.explain(err)
			}
			delete(listened, channel)
		}
	}
	return nil
}

// roundTrip bounds the hub's own statements, and how long a dead connection goes unnoticed while nothing arrives.
const roundTrip = 10 * time.Second

func (h *Hub) send(c *physical, notices []*notice) error {
	for i, n := range notices {
		if n.ctx.Err() != nil {
			continue // its caller is gone
		}
		ctx, cancel := context.WithTimeout(h.ctx, roundTrip)
		_, err := c.pg.Exec(ctx, "select pg_notify($1, $2)", n.channel, n.payload)
		cancel()
		err = h.borrower.target.explain(err)
		n.sent <- err
		if err != nil && c.pg.IsClosed() {
			for _, rest := range notices[i+1:] {
				rest.sent <- err
			}
			return err
		}
	}
	return nil
}

// wait delivers what arrives until ctx ends. From time to time it looks whether the connection still lives.
func (h *Hub) wait(ctx context.Context, c *physical) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, roundTrip)
		n, err := c.pg.WaitForNotification(bounded)
		cancel()
		switch {
		case err == nil:
			h.board.Deliver(n.Channel, n.Payload)
		case c.pg.IsClosed():
			return h.borrower.target.explain(err)
		case h.ctx.Err() != nil:
			return h.ctx.Err()
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			if err := h.ping(c); err != nil {
				return err
			}
		default:
			return h.borrower.target.explain(err)
		}
	}
}

func (h *Hub) ping(c *physical) error {
	ctx, cancel := context.WithTimeout(h.ctx, roundTrip)
	defer cancel()
	return h.borrower.target.explain(c.pg.Ping(ctx))
}

// Close ends all listening and gives the connection back.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	started := h.started
	h.closed = true
	h.mu.Unlock()
	h.stop()
	if !started {
		return nil
	}
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close signals: %w", ctx.Err())
	}
}
