package catalog_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// counting counts what it is asked about reading entities, which it denies.
type counting struct{ asked atomic.Int64 }

func (c *counting) Authorize(_ context.Context, permission pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	if permission.Name == catalogcommon.PermissionEntityRead {
		c.asked.Add(1)
		return pluginapi.Decision{}, nil
	}
	return pluginapi.Decision{Effect: pluginapi.Allow}, nil
}

// TestDeniedStreamRests follows the change log as somebody who may see nothing of it.
func TestDeniedStreamRests(t *testing.T) {
	t.Parallel()
	var authorizer counting
	p := start(t, plugintest.Options{Authorizer: &authorizer})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+api+"/changes/stream?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	time.Sleep(300 * time.Millisecond) // too short for anything but going round and round
	if n := authorizer.asked.Load(); n > 20 {
		t.Errorf("nothing happens, and the permission was asked for %d times", n)
	}
}
