package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/proscenium-dev/proscenium/database/internal/board"
	"github.com/proscenium-dev/proscenium/database/internal/postgres"
)

// Signals tell a plugin's other replicas that something happened. They are hints, delivered at most once: what matters is in the database, and a signal says to look.
// On SQLite they stay in the process. On PostgreSQL they travel by LISTEN and NOTIFY, on one connection for all plugins of the process.
// Its methods may be called from many goroutines.
type Signals struct {
	local *localSignals // one of local and hub is set
	hub   *postgres.Hub
	scope string // makes topics of different plugins and portals differ on one server
}

// Signals returns the plugin's signals; the same value for the same id. It does no I/O.
func (d *Databases) Signals(id string) (*Signals, error) {
	p, err := d.plugin(id)
	if err != nil {
		return nil, err
	}
	return p.signals, nil
}

// Publish sends payload to whoever listens to topic, in this replica and the others. It returns when the server has taken it; nobody may be listening.
// A payload of 8000 bytes or more does not fit, and arrives as "".
func (s *Signals) Publish(ctx context.Context, topic, payload string) error {
	if s.hub != nil {
		return s.hub.Publish(ctx, s.channel(topic), payload)
	}
	return s.local.publish(ctx, topic, payload)
}

// Listen calls fn with one payload after the other until ctx ends, and returns why it ended. A payload of "" means that something may have been missed: look again.
// That is said once when listening has begun, so that nothing falls between a first look and the first signal, and after a lost connection was made again. Listen goes on by itself when the server goes down and comes back.
// fn runs on Listen's goroutine; signals that arrive meanwhile wait, and become one "" when there are too many.
func (s *Signals) Listen(ctx context.Context, topic string, fn func(payload string)) error {
	if s.hub != nil {
		return s.hub.Listen(ctx, s.channel(topic), fn)
	}
	return s.local.listen(ctx, topic, fn)
}

// channel is the name of a topic on the server, whatever its length.
func (s *Signals) channel(topic string) string {
	sum := sha256.Sum256([]byte(s.scope + "\x00" + topic))
	return "proscenium_" + hex.EncodeToString(sum[:20])
}

// localSignals stay in the process.
type localSignals struct {
	board *board.Board
	once  sync.Once
	done  chan struct{}
}

func newLocalSignals() *localSignals {
	return &localSignals{board: board.New(), done: make(chan struct{})}
}

func (l *localSignals) publish(ctx context.Context, topic, payload string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.board.Deliver(topic, payload)
	return nil
}

func (l *localSignals) listen(ctx context.Context, topic string, fn func(string)) error {
	s := l.board.Subscribe(topic)
	defer s.Cancel()
	s.Missed()
	s.Each(ctx, l.done, fn)
	if err := ctx.Err(); err != nil {
		return err
	}
	return errClosed
}

func (l *localSignals) close() { l.once.Do(func() { close(l.done) }) }
