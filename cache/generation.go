package cache

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"
)

// A generation is the part of a namespace's keys that clearing changes. It is kept in the store, so that all replicas use the same, and looked up again once a second.
// Each is new, by time and chance: when the store loses it, no old one comes back, and with it entries that were cleared.
const (
	lookAfter     = time.Second
	generationTTL = 30 * 24 * time.Hour // as long as memcached takes
)

type generations struct {
	known   atomic.Pointer[generation]
	looking atomic.Bool
	first   chan struct{} // held by who looks for the first time
}

type generation struct {
	name string
	at   time.Time // when it was looked up
}

// generation returns the namespace's, as it was at most a second ago unless it has to be fresh. An error means that it could not be looked up.
func (n *namespace) generation(ctx *budgeted, fresh bool) (string, error) {
	known := n.generations.known.Load()
	switch {
	case known == nil:
		select { // several who found none would make several
		case n.generations.first <- struct{}{}:
			defer func() { <-n.generations.first }()
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		if known = n.generations.known.Load(); known != nil {
			return known.name, nil
		}
	case fresh:
	case time.Since(known.at) < lookAfter || !n.generations.looking.CompareAndSwap(false, true):
		return known.name, nil
	default:
		defer n.generations.looking.Store(false)
	}
	result, err := n.backend.do(ctx, func(ctx context.Context) (r breakable, err error) {
		r.value, r.ok, err = n.store.Get(ctx, n.generationKey())
		return r, err
	})
	if err != nil {
		return "", err
	}
	if !result.ok || len(result.value) == 0 || len(result.value) > maxGeneration {
		if err := n.renew(ctx); err != nil {
			return "", err
		}
		return n.generations.known.Load().name, nil
	}
	// Not when the namespace was cleared meanwhile.
	n.generations.known.CompareAndSwap(known, &generation{string(result.value), time.Now()})
	return string(result.value), nil
}

const maxGeneration = 16

// renew starts a new generation.
func (n *namespace) renew(ctx *budgeted) error {
	name := strconv.FormatInt(time.Now().UnixNano()/1000, 36) + strconv.FormatInt(rand.Int64N(36*36*36), 36)
	_, err := n.backend.do(ctx, func(ctx context.Context) (breakable, error) {
		return breakable{}, n.store.Set(ctx, n.generationKey(), []byte(name), generationTTL)
	})
	if err != nil {
		return err
	}
	n.generations.known.Store(&generation{name, time.Now()})
	return nil
}

func (n *namespace) generationKey() string { return n.prefix + "generation" }
