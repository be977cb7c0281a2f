package circlecifake

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is an object of JSON.
type object = map[string]any

// pageSize is how many items a page of a list has.
const pageSize = 20

// page cuts a page out of a list.
func page[T any](r *http.Request, all []T, show func(T) object) (any, *problem) {
	from := 0
	if token := r.URL.Query().Get("page-token"); token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			from, err = strconv.Atoi(strings.TrimPrefix(string(text), "from:"))
		}
		if err != nil || from < 0 || from > len(all) {
			return nil, &problem{http.StatusBadRequest, "Invalid page token"}
		}
	}
	to := min(from+pageSize, len(all))
	items := []object{}
	for _, item := range all[from:to] {
		items = append(items, show(item))
	}
	var next any
	if to < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte("from:" + strconv.Itoa(to)))
	}
	return object{"items": items, "next_page_token": next}, nil
}

func (s *Server) find(r *http.Request) *project {
	slug := canonical(r.PathValue("vcs") + "/" + r.PathValue("owner") + "/" + r.PathValue("name"))
	for _, p := range s.projects {
		if p.slug == slug || !strings.HasPrefix(slug, "circleci/") && strings.EqualFold(p.slug, slug) {
			return p
		}
	}
	return nil
}

func (s *Server) me(*http.Request) (any, *problem) {
	return object{"id": uuid("me"), "login": "portal-bot", "name": "Portal"}, nil
}

func (s *Server) project(r *http.Request) (any, *problem) {
	p := s.find(r)
	if p == nil {
		return nil, notFound("Project")
	}
	parts := strings.Split(p.slug, "/")
	provider := map[string]string{"gh": "GitHub", "bb": "Bitbucket", "circleci": "CircleCI"}[parts[0]]
	return object{"slug": p.slug, "name": parts[2], "id": p.id, "organization_name": parts[1], "organization_slug": parts[0] + "/" + parts[1], "organization_id": uuid(parts[1]),
		"vcs_info": object{"vcs_url": p.repository(), "provider": provider, "default_branch": "main"}}, nil
}

// repository is the address of a project's code.
func (p *project) repository() string {
	parts := strings.Split(p.slug, "/")
	switch parts[0] {
	case "bb":
		return "https://bitbucket.org/" + parts[1] + "/" + parts[2]
	case "circleci":
		return "https://gitlab.com/example/" + strings.ToLower(parts[2])
	}
	return "https://github.com/" + parts[1] + "/" + parts[2]
}

func (s *Server) pipelines(r *http.Request) (any, *problem) {
	p := s.find(r)
	if p == nil {
		return nil, notFound("Project")
	}
	branch := r.URL.Query().Get("branch")
	var list []*pipeline
	for _, line := range p.pipelines {
		if branch == "" || line.branch == branch {
			list = append(list, line)
		}
	}
	return page(r, list, (*pipeline).json)
}

func (l *pipeline) json() object {
	errors := l.errors
	if errors == nil {
		errors = []map[string]string{}
	}
	o := object{
		"id": l.id, "number": l.number, "project_slug": l.project.slug, "created_at": stamp(l.created), "updated_at": stamp(l.created), "errors": errors, "state": "created",
		"trigger": object{"type": "webhook", "received_at": stamp(l.created), "actor": object{"login": l.login, "avatar_url": nil}},
	}
	if len(errors) > 0 {
		o["state"] = "errored"
	}
	if strings.HasPrefix(l.project.slug, "circleci/") { // projects with ids say what they ran for among the trigger's parameters
		o["trigger_parameters"] = object{
			"git":    object{"branch": l.branch, "checkout_sha": l.revision, "commit_message": l.subject, "commit_author_name": l.login, "repo_url": l.project.repository()},
			"gitlab": object{"branch": l.branch, "checkout_sha": l.revision, "user_username": l.login, "web_url": l.project.repository(), "type": "push"},
		}
		return o
	}
	o["vcs"] = object{
		"provider_name": map[bool]string{true: "Bitbucket", false: "GitHub"}[strings.HasPrefix(l.project.slug, "bb/")], "origin_repository_url": l.project.repository(), "target_repository_url": l.project.repository(),
		"branch": l.branch, "revision": l.revision, "commit": object{"subject": l.subject, "body": ""},
	}
	return o
}

func (s *Server) pipelineOf(id string) *pipeline {
	for _, p := range s.projects {
		if at := slices.IndexFunc(p.pipelines, func(l *pipeline) bool { return l.id == id }); at >= 0 {
			return p.pipelines[at]
		}
	}
	return nil
}

func (s *Server) workflowOf(id string) *workflow {
	for _, p := range s.projects {
		for _, l := range p.pipelines {
			if at := slices.IndexFunc(l.workflows, func(w *workflow) bool { return w.id == id }); at >= 0 {
				return l.workflows[at]
			}
		}
	}
	return nil
}

func (s *Server) pipeline(r *http.Request) (any, *problem) {
	line := s.pipelineOf(r.PathValue("id"))
	if line == nil {
		return nil, notFound("Pipeline")
	}
	return line.json(), nil
}

func (s *Server) workflows(r *http.Request) (any, *problem) {
	line := s.pipelineOf(r.PathValue("id"))
	if line == nil {
		return nil, notFound("Pipeline")
	}
	list := slices.Clone(line.workflows)
	slices.Reverse(list)
	return page(r, list, s.workflowJSON)
}

func (s *Server) workflowJSON(w *workflow) object {
	return object{
		"id": w.id, "name": w.name, "pipeline_id": w.pipeline.id, "pipeline_number": w.pipeline.number, "project_slug": w.pipeline.project.slug, "status": w.state(s.now()),
		"started_by": uuid(w.pipeline.login), "created_at": stamp(w.created), "stopped_at": w.stopped(s.now()), "tag": nil,
	}
}

func (s *Server) workflow(r *http.Request) (any, *problem) {
	w := s.workflowOf(r.PathValue("id"))
	if w == nil {
		return nil, notFound("Workflow")
	}
	return s.workflowJSON(w), nil
}

func (s *Server) jobs(r *http.Request) (any, *problem) {
	w := s.workflowOf(r.PathValue("id"))
	if w == nil {
		return nil, notFound("Workflow")
	}
	now := s.now()
	return page(r, w.jobs, func(j *job) object {
		o := object{"id": j.id, "name": j.name, "project_slug": w.pipeline.project.slug, "status": j.state(now), "type": "build", "started_at": nil, "stopped_at": nil, "dependencies": ids(j.after)}
		if j.approval {
			o["type"], o["approval_request_id"] = "approval", uuid(j.id, "approval")
		}
		if j.started(now) {
			o["started_at"] = stamp(j.start)
			if !j.approval {
				o["job_number"] = j.number
			}
		}
		if j.ended(now) {
			o["stopped_at"] = stamp(j.start.Add(j.took))
		}
		return o
	})
}

func ids(jobs []*job) []string {
	list := []string{}
	for _, j := range jobs {
		list = append(list, j.id)
	}
	return list
}

func (s *Server) rerun(r *http.Request) (any, *problem) {
	old := s.workflowOf(r.PathValue("id"))
	if old == nil {
		return nil, notFound("Workflow")
	}
	var body struct {
		FromFailed bool     `json:"from_failed"`
		EnableSSH  bool     `json:"enable_ssh"`
		Jobs       []string `json:"jobs"`
		SparseTree bool     `json:"sparse_tree"`
	}
	text, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if len(text) > 0 && json.Unmarshal(text, &body) != nil {
		return nil, &problem{http.StatusBadRequest, "Malformed body"}
	}
	now := s.now()
	state := old.state(now)
	switch {
	case state == "running" || state == "failing" || state == "on_hold":
		return nil, &problem{http.StatusBadRequest, "Can not rerun a workflow that is still running."}
	case body.FromFailed && state == "success":
		return nil, &problem{http.StatusBadRequest, "Can not rerun from failed a workflow that has not failed."}
	}
	var repeats *workflow
	if body.FromFailed {
		repeats = old
	}
	p := old.pipeline.project
	made := p.start(old.pipeline, old.name, now, p.Pace, false, false, repeats)
	return object{"workflow_id": made.id}, nil
}

// jobOf finds a job that has begun.
func (s *Server) jobOf(r *http.Request) (*job, *problem) {
	p := s.find(r)
	if p == nil {
		return nil, notFound("Project")
	}
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || p.jobs[number] == nil || !p.jobs[number].started(s.now()) {
		return nil, notFound("Job")
	}
	return p.jobs[number], nil
}

// ofJob is job/NUMBER, NUMBER/tests or NUMBER/artifacts.
func (s *Server) ofJob(r *http.Request) (any, *problem) {
	first, second := r.PathValue("first"), r.PathValue("second")
	r.SetPathValue("number", first)
	switch {
	case first == "job":
		r.SetPathValue("number", second)
		return s.job(r)
	case second == "tests":
		return s.tests(r)
	case second == "artifacts":
		return s.artifacts(r)
	}
	return nil, &problem{http.StatusNotFound, "Not found"}
}

func (s *Server) job(r *http.Request) (any, *problem) {
	j, problem := s.jobOf(r)
	if problem != nil {
		return nil, problem
	}
	now, p := s.now(), j.workflow.pipeline.project
	o := object{
		"name": j.name, "number": j.number, "status": j.state(now), "web_url": fmt.Sprintf("https://app.circleci.com/pipelines/%s/%d/workflows/%s/jobs/%d", p.slug, j.workflow.pipeline.number, j.workflow.id, j.number),
		"created_at": stamp(j.start.Add(-4 * time.Second)), "queued_at": stamp(j.start.Add(-3 * time.Second)), "started_at": stamp(j.start), "stopped_at": nil, "duration": nil, "parallelism": 1,
		"parallel_runs": []object{{"index": 0, "status": j.state(now)}}, "executor": object{"type": "docker", "resource_class": "medium"}, "contexts": []object{{"name": "registry"}}, "messages": []object{},
		"project":         object{"id": p.id, "slug": p.slug, "name": p.slug, "external_url": p.repository()},
		"organization":    object{"name": strings.Split(p.slug, "/")[1]},
		"latest_workflow": object{"id": j.workflow.id, "name": j.workflow.name}, "pipeline": object{"id": j.workflow.pipeline.id},
	}
	if j.ended(now) {
		o["stopped_at"], o["duration"] = stamp(j.start.Add(j.took)), j.took.Milliseconds()
	}
	return o, nil
}

func (s *Server) tests(r *http.Request) (any, *problem) {
	j, problem := s.jobOf(r)
	if problem != nil {
		return nil, problem
	}
	var list []object
	p := j.workflow.pipeline.project
	if j.name == "unit-tests" && j.ended(s.now()) {
		for i := range 24 {
			test := object{"classname": p.say("%[2]s"), "name": testName(p, i), "file": p.say("%[2]s/%[1]s_test.go"), "result": "success", "run_time": float64(seed(j.id, i)%900) / 1000, "message": "", "source": "unknown"}
			if i == 22 && j.outcome == "failed" {
				test["result"], test["message"] = "failure", p.say(failure)
			}
			if i == 7 {
				test["result"], test["message"] = "skipped", "needs a database of last year"
			}
			list = append(list, test)
		}
	}
	return page(r, list, func(o object) object { return o })
}

func (s *Server) artifacts(r *http.Request) (any, *problem) {
	j, problem := s.jobOf(r)
	if problem != nil {
		return nil, problem
	}
	var list []string
	if (j.name == "package" || j.name == "build-image") && j.ended(s.now()) {
		list = []string{j.workflow.pipeline.project.say("dist/%[3]s-linux-amd64"), "dist/sbom.json"}
	}
	return page(r, list, func(path string) object {
		return object{"path": path, "node_index": 0, "url": "https://output.circle-artifacts.com/output/job/" + j.id + "/artifacts/0/" + path}
	})
}

func (s *Server) insights(r *http.Request) (any, *problem) {
	p := s.find(r)
	if p == nil {
		return nil, notFound("Project")
	}
	runs := map[string][]*workflow{}
	var names []string
	for _, line := range p.pipelines {
		if branch := r.URL.Query().Get("branch"); branch != "" && line.branch != branch {
			continue
		}
		for _, w := range line.workflows {
			if runs[w.name] == nil {
				names = append(names, w.name)
			}
			runs[w.name] = append(runs[w.name], w)
		}
	}
	slices.Sort(names)
	now := s.now()
	return page(r, names, func(name string) object {
		good, bad := 0, 0
		for _, w := range runs[name] {
			switch w.state(now) {
			case "success":
				good++
			case "failed":
				bad++
			}
		}
		rate := 0.0
		if good+bad > 0 {
			rate = float64(good) / float64(good+bad)
		}
		return object{"name": name, "project_id": p.id, "window_start": stamp(now.AddDate(0, 0, -30)), "window_end": stamp(now), "metrics": object{
			"total_runs": good + bad, "successful_runs": good, "failed_runs": bad, "success_rate": rate, "mttr": 5400, "throughput": 1.5, "total_recoveries": 3, "total_credits_used": 12_400,
			"duration_metrics": object{"min": 121, "mean": 203, "median": 197, "p95": 341, "max": 512, "standard_deviation": 44.1},
		}}
	})
}

// build is a job as API v1.1 knows it.
func (s *Server) build(r *http.Request) (any, *problem) {
	j, problem := s.jobOf(r)
	if problem != nil {
		return nil, problem
	}
	now := s.now()
	steps := []object{}
	for i, plan := range j.steps {
		status, from, to := j.stepAt(i, now)
		if status == "" {
			continue
		}
		action := object{
			"index": 0, "step": stepNumber(i), "name": plan.name, "type": "test", "status": status, "start_time": stamp(from), "end_time": nil, "run_time_millis": nil, "exit_code": nil, "bash_command": nil,
			"failed": nil, "parallel": true, "background": false, "has_output": true, "truncated": false, "allocation_id": j.allocation(), "infrastructure_fail": nil, "timedout": nil, "canceled": nil,
			"output_url": "https://circleci.com/api/v1.1/project/" + j.workflow.pipeline.project.slug + fmt.Sprintf("/%d/output/%d/0?file=true&allocation-id=%s", j.number, stepNumber(i), url.QueryEscape(j.allocation())),
		}
		if plan.command != "" {
			action["bash_command"] = plan.command
		}
		if status != "running" {
			action["end_time"], action["run_time_millis"] = stamp(to), to.Sub(from).Milliseconds()
			action["exit_code"] = 0
		}
		if status == "failed" {
			action["failed"], action["exit_code"] = true, 1
		}
		steps = append(steps, object{"name": plan.name, "actions": []object{action}})
	}
	return object{"build_num": j.number, "status": j.state(now), "lifecycle": "finished", "subject": j.workflow.pipeline.subject, "branch": j.workflow.pipeline.branch, "steps": steps,
		"workflows": object{"job_name": j.name, "workflow_id": j.workflow.id, "workflow_name": j.workflow.name}}, nil
}

func (j *job) allocation() string { return j.id[:8] + "-0-build/ABCDEF" }

// stepNumber is the number of a step in the API, which leaves gaps.
func stepNumber(i int) int {
	if i < 2 {
		return []int{0, 99}[i]
	}
	return 99 + i
}

// stepAt is how a step stands at a time; "" before it begins.
func (j *job) stepAt(i int, now time.Time) (status string, from, to time.Time) {
	before := 0.0
	for _, plan := range j.steps[:i] {
		before += plan.share
	}
	from = j.start.Add(time.Duration(before * float64(j.took)))
	to = from.Add(time.Duration(j.steps[i].share * float64(j.took)))
	fails := len(j.steps) - 2 // the step that the job is about; uploading comes after it
	switch {
	case now.Before(from):
		return "", from, to
	case now.Before(to):
		return "running", from, to
	case j.outcome == "failed" && i == fails:
		return "failed", from, to
	}
	return "success", from, to
}

// output is what a step has printed so far.
func (s *Server) output(r *http.Request) (any, *problem) {
	j, problem := s.jobOf(r)
	if problem != nil {
		return nil, problem
	}
	for i, plan := range j.steps {
		if strconv.Itoa(stepNumber(i)) != r.PathValue("step") || r.PathValue("node") != "0" {
			continue
		}
		now := s.now()
		status, from, to := j.stepAt(i, now)
		if status == "" {
			return raw(""), nil
		}
		lines := plan.lines
		if status == "running" {
			lines = lines[:int(float64(len(lines))*float64(now.Sub(from))/float64(max(1, to.Sub(from))))]
		}
		text := strings.Join(lines, "\r\n") + "\r\n"
		if r.URL.Query().Get("file") == "true" {
			return raw(text), nil
		}
		return []object{{"type": "out", "time": stamp(from), "message": text}}, nil
	}
	return nil, notFound("Output")
}
