package catalog_test

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func robot(owner string) map[string]any {
	return map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": "Kiosk"}, "spec": map[string]any{"type": "service", "lifecycle": "production", "owner": owner}}
}

func TestWritingDirectly(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	path := api + "/entities/by-name/component/default/kiosk"
	var entity catalogcommon.Entity
	p.Do(http.MethodPut, path, http.Header{"If-None-Match": {"*"}}, robot("sea")).Want(201).JSON(&entity)
	if len(entity.Targets("ownedBy")) != 1 || entity.Metadata.ETag == "" {
		t.Errorf("written: %+v", entity)
	}
	p.Do(http.MethodPut, path, http.Header{"If-None-Match": {"*"}}, robot("sea")).Want(412)
	p.Do(http.MethodPut, path, http.Header{"If-Match": {`"other"`}}, robot("land")).Want(412)
	etag := entity.Metadata.ETag
	p.Do(http.MethodPut, path, http.Header{"If-Match": {`"` + etag + `"`}}, robot("land")).Want(200).JSON(&entity)
	if got := entity.SpecString("owner"); got != "land" || entity.Metadata.ETag == etag {
		t.Errorf("changed: %+v", entity)
	}
	var seen catalogcommon.Entity
	p.Get(path).Want(200).JSON(&seen) // who wrote it sees it
	if seen.Metadata.ETag != entity.Metadata.ETag {
		t.Errorf("read: %+v", seen)
	}
	invalid := robot("sea")
	delete(invalid["spec"].(map[string]any), "type")
	p.Do(http.MethodPut, path, nil, invalid).Want(400)
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/other", nil, robot("sea")).Want(400)
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/till", nil, map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": "till"}, "spec": map[string]any{"type": "a", "lifecycle": "b", "owner": "c"}}).Want(409)
	p.Do(http.MethodDelete, api+"/entities/by-name/component/default/till", nil, nil).Want(409)
	p.Do(http.MethodDelete, path, http.Header{"If-Match": {"wrong"}}, nil).Want(412)
	p.Do(http.MethodDelete, path, nil, nil).Want(204)
	p.Get(path).Want(404)
	p.Do(http.MethodDelete, path, nil, nil).Want(404)
}

func TestGraph(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var graph struct {
		Nodes []struct {
			EntityRef string                `json:"entityRef"`
			Depth     int                   `json:"depth"`
			Entity    *catalogcommon.Entity `json:"entity"`
		} `json:"nodes"`
		Edges     []struct{ Source, Type, Target string } `json:"edges"`
		Truncated bool                                    `json:"truncated"`
	}
	p.Get(api + "/entities/graph?root=Component:shop&depth=2&type=ownedBy,ownerOf&fields=kind").Want(200).JSON(&graph)
	var refs []string
	for _, node := range graph.Nodes {
		refs = append(refs, node.EntityRef)
	}
	slices.Sort(refs[1:])
	want(t, "nodes", refs, "component:default/shop", "component:default/till", "group:default/sea", "resource:default/db")
	if graph.Nodes[0].Entity.Kind != "Component" || len(graph.Edges) != 4 || graph.Truncated {
		t.Errorf("graph: %+v", graph)
	}
	p.Get(api + "/entities/graph").Want(400)
	p.Get(api + "/entities/graph?root=x").Want(400)
	p.Get(api + "/entities/graph?root=component:x&direction=up").Want(400)
}

func TestChangeLog(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	type change struct {
		Seq       int64
		Op        string
		EntityRef string
	}
	var page struct {
		Items []change
		Next  int64
		Last  int64
	}
	var all []change
	for {
		p.Get(api + "/changes?limit=2&after=" + itoa(page.Next)).Want(200).JSON(&page)
		if len(page.Items) == 0 {
			break
		}
		all = append(all, page.Items...)
	}
	created := map[string]bool{}
	for i, c := range all {
		if c.Seq != int64(i+1) {
			t.Errorf("change %d has number %d", i, c.Seq)
		}
		if c.Op == "create" && created[c.EntityRef] {
			t.Errorf("%s is created twice", c.EntityRef)
		}
		created[c.EntityRef] = true
	}
	if !created["component:default/shop"] || page.Last != int64(len(all)) {
		t.Errorf("changes: %+v, last %d\n%s", all, page.Last, p.Log())
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+api+"/changes/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", itoa(page.Last-1))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	events := make(chan string, 16)
	go func() {
		defer close(events)
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				events <- id
			}
		}
	}()
	if got := <-events; got != itoa(page.Last) {
		t.Errorf("first event is %s, want %d", got, page.Last)
	}
	p.Do(http.MethodPut, api+"/entities/by-name/component/default/kiosk", nil, robot("sea")).Want(201)
	if got := <-events; got != itoa(page.Last+1) {
		t.Errorf("next event is %s, want %d", got, page.Last+1)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestWhy(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var record struct {
		Known, Visible bool
		Sources        []struct {
			EntityRef, File string
			Line            int
		}
		Hints []catalogcommon.ErrorInfo
	}
	p.Get(api + "/ingestion/by-name/component/default/till").Want(200).JSON(&record)
	if !record.Known || !record.Visible || len(record.Sources) != 1 || record.Sources[0].File != "embedded:all.yaml" || record.Sources[0].Line != 9 {
		t.Errorf("record: %+v", record)
	}
	p.Get(api + "/ingestion/by-name/component/default/broken").Want(200).JSON(&record)
	if record.Known || len(record.Hints) != 1 || record.Hints[0].At == nil || record.Hints[0].At.Source != "embedded:all.yaml" {
		t.Errorf("record: %+v", record)
	}
	var problems struct {
		Items []struct{ Error catalogcommon.ErrorInfo }
	}
	p.Get(api + "/ingestion/problems").Want(200).JSON(&problems)
	if len(problems.Items) != 1 || problems.Items[0].Error.At.Line < 20 {
		t.Errorf("problems: %+v", problems)
	}
}

// TestUnprocessedTimes looks at an entity that nothing but a change can help, which has no next update: Backstage's page needs a time all the same.
func TestUnprocessedTimes(t *testing.T) {
	t.Parallel()
	const invalid = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: bad}\nspec: {type: service}\n"
	began := time.Now().Truncate(time.Millisecond)
	p := plugintest.StartWith(t, plugintest.Options{Config: configuration}, catalog.Plugin(catalog.Options{Embedded: fstest.MapFS{"all.yaml": {Data: []byte(invalid)}}}))
	var list struct {
		Entities []struct {
			Ref  string    `json:"entity_ref"`
			Next time.Time `json:"next_update_at"`
		}
	}
	p.Get(api + "/entities/unprocessed/failed").Want(200).JSON(&list)
	if len(list.Entities) != 1 || list.Entities[0].Ref != "component:default/bad" || list.Entities[0].Next.Before(began) || list.Entities[0].Next.After(time.Now()) {
		t.Errorf("failed since %s: %+v", began, list)
	}
}

func TestUnprocessed(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	var list struct {
		Type     string
		Entities []map[string]any
	}
	p.Get(api + "/entities/unprocessed/failed").Want(200).JSON(&list)
	if list.Type != "failed" || list.Entities == nil || len(list.Entities) != 0 {
		t.Errorf("failed: %+v", list)
	}
	p.Get(api + "/entities/unprocessed/pending?owner=sea").Want(200)
}
