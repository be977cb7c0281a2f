package api

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// silent is a database that takes questions and never answers.
type silent struct{}

func (silent) Connect(context.Context) (driver.Conn, error) { return silent{}, nil }
func (silent) Driver() driver.Driver                        { return nil }
func (silent) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (silent) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (silent) Close() error                                 { return nil }
func (silent) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// running is a plugin that runs, and allows everything.
type running struct{}

func (running) ID() string                             { return "catalog" }
func (running) Available() error                       { return nil }
func (running) As(ctx context.Context) context.Context { return ctx }
func (running) Authorize(context.Context, pluginapi.Permission, string) (pluginapi.Decision, error) {
	return pluginapi.Decision{Effect: pluginapi.Allow}, nil
}

// TestAStreamDoesNotWaitForEver follows the change log of a database that does not answer. The request has no deadline.
func TestAStreamDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := sql.OpenDB(silent{})
		defer func() { _ = db.Close() }()
		catalog := access.New(store.New(sqlx.NewDb(db, "sqlite3")), index.New(index.Options{}), running{}, running{}, slog.New(slog.DiscardHandler), nil, nil)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/changes/stream?after=1", nil)
		ended := make(chan error, 1)
		go func() { ended <- New(catalog).changeStream(httptest.NewRecorder(), r) }()
		select {
		case err := <-ended:
			if status, _, message := pluginapi.Describe(err); status != http.StatusServiceUnavailable || message == "" {
				t.Errorf("%d: %v", status, err)
			}
		case <-time.After(time.Hour):
			t.Error("it still waits after an hour")
		}
	})
}
