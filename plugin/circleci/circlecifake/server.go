// Package circlecifake is a CircleCI for tests and for trying things out: a server with the part of API v2 and v1.1 that the plugin uses, in the shapes that the vendor publishes, with projects whose pipelines
// start, run and end as time goes by, and with faults on demand.
//
//	fake := circlecifake.New(circlecifake.Options{Projects: []circlecifake.Project{{Slug: "gh/example/payments"}}})
//	server := httptest.NewServer(fake)
//	fake.Fail(circlecifake.Fault{Status: 429, RetryAfter: 30 * time.Second})
//
// Like the real one it answers no preflight request of another origin, so browsers cannot call it from a portal's pages.
package circlecifake

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Token is the one that the server accepts unless [Options] says another.
const Token = "circleci-token-of-tests"

// Options say what the server has.
type Options struct {
	Token    string           // in the header Circle-Token; empty means [Token]
	Projects []Project        // what there is
	Now      func() time.Time // nil means the clock
	Log      *slog.Logger     // nil: none
}

// Server is a CircleCI. It is an [http.Handler] for the target of the proxy's endpoint: paths begin with /v2 and /v1.1, with or without /api before them. It is safe for concurrent use.
type Server struct {
	token string
	now   func() time.Time
	log   *slog.Logger
	mux   *http.ServeMux

	mu       sync.Mutex
	projects []*project
	faults   []Fault
	requests []Request
}

// Request is one that the server got.
type Request struct {
	Method, Path, Query string
	Token               string
	At                  time.Time
}

// Fault makes requests fail.
type Fault struct {
	Path       string        // only requests whose path contains this; empty means all
	Method     string        // only requests of this method; empty means all
	Times      int           // how often; 0 means until [Server.Mend]
	Status     int           // answers this status with a message of the API's shape; 0 answers as if all were well
	RetryAfter time.Duration // sent with the status, in whole seconds
	Delay      time.Duration // before the answer, unless the client leaves
	Garbage    bool          // answers 200 with a page of HTML instead of JSON
	Cut        bool          // breaks the answer off in the middle
	Hang       bool          // does not answer until the client leaves
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{token: o.Token, now: o.Now, log: o.Log, mux: http.NewServeMux()}
	if s.token == "" {
		s.token = Token
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, p := range o.Projects {
		s.projects = append(s.projects, newProject(p, s.now()))
	}
	const slug = "/{vcs}/{owner}/{name}"
	for pattern, answer := range map[string]func(*http.Request) (any, *problem){
		"GET /v2/me":                                                  s.me,
		"GET /v2/project" + slug:                                      s.project,
		"GET /v2/project" + slug + "/pipeline":                        s.pipelines,
		"GET /v2/project" + slug + "/{first}/{second}":                s.ofJob,
		"GET /v2/insights" + slug + "/workflows":                      s.insights,
		"GET /v2/pipeline/{id}":                                       s.pipeline,
		"GET /v2/pipeline/{id}/workflow":                              s.workflows,
		"GET /v2/workflow/{id}":                                       s.workflow,
		"GET /v2/workflow/{id}/job":                                   s.jobs,
		"POST /v2/workflow/{id}/rerun":                                s.rerun,
		"GET /v1.1/me":                                                s.me,
		"GET /v1.1/project" + slug + "/{number}":                      s.build,
		"GET /v1.1/project" + slug + "/{number}/output/{step}/{node}": s.output,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, answer) })
	}
	return s
}

// ServeHTTP answers a request, with what faults there are.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api")
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, path, r.URL.RawQuery, r.Header.Get("Circle-Token"), s.now()})
	fault, faulty := s.fault(r.Method, path)
	s.mu.Unlock()
	s.log.Debug("request", "method", r.Method, "path", path, "query", r.URL.RawQuery)
	if faulty && s.spoil(w, r, fault) {
		return
	}
	r = r.Clone(r.Context())
	r.URL.Path = path
	r.URL.RawPath = ""
	if r.Header.Get("Circle-Token") != s.token {
		write(w, http.StatusUnauthorized, map[string]string{"message": "You must log in first."})
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		write(w, http.StatusNotFound, map[string]string{"message": "Not found"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// spoil does what a fault says. It reports whether the request is answered.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, f Fault) bool {
	wait := f.Delay
	if f.Hang {
		wait = time.Hour
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return true
		}
	}
	switch {
	case f.Cut:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"items": [`)
		panic(http.ErrAbortHandler)
	case f.Garbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body><h1>Sign in to the web proxy</h1></body></html>")
		return true
	case f.Status != 0:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
		}
		write(w, f.Status, map[string]string{"message": messages[f.Status]})
		return true
	}
	return false
}

// messages are what the API says to people.
var messages = map[int]string{
	http.StatusUnauthorized:        "Invalid token provided.",
	http.StatusForbidden:           "Permission denied",
	http.StatusNotFound:            "Project not found",
	http.StatusTooManyRequests:     "Rate limit exceeded",
	http.StatusInternalServerError: "Internal Server Error",
	http.StatusBadGateway:          "Bad Gateway",
	http.StatusServiceUnavailable:  "Service Unavailable",
}

// fault returns the first fault that fits. The caller holds the mutex.
func (s *Server) fault(method, path string) (Fault, bool) {
	for i := range s.faults {
		f := s.faults[i]
		if !strings.Contains(path, f.Path) || f.Method != "" && f.Method != method || f.Times < 0 {
			continue
		}
		if f.Times > 0 {
			if s.faults[i].Times--; s.faults[i].Times == 0 {
				s.faults[i].Times = -1
			}
		}
		return f, true
	}
	return Fault{}, false
}

// Fail adds a fault. Where several fit a request, the one that was added first counts.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Mend takes all faults away.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// problem is an answer that is none.
type problem struct {
	status  int
	message string
}

func notFound(what string) *problem { return &problem{http.StatusNotFound, what + " not found"} }

// raw is an answer that is no JSON.
type raw string

func (s *Server) answer(w http.ResponseWriter, r *http.Request, answer func(*http.Request) (any, *problem)) {
	s.mu.Lock()
	value, problem := answer(r)
	s.mu.Unlock()
	if problem != nil {
		write(w, problem.status, map[string]string{"message": problem.message})
		return
	}
	if text, ok := value.(raw); ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.WriteString(w, string(text))
		return
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusAccepted
	}
	w.Header().Set("X-Ratelimit-Limit", "300")
	w.Header().Set("X-Ratelimit-Remaining", "299")
	write(w, status, value)
}

func write(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		http.Error(w, fmt.Sprintf("encode: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
