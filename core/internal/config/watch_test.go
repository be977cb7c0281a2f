package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// observed is a running watcher and what it said.
type observed struct {
	dir     string
	applied chan *config.Snapshot
	failed  chan error
}

// watch runs a watcher until the test ends, and sees that it ends then.
func watch(t *testing.T, opts config.Options, between func()) *observed {
	t.Helper()
	o := &observed{opts.Dir, make(chan *config.Snapshot, 10), make(chan error, 10)}
	watcher := config.Watcher{
		Options: opts,
		Current: load(t, opts),
		Check: func(s *config.Snapshot) error {
			var target any
			if err := s.Decode("", &target); err != nil {
				return err
			}
			if s.At("bad").Exists() {
				return errors.New("bad is set")
			}
			return nil
		},
		Apply:  func(s *config.Snapshot) { o.applied <- s },
		Failed: func(err error) { o.failed <- err },
	}
	if between != nil {
		between()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- watcher.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return o
}

const patience = 30 * time.Second

func (o *observed) wantApplied(t *testing.T, path, want string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case s := <-o.applied:
			// A load between two writes of one change is right, too; what counts is that the last one arrives.
			var got any
			if err := s.Decode(path, &got); err == nil && got == want {
				return
			}
		case err := <-o.failed:
			t.Fatalf("failed: %v", err)
		case <-deadline:
			t.Fatalf("%s never became %s", path, want)
		}
	}
}

func (o *observed) wantFailed(t *testing.T, want string) {
	t.Helper()
	select {
	case s := <-o.applied:
		t.Fatalf("applied %s", s.Files())
	case err := <-o.failed:
		if got := message(err, o.dir); got != want {
			t.Fatalf("got:\n%s\nwant:\n%s", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("never failed with %s", want)
	}
}

// replace writes as careful programs do: beside, and then over.
func replace(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeIsApplied(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: 'one'\n"})
	o := watch(t, config.Options{Dir: dir}, nil)
	write(t, filepath.Join(dir, "app-config.yaml"), "a: 'two'\n")
	o.wantApplied(t, "a", "two")
	replace(t, filepath.Join(dir, "app-config.yaml"), "a: 'three'\n")
	o.wantApplied(t, "a", "three")
	write(t, filepath.Join(dir, "app-config.local.yaml"), "a: 'local'\n") // did not exist
	o.wantApplied(t, "a", "local")
	if err := os.Remove(filepath.Join(dir, "app-config.local.yaml")); err != nil {
		t.Fatal(err)
	}
	o.wantApplied(t, "a", "three")
}

func TestTheLastGoodConfigurationStays(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: one\n"})
	path := filepath.Join(dir, "app-config.yaml")
	o := watch(t, config.Options{Dir: dir}, nil)
	replace(t, path, "a: b: c\n")
	o.wantFailed(t, `app-config.yaml:1:5: not valid YAML: a ":" is not expected here; check the indentation, or put the text in quotes`)
	replace(t, path, "bad: yes\n")
	o.wantFailed(t, "bad is set")
	replace(t, path, "a: ${NONE}\n")
	o.wantFailed(t, "app-config.yaml:1:4: a: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	o.wantFailed(t, "app-config.yaml: there is no such file; create it, or name another with --config")
	replace(t, path, "a: mended\n")
	o.wantApplied(t, "a", "mended")
}

func TestIncludedFilesAreWatched(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: {$file: sub/a.txt}\nb: {$include: sub/b.yaml}\n", "sub/a.txt": "one", "sub/b.yaml": "{$file: ../other/c.txt}", "other/c.txt": "one"})
	o := watch(t, config.Options{Dir: dir}, nil)
	replace(t, filepath.Join(dir, "sub/a.txt"), "two")
	o.wantApplied(t, "a", "two")
	replace(t, filepath.Join(dir, "other/c.txt"), "two")
	o.wantApplied(t, "b", "two")
	replace(t, filepath.Join(dir, "sub/b.yaml"), "{$file: ../new/d.txt}") // in a folder that does not exist
	o.wantFailed(t, "sub/b.yaml:1:9: b: $file: new/d.txt: there is no such file")
	write(t, filepath.Join(dir, "new/d.txt"), "three")
	o.wantApplied(t, "b", "three")
	replace(t, filepath.Join(dir, "new/d.txt"), "four")
	o.wantApplied(t, "b", "four")
}

func TestAMountedConfigMapIsFollowed(t *testing.T) {
	t.Parallel()
	// As a kubelet mounts it: app-config.yaml → ..data/app-config.yaml, ..data → a folder with the time in its name.
	dir := folder(t, files{"..2026_1/app-config.yaml": "a: one\n"})
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skipf("this system has no symbolic links: %v", err)
		}
	}
	link("..2026_1", "..data")
	link("..data/app-config.yaml", "app-config.yaml")
	o := watch(t, config.Options{Dir: dir}, nil)
	for i, value := range []string{"two", "three"} {
		next := []string{"..2026_2", "..2026_3"}[i]
		write(t, filepath.Join(dir, next, "app-config.yaml"), "a: "+value+"\n")
		link(next, "..data_tmp")
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, []string{"..2026_1", "..2026_2"}[i])); err != nil {
			t.Fatal(err)
		}
		o.wantApplied(t, "a", value)
	}
}

func TestAFolderThatIsReplaced(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"etc/portal/app-config.yaml": "a: one\n", "next/app-config.yaml": "a: two\n"})
	o := watch(t, config.Options{Files: []string{filepath.Join(dir, "etc/portal/app-config.yaml")}}, nil)
	o.dir = dir
	if err := os.RemoveAll(filepath.Join(dir, "etc/portal")); err != nil {
		t.Fatal(err)
	}
	o.wantFailed(t, "etc/portal/app-config.yaml: there is no such file; create it, or name another with --config")
	if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "etc/portal")); err != nil {
		t.Fatal(err)
	}
	o.wantApplied(t, "a", "two")
	replace(t, filepath.Join(dir, "etc/portal/app-config.yaml"), "a: three\n")
	o.wantApplied(t, "a", "three")
}

func TestAChangeBeforeTheWatchIsNoticed(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: one\n"})
	o := watch(t, config.Options{Dir: dir}, func() { replace(t, filepath.Join(dir, "app-config.yaml"), "a: two\n") })
	o.wantApplied(t, "a", "two")
}

func TestAMainFileThatDisappearsDoesNotBringTheDefaultsBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := watch(t, config.Options{Dir: dir, Defaults: fstest.MapFS{"app-config.yaml": {Data: []byte("a: built in\n")}}}, nil)
	write(t, filepath.Join(dir, "app-config.yaml"), "a: on disk\n")
	o.wantApplied(t, "a", "on disk")
	if err := os.Remove(filepath.Join(dir, "app-config.yaml")); err != nil {
		t.Fatal(err)
	}
	o.wantFailed(t, "app-config.yaml: there is no such file; create it, or name another with --config")
}

func TestOnlyRealChangesAreApplied(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: one\n"})
	o := watch(t, config.Options{Dir: dir}, nil)
	for range 3 {
		replace(t, filepath.Join(dir, "app-config.yaml"), "a: one\n") // the same again
		write(t, filepath.Join(dir, "portal.sqlite"), strings.Repeat("x", 100))
	}
	replace(t, filepath.Join(dir, "app-config.yaml"), "a: two\n")
	select {
	case s := <-o.applied:
		equalJSON(t, s.At("a"), `"two"`)
	case err := <-o.failed:
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the change was never applied")
	}
}
