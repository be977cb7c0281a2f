package supervisor

import "time"

// State says how far a plugin is.
type State string

// The states of a plugin. From Running it goes to Stopping only: workers, tasks and health checks that fail leave it running.
const (
	Waiting   State = "waiting"   // not started yet
	Preparing State = "preparing" // opening and migrating its database
	Starting  State = "starting"  // in its start hooks
	Running   State = "running"
	Degraded  State = "degraded" // preparing or a start hook failed, and is tried again after a pause
	Stuck     State = "stuck"    // preparing or a start hook has not returned in time, and is waited for
	Stopping  State = "stopping"
	Stopped   State = "stopped"
)

// Status is what is known of a plugin at one moment.
type Status struct {
	Plugin   string
	State    State
	Since    time.Time // when it got into this state
	Step     string    // until it runs: what is being done or tried, "prepare" or the id of a start hook
	Attempt  int       // how often Step has been tried, this attempt included
	Next     time.Time // when Step is tried again; zero if it is not waiting
	Err      error     // why Step failed last, or what was left behind at stop; for the log, not for everybody
	InFlight int       // calls that have entered and not left
	Hooks    []HookStatus
}

// HookKind tells hooks apart.
type HookKind string

// The kinds of hook that have a [HookStatus].
const (
	WorkerHook     HookKind = "worker"
	GlobalTaskHook HookKind = "task"
	LocalTaskHook  HookKind = "local task"
)

// HookStatus is what is known of a worker or a task, in this process.
type HookStatus struct {
	ID          string
	Kind        HookKind
	Running     bool
	Elsewhere   bool      // another replica holds the task's lease
	Runs        int64     // begun
	Failures    int64     // ended with an error or a panic; of a worker: ended at all
	LastStart   time.Time // zero times: never
	LastEnd     time.Time
	LastSuccess time.Time
	Next        time.Time // when it runs again, if it waits for that
	Err         error     // of the last run, nil if that went well; for the log, not for everybody
}

// State returns the state of a plugin, or "" for one that is not here.
func (s *Supervisor) State(id string) State {
	p := s.byID[id]
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status.State
}

// Status lists all plugins, in the order in which they were given.
func (s *Supervisor) Status() []Status {
	all := make([]Status, 0, len(s.plugins))
	for _, p := range s.plugins {
		all = append(all, p.snapshot())
	}
	return all
}
