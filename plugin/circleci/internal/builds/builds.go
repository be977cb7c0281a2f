// Package builds is what the plugin knows of CircleCI's projects: each thing that can be asked for, and for how long an answer is good.
package builds

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
)

// Intervals say how often CircleCI is asked about something that somebody looks at.
type Intervals struct {
	Running time.Duration // what is under way
	Settled time.Duration // what may be followed by something newer
}

// finished is for how long an answer about something that has ended is good: only running it again, which makes something new, can change what is around it.
const finished = 5 * time.Minute

// Builds makes sources for a shelf. It is safe for concurrent use.
type Builds struct {
	client    *api.Client
	intervals func() Intervals
}

// New returns Builds.
func New(client *api.Client, intervals func() Intervals) *Builds {
	return &Builds{client, intervals}
}

// Intervals returns them as they are configured now.
func (b *Builds) Intervals() Intervals { return b.intervals() }

func (b *Builds) freshness(running bool, otherwise time.Duration) time.Duration {
	if running {
		return b.intervals().Running
	}
	return otherwise
}

// Pipelines is a page of a project's pipelines. See [api.Client.Pipelines].
func (b *Builds) Pipelines(slug project.Slug, branch, token string) shelf.Source[api.List[api.Pipeline]] {
	return shelf.Source[api.List[api.Pipeline]]{
		Key: "pipelines " + slug.V2() + " " + strconv.Quote(branch) + " " + strconv.Quote(token),
		Fetch: func(ctx context.Context) (api.List[api.Pipeline], error) {
			return b.client.Pipelines(ctx, slug, branch, token)
		},
		Fresh: func(list api.List[api.Pipeline], _ time.Time) time.Duration {
			if token != "" {
				return finished
			}
			starting := slices.ContainsFunc(list.Items, func(p api.Pipeline) bool { return p.State != "created" && Running(p.State) })
			return b.freshness(starting, b.intervals().Settled)
		},
	}
}

// Pipeline is one pipeline.
func (b *Builds) Pipeline(id string) shelf.Source[api.Pipeline] {
	return shelf.Source[api.Pipeline]{
		Key:   "pipeline " + id,
		Fetch: func(ctx context.Context) (api.Pipeline, error) { return b.client.Pipeline(ctx, id) },
		Fresh: func(p api.Pipeline, _ time.Time) time.Duration {
			return b.freshness(p.State != "created" && Running(p.State), finished)
		},
	}
}

// Workflows are those of a pipeline.
func (b *Builds) Workflows(p api.Pipeline) shelf.Source[[]api.Workflow] {
	return shelf.Source[[]api.Workflow]{
		Key:   "workflows " + p.ID,
		Fetch: func(ctx context.Context) ([]api.Workflow, error) { return b.client.Workflows(ctx, p.ID) },
		Fresh: func(list []api.Workflow, now time.Time) time.Duration {
			going := slices.ContainsFunc(list, func(w api.Workflow) bool { return Running(w.Status) })
			if len(list) == 0 && p.State != "errored" && now.Sub(p.CreatedAt) < 10*time.Minute { // they come a moment after the pipeline
				going = true
			}
			held := slices.ContainsFunc(list, func(w api.Workflow) bool { return w.Status == "on_hold" })
			if held && !going {
				return b.intervals().Settled
			}
			return b.freshness(going, finished)
		},
	}
}

// Workflow is one workflow.
func (b *Builds) Workflow(id string) shelf.Source[api.Workflow] {
	return shelf.Source[api.Workflow]{
		Key:   "workflow " + id,
		Fetch: func(ctx context.Context) (api.Workflow, error) { return b.client.Workflow(ctx, id) },
		Fresh: func(w api.Workflow, _ time.Time) time.Duration {
			return b.freshness(Running(w.Status) || w.Status == "on_hold", finished)
		},
	}
}

// Jobs are those of a workflow.
func (b *Builds) Jobs(workflowID string) shelf.Source[[]api.Job] {
	return shelf.Source[[]api.Job]{
		Key:   "jobs " + workflowID,
		Fetch: func(ctx context.Context) ([]api.Job, error) { return b.client.Jobs(ctx, workflowID) },
		Fresh: func(list []api.Job, _ time.Time) time.Duration {
			return b.freshness(slices.ContainsFunc(list, func(j api.Job) bool { return Running(j.Status) || j.Status == "on_hold" }), finished)
		},
	}
}

func numbered(what string, slug project.Slug, number int64) string {
	return what + " " + slug.V2() + " " + strconv.FormatInt(number, 10)
}

// Job is one job.
func (b *Builds) Job(slug project.Slug, number int64) shelf.Source[api.JobDetail] {
	return shelf.Source[api.JobDetail]{
		Key:   numbered("job", slug, number),
		Fetch: func(ctx context.Context) (api.JobDetail, error) { return b.client.Job(ctx, slug, number) },
		Fresh: func(d api.JobDetail, _ time.Time) time.Duration { return b.freshness(Running(d.Status), finished) },
	}
}

// Steps are those of a job.
func (b *Builds) Steps(slug project.Slug, number int64) shelf.Source[[]api.Step] {
	return shelf.Source[[]api.Step]{
		Key:   numbered("steps", slug, number),
		Fetch: func(ctx context.Context) ([]api.Step, error) { return b.client.Steps(ctx, slug, number) },
		Fresh: func(steps []api.Step, _ time.Time) time.Duration {
			going := len(steps) == 0
			for _, step := range steps {
				going = going || slices.ContainsFunc(step.Actions, func(a api.Action) bool { return Running(a.Status) })
			}
			return b.freshness(going, finished)
		},
	}
}

// Output is what an action of a job printed.
func (b *Builds) Output(slug project.Slug, number int64, action api.Action) shelf.Source[api.Output] {
	return shelf.Source[api.Output]{
		// What a finished action printed is another thing than what it had printed before.
		Key:   fmt.Sprintf("%s %d %d %s", numbered("output", slug, number), action.Step, action.Node, action.Status),
		Fetch: func(ctx context.Context) (api.Output, error) { return b.client.Output(ctx, slug, number, action) },
		Fresh: func(api.Output, time.Time) time.Duration { return b.freshness(Running(action.Status), finished) },
	}
}

// Tests are the results that a job reported.
func (b *Builds) Tests(slug project.Slug, job api.JobDetail) shelf.Source[[]api.Test] {
	return shelf.Source[[]api.Test]{
		Key:   numbered("tests", slug, job.Number) + " " + job.Status,
		Fetch: func(ctx context.Context) ([]api.Test, error) { return b.client.Tests(ctx, slug, job.Number) },
		Fresh: func([]api.Test, time.Time) time.Duration { return b.freshness(Running(job.Status), finished) },
	}
}

// Artifacts are the files that a job left.
func (b *Builds) Artifacts(slug project.Slug, job api.JobDetail) shelf.Source[[]api.Artifact] {
	return shelf.Source[[]api.Artifact]{
		Key:   numbered("artifacts", slug, job.Number) + " " + job.Status,
		Fetch: func(ctx context.Context) ([]api.Artifact, error) { return b.client.Artifacts(ctx, slug, job.Number) },
		Fresh: func([]api.Artifact, time.Time) time.Duration { return b.freshness(Running(job.Status), finished) },
	}
}
