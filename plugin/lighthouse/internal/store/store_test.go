package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
)

// each runs a test on every engine, with a store that keeps three audits of each outcome.
func each(t *testing.T, test func(t *testing.T, s *store.Store, db *sqlx.DB)) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, d *database.Databases) {
		ctx := t.Context()
		if err := d.Prepare(ctx, "audits"); err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(ctx, "audits", store.Migrations()); err != nil {
			t.Fatal(err)
		}
		db, err := d.For("audits")
		if err != nil {
			t.Fatal(err)
		}
		test(t, store.New(db, 3), db)
	})
}

func create(t *testing.T, s *store.Store, id, url string) auditapi.Audit {
	t.Helper()
	a, err := s.Create(t.Context(), store.NewAudit{ID: id, URL: url, FormFactor: auditapi.Mobile, Config: json.RawMessage(`{"a":1}`), UpTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func claim(t *testing.T, s *store.Store, worker string) store.Job {
	t.Helper()
	job, ok, err := s.Claim(t.Context(), worker)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return store.Job{}
	}
	return job
}

func scores(score float64) map[string]auditapi.Category {
	return map[string]auditapi.Category{"performance": {ID: "performance", Title: "Performance", Score: &score}, "seo": {ID: "seo", Title: "SEO"}}
}

func TestLifeOfAnAudit(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *sqlx.DB) {
		made := create(t, s, "a", "https://example.com/")
		if made.Status != auditapi.Running || made.TimeStarted != nil || made.FormFactor != auditapi.Mobile {
			t.Errorf("new: %+v", made)
		}
		job := claim(t, s, "w")
		if job != (store.Job{ID: "a", URL: "https://example.com/", Config: `{"a":1}`, UpTimeout: 2000}) {
			t.Errorf("claimed %+v", job)
		}
		if again := claim(t, s, "w2"); again.ID != "" {
			t.Errorf("claimed twice: %+v", again)
		}
		if err := s.Beat(t.Context(), "a", "w"); err != nil {
			t.Error(err)
		}
		if err := s.Beat(t.Context(), "a", "w2"); !errors.Is(err, store.ErrLost) {
			t.Errorf("another's beat: %v", err)
		}
		report := json.RawMessage(`{"big":"` + strings.Repeat("x", 100_000) + `"}`)
		if err := s.Complete(t.Context(), "a", "w2", nil, report); !errors.Is(err, store.ErrLost) {
			t.Errorf("another's completion: %v", err)
		}
		if err := s.Complete(t.Context(), "a", "w", scores(0.5), report); err != nil {
			t.Fatal(err)
		}
		if err := s.Fail(t.Context(), "a", "w", "late"); !errors.Is(err, store.ErrLost) {
			t.Errorf("a second end: %v", err)
		}
		a, err := s.Audit(t.Context(), "a")
		if err != nil || a.Status != auditapi.Completed || *a.Categories["performance"].Score != 0.5 || a.Categories["seo"].Score != nil || a.TimeStarted == nil || a.TimeCompleted.Before(*a.TimeStarted) {
			t.Errorf("completed: %+v, %v", a, err)
		}
		if !a.TimeCreated.Equal(made.TimeCreated) || a.TimeCreated.Location() != time.UTC {
			t.Errorf("created at %v, then %v", made.TimeCreated, a.TimeCreated)
		}
		if got, err := s.Report(t.Context(), "a"); err != nil || string(got) != string(report) {
			t.Errorf("report of %d bytes, %v", len(got), err)
		}
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if _, err := s.Report(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the report of a deleted audit: %v", err)
		}
		if err := s.Delete(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestWebsites(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *sqlx.DB) {
		for i, url := range []string{"https://a.example", "https://b.example/", "https://A.example/#x", "https://c.example/shop/"} {
			create(t, s, fmt.Sprint(i), url)
			time.Sleep(2 * time.Millisecond) // the order is by milliseconds
		}
		list, err := s.Websites(t.Context(), 2, 0)
		if err != nil || list.Total != 3 || len(list.Items) != 2 || list.Items[0].URL != "https://c.example/shop/" || list.Items[1].URL != "https://A.example/#x" {
			t.Errorf("%+v, %v", list, err)
		}
		if rest, err := s.Websites(t.Context(), 2, 2); err != nil || len(rest.Items) != 1 || rest.Items[0].URL != "https://b.example/" {
			t.Errorf("%+v, %v", rest, err)
		}
		site, err := s.Website(t.Context(), "https://a.example/")
		if err != nil || len(site.Audits) != 2 || site.Audits[0].ID != "2" || site.LastAudit.ID != "2" {
			t.Errorf("%+v, %v", site, err)
		}
		if _, err := s.Website(t.Context(), "https://d.example"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown: %v", err)
		}
		all, err := s.Audits(t.Context(), 3, 1)
		if err != nil || all.Total != 4 || len(all.Items) != 3 || all.Items[0].ID != "2" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, db *sqlx.DB) {
		end := func(id string, fail bool) {
			create(t, s, id, "https://a.example")
			claim(t, s, "w")
			var err error
			if fail {
				err = s.Fail(t.Context(), id, "w", "down")
			} else {
				err = s.Complete(t.Context(), id, "w", scores(1), json.RawMessage(`{}`))
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		for i := range 5 {
			end(fmt.Sprintf("ok%d", i), false)
		}
		for i := range 5 {
			end(fmt.Sprintf("bad%d", i), true)
		}
		site, err := s.Website(t.Context(), "https://a.example")
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, a := range site.Audits {
			left = append(left, a.ID)
		}
		if got := strings.Join(left, " "); got != "bad4 bad3 bad2 ok4 ok3 ok2" {
			t.Errorf("left: %s", got)
		}
		var reports int
		if err := db.GetContext(t.Context(), &reports, `SELECT COUNT(*) FROM site_audit_reports`); err != nil || reports != 3 {
			t.Errorf("%d reports, %v", reports, err)
		}
	})
}

// TestManyWorkersClaimEachAuditOnce has workers of two stores, as two replicas have, empty one queue.
func TestManyWorkersClaimEachAuditOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, db *sqlx.DB) {
		const audits = 40
		for i := range audits {
			create(t, s, fmt.Sprintf("%02d", i), fmt.Sprintf("https://%d.example", i))
		}
		var mu sync.Mutex
		taken := map[string]int{}
		var workers sync.WaitGroup
		for w := range 8 {
			workers.Go(func() {
				own := s
				if w%2 == 0 {
					own = store.New(db, 3)
				}
				for {
					job, ok, err := own.Claim(t.Context(), fmt.Sprint(w))
					if err != nil {
						t.Error(err)
						return
					}
					if !ok {
						return
					}
					mu.Lock()
					taken[job.ID]++
					mu.Unlock()
				}
			})
		}
		workers.Wait()
		if len(taken) != audits {
			t.Errorf("%d of %d were claimed", len(taken), audits)
		}
		for id, times := range taken {
			if times != 1 {
				t.Errorf("%s was claimed %d times", id, times)
			}
		}
		if load, err := s.Load(t.Context()); err != nil || load.Begun != audits || load.Waiting != 0 {
			t.Errorf("load %+v, %v", load, err)
		}
	})
}

func TestRecover(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, db *sqlx.DB) {
		create(t, s, "a", "https://a.example")
		claim(t, s, "dead")
		expire := func() {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), `UPDATE site_audits SET leased_until = $1`, time.Now().UTC().Add(-time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		recovered := func(alone bool) int {
			t.Helper()
			n, err := s.Recover(t.Context(), alone)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := recovered(false); n != 0 || claim(t, s, "b").ID != "" {
			t.Errorf("an audit whose worker lives was taken (%d)", n)
		}
		expire()
		if n := recovered(false); n != 0 {
			t.Errorf("%d failed after the first end of a worker", n)
		}
		if claim(t, s, "b").ID != "a" {
			t.Fatal("an abandoned audit was not claimed again")
		}
		if err := s.Beat(t.Context(), "a", "dead"); !errors.Is(err, store.ErrLost) {
			t.Errorf("who was taken for dead: %v", err)
		}
		if n := recovered(true); n != 1 {
			t.Errorf("%d failed after the second end", n)
		}
		if a, err := s.Audit(t.Context(), "a"); err != nil || a.Status != auditapi.Failed || !strings.Contains(a.Reason, "ended 2 times") {
			t.Errorf("%+v, %v", a, err)
		}
		create(t, s, "c", "https://c.example")
		claim(t, s, "dead")
		if n := recovered(true); n != 0 || claim(t, s, "b").ID != "c" {
			t.Errorf("alone: %d failed, or it was not there to be claimed", n)
		}
		if err := s.Release(t.Context(), "c", "b"); err != nil {
			t.Error(err)
		}
		if claim(t, s, "d").ID != "c" {
			t.Error("an audit that was given back cannot be claimed")
		}
	})
}

func TestDeletedWhileItRuns(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store, _ *sqlx.DB) {
		create(t, s, "a", "https://a.example")
		claim(t, s, "w")
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := s.Complete(t.Context(), "a", "w", scores(1), json.RawMessage(`{}`)); !errors.Is(err, store.ErrLost) {
			t.Errorf("Complete: %v", err)
		}
		if _, err := s.Report(context.WithoutCancel(t.Context()), "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Report: %v", err)
		}
	})
}
