package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// PanicError is the error that a panic became.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells the panic's value; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("panicked: %v", e.Value) }

// StackTrace returns the stack of the goroutine that panicked.
func (e *PanicError) StackTrace() []byte { return e.Stack }

// call runs fn and turns whatever may happen to its goroutine into an error.
func call(ctx context.Context, fn func(context.Context) error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	err = fn(ctx)
	returned = true
	return err
}

// goCall runs call in a goroutine of its own, which sends exactly one value to the channel it returns, even if fn ends the goroutine.
func goCall(ctx context.Context, fn func(context.Context) error) <-chan error {
	result := make(chan error, 1)
	go func() {
		err := errors.New("ended its goroutine instead of returning")
		defer func() { result <- err }()
		err = call(ctx, fn)
	}()
	return result
}

// errAttrs describes err for the log, with the stack if it was a panic, whoever caught that.
func errAttrs(err error) []slog.Attr {
	attrs := []slog.Attr{slog.Any("error", err)}
	var traced interface{ StackTrace() []byte }
	if errors.As(err, &traced) {
		attrs = append(attrs, slog.String("stack", string(traced.StackTrace())))
	}
	return attrs
}

// backoff counts pauses that grow.
type backoff struct {
	first, max time.Duration
	failures   int
}

// next returns a pause: the first one doubled for each failure before, at most max, give or take a fifth, so that what failed together is not tried again together.
func (b *backoff) next() time.Duration {
	pause := b.max
	if b.failures < 30 {
		pause = min(b.first<<b.failures, b.max)
	}
	b.failures++
	return time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
}

func (b *backoff) reset() { b.failures = 0 }

// sleep waits, and reports whether ctx lasted.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}
