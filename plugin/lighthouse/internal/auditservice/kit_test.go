package auditservice_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
)

const databaseID = "audits"

// Connections that clients keep for later are no leak.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("os/exec.(*Cmd).watchCtx"))
}

// auditor is a fake: pages whose address contains "bad" fail, those with "hang" run until they are stopped, those with "panic" panic, and the others score what is in their query.
type auditor struct {
	mu      sync.Mutex
	running int
	most    int
	ran     []runner.Job
	hold    chan struct{} // when not nil, audits wait for it
}

func (a *auditor) Run(ctx context.Context, job runner.Job) (runner.Outcome, error) {
	a.mu.Lock()
	a.ran = append(a.ran, job)
	a.running++
	a.most = max(a.most, a.running)
	hold := a.hold
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.running--
	}()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return runner.Outcome{}, context.Cause(ctx)
		}
	}
	switch {
	case strings.Contains(job.URL, "hang"):
		<-ctx.Done()
		return runner.Outcome{}, context.Cause(ctx)
	case strings.Contains(job.URL, "bad"):
		return runner.Outcome{}, &runner.FailedError{Reason: "the page did not answer within 30s", Err: errors.New("dial: secret detail")}
	case strings.Contains(job.URL, "panic"):
		panic("as asked")
	}
	score := 0.75
	report := fmt.Sprintf(`{"requestedUrl":%q,"categories":{"performance":{"id":"performance","title":"Performance","score":0.75}},"note":"</script>"}`, job.URL)
	return runner.Outcome{Report: json.RawMessage(report), Categories: map[string]auditapi.Category{"performance": {ID: "performance", Title: "Performance", Score: &score}}}, nil
}

type renderer struct{}

func (renderer) Render(report json.RawMessage) string {
	return "<!doctype html><title>Report</title>" + string(report)
}

// service is a running service with its API.
type service struct {
	t      *testing.T
	url    string
	stop   func() // stops it and waits
	header http.Header
}

func open(t *testing.T, engine databasetest.Engine) *database.Databases {
	t.Helper()
	d := databasetest.New(t, engine)
	if err := d.Prepare(t.Context(), databaseID); err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), databaseID, store.Migrations()); err != nil {
		t.Fatal(err)
	}
	return d
}

// start runs a service on a database. change may be nil.
func start(t *testing.T, d *database.Databases, a auditservice.Auditor, change func(*auditservice.Settings)) *service {
	t.Helper()
	db, err := d.For(databaseID)
	if err != nil {
		t.Fatal(err)
	}
	signals, err := d.Signals(databaseID)
	if err != nil {
		t.Fatal(err)
	}
	settings := auditservice.Settings{
		Store: store.New(db, 10), Signals: signals, Auditor: a, Renderer: renderer{}, Ping: func(ctx context.Context) error { return d.Ping(ctx, databaseID) },
		Policy:      &guard.Policy{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Resolver: &net.Resolver{PreferGo: true, Dial: noDNS}},
		Concurrency: 2, Timeout: 20 * time.Second, Alone: database.DialectOf(db) == database.SQLite, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&settings)
	}
	s := auditservice.New(settings)
	server := httptest.NewServer(s.Handler())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		server.Close()
	})
	t.Cleanup(stop)
	return &service{t, server.URL, stop, http.Header{}}
}

func noDNS(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (s *service) do(method, path string, body any, header ...string) reply {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		text, ok := body.(string)
		if !ok {
			encoded, err := json.Marshal(body)
			if err != nil {
				s.t.Fatal(err)
			}
			text = string(encoded)
		}
		reader = bytes.NewReader([]byte(text))
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = s.header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{s.t, res.StatusCode, res.Header, text}
}

// want checks the status and that the body contains a text.
func (r reply) want(status int, text string) reply {
	r.t.Helper()
	if r.status != status || !strings.Contains(string(r.body), text) {
		r.t.Errorf("status %d, want %d with %q:\n%s", r.status, status, text, r.body)
	}
	return r
}

func decode[T any](r reply) T {
	r.t.Helper()
	var value T
	if err := json.Unmarshal(r.body, &value); err != nil {
		r.t.Fatalf("%v\n%s", err, r.body)
	}
	return value
}

// audited asks for an audit and waits for its end.
func (s *service) audited(url string) auditapi.AuditWithReport {
	s.t.Helper()
	return decode[auditapi.AuditWithReport](s.do("POST", "/v1/audits", map[string]any{"url": url, "options": map[string]any{"awaitAuditCompleted": true}}).want(http.StatusCreated, ""))
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
