// Package supervisor runs plugins: it prepares and starts each one, keeps its workers and tasks going, and stops it, so that what goes wrong in one stays there.
//
// It knows plugins as ids with functions. Every function runs with a deadline, with the plugin as its principal, and with its panics caught; one that never returns costs its plugin, not the portal.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Hook is a function of a plugin.
type Hook struct {
	ID      string        // the extension's id, as in start:hello/warm
	Timeout time.Duration // zero means the default of its kind, see [pluginapi.Start], [pluginapi.Stop], [pluginapi.Task] and [pluginapi.HealthCheck]; workers have none
	Run     func(context.Context) error
}

// TaskHook is a recurring task. See [pluginapi.Task].
type TaskHook struct {
	Hook
	Every time.Duration // from the end of one run to the start of the next; above zero
	First time.Duration // pause before the first run
	Local bool          // run here whatever other replicas do
}

// Plugin is what the supervisor knows of a plugin.
type Plugin struct {
	ID      string
	Prepare func(context.Context) error // opens and migrates its database, before the first start hook; nil: nothing to prepare
	Starts  []Hook
	Stops   []Hook
	Workers []Hook
	Checks  []Hook
	Tasks   []TaskHook

	// Leases makes a global task run in one replica: whoever holds the lease "task:" and the task's id runs the task, and holds on to it between runs. Nil means that there are no other replicas.
	Leases pluginapi.Leases
}

// Settings configures a supervisor. Zero values mean the defaults.
type Settings struct {
	Plugins        []Plugin
	Logger         *slog.Logger  // default: none
	BootTimeout    time.Duration // when [Supervisor.Settled] no longer waits for a plugin; default 60s
	PrepareTimeout time.Duration // of one Prepare, migrations included; default 10m
	StopTimeout    time.Duration // of [Supervisor.Stop] when its context has no deadline; default 30s
	RetryFirst     time.Duration // first pause before something is tried again; default 1s
	RetryMax       time.Duration // longest such pause; default 60s
	LeaseRetry     time.Duration // pause between attempts to get a global task's lease; default 10s
	Grace          time.Duration // how long past its deadline a start may take to return before its plugin counts as stuck; default 1s
}

// The defaults that package pluginapi documents.
const (
	defaultStartTimeout = 30 * time.Second
	defaultStopTimeout  = 10 * time.Second
	defaultTaskTimeout  = 5 * time.Minute
	defaultCheckTimeout = 2 * time.Second
)

// Supervisor runs plugins. Make one with [New]. It is safe for concurrent use.
type Supervisor struct {
	settings Settings
	log      *slog.Logger
	plugins  []*plugin
	byID     map[string]*plugin

	settled chan struct{} // closed once
	stopped chan struct{} // closed when Stop is through
	stopErr error         // read after stopped is closed

	mu      sync.Mutex
	phase   phase
	changed chan struct{} // closed and replaced at each change of a plugin's state
}

type phase int

const (
	fresh phase = iota
	started
	ending
)

// New makes a supervisor of the given plugins, none of which runs yet. Its error tells what cannot work: ids given twice, hooks without a function, tasks without a period.
func New(s Settings) (*Supervisor, error) {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&s.BootTimeout, time.Minute},
		{&s.PrepareTimeout, 10 * time.Minute},
		{&s.StopTimeout, 30 * time.Second},
		{&s.RetryFirst, time.Second},
		{&s.RetryMax, time.Minute},
		{&s.LeaseRetry, 10 * time.Second},
		{&s.Grace, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	sup := &Supervisor{
		settings: s,
		log:      s.Logger,
		byID:     make(map[string]*plugin, len(s.Plugins)),
		settled:  make(chan struct{}),
		stopped:  make(chan struct{}),
		changed:  make(chan struct{}),
	}
	var faults []error
	for _, spec := range s.Plugins {
		if sup.byID[spec.ID] != nil {
			faults = append(faults, fmt.Errorf("supervise plugin %q: the id is given twice", spec.ID))
			continue
		}
		faults = append(faults, checkSpec(spec)...)
		p := newPlugin(sup, spec)
		sup.plugins = append(sup.plugins, p)
		sup.byID[spec.ID] = p
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return sup, nil
}

func checkSpec(p Plugin) (faults []error) {
	seen := map[string]bool{}
	add := func(h Hook) {
		if h.Run == nil {
			faults = append(faults, fmt.Errorf("supervise plugin %q: %s has no function", p.ID, h.ID))
		}
		if seen[h.ID] {
			faults = append(faults, fmt.Errorf("supervise plugin %q: %s is given twice", p.ID, h.ID))
		}
		seen[h.ID] = true
	}
	for _, hooks := range [][]Hook{p.Starts, p.Stops, p.Workers, p.Checks} {
		for _, h := range hooks {
			add(h)
		}
	}
	for _, t := range p.Tasks {
		add(t.Hook)
		if t.Every <= 0 {
			faults = append(faults, fmt.Errorf("supervise plugin %q: %s needs a period above zero", p.ID, t.ID))
		}
	}
	return faults
}

// Start begins to run all plugins in parallel and returns at once. The hooks see ctx's values; that ctx ends does not end them, [Supervisor.Stop] does. Only the first call has an effect.
func (s *Supervisor) Start(ctx context.Context) {
	s.mu.Lock()
	if s.phase != fresh {
		s.mu.Unlock()
		return
	}
	s.phase = started
	s.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	for _, p := range s.plugins {
		p.start(ctx)
	}
	go s.awaitSettled() // Stop waits for it
}

func (s *Supervisor) awaitSettled() {
	defer close(s.settled)
	late := time.NewTimer(s.settings.BootTimeout)
	defer late.Stop()
	for _, p := range s.plugins {
		select {
		case <-p.settled:
		case <-late.C:
			return
		case <-s.stopped:
			return
		}
	}
}

// Settled returns a channel that is closed when every plugin runs, or has failed its first attempt, or the boot timeout has passed. It never is if Start is not called.
func (s *Supervisor) Settled() <-chan struct{} { return s.settled }

// Changed returns a channel that is closed at the next change of a plugin's state. Ask for it before the state, so that no change is missed.
func (s *Supervisor) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Supervisor) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Available is nil while the plugin runs, else a *[pluginapi.UnavailableError].
func (s *Supervisor) Available(id string) error {
	p := s.byID[id]
	if p == nil {
		return unknown(id)
	}
	return p.available()
}

// Enter is [Supervisor.Available] for somebody who is about to call the plugin: until leave is called, once, the plugin is not stopped, within limits.
func (s *Supervisor) Enter(id string) (leave func(), err error) {
	p := s.byID[id]
	if p == nil {
		return nil, unknown(id)
	}
	return p.enter()
}

func unknown(id string) error {
	return &pluginapi.UnavailableError{Plugin: id, State: "unreachable", Err: errors.New("this process does not run it")}
}
