package api

import (
	"encoding/json"
	"time"
)

// List is one page of a list.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_page_token"` // token of the next page; "" on the last
}

// Pipeline is one run of a project's configuration.
type Pipeline struct {
	ID          string    `json:"id"`
	Number      int64     `json:"number"`
	ProjectSlug string    `json:"project_slug"`
	State       string    `json:"state"` // created, errored, setup-pending, setup, pending
	CreatedAt   time.Time `json:"created_at"`
	Errors      []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"errors"`
	Trigger struct {
		Type  string `json:"type"` // webhook, api, explicit, scheduled_pipeline
		Actor struct {
			Login     string `json:"login"`
			AvatarURL string `json:"avatar_url"`
		} `json:"actor"`
	} `json:"trigger"`
	VCS struct { // zero for projects whose code host tells CircleCI nothing; see TriggerParameters
		RepositoryURL string `json:"target_repository_url"`
		Branch        string `json:"branch"`
		Tag           string `json:"tag"`
		Revision      string `json:"revision"`
		ReviewURL     string `json:"review_url"`
		Commit        struct {
			Subject string `json:"subject"`
		} `json:"commit"`
	} `json:"vcs"`
	TriggerParameters struct { // of projects with ids only
		Git struct {
			Branch        string `json:"branch"`
			Tag           string `json:"tag"`
			CheckoutSHA   string `json:"checkout_sha"`
			CommitMessage string `json:"commit_message"`
			Author        string `json:"commit_author_name"`
			RepositoryURL string `json:"repo_url"`
		} `json:"git"`
		GitHubApp struct {
			Branch        string `json:"branch"`
			CheckoutSHA   string `json:"checkout_sha"`
			CommitMessage string `json:"commit_message"`
			UserLogin     string `json:"user_username"`
			RepositoryURL string `json:"repo_url"`
		} `json:"github_app"`
		GitLab struct {
			Branch        string `json:"branch"`
			CheckoutSHA   string `json:"checkout_sha"`
			CommitMessage string `json:"commit_message"`
			UserLogin     string `json:"user_username"`
			RepositoryURL string `json:"web_url"`
		} `json:"gitlab"`
	} `json:"trigger_parameters"`
}

// Workflow is a set of jobs of a pipeline. Run again it is another workflow of the same pipeline and name.
type Workflow struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	PipelineID     string    `json:"pipeline_id"`
	PipelineNumber int64     `json:"pipeline_number"`
	ProjectSlug    string    `json:"project_slug"`
	Status         string    `json:"status"`
	Tag            string    `json:"tag"` // setup, or ""
	CreatedAt      time.Time `json:"created_at"`
	StoppedAt      time.Time `json:"stopped_at"` // zero while it runs
}

// Job is a job of a workflow, in short.
type Job struct {
	ID           string    `json:"id"`
	Number       int64     `json:"job_number"` // 0 for one that has not been started, and for approvals
	Name         string    `json:"name"`
	Status       string    `json:"status"`
	Type         string    `json:"type"` // build, approval
	Dependencies []string  `json:"dependencies"`
	StartedAt    time.Time `json:"started_at"`
	StoppedAt    time.Time `json:"stopped_at"`
}

// JobDetail is all there is to say about a job, except for its steps.
type JobDetail struct {
	Name        string    `json:"name"`
	Number      int64     `json:"number"`
	Status      string    `json:"status"`
	WebURL      string    `json:"web_url"`
	CreatedAt   time.Time `json:"created_at"`
	QueuedAt    time.Time `json:"queued_at"`
	StartedAt   time.Time `json:"started_at"`
	StoppedAt   time.Time `json:"stopped_at"`
	Duration    int64     `json:"duration"` // milliseconds
	Parallelism int       `json:"parallelism"`
	Executor    struct {
		Type          string `json:"type"`
		ResourceClass string `json:"resource_class"`
	} `json:"executor"`
	Contexts []struct {
		Name string `json:"name"`
	} `json:"contexts"`
	Messages []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"messages"`
	Project struct {
		Slug string `json:"slug"`
	} `json:"project"`
	Workflow struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"latest_workflow"`
}

// Test is the result of one test of a job.
type Test struct {
	Name      string  `json:"name"`
	ClassName string  `json:"classname"`
	File      string  `json:"file"`
	Result    string  `json:"result"` // success, failure, error, skipped
	Message   string  `json:"message"`
	RunTime   seconds `json:"run_time"`
}

// Seconds is how long the test took.
func (t Test) Seconds() float64 { return float64(t.RunTime) }

// seconds are a number or, from some reporters, the text of one.
type seconds float64

// UnmarshalJSON reads both.
func (s *seconds) UnmarshalJSON(text []byte) error {
	var number json.Number
	if err := json.Unmarshal(text, &number); err != nil || number == "" {
		*s = 0 // how long a test took is not worth losing the others
		return nil
	}
	value, _ := number.Float64()
	*s = seconds(value)
	return nil
}

// Artifact is a file that a job left.
type Artifact struct {
	Path string `json:"path"`
	Node int    `json:"node_index"`
	URL  string `json:"url"`
}

// Step is one step of a job. A job that runs in parallel has an action for each of its nodes.
type Step struct {
	Name    string   `json:"name"`
	Actions []Action `json:"actions"`
}

// Action is a step on one node.
type Action struct {
	Name         string    `json:"name"`
	Type         string    `json:"type"`
	Status       string    `json:"status"`
	Step         int       `json:"step"`  // number of the step, with gaps
	Node         int       `json:"index"` // of the node
	AllocationID string    `json:"allocation_id"`
	Command      string    `json:"bash_command"`
	ExitCode     *int      `json:"exit_code"`
	HasOutput    bool      `json:"has_output"`
	Background   bool      `json:"background"`
	StartTime    time.Time `json:"start_time"`
	EndTime      time.Time `json:"end_time"`
	Millis       int64     `json:"run_time_millis"`
}

// build is what API v1.1 calls a job.
type build struct {
	Steps []Step `json:"steps"`
}

// Output is what an action printed.
type Output struct {
	Text    string `json:"text"`    // the end of it
	Omitted int    `json:"omitted"` // lines before it that are left out
}
