package supervisor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

// untilEnd is a hook that heeds its context.
func untilEnd(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// started makes and starts a supervisor, in a synctest bubble, and stops it at the end.
func started(t *testing.T, s supervisor.Settings) *supervisor.Supervisor {
	t.Helper()
	sup, err := supervisor.New(s)
	if err != nil {
		t.Fatal(err)
	}
	sup.Start(t.Context())
	t.Cleanup(func() { _ = sup.Stop(context.Background()) })
	synctest.Wait()
	return sup
}

func wantState(t *testing.T, sup *supervisor.Supervisor, id string, want supervisor.State) {
	t.Helper()
	synctest.Wait()
	if got := sup.State(id); got != want {
		t.Errorf("%s is %q, want %q", id, got, want)
	}
}

func settled(sup *supervisor.Supervisor) bool {
	synctest.Wait()
	select {
	case <-sup.Settled():
		return true
	default:
		return false
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// pass lets time pass, and what is due then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
