package catalog_test

import (
	"context"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestAProcessorThatStartsLate has a processor of a plugin that starts later than the catalog, which waits for it instead of failing every entity until the next look at all.
func TestAProcessorThatStartsLate(t *testing.T) {
	t.Parallel()
	late := stamps()
	late.Extensions = append(late.Extensions, pluginapi.Starts.From("slowly", pluginapi.Start{}, func(ctx context.Context) error {
		select {
		case <-time.After(500 * time.Millisecond): // by far enough for the catalog to come first
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
	p := start(t, plugintest.Options{}, late)
	var till catalogcommon.Entity
	p.Get(api + "/entities/by-name/component/default/till").Want(200).JSON(&till)
	if till.Metadata.Title != "ab" {
		t.Errorf("stamped %q", till.Metadata.Title)
	}
}
