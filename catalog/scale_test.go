package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// TestScale measures a portal on PostgreSQL with as many entities of about 25 search rows each as the environment variable CATALOG_SCALE says (750000 is the size to plan for; it takes ten minutes, 4 GB of memory and 10 GB of disk):
// time from start to ready, memory, and how long questions take of which each comes in a thousand versions, with ten changes a second meanwhile. It asserts no time.
//
//	CATALOG_SCALE=750000 go test -run TestScale -v -timeout 30m ./catalog
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("CATALOG_SCALE"))
	if err != nil {
		t.Skip("set CATALOG_SCALE to a number of entities")
	}
	server := databasetest.StartPostgres(t, "fsync=off", "shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=30min")
	name := server.Database(t)
	config := database.Config{Client: "pg", PluginDivisionMode: "schema", Connection: server.Connection(name)}
	folder := t.TempDir()
	text := fmt.Sprintf("app: {baseUrl: 'http://localhost:0'}\nbackend:\n  listen: 127.0.0.1:0\n  database: {client: pg, pluginDivisionMode: schema, connection: '%s'}\n", server.URL(name))
	if err := os.WriteFile(filepath.Join(folder, "app-config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() (catalogcommon.Client, catalognode.Connection, func()) {
		var client catalogcommon.Client
		connected := make(chan catalognode.Connection, 1)
		scale := pluginapi.Plugin{
			ID: "scale",
			Extensions: []pluginapi.Extension{catalognode.Providers.From("scale", catalognode.Provider{Name: "scale"}, func(ctx context.Context, to catalognode.Connection) error {
				connected <- to
				<-ctx.Done()
				return ctx.Err()
			})},
		}
		portal, err := core.New(core.Options{ConfigDir: folder, Environ: []string{}, Logger: slog.New(slog.DiscardHandler)}, catalog.Plugin(), asking(&client), scale)
		if err != nil {
			t.Fatal(err)
		}
		portal.Start(t.Context())
		<-portal.Settled()
		if err := portal.Ready(); err != nil {
			t.Fatal(err)
		}
		return client, <-connected, func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := portal.Stop(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	_, _, stop := start() // makes the tables
	stop()
	began := time.Now()
	fillStore(t, config, n)
	t.Logf("%d entities stored in %.0f s", n, time.Since(began).Seconds())

	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // forgets the peak
	before := processMemory(t)
	began = time.Now()
	client, to, stop := start()
	defer stop()
	t.Logf("ready after %.1f s; memory before %s, then %s", time.Since(began).Seconds(), before, processMemory(t))

	writing, done := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; writing.Err() == nil; i++ {
			entity := &catalogcommon.Entity{}
			if err := json.Unmarshal([]byte(strings.Replace(scaleEntity(i*7919%n, n).Body, "Takes care", fmt.Sprintf("Version %d takes care", i), 1)), entity); err != nil {
				t.Error(err)
			}
			if err := to.Delta(writing, []catalognode.Deferred{{Entity: entity}}, nil); err != nil && writing.Err() == nil {
				t.Error(err)
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-writing.Done():
			}
		}
	})
	ctx := pluginapi.WithPrincipal(t.Context(), pluginapi.Guest())
	byName := []catalogcommon.Order{{Field: "metadata.name", Direction: catalogcommon.Ascending}}
	component := map[string]any{"kind": "component"}
	region := func(i int) map[string]any {
		return map[string]any{"metadata.labels.example.com/cost-center": map[string]any{"$in": []any{fmt.Sprintf("cc-%d", i%50), fmt.Sprintf("cc-%d", i/50)}}}
	}
	owner := func(i int) map[string]any {
		return map[string]any{"relations.ownedBy": scaleTeam(i*37, n)}
	}
	all := func(predicates ...any) map[string]any { return map[string]any{"$all": predicates} }
	query := func(request catalogcommon.QueryRequest) (int, error) {
		page, err := client.QueryEntities(ctx, request)
		return max(len(page.Items), page.TotalItems), err
	}
	cursors := make([]string, 1000)
	for _, shape := range []struct {
		name string
		ask  func(i int) (int, error)
	}{
		{"components by name, a page at an offset", func(i int) (int, error) {
			page, err := client.QueryEntities(ctx, catalogcommon.QueryRequest{Query: component, OrderBy: byName, Offset: i * (n * 7 / 10) / 1000, Limit: new(20), Total: catalogcommon.TotalExclude})
			cursors[i] = page.PageInfo.NextCursor
			return len(page.Items), err
		}},
		{"components by name, a page at a cursor", func(i int) (int, error) {
			return query(catalogcommon.QueryRequest{Cursor: cursors[i], Limit: new(20)})
		}},
		{"components by name, first page of two cost centers", func(i int) (int, error) {
			return query(catalogcommon.QueryRequest{Query: all(component, region(i)), OrderBy: byName, Limit: new(20)})
		}},
		{"count of components of two cost centers", func(i int) (int, error) {
			return query(catalogcommon.QueryRequest{Query: all(component, region(i)), Limit: new(0)})
		}},
		{"components by type, of two cost centers", func(i int) (int, error) {
			facets, err := client.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{"spec.type"}, Query: all(component, region(i))})
			return len(facets["spec.type"]), err
		}},
		{"ordered $any of an owner and two cost centers with a tag", func(i int) (int, error) {
			return query(catalogcommon.QueryRequest{Query: map[string]any{"$any": []any{owner(i), all(region(i), map[string]any{"metadata.tags": scaleTag(i)})}}, OrderBy: byName, Limit: new(20)})
		}},
		{"of one owner", func(i int) (int, error) {
			return query(catalogcommon.QueryRequest{Query: owner(i), OrderBy: byName, Limit: new(20)})
		}},
	} {
		var first, times []time.Duration
		for round := range 3 {
			for i := range 1000 {
				began := time.Now()
				found, err := shape.ask(i)
				if err != nil || found == 0 {
					t.Fatalf("%s, %d: %d found, error %v", shape.name, i, found, err)
				}
				if took := time.Since(began); round == 0 {
					first = append(first, took)
				} else {
					times = append(times, took)
				}
			}
		}
		slices.Sort(first)
		slices.Sort(times)
		at := func(times []time.Duration, percent int) float64 {
			return float64(times[(len(times)-1)*percent/100].Microseconds()) / 1000
		}
		t.Logf("%-56s p50 %.3f ms, p99 %.3f ms, most %.3f ms; asked for the first time p99 %.3f ms, most %.3f ms", shape.name, at(times, 50), at(times, 99), at(times, 100), at(first, 99), at(first, 100))
	}
	done()
	writer.Wait()
	t.Logf("memory afterwards %s", processMemory(t))
}

// fillStore stores entities by the functions that ingestion uses, less what comes before them.
func fillStore(t *testing.T, config database.Config, n int) {
	t.Helper()
	databases, err := database.Open(database.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = databases.Close(context.Background()) }()
	db, err := databases.For("catalog")
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(db)
	const batch = 2000
	inTwo := func(work func(worker int) error) {
		t.Helper()
		failures := make(chan error, 2)
		for worker := range 2 {
			go func() { failures <- work(worker) }()
		}
		if err := errors.Join(<-failures, <-failures); err != nil {
			t.Fatal(err)
		}
	}
	inTwo(func(worker int) error {
		for from := worker * batch; from < n; from += 2 * batch {
			m := store.Mutation{Source: "scale"}
			for i := from; i < min(n, from+batch); i++ {
				m.Added = append(m.Added, scaleEntity(i, n))
			}
			if _, _, err := s.Mutate(t.Context(), m); err != nil {
				return err
			}
		}
		return nil
	})
	inTwo(func(int) error {
		for taken := 1; taken > 0; {
			var err error
			if taken, _, err = s.Stitch(t.Context(), batch, false, scaleFinal); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := db.ExecContext(t.Context(), "analyze"); err != nil {
		t.Fatal(err)
	}
}

// scaleFinal puts an entity together.
func scaleFinal(p *store.Parts) store.Final {
	relations := make([]catalogcommon.Relation, len(p.Relations))
	for i, r := range p.Relations {
		relations[i] = catalogcommon.Relation{Type: r.Type, TargetRef: r.Target}
	}
	text, err := catalogcommon.AppendJSON(nil, relations)
	if err != nil {
		return store.Final{Fault: err.Error()}
	}
	body := strings.Replace(p.Body, `,"spec":`, `,"relations":`+string(text)+`,"spec":`, 1)
	return store.Final{Hash: p.UID, ETag: p.UID, Body: []byte(strings.Replace(body, `"namespace":"default"`, `"namespace":"default","uid":"`+p.UID+`"`, 1))}
}

var (
	scaleKinds = []string{"Group", "System", "System", "API", "API", "API", "Resource", "Resource", "Resource", "Resource"} // of the first of each hundred; the rest are components
	scaleNouns = strings.Fields("account basket booking cart charge claim contract courier customer depot fleet freight gateway invoice ledger loyalty market message notice order parcel partner payment permit pricing profile quote rating refund route search session shipment signal stock supplier tariff ticket tracking vehicle voucher wallet")
	scaleTypes = []string{"service", "website", "library", "job", "service"}
)

func scaleTag(i int) string { return "tag-" + strconv.Itoa(i%30) }

func scaleTeam(i, n int) string { return fmt.Sprintf("group:default/team-%d", i%((n+99)/100)) }

// scaleEntity is number i of n entities of a company, with the outcome of processing it.
func scaleEntity(i, n int) store.Child {
	kind, name := "Component", fmt.Sprintf("%s-%s-%d", scaleNouns[i*31%len(scaleNouns)], scaleNouns[i*17/7%len(scaleNouns)], i)
	if i%100 < len(scaleKinds) {
		kind = scaleKinds[i%100]
	}
	team, system := scaleTeam(i*7919+i/100, n), fmt.Sprintf("system:default/system-%d", (i*104729+i/100)%n/100*100+1)
	spec := map[string]any{"type": scaleTypes[i/3%len(scaleTypes)], "lifecycle": []string{"production", "experimental"}[i/7%2], "owner": team, "system": system}
	switch kind {
	case "Group":
		name, spec = fmt.Sprintf("team-%d", i/100), map[string]any{"type": "team", "children": []any{}}
	case "System":
		name, spec = fmt.Sprintf("system-%d", i), map[string]any{"owner": team}
	}
	words := make([]string, 24)
	for w := range words {
		words[w] = scaleNouns[(i*(w+3)+w*w)%len(scaleNouns)]
	}
	body, err := catalogcommon.AppendJSON(nil, map[string]any{
		"apiVersion": "backstage.io/v1alpha1", "kind": kind, "spec": spec,
		"metadata": map[string]any{
			"name": name, "namespace": "default", "title": strings.ToUpper(name[:1]) + name[1:], "description": "Takes care of " + strings.Join(words, ", ") + ".",
			"annotations": map[string]any{
				"backstage.io/managed-by-location": "url:https://git.example.com/acme/" + name + "/catalog-info.yaml", "backstage.io/managed-by-origin-location": "url:https://git.example.com/acme/all.yaml",
				"example.com/slug": "acme/" + name, "example.com/pager": fmt.Sprintf("P%08X", i*2654435761%(1<<32)), "example.com/build": fmt.Sprintf("%d.%d", i%97, i),
			},
			"labels": map[string]any{"example.com/cost-center": fmt.Sprintf("cc-%d", i*7%50), "example.com/region": []string{"eu-west", "us-east", "ap-south"}[i/11%3], "example.com/tier": fmt.Sprintf("t%d", i/13%4)},
			"tags":   []any{scaleTag(i), scaleTag(i/30 + 7), scaleTag(i/900 + 13)},
			"links":  []any{map[string]any{"url": "https://dash.example.com/d/" + name, "title": "Dashboard"}, map[string]any{"url": "https://docs.example.com/" + name, "title": "Guide"}},
		},
	})
	if err != nil {
		panic(err) // cannot be: texts
	}
	ref := strings.ToLower(kind) + ":default/" + name
	child := store.Child{Ref: ref, Body: string(body), Hash: strconv.Itoa(i), LocationKey: "provider:scale"}
	child.Outcome = &store.Result{Hash: strconv.Itoa(i), Body: child.Body, AsIs: true}
	if spec["owner"] != nil {
		child.Outcome.Relations = append(child.Outcome.Relations, store.Relation{Source: ref, Type: "ownedBy", Target: team}, store.Relation{Source: team, Type: "ownerOf", Target: ref})
	}
	if spec["system"] != nil {
		child.Outcome.Relations = append(child.Outcome.Relations, store.Relation{Source: ref, Type: "partOf", Target: system}, store.Relation{Source: system, Type: "hasPart", Target: ref})
	}
	slices.SortFunc(child.Outcome.Relations, func(a, b store.Relation) int { return strings.Compare(a.Source, b.Source) })
	return child
}

// processMemory is the resident memory of this process, and its peak.
func processMemory(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	var parts []string
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "VmRSS:" || f[0] == "VmHWM:") {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, fmt.Sprintf("%s %d MB", f[0], kb>>10))
		}
	}
	return strings.Join(parts, ", ")
}
