package cache

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The breaker opens when so many calls in a row have failed, and then lets one call through each second.
const (
	breakAfter = 5
	retryAfter = time.Second
)

// errBudget is why a call's context ended when it was the store's fault, not the caller's.
var errBudget = errors.New("the cache store did not answer within its budget")

// backend is a store with the guards it needs. Memory needs none.
type backend struct {
	store   Store
	name    string
	budget  time.Duration                        // zero: no guards
	breaker *gobreaker.CircuitBreaker[breakable] // nil: no guards
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

// with returns ctx with the budget as its deadline.
func (b *backend) with(ctx context.Context) (context.Context, context.CancelFunc) {
	if b.budget == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, b.budget, errBudget)
}

// do runs one call to the store. ctx comes from with, caller is the context that with was given.
func (b *backend) do(ctx, caller context.Context, call func(context.Context) (breakable, error)) (breakable, error) {
	if b.breaker == nil {
		return call(ctx)
	}
	return b.breaker.Execute(func() (breakable, error) {
		result, err := call(ctx)
		if err != nil && impatient(ctx, caller, err) {
			err = callerLeft{err}
		}
		return result, err
	})
}

// impatient reports whether a call failed because the caller left, or because the caller's own deadline came before the budget's.
func impatient(ctx, caller context.Context, err error) bool {
	if caller.Err() != nil {
		return true
	}
	theirs, limited := caller.Deadline()
	ours, _ := ctx.Deadline()
	if !limited || theirs.After(ours) {
		return false
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
