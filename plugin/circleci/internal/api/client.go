// Package api asks CircleCI: API v2, and v1.1 for what v2 does not have, which is the steps of jobs and their output. It goes through an endpoint of the portal's proxy, which knows address and token.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// patience bounds one call, in which a list may take several requests.
const patience = 15 * time.Second

// maxPages bounds how many pages of a list are fetched that is shown whole.
const maxPages = 10

// maxOutput bounds the output that is kept of one action, in bytes: its end, which says why it failed.
const maxOutput = 256 << 10

// Client asks CircleCI, as the plugin. Its errors are [*Fault]s. It is safe for concurrent use.
type Client struct {
	proxy    proxynode.Client
	self     pluginapi.Self
	endpoint func() string // path of the proxy's endpoint: /circleci/api
}

// New returns a Client.
func New(proxy proxynode.Client, self pluginapi.Self, endpoint func() string) *Client {
	return &Client{proxy, self, endpoint}
}

// Pipelines returns a page of a project's pipelines, newest first: of one branch, or of all if that is "". token is that of the page, "" for the first.
func (c *Client) Pipelines(ctx context.Context, slug project.Slug, branch, token string) (List[Pipeline], error) {
	query := url.Values{}
	if branch != "" {
		query.Set("branch", branch)
	}
	if token != "" {
		query.Set("page-token", token)
	}
	var list List[Pipeline]
	err := c.call(ctx, http.MethodGet, "/v2/project/"+escape(slug.V2())+"/pipeline", query, nil, &list)
	if fault, ok := err.(*Fault); ok && fault.Kind == NotFound && c.leadsToV1(ctx) {
		fault.Kind = WrongTarget
	}
	return list, err
}

// Pipeline returns one pipeline.
func (c *Client) Pipeline(ctx context.Context, id string) (Pipeline, error) {
	var p Pipeline
	return p, c.call(ctx, http.MethodGet, "/v2/pipeline/"+url.PathEscape(id), nil, nil, &p)
}

// leadsToV1 reports whether the endpoint's target is API v1.1, as it is in configurations made for older plugins: only there is /me right below the target.
func (c *Client) leadsToV1(ctx context.Context) bool {
	return c.call(ctx, http.MethodGet, "/me", nil, nil, new(struct{})) == nil
}

// Workflows returns all workflows of a pipeline, among them those that were run again.
func (c *Client) Workflows(ctx context.Context, pipelineID string) ([]Workflow, error) {
	return all[Workflow](ctx, c, "/v2/pipeline/"+url.PathEscape(pipelineID)+"/workflow")
}

// Workflow returns one workflow.
func (c *Client) Workflow(ctx context.Context, id string) (Workflow, error) {
	var w Workflow
	return w, c.call(ctx, http.MethodGet, "/v2/workflow/"+url.PathEscape(id), nil, nil, &w)
}

// Jobs returns all jobs of a workflow.
func (c *Client) Jobs(ctx context.Context, workflowID string) ([]Job, error) {
	return all[Job](ctx, c, "/v2/workflow/"+url.PathEscape(workflowID)+"/job")
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, slug project.Slug, number int64) (JobDetail, error) {
	var d JobDetail
	return d, c.call(ctx, http.MethodGet, "/v2/project/"+escape(slug.V2())+"/job/"+strconv.FormatInt(number, 10), nil, nil, &d)
}

// Tests returns the results that a job reported.
func (c *Client) Tests(ctx context.Context, slug project.Slug, number int64) ([]Test, error) {
	return all[Test](ctx, c, "/v2/project/"+escape(slug.V2())+"/"+strconv.FormatInt(number, 10)+"/tests")
}

// Artifacts returns the files that a job left.
func (c *Client) Artifacts(ctx context.Context, slug project.Slug, number int64) ([]Artifact, error) {
	return all[Artifact](ctx, c, "/v2/project/"+escape(slug.V2())+"/"+strconv.FormatInt(number, 10)+"/artifacts")
}

// Steps returns the steps of a job.
func (c *Client) Steps(ctx context.Context, slug project.Slug, number int64) ([]Step, error) {
	var b build
	return b.Steps, c.call(ctx, http.MethodGet, "/v1.1/project/"+escape(slug.V1())+"/"+strconv.FormatInt(number, 10), nil, nil, &b)
}

// Output returns the end of what an action of a job printed.
func (c *Client) Output(ctx context.Context, slug project.Slug, number int64, action Action) (Output, error) {
	text, err := c.RawOutput(ctx, slug, number, action)
	if err != nil {
		return Output{}, err
	}
	return tail(text), nil
}

// RawOutput returns all of what an action of a job printed.
func (c *Client) RawOutput(ctx context.Context, slug project.Slug, number int64, action Action) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	query := url.Values{"file": {"true"}}
	if action.AllocationID != "" {
		query.Set("allocation-id", action.AllocationID)
	}
	path := fmt.Sprintf("/v1.1/project/%s/%d/output/%d/%d", escape(slug.V1()), number, action.Step, action.Node)
	res, err := c.send(ctx, http.MethodGet, path, query, nil, "text/plain, */*;q=0.5")
	if err != nil {
		return nil, err
	}
	return read(res)
}

// tail keeps the end of a text, from the beginning of a line.
func tail(text []byte) Output {
	if len(text) <= maxOutput {
		return Output{Text: string(text)}
	}
	from := len(text) - maxOutput
	if line := bytes.IndexByte(text[from:], '\n'); line >= 0 {
		from += line + 1
	}
	return Output{Text: string(text[from:]), Omitted: bytes.Count(text[:from], []byte{'\n'})}
}

// Rerun runs a workflow again, whole or from its failed jobs on, and returns the id of the new workflow.
func (c *Client) Rerun(ctx context.Context, workflowID string, fromFailed bool) (string, error) {
	var made struct {
		WorkflowID string `json:"workflow_id"`
	}
	err := c.call(ctx, http.MethodPost, "/v2/workflow/"+url.PathEscape(workflowID)+"/rerun", nil, map[string]bool{"from_failed": fromFailed}, &made)
	if err == nil && made.WorkflowID == "" {
		err = &Fault{Kind: Unreadable, Message: "the answer names no new workflow"}
	}
	return made.WorkflowID, err
}

// all fetches the pages of a list.
func all[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var items []T
	query := url.Values{}
	for range maxPages {
		var page List[T]
		if err := c.call(ctx, http.MethodGet, path, query, nil, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			break
		}
		query.Set("page-token", page.Next)
	}
	return items, nil
}

// call sends a request and decodes the answer.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := c.send(ctx, method, path, query, body, "application/json")
	if err != nil {
		return err
	}
	text, err := read(res)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &Fault{Kind: Unreadable, Status: res.StatusCode, Message: "the answer is not the JSON that the API promises: " + err.Error()}
	}
	return nil
}

// send sends a request as the plugin. An answer without success is a [*Fault].
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body any, accept string) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("ask CircleCI: %w", err)
		}
		content = bytes.NewReader(text)
	}
	target := c.endpoint() + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(c.self.As(ctx), method, target, content)
	if err != nil {
		return nil, fmt.Errorf("ask CircleCI: %w", err)
	}
	r.Header.Set("Accept", accept) // v1.1 answers in another format without it
	r.Header.Set("User-Agent", "proscenium-circleci")
	r.Header.Set("Cache-Control", "no-store") // the plugin knows better than the endpoint's cache for how long an answer is good
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.proxy.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, AsFault(err)
	}
	if res.StatusCode < http.StatusOK || res.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = res.Body.Close() }()
		var told struct {
			Message string `json:"message"`
		}
		text, _ := io.ReadAll(io.LimitReader(res.Body, 16<<10))
		_ = json.Unmarshal(text, &told) // else there is only the status
		return nil, faultOf(res, strings.TrimSpace(told.Message), time.Now())
	}
	return res, nil
}

// read reads an answer to its end.
func read(res *http.Response) ([]byte, error) {
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, &Fault{Kind: Unreadable, Status: res.StatusCode, Message: "the answer ended early"}
	}
	return text, nil
}

// escape escapes the parts of a slug.
func escape(slug string) string {
	parts := strings.Split(slug, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
