package databasetest_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func TestConform(t *testing.T) {
	t.Parallel()
	for _, e := range databasetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			databasetest.Conform(t, func(t *testing.T) *database.Databases { return databasetest.New(t, e) })
		})
	}
}
