package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/ledger"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/schedule"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// catalog is a fake of which only the query is asked.
type catalog struct {
	catalogcommon.Client
	urls []string
	err  error
}

func (c *catalog) QueryEntities(context.Context, catalogcommon.QueryRequest) (catalogcommon.QueryResponse, error) {
	var answer catalogcommon.QueryResponse
	for i, url := range c.urls {
		answer.Items = append(answer.Items, &catalogcommon.Entity{Kind: "Component", Metadata: catalogcommon.Metadata{Name: fmt.Sprint(i), Annotations: map[string]string{catalogcommon.AnnotationLighthouse: url}}})
	}
	return answer, c.err
}

// world is a schedule with a clock of its own and a service that notes what it is asked.
type world struct {
	t       *testing.T
	ctx     context.Context
	now     time.Time
	catalog *catalog
	ledger  *ledger.Ledger
	asked   []string
	made    int                  // audits ever
	last    map[string]time.Time // of audits, by website
	refuse  string
	down    bool
	tick    func() error
}

func newWorld(t *testing.T, d *database.Databases, s schedule.Settings) *world {
	t.Helper()
	if err := errors.Join(d.Prepare(t.Context(), "lighthouse"), d.Migrate(t.Context(), "lighthouse", os.DirFS("../../migrations"))); err != nil {
		t.Fatal(err)
	}
	db, err := d.For("lighthouse")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), catalog: &catalog{}, ledger: ledger.New(db), last: map[string]time.Time{}}
	w.ctx = pluginapi.WithPrincipal(t.Context(), pluginapi.PluginSelf("lighthouse"))
	service := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(service.Close)
	client, err := auditclient.New(service.URL, pluginapi.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w.tick = func() error {
		return schedule.New(s, client, w.catalog, w.ledger, func() time.Time { return w.now }, slog.New(slog.DiscardHandler)).Tick(w.ctx)
	}
	return w
}

func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	if w.down {
		http.Error(out, "down", http.StatusInternalServerError)
		return
	}
	if site, ok := strings.CutPrefix(r.URL.Path, "/v1/websites/"); ok {
		at, known := w.last[auditapi.Site(site)]
		if !known {
			http.Error(out, "no audited website found for url", http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(out).Encode(auditapi.Website{URL: site, LastAudit: auditapi.Audit{TimeCreated: at}})
		return
	}
	var request auditapi.Request
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		w.t.Error(err)
	}
	if request.URL == w.refuse {
		http.Error(out, "it may not be audited", http.StatusBadRequest)
		return
	}
	w.asked = append(w.asked, request.URL)
	w.made++
	w.last[request.URL] = w.now
	out.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(out).Encode(auditapi.Audit{ID: fmt.Sprint(w.made), URL: request.URL, Status: auditapi.Running})
}

// run lets time pass, in steps of 30 seconds or, where it is long, ten minutes.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	step := 30 * time.Second
	if d > time.Hour {
		step = 10 * time.Minute
	}
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(step) {
		if err := w.tick(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) want(asked ...string) {
	w.t.Helper()
	if got, want := strings.Join(w.asked, " "), strings.Join(asked, " "); got != want {
		w.t.Errorf("asked for %q, want %q", got, want)
	}
	w.asked = nil
}

const day = 24 * time.Hour

func settings() schedule.Settings {
	return schedule.Settings{Frequency: day, InitialDelay: 15 * time.Minute, Spread: 2 * time.Minute}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, d *database.Databases) {
		w := newWorld(t, d, settings())
		w.catalog.urls = []string{"https://a.example/", "https://A.example", "https://b.example", "ftp://c.example", "nonsense", "https://d.example"}
		w.run(15 * time.Minute)
		w.want() // the initial delay
		w.run(time.Minute)
		w.want("https://a.example")
		w.run(time.Minute)
		w.want() // the pause
		w.run(4 * time.Minute)
		w.want("https://b.example", "https://d.example")
		w.run(20 * time.Hour)
		w.want()

		// One that somebody had audited meanwhile waits for a day from then; one that nobody names any more is left out.
		w.last["https://a.example"] = w.now
		w.catalog.urls = []string{"https://a.example", "https://b.example"}
		w.run(5 * time.Hour)
		w.want("https://b.example")
		w.run(20 * time.Hour)
		w.want("https://a.example")

		if by, err := w.ledger.AskedBy(t.Context(), []string{"1", "9"}); err != nil || by["1"] != "plugin:lighthouse" || len(by) != 1 {
			t.Errorf("asked by %v, %v", by, err)
		}
	})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	s := settings()
	s.Budget = 3
	w := newWorld(t, databasetest.New(t, databasetest.SQLiteMemory), s)
	for i := range 5 {
		w.catalog.urls = append(w.catalog.urls, fmt.Sprintf("https://%d.example", i))
	}
	w.run(10 * time.Hour)
	w.want("https://0.example", "https://1.example", "https://2.example")
	w.run(16 * time.Hour)
	w.want("https://3.example", "https://4.example", "https://0.example")
}

func TestRefusedWebsite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.New(t, databasetest.SQLiteMemory), settings())
	w.catalog.urls = []string{"https://a.example", "https://b.example"}
	w.refuse = "https://a.example"
	w.run(20 * time.Minute)
	w.want("https://b.example") // it takes nobody's turn
	if plan, err := w.ledger.Plan(t.Context(), "https://a.example"); err != nil || plan == nil || plan.Problem != "it may not be audited" {
		t.Errorf("%+v, %v", plan, err)
	}
	if plan, err := w.ledger.Plan(t.Context(), "https://c.example"); err != nil || plan != nil {
		t.Errorf("of a website nobody names: %+v, %v", plan, err)
	}
	w.refuse = ""
	w.run(25 * time.Hour)
	w.want("https://a.example", "https://b.example")
	if plan, err := w.ledger.Plan(t.Context(), "https://a.example"); err != nil || plan.Problem != "" {
		t.Errorf("afterwards: %+v, %v", plan, err)
	}
}

func TestFaultsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.New(t, databasetest.SQLiteMemory), settings())
	w.catalog.urls = []string{"https://a.example"}
	w.run(15 * time.Minute)
	w.down = true
	var fault *auditclient.Fault
	if err := w.tick(); !errors.As(err, &fault) {
		t.Errorf("with the service down: %v", err)
	}
	w.down = false
	w.catalog.err = errors.New("the catalog is down")
	if err := w.tick(); err == nil || !strings.Contains(err.Error(), "the catalog is down") {
		t.Errorf("with the catalog down: %v", err)
	}
	w.catalog.err = nil
	w.run(time.Minute)
	w.want("https://a.example")
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.New(t, databasetest.SQLiteMemory), schedule.Settings{})
	w.catalog.urls = []string{"https://a.example"}
	w.run(2 * day)
	w.want()
}
