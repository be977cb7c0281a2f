package databasetest

import (
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// Conform tests that an engine does what package database promises. open returns databases that nobody else uses.
func Conform(t *testing.T, open func(t *testing.T) *database.Databases) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *database.Databases){
		"HandlesAreStable":      handlesAreStable,
		"SameStatements":        sameStatements,
		"TimesAreUTC":           timesAreUTC,
		"Dialect":               dialectExpressions,
		"Violations":            violations,
		"PreparedStatements":    preparedStatements,
		"BulkInsert":            bulkInsert,
		"NestedQueries":         nestedQueries,
		"TxKeepsOrUndoes":       txKeepsOrUndoes,
		"TxEndsWithContext":     txEndsWithContext,
		"ReadTx":                readTx,
		"ReadersAndWriters":     readersAndWriters,
		"WaitsKeepDeadlines":    waitsKeepDeadlines,
		"PluginsAreApart":       pluginsAreApart,
		"Migrate":               migrate,
		"MigrateOnce":           migrateOnce,
		"FailedMigration":       failedMigration,
		"NewerSchema":           newerSchema,
		"MigrationFilesAreRead": migrationFiles,
		"Signals":               signals,
		"SignalsStayApart":      signalsStayApart,
		"Leases":                leases,
		"CloseEndsListening":    closeEndsListening,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// prepared returns the handle of a plugin whose database is there.
func prepared(t *testing.T, d *database.Databases, id string) *sqlx.DB {
	t.Helper()
	db, err := d.For(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return db
}

func mustExec(t *testing.T, db sqlx.ExecerContext, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func get[T any](t *testing.T, db sqlx.QueryerContext, text string, args ...any) T {
	t.Helper()
	var value T
	if err := sqlx.GetContext(t.Context(), db, &value, text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func handlesAreStable(t *testing.T, d *database.Databases) {
	a, err := d.For("a")
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.For("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.For("b")
	if err != nil {
		t.Fatal(err)
	}
	if a != again || a == b {
		t.Errorf("For(a) = %p, then %p; For(b) = %p", a, again, b)
	}
	if _, err := d.For("../a"); err == nil {
		t.Error("an id that leaves its folder was taken")
	}
	for range 2 {
		if err := d.Prepare(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Ping(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}
