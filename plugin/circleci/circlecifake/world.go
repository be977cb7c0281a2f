package circlecifake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Project is a project that the server has, with a history that follows from its slug.
type Project struct {
	Slug      string        // gh/OWNER/REPO, bb/OWNER/REPO or circleci/ORGANIZATION-ID/PROJECT-ID
	Things    string        // what it deals with, in the plural: its commits, logs and tests speak of them; default: what the repository's name begins with
	Pipelines int           // how many it has; 0 means 45
	Failing   bool          // the newest finished pipeline of main failed
	Running   bool          // a pipeline starts with the server
	OnHold    bool          // the newest workflow of main waits for an approval
	Broken    bool          // the newest pipeline has a faulty configuration
	Empty     bool          // nothing has run yet
	Pace      time.Duration // how long a job of what starts with the server, or is run again, takes; 0 means 20s
}

// project is a project with its history.
type project struct {
	Project
	slug      string // canonical
	id        string
	pipelines []*pipeline // newest first
	nextJob   int64
	jobs      map[int64]*job
}

type pipeline struct {
	project   *project
	id        string
	number    int64
	created   time.Time
	errors    []map[string]string
	branch    string
	revision  string
	subject   string
	login     string
	workflows []*workflow
}

type workflow struct {
	pipeline *pipeline
	id, name string
	created  time.Time
	jobs     []*job
}

type job struct {
	workflow *workflow
	id, name string
	number   int64
	approval bool
	after    []*job
	carried  bool // done by the workflow that this one repeats
	start    time.Time
	took     time.Duration
	outcome  string // success, failed or, for an approval that nobody gave, on_hold
	steps    []stepPlan
}

// stepPlan is a step by its share of the job's time.
type stepPlan struct {
	name, command string
	share         float64
	lines         []string
}

// canonical is a slug as API v2 writes it.
func canonical(slug string) string {
	parts := strings.SplitN(slug, "/", 2)
	switch strings.ToLower(parts[0]) {
	case "github", "gh":
		parts[0] = "gh"
	case "bitbucket", "bb":
		parts[0] = "bb"
	}
	return strings.Join(parts, "/")
}

// seed is a number that follows from texts.
func seed(parts ...any) uint64 {
	sum := sha256.Sum256([]byte(fmt.Sprintln(parts...)))
	var n uint64
	for _, b := range sum[:8] {
		n = n<<8 | uint64(b)
	}
	return n
}

// uuid is an id that follows from texts.
func uuid(parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprintln(parts...)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}

var (
	branchNames = []string{"main", "main", "main", "fix/repeated-requests", "feature/export", "renovate/go-1.x", "main", "chore/logging"}
	subjects    = []string{ // %[1]s is one thing, %[2]s are several
		"Check %[2]s before the nightly run", "Retry when the database closes the connection", "Update dependencies", "Export %[2]s as CSV", "Show who changed a %[1]s",
		"Remove the old %[1]s client", "Log why a %[1]s is refused", "Speed up the search for %[2]s", "Test the import of old %[2]s", "Fix a typo in the mail about new %[2]s",
	}
	logins = []string{"m.visser", "anouk", "jdoe", "renovate[bot]", "s.okafor"}
)

// newProject makes a project's history up to now.
func newProject(spec Project, now time.Time) *project {
	p := &project{Project: spec, slug: canonical(spec.Slug), id: uuid(spec.Slug), nextJob: 1, jobs: map[int64]*job{}}
	if spec.Pace == 0 {
		p.Pace = 20 * time.Second
	}
	count := spec.Pipelines
	if count == 0 {
		count = 45
	}
	if spec.Empty {
		return p
	}
	for number := 1; number <= count; number++ {
		last := number == count
		age := time.Duration(count-number)*97*time.Minute + 50*time.Minute + time.Duration(seed(spec.Slug, number)%1500)*time.Second
		branch := branchNames[(uint64(number)+seed(spec.Slug))%uint64(len(branchNames))]
		fails := seed(spec.Slug, "fails", number)%6 == 0
		if last {
			branch, fails = "main", spec.Failing
		}
		if last && spec.Running {
			age = 0
		}
		line := p.pipeline(int64(number), now.Add(-age), branch)
		switch {
		case last && spec.Broken:
			line.errors = []map[string]string{{"type": "config", "message": "Unknown variable: pipeline.parameters.deploy-to, in job deploy, line 48"}}
			continue
		case last && spec.Running:
			p.start(line, "build-and-test", now, p.Pace, spec.Failing, false, nil)
		default:
			p.start(line, "build-and-test", line.created.Add(3*time.Second), 75*time.Second, fails, false, nil)
		}
		if branch == "main" && !fails && !(last && spec.Running) {
			p.start(line, "release", line.created.Add(4*time.Second), 40*time.Second, false, last && spec.OnHold, nil)
		}
	}
	return p
}

// repo is the repository's name, as far as the slug has one.
func (p *project) repo() string {
	if strings.HasPrefix(p.slug, "circleci/") {
		return "app"
	}
	return p.slug[strings.LastIndexByte(p.slug, '/')+1:]
}

// things are what the project deals with: several, and one.
func (p *project) things() (many, one string) {
	many = p.Things
	if many == "" {
		many, _, _ = strings.Cut(p.repo(), "-")
		many = strings.TrimSuffix(many, "s") + "s"
	}
	one = strings.TrimSuffix(many, "s")
	if stem, ok := strings.CutSuffix(many, "sses"); ok {
		one = stem + "ss"
	}
	return many, one
}

// say puts what the project deals with into a text: %[1]s is one of them, %[2]s are several, %[3]s is the repository.
func (p *project) say(text string) string {
	many, one := p.things()
	return strings.NewReplacer("%[1]s", one, "%[2]s", many, "%[3]s", p.repo()).Replace(text)
}

func (p *project) pipeline(number int64, created time.Time, branch string) *pipeline {
	n := seed(p.Slug, "pipeline", number)
	line := &pipeline{
		project: p, id: uuid(p.Slug, "pipeline", number), number: number, created: created, branch: branch, revision: fmt.Sprintf("%016x%016x%08x", n, n*31, uint32(n)),
		subject: p.say(subjects[n%uint64(len(subjects))]), login: logins[n/7%uint64(len(logins))],
	}
	p.pipelines = append([]*pipeline{line}, p.pipelines...)
	return line
}

// start adds a workflow. Jobs that repeat has finished are carried over.
func (p *project) start(line *pipeline, name string, at time.Time, pace time.Duration, fails, held bool, repeats *workflow) *workflow {
	w := &workflow{pipeline: line, id: uuid(line.id, name, len(line.workflows)), name: name, created: at}
	line.workflows = append(line.workflows, w)
	add := func(name string, share float64, steps []stepPlan, after ...*job) *job {
		j := &job{workflow: w, id: uuid(w.id, name), name: name, number: p.nextJob, after: after, took: time.Duration(share * float64(pace)), outcome: "success", steps: steps, start: at}
		p.nextJob++
		for _, before := range after {
			if end := before.start.Add(before.took); end.After(j.start) {
				j.start = end
			}
		}
		j.start = j.start.Add(pace / 20)
		if repeats != nil {
			for _, old := range repeats.jobs {
				if old.name == name && old.outcome == "success" {
					j.carried, j.number, j.start, j.took = true, old.number, old.start, old.took
				}
			}
		}
		p.jobs[j.number] = j
		w.jobs = append(w.jobs, j)
		return j
	}
	if name == "release" {
		image := add("build-image", 1, imageSteps(p))
		approve := add("approve-release", 0, nil, image)
		approve.approval, approve.number = true, 0
		approve.start = image.start.Add(image.took)
		if held {
			approve.outcome = "on_hold"
		}
		add("deploy", 0.8, deploySteps(p), approve)
		return w
	}
	lint := add("lint", 0.5, lintSteps())
	unit := add("unit-tests", 1.2, testSteps(p, fails))
	integration := add("integration-tests", 1.6, integrationSteps(p))
	if fails {
		unit.outcome = "failed"
	}
	add("package", 0.6, imageSteps(p), lint, unit, integration)
	return w
}

// state is how a job stands at a time.
func (j *job) state(now time.Time) string {
	if j.carried {
		return j.outcome
	}
	for _, before := range j.after {
		switch before.state(now) {
		case "failed", "not_run", "canceled":
			return "not_run"
		case "success":
		default:
			return "blocked"
		}
	}
	switch {
	case j.approval && now.Before(j.start):
		return "blocked"
	case now.Before(j.start):
		return "queued"
	case j.outcome == "on_hold":
		return "on_hold"
	case now.Before(j.start.Add(j.took)):
		return "running"
	}
	return j.outcome
}

// started reports whether a job has begun.
func (j *job) started(now time.Time) bool {
	switch j.state(now) {
	case "running", "success", "failed":
		return true
	}
	return false
}

func (j *job) ended(now time.Time) bool {
	state := j.state(now)
	return state == "success" || state == "failed"
}

// state is how a workflow stands at a time.
func (w *workflow) state(now time.Time) string {
	failed, going, held := false, false, false
	for _, j := range w.jobs {
		switch j.state(now) {
		case "failed":
			failed = true
		case "running", "queued":
			going = true
		case "on_hold":
			held = true
		}
	}
	switch {
	case going && failed:
		return "failing"
	case going:
		return "running"
	case failed:
		return "failed"
	case held:
		return "on_hold"
	}
	return "success"
}

// stopped is when the last of the jobs ended.
func (w *workflow) stopped(now time.Time) any {
	if state := w.state(now); state != "success" && state != "failed" {
		return nil
	}
	last := w.created
	for _, j := range w.jobs {
		if end := j.start.Add(j.took); j.ended(now) && end.After(last) {
			last = end
		}
	}
	return stamp(last)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
