package pipeline_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

const (
	crashFolder = "PROSCENIUM_TEST_CRASH_FOLDER" // set in the process that is to be killed
	crashTimes  = "PROSCENIUM_TEST_CRASHES"      // how often to kill; default 6
)

// versioned is an entity with a number that grows with each write.
func versioned(name string, version int) catalognode.Deferred {
	e := deferred("Component", name, map[string]any{"type": "service", "lifecycle": "production", "owner": "team-" + strconv.Itoa(version%5)})
	e.Entity.Metadata.Labels = map[string]string{"version": strconv.Itoa(version)}
	return e
}

const crashNames = 40

// TestCrashVictim is not a test of its own: TestCrashes runs it in a process, and kills that.
func TestCrashVictim(t *testing.T) {
	folder := os.Getenv(crashFolder)
	if folder == "" {
		t.Skip("it is run by TestCrashes")
	}
	c := newCatalog(t, databasetest.Open(t, database.Options{DataDir: folder}))
	c.start()
	from, err := strconv.Atoi(os.Getenv("FROM"))
	if err != nil {
		t.Fatal(err)
	}
	writer := c.pipeline.Connection("writer")
	for version := from; ; version++ {
		name := "service-" + strconv.Itoa(version%crashNames)
		if version%7 == 0 { // now and then one goes, and comes back with its next version
			if err := writer.Delta(t.Context(), nil, []catalogcommon.Ref{{Kind: "Component", Name: name}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Delta(t.Context(), []catalognode.Deferred{versioned(name, version)}, nil); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nwrote %d\n", version) // what is acknowledged must never be lost
	}
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	times := 6
	if n, err := strconv.Atoi(os.Getenv(crashTimes)); err == nil {
		times = n
	}
	folder := t.TempDir()
	acknowledged := 0
	for range times {
		acknowledged = crash(t, folder, acknowledged+1, time.Duration(50+rand.IntN(300))*time.Millisecond)
	}

	c := newCatalog(t, databasetest.Open(t, database.Options{DataDir: folder}))
	c.start()
	c.settle()
	// The write after the last acknowledged one may have been under way, and may have begun by removing its entity; so the oldest name is left out.
	for version := max(1, acknowledged-crashNames+2); version <= acknowledged; version++ {
		e := c.must("component:default/service-" + strconv.Itoa(version%crashNames))
		if got, err := strconv.Atoi(e.Metadata.Labels["version"]); err != nil || got < version {
			t.Errorf("%s has version %d, but %d was acknowledged", e.Ref(), got, version)
		}
		if len(e.Targets("ownedBy")) != 1 {
			t.Errorf("%s: relations %v", e.Ref(), e.Relations)
		}
	}
	changes, err := c.store.ChangesAfter(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for i, change := range changes {
		if change.Seq != int64(i+1) {
			t.Fatalf("entry %d of the change log has number %d", i+1, change.Seq)
		}
		_, known := there[change.Ref]
		if known != (change.Op != "create") {
			t.Errorf("number %d is %s of %s, which is there: %v", change.Seq, change.Op, change.Ref, known)
		}
		if there[change.Ref] = change.UID; change.Op == "delete" {
			delete(there, change.Ref)
		}
	}
	stored := map[string]string{}
	if _, err := c.store.Refs(t.Context(), func(ref, uid string) error { stored[ref] = uid; return nil }); err != nil {
		t.Fatal(err)
	}
	for ref, uid := range stored {
		if doc, ok := c.index.ByRef(ref); !ok || doc.UID != uid || there[ref] != uid {
			t.Errorf("%s: stored %s, indexed %s, logged %s", ref, uid, doc.UID, there[ref])
		}
	}
	if len(stored) != c.index.Len() || len(stored) != len(there) {
		t.Errorf("%d entities are stored, %d indexed, %d logged", len(stored), c.index.Len(), len(there))
	}
	if found, err := c.store.Reconcile(t.Context()); err != nil || found != 0 {
		t.Errorf("%d entities were lost between stages, %v", found, err)
	}
	t.Logf("%d crashes, %d writes acknowledged, %d changes", times, acknowledged, len(changes))
}

// crash runs a process that writes, kills it after a while, and returns the last write that it acknowledged.
func crash(t *testing.T, folder string, from int, after time.Duration) (last int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	victim := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCrashVictim$", "-test.count=1")
	victim.Env = append(os.Environ(), crashFolder+"="+folder, "FROM="+strconv.Itoa(from))
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	last = from - 1
	var timer *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var version int
		if n, _ := fmt.Sscanf(lines.Text(), "wrote %d", &version); n == 1 {
			last = version
			if timer == nil {
				timer = time.AfterFunc(after, func() { _ = victim.Process.Kill() })
			}
		}
	}
	if err := victim.Wait(); err == nil || timer == nil {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return last
}
