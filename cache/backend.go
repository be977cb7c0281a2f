package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The breaker opens when so many calls in a row have failed, and then lets one call through each second.
const (
	breakAfter = 5
	retryAfter = time.Second
)

// errBudget is that a call took too long, and that it was the store's fault and not the caller's.
var errBudget = errors.New("the cache store did not answer within its budget")

// backend is a store with the guards it needs: a budget for each call, and a breaker. Memory needs none.
type backend struct {
	store   Store
	name    string
	budget  time.Duration                        // zero: no guards, which is for memory only
	breaker *gobreaker.CircuitBreaker[breakable] // nil: no guards
	healthy atomic.Bool                          // the breaker is closed and the last call that it saw succeeded
}

// breakable is what a call returns.
type breakable struct {
	value []byte
	ok    bool
}

func newGuarded(store Store, name string, c Config, logger *slog.Logger) *backend {
	b := &backend{store: store, name: name, budget: c.Budget}
	var lastError error
	b.breaker = gobreaker.NewCircuitBreaker[breakable](gobreaker.Settings{
		Name:    name,
		Timeout: retryAfter,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return counts.ConsecutiveFailures >= breakAfter
		},
		IsSuccessful: func(err error) bool {
			if err != nil {
				lastError = err // under the breaker's lock, as is the next function
			}
			return err == nil
		},
		IsExcluded: func(err error) bool { return errors.As(err, new(callerLeft)) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case to == gobreaker.StateOpen && from == gobreaker.StateClosed:
				logger.Warn("cache store is unavailable; going on without it until it answers", "store", name, "error", lastError)
			case to == gobreaker.StateClosed:
				logger.Info("cache store is back", "store", name)
			}
		},
	})
	return b
}

// callerLeft is an error of a call whose caller did not wait, which says nothing about the store.
type callerLeft struct{ error }

func (e callerLeft) Unwrap() error { return e.error }

// do runs one call to the store. A store that never failed since it last worked is called directly: the breaker costs more than the rest of this package.
func (b *backend) do(ctx *budgeted, call func(context.Context) (breakable, error)) (breakable, error) {
	if b.healthy.Load() {
		result, err := call(ctx)
		if err == nil {
			return result, nil
		}
		err = explain(ctx, err)
		b.healthy.Store(false)
		_, _ = b.breaker.Execute(func() (breakable, error) { return breakable{}, err })
		return breakable{}, err
	}
	result, err := b.breaker.Execute(func() (breakable, error) {
		result, err := call(ctx)
		if err != nil {
			err = explain(ctx, err)
		}
		return result, err
	})
	if err == nil && b.breaker.State() == gobreaker.StateClosed {
		b.healthy.Store(true)
	}
	return result, err
}

// explain says whose fault an error is.
func explain(ctx *budgeted, err error) error {
	var timeout interface{ Timeout() bool }
	late := errors.Is(err, context.Canceled) || errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case late && ctx.theirs():
		return callerLeft{err}
	case late:
		return fmt.Errorf("%w: %w", errBudget, err)
	}
	return err
}
