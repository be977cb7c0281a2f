package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// A pipeline that is stopped in the middle of its work stops, and another one goes on at once.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	c := newCatalog(t, databasetest.New(t, databasetest.SQLite))
	c.start()
	c.stop()
	targets := ""
	for f := range 30 {
		text := ""
		for i := range 20 {
			text += component(fmt.Sprintf("service-%d-%d", f, i), fmt.Sprintf("team-%d", i)) + "---\n"
		}
		targets += fmt.Sprintf("./part-%d.yaml, ", f)
		c.write(fmt.Sprintf("part-%d.yaml", f), text)
	}
	root := c.write("catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  targets: ["+targets+"]\n")
	child, err := pipeline.LocationChild(catalogcommon.LocationRef{Type: "file", Target: root}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.pipeline.Mutate(t.Context(), mutation(child)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(20_000))*time.Microsecond)
		ended := make(chan error, 1)
		go func() { ended <- c.pipeline.Run(ctx) }()
		<-ctx.Done()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the pipeline does not stop")
		}
		cancel()
	}
	c.start()
	c.settle()
	if got := c.index.Len(); got != 602 {
		t.Errorf("%d entities, want 602\n%s", got, c.log)
	}
	if found, err := c.store.Reconcile(t.Context()); err != nil || found != 0 {
		t.Errorf("%d entities were lost, %v", found, err)
	}
}
