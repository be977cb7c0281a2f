package catalog_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// Two portals share a database, and again and again the sessions over which they hear of each other are cut. Neither misses anything.
func TestPortalsThatMissSignals(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	config := databaseConfig(o) + "catalog: {processingInterval: {hours: 10}, rules: [{allow: [Component]}]}\n"
	portals := [2]*plugintest.Portal{plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin()), plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin())}
	server, name := databasetest.Postgres(t), o.Config.Connection.Database
	cut := 0
	const writes = 24
	for i := range writes {
		cut += len(server.Query(t, name, `select pg_terminate_backend(pid)::text from pg_stat_activity where datname = $1 and query ilike 'listen%'`, name))
		entity := fmt.Sprint("service-", i%10)
		path := api + "/entities/by-name/component/default/" + entity
		portals[i%2].Do(http.MethodPut, path, nil, map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": entity},
			"spec": map[string]any{"type": "service", "lifecycle": "production", "owner": fmt.Sprint("team-", i)}})
	}
	if cut == 0 {
		t.Error("no session was cut")
	}
	var page struct{ Last int64 }
	portals[0].Eventually("both have all changes", func() bool {
		portals[0].Get(api + "/changes?limit=1").Want(200).JSON(&page)
		first := page.Last
		portals[1].Get(api + "/changes?limit=1").Want(200).JSON(&page)
		return first == page.Last && first >= writes
	})
	one, other := portals[0].Get(api+"/entities?order=asc:metadata.name").Want(200), portals[1].Get(api+"/entities?order=asc:metadata.name").Want(200)
	if string(one.Body) != string(other.Body) {
		t.Errorf("one has\n%s\nthe other\n%s", one.Body, other.Body)
	}
	t.Logf("%d sessions were cut", cut)
}
