package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be quiet before they are read: editors and configuration managers write in several steps.
const settle = 200 * time.Millisecond

// Watcher follows the files of a configuration. All fields are needed.
type Watcher struct {
	// Options are those that Current was loaded with.
	Options Options
	// Current is the snapshot in force when Run is called.
	Current *Snapshot
	// Check decides whether a snapshot may come into force. An error keeps the one that is.
	Check func(*Snapshot) error
	// Apply is given each new snapshot that Check let pass.
	Apply func(*Snapshot)
	// Failed is told, once for each state of the files, why it cannot come into force: what [Load] or Check returned, or that watching is incomplete.
	Failed func(error)
}

// Run watches until ctx ends, and then returns nil once nothing of it is running any more.
// It returns an error early when the system cannot watch files; changes are then not noticed.
//
// The functions are called one at a time, from the goroutine that called Run. All files that a load looks for are watched:
// those that exist, those that may come to exist, and those that are included.
func (w Watcher) Run(ctx context.Context) error {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the configuration files: %w", err)
	}
	defer func() { _ = events.Close() }()

	run := watching{Watcher: w, events: events, folders: map[string]bool{}, seen: w.Current}
	if !w.Current.builtIn {
		// A file that was there and disappears is a fault to report, not a reason to go back to the defaults.
		run.Options.Defaults = nil
	}
	run.follow(w.Current.watched)
	// Something may have changed between the load and now, so the first look needs no event.
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-events.Events:
			if !ok {
				return errors.New("watch the configuration files: the system stopped reporting changes")
			}
			if run.concerns(event) {
				timer.Reset(settle)
			}
		case err, ok := <-events.Errors:
			if !ok {
				return errors.New("watch the configuration files: the system stopped reporting changes")
			}
			// The usual error is that events were lost, so look.
			w.Failed(fmt.Errorf("watch the configuration files: %w", err))
			timer.Reset(settle)
		case <-timer.C:
			if run.look() {
				timer.Reset(settle) // other files are followed now, and may have changed before they were
			}
		}
	}
}

// watching is the state of one Run.
type watching struct {
	Watcher

	events  *fsnotify.Watcher
	folders map[string]bool // watched
	names   map[string]bool // whose events matter
	seen    *Snapshot       // what was read last, good or not
}

// concerns reports whether an event may mean that other configuration is read.
func (w *watching) concerns(event fsnotify.Event) bool {
	if w.folders[event.Name] && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
		// The system watches the folder that is gone, not one that takes its name.
		_ = w.events.Remove(event.Name)
		delete(w.folders, event.Name)
		return true
	}
	return w.names[event.Name] && event.Op != fsnotify.Chmod
}

// look reads the files and, if they say something else than the last time, checks and applies them. It reports whether other files are followed now.
func (w *watching) look() bool {
	snapshot, err := Load(w.Options)
	read := snapshot
	var failed *loadError
	if errors.As(err, &failed) {
		read = failed.attempt
	}
	changed := w.follow(read.watched)
	if read.digest == w.seen.digest {
		return changed
	}
	w.seen = read
	if err == nil {
		err = w.Check(snapshot)
	}
	if err != nil {
		w.Failed(err)
		return changed
	}
	if !snapshot.builtIn {
		w.Options.Defaults = nil
	}
	w.Apply(snapshot)
	return changed
}

// follow watches what is needed for some files, and nothing else. It reports whether that is more than before.
func (w *watching) follow(files []string) (more bool) {
	set := newWatchSet(files)
	w.names = set.names
	for folder := range w.folders {
		if !set.folders[folder] {
			_ = w.events.Remove(folder) // it may be gone already
			delete(w.folders, folder)
		}
	}
	for folder := range set.folders {
		if w.folders[folder] {
			continue
		}
		err := w.events.Add(folder)
		if errors.Is(err, fs.ErrNotExist) { // removed this moment: looking again finds which folder tells when it is back
			more = true
			continue
		}
		if err != nil {
			w.Failed(fmt.Errorf("watch %s for changes of the configuration: %w", folder, err))
			continue
		}
		w.folders[folder] = true
		more = true
	}
	return more
}
