package catalog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

const (
	crashTimes = "PROSCENIUM_TEST_CRASHES"      // how often to kill, on each engine; default 10
	crashFiles = "PROSCENIUM_TEST_CRASH_CONFIG" // set in the process that is to be killed: its configuration
	crashFrom  = "PROSCENIUM_TEST_CRASH_FROM"   // the number of the provider's first write
	crashRound = "PROSCENIUM_TEST_CRASH_ROUND"  // the number of the last migration
)

// TestCrashes kills a portal at random moments, again and again: while it migrates, starts, ingests files and what a provider brings, and answers requests that write. Afterwards everything that it ever confirmed must be there, the change
// log must be whole, and the index must say what the store says. With PROSCENIUM_TEST_CRASHES=200 it is killed so often on each engine.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, engine := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			w := newWrites(t, databasetest.Options(t, engine))
			died := map[string]int{}
			times := timesToCrash(t, 10)
			for w.round = 1; w.round <= times; w.round++ {
				died[w.crash()]++
			}
			t.Logf("it was killed while it %v", died)
			w.verify()
		})
	}
}

// TestDatabaseCrashes kills not the portal but processes of the database server, which then ends all of its sessions and recovers from its log. The portal goes on by itself.
func TestDatabaseCrashes(t *testing.T) {
	t.Parallel()
	server := databasetest.StartPostgres(t)
	name := server.Database(t)
	w := newWrites(t, database.Options{Config: database.Config{Client: "pg", PluginDivisionMode: "schema", Connection: server.Connection(name)}})
	w.mayFail = true
	v := w.startVictim()
	v.until("serves")
	for range min(20, timesToCrash(t, 3)) {
		ctx, cancel := context.WithCancel(t.Context())
		stop := w.write(ctx, v.url)
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
		pids := server.Query(t, name, "select pid::text from pg_stat_activity where backend_type = 'client backend' and datname = $1 and pid <> pg_backend_pid()", name)
		if len(pids) == 0 {
			t.Fatal("the portal has no session")
		}
		pid, err := strconv.Atoi(pids[rand.IntN(len(pids))])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // requests meet a database that recovers
		cancel()
		stop()
		for deadline := time.Now().Add(time.Minute); w.request(t.Context(), "POST", v.url+api+"/refresh", map[string]string{"entityRef": "location:default/groups"}) != 200; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the portal does not come back\n%s", v.log())
			}
		}
	}
	v.kill()
	w.verify()
}

func timesToCrash(t *testing.T, otherwise int) int {
	t.Helper()
	text := os.Getenv(crashTimes)
	if text == "" {
		return otherwise
	}
	times, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s is no number", crashTimes, text)
	}
	return times
}

// crash runs the portal, writes to it, and kills it. It returns what the portal did at that moment.
func (w *writes) crash() string {
	w.t.Helper()
	v := w.startVictim()
	switch w.round % 2 {
	case 0: // while it migrates, or before or after that
		v.until("starts")
		time.Sleep(rand.N(w.starting + 10*time.Millisecond))
	case 1: // while it serves
		v.until("starts")
		began := time.Now()
		v.until("serves")
		w.starting = time.Since(began)
		stop := w.write(w.t.Context(), v.url)
		time.Sleep(50*time.Millisecond + rand.N(500*time.Millisecond))
		v.kill()
		stop()
	}
	v.kill()
	return v.stage
}

// crasher is a portal whose provider writes without end, and whose every start has something to migrate.
func crasher(from, round int) []pluginapi.Plugin {
	c := catalog.Plugin()
	c.Migrations = migrating{c.Migrations, round}
	return []pluginapi.Plugin{c, {
		ID: "crasher",
		Extensions: []pluginapi.Extension{
			catalognode.Providers.From("numbers", catalognode.Provider{Name: "numbers"}, func(ctx context.Context, to catalognode.Connection) error {
				for number := from; from > 0; number++ {
					name := providedName(number)
					fmt.Printf("\ntries %d\n", number)
					if number%7 == 0 { // now and then one goes, and comes back with its next version
						if err := to.Delta(ctx, nil, []catalogcommon.Ref{{Kind: "Component", Name: name}}); err != nil {
							return err
						}
					}
					var entity catalogcommon.Entity
					if err := json.Unmarshal([]byte(versioned(name, number)), &entity); err != nil {
						return err
					}
					if err := to.Delta(ctx, []catalognode.Deferred{{Entity: &entity}}, nil); err != nil {
						return err
					}
					fmt.Printf("\nwrote %d\n", number)
				}
				return nil
			}),
		},
	}}
}

func providedName(number int) string { return fmt.Sprintf("provided-%d", number%15) }

// migrating adds migrations of some milliseconds each: number n makes table migrated_n of what the one before it left.
type migrating struct {
	fs.FS
	count int
}

const migratedRows = 4000

func (m migrating) files() fs.FS {
	files := fstest.MapFS{}
	err := fs.WalkDir(m.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(m.FS, path)
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		return m.FS
	}
	const rows = "with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) select i, 'row ' || i from n"
	for n := 1; n <= m.count; n++ {
		from := fmt.Sprintf(rows, migratedRows)
		drop := ""
		if n > 1 {
			from = fmt.Sprintf("select id, title from migrated_%d", n-1)
			drop = fmt.Sprintf("drop table migrated_%d;\n", n-1)
		}
		files[fmt.Sprintf("%d_migrated.sql", 90000+n)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"-- +goose Up\ncreate table migrated_%[1]d (id bigint primary key, title text not null);\ninsert into migrated_%[1]d (id, title) %[2]s;\ncreate index migrated_%[1]d_title on migrated_%[1]d (title);\n%[3]s", n, from, drop)}
	}
	return files
}

func (m migrating) Open(name string) (fs.File, error) { return m.files().Open(name) }

// TestCrashVictim is not a test of its own: others run it in a process, and kill that.
func TestCrashVictim(t *testing.T) {
	config := os.Getenv(crashFiles)
	if config == "" {
		t.Skip("it is run by TestCrashes")
	}
	from, _ := strconv.Atoi(os.Getenv(crashFrom))
	round, _ := strconv.Atoi(os.Getenv(crashRound))
	portal, err := core.New(core.Options{ConfigFiles: []string{config}, Logger: slog.New(slog.NewTextHandler(os.Stdout, nil))}, crasher(from, round)...)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal(portal.Serve(t.Context(), listener))
}

// victim is the process that is to be killed.
type victim struct {
	t       *testing.T
	command *exec.Cmd
	stages  chan string   // what it does, as it begins to
	ended   chan struct{} // its output is read to the end
	url     string        // valid once it starts
	stage   string        // valid once it was killed
	lines   []string      // valid once it was killed
}

func (w *writes) startVictim() *victim {
	w.t.Helper()
	v := &victim{t: w.t, stages: make(chan string, 8), ended: make(chan struct{}), stage: "was launched"}
	v.command = exec.Command(os.Args[0], "-test.run=^TestCrashVictim$", "-test.count=1")
	v.command.Env = append(os.Environ(), crashFiles+"="+w.config, crashFrom+"="+strconv.Itoa(w.provided+1), crashRound+"="+strconv.Itoa(w.round))
	v.command.Stderr = os.Stderr
	out, err := v.command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := v.command.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(v.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line := lines.Text()
			v.note(line)
			w.provides(line)
		}
	}()
	w.t.Cleanup(v.kill)
	return v
}

// note finds out from a line of its output what it does.
func (v *victim) note(line string) {
	before := v.stage
	switch {
	case strings.Contains(line, `msg="portal listens"`):
		_, url, _ := strings.Cut(line, "url=")
		v.url, v.stage = strings.TrimSuffix(strings.Fields(url)[0], "/"), "starts"
	case strings.Contains(line, `msg="database migrated"`):
		v.stage = "ingests before it serves"
	case strings.Contains(line, `msg="portal is ready"`):
		v.stage = "serves"
	case strings.Contains(line, "level=ERROR"):
		v.lines = append(v.lines, line)
	}
	if v.stage != before {
		v.stages <- v.stage
	}
}

// until waits until it does something.
func (v *victim) until(stage string) {
	v.t.Helper()
	patience := time.After(time.Minute)
	for {
		select {
		case now := <-v.stages:
			if now == stage {
				return
			}
		case <-v.ended:
			v.t.Fatalf("the portal ended by itself: %v", v.lines)
		case <-patience:
			v.t.Fatalf("the portal does not come to where it %s", stage)
		}
	}
}

func (v *victim) kill() {
	_ = v.command.Process.Kill()
	<-v.ended
	_ = v.command.Wait() // it was killed
}

func (v *victim) log() string {
	v.kill()
	return strings.Join(v.lines, "\n")
}

// verify starts the portal once more, lets it finish what was begun, writes a little, and compares what it answers, what it stores, and what was confirmed.
func (w *writes) verify() {
	t := w.t
	t.Helper()
	config, err := os.ReadFile(w.config)
	if err != nil {
		t.Fatal(err)
	}
	p := plugintest.StartWith(t, plugintest.Options{Config: string(config)}, crasher(0, w.round)...)
	stop := w.write(t.Context(), p.URL)
	time.Sleep(200 * time.Millisecond)
	stop()
	db, err := databasetest.Open(t, w.options).For("catalog")
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(db)
	settled := func() bool {
		due, err := s.DueBefore(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		last, err := s.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var page struct{ Last int64 }
		p.Get(api + "/changes?limit=1&after=" + itoa(last)).Want(200).JSON(&page)
		return !due && page.Last >= last
	}
	quiet := 0
	p.Eventually("the portal comes to rest", func() bool { // a claim that was held by the one who died has to run out
		if quiet++; !settled() {
			quiet = 0
		}
		return quiet == 10
	})

	entities := map[string]*catalogcommon.Entity{}
	bodies := map[string]string{}
	_, err = s.Load(t.Context(), func(ref, _ string, body []byte) error {
		bodies[ref] = string(body)
		entities[ref] = &catalogcommon.Entity{}
		return json.Unmarshal(body, entities[ref])
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d writes were confirmed, %d were under way; %d entities", w.confirmed, w.doubtful, len(entities))
	w.verifyAnswers(p, entities, bodies)
	w.verifyWrites(p, entities)
	w.verifyLog(s, entities)
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if found, err := s.Reconcile(t.Context()); err != nil || found != 0 {
		t.Errorf("%d entities were lost between stages, %v", found, err)
	}
	if w.round == 0 {
		return
	}
	var migrated int
	if err := db.Get(&migrated, fmt.Sprintf("select count(*) from migrated_%d", w.round)); err != nil || migrated != migratedRows {
		t.Errorf("%d rows are migrated, want %d: %v", migrated, migratedRows, err)
	}
	if w.round > 1 {
		if err := db.Get(&migrated, fmt.Sprintf("select count(*) from migrated_%d", w.round-1)); err == nil {
			t.Error("a migration was done by half")
		}
	}
}

// verifyAnswers compares what the index says with what is stored.
func (w *writes) verifyAnswers(p *plugintest.Portal, entities map[string]*catalogcommon.Entity, bodies map[string]string) {
	t := w.t
	t.Helper()
	var all []json.RawMessage
	p.Get(api + "/entities").Want(200).JSON(&all)
	for _, body := range all {
		var e catalogcommon.Entity
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if bodies[e.Ref().String()] != string(body) {
			t.Errorf("the index has\n%s\nthe store\n%s", body, bodies[e.Ref().String()])
		}
	}
	if len(all) != len(bodies) {
		t.Errorf("%d entities are in the index, %d in the store", len(all), len(bodies))
	}
	owned := map[string][]string{}
	for ref, e := range entities {
		for _, owner := range e.Targets("ownedBy") {
			owned[owner.String()] = append(owned[owner.String()], ref)
		}
	}
	for i := range teams {
		team := fmt.Sprintf("group:default/team-%d", i)
		var have []string
		for _, ref := range entities[team].Targets("ownerOf") {
			have = append(have, ref.String())
		}
		slices.Sort(owned[team])
		if !slices.Equal(have, owned[team]) {
			t.Errorf("%s owns\n%q, but it is named as owner by\n%q", team, have, owned[team])
		}
		var page catalogcommon.QueryResponse
		p.Get(api + "/entities/by-query?limit=0&filter=relations.ownedBy%3D" + team).Want(200).JSON(&page)
		if page.TotalItems != len(have) {
			t.Errorf("the index counts %d that %s owns, the store %d", page.TotalItems, team, len(have))
		}
	}
}

// verifyLog reads the change log from its beginning: without a gap, without a number twice, and telling of each entity what became of it.
func (w *writes) verifyLog(s *store.Store, entities map[string]*catalogcommon.Entity) {
	t := w.t
	t.Helper()
	changes, err := s.ChangesAfter(t.Context(), 0, 10_000_000)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for i, change := range changes {
		if change.Seq != int64(i+1) {
			t.Fatalf("entry %d of the change log has number %d", i+1, change.Seq)
		}
		uid, known := there[change.Ref]
		if known != (change.Op != store.OpCreate) || known && uid != change.UID {
			t.Errorf("number %d is %s of %s (%s), of which %q is there", change.Seq, change.Op, change.Ref, change.UID, uid)
		}
		if there[change.Ref] = change.UID; change.Op == store.OpDelete {
			delete(there, change.Ref)
		}
	}
	for ref, e := range entities {
		if there[ref] != e.Metadata.UID {
			t.Errorf("%s is stored as %s, logged as %q", ref, e.Metadata.UID, there[ref])
		}
		delete(there, ref)
	}
	if len(there) > 0 {
		t.Errorf("logged but not stored: %v", slices.Collect(maps.Keys(there)))
	}
	if last, err := s.LastChange(t.Context()); err != nil || last != int64(len(changes)) {
		t.Errorf("the last number is %d, but there are %d entries; %v", last, len(changes), err)
	}
}

// crashConfig is the configuration of the portal that is to be killed.
func crashConfig(t *testing.T, o database.Options, folder string) string {
	t.Helper()
	locations := "{type: file, target: " + filepath.Join(folder, "groups.yaml") + "}"
	for i := range crashedFiles {
		locations += ", {type: file, target: " + filepath.Join(folder, fileName(i)) + "}"
	}
	path := filepath.Join(t.TempDir(), "app-config.yaml")
	text := "app: {title: Crashes}\n" + databaseConfig(o) +
		"catalog:\n  processingInterval: {hours: 10}\n  orphanStrategy: keep\n  rules: [{allow: [Component, Group, Location]}]\n  locations: [" + locations + "]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
