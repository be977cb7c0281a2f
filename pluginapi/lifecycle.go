package pluginapi

import (
	"context"
	"time"
)

// RunFunc is work with an end: it returns when done or when ctx ends.
type RunFunc func(ctx context.Context) error

// Start is the spec of a start hook.
type Start struct {
	Timeout time.Duration `yaml:"timeout"` // default 30s
}

// Starts run after the plugin's migrations, in order, before it serves. One that fails is tried again, with growing pauses, and the plugin is degraded until all succeed.
// One that does not return within its timeout leaves the plugin stuck: it is not called a second time while the first call runs. The context's principal is the plugin.
var Starts = &Point[Start, RunFunc]{Kind: "start"}

// Stop is the spec of a stop hook.
type Stop struct {
	Timeout time.Duration `yaml:"timeout"` // default 10s
}

// Stops run once at shutdown, in reverse order, after the plugin's requests are drained and its workers and tasks have ended, if its start succeeded.
var Stops = &Point[Stop, RunFunc]{Kind: "stop"}

// Worker is the spec of a worker.
type Worker struct{}

// Workers run as long as the plugin does, each in a goroutine of the portal's. One that returns, fails or panics before its context ends is run again, with growing pauses.
var Workers = &Point[Worker, RunFunc]{Kind: "worker"}

// Task is the spec of a recurring task.
type Task struct {
	Every   time.Duration `yaml:"every"`   // from the end of one run to the start of the next; required
	First   time.Duration `yaml:"first"`   // pause before the first run; default 0
	Timeout time.Duration `yaml:"timeout"` // of one run; default 5m
	Local   bool          `yaml:"local"`   // run in every replica, instead of in one at a time
}

// Tasks run again and again while the plugin runs. A run that fails or panics is reported, and is over: the next one comes Every later, as always.
// A task whose turns are far apart and that should not lose one to a passing fault tries again within its run, whose context has the deadline; or it comes more often, and looks whether something is due.
var Tasks = &Point[Task, RunFunc]{Kind: "task"}

// HealthCheck is the spec of a health check.
type HealthCheck struct {
	Timeout time.Duration `yaml:"timeout"` // default 2s
}

// HealthChecks are asked when somebody asks for the plugin's health. One that fails marks the plugin degraded there; it keeps serving.
var HealthChecks = &Point[HealthCheck, RunFunc]{Kind: "health-check"}
