package auditservice_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
)

// TestNoMoreThanAllowedAtATime posts more audits than may run, and lets them go when as many run as may.
func TestNoMoreThanAllowedAtATime(t *testing.T) {
	t.Parallel()
	fake := &auditor{hold: make(chan struct{})}
	s := start(t, open(t, databasetest.SQLite), fake, func(s *auditservice.Settings) { s.Concurrency = 3 })
	for i := range 9 {
		s.do("POST", "/v1/audits", fmt.Sprintf(`{"url":"https://%d.example"}`, i)).want(201, `"RUNNING"`)
	}
	until(t, "three audits run", func() bool { fake.mu.Lock(); defer fake.mu.Unlock(); return fake.running == 3 })
	s.do("GET", "/metrics", nil).want(200, `lighthouse_queue{state="waiting"} 6`)
	close(fake.hold)
	until(t, "all have ended", func() bool {
		list := decode[auditapi.List[auditapi.Audit]](s.do("GET", "/v1/audits", nil))
		for _, a := range list.Items {
			if a.Status != auditapi.Completed {
				return false
			}
		}
		return list.Total == 9
	})
	if fake.most != 3 {
		t.Errorf("%d ran at once", fake.most)
	}
}

// TestReplicasShareTheQueue has three processes' worth of services on one PostgreSQL, of which one only answers requests.
func TestReplicasShareTheQueue(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.PostgresDatabases)
	first, second := &auditor{}, &auditor{}
	front := start(t, d, &auditor{}, func(s *auditservice.Settings) { s.Concurrency = 0 })
	start(t, d, first, nil)
	start(t, d, second, nil)
	const audits = 24
	var posts sync.WaitGroup
	for i := range audits {
		posts.Go(func() {
			if a := front.audited(fmt.Sprintf("https://%d.example", i)); a.Status != auditapi.Completed {
				t.Errorf("%+v", a)
			}
		})
	}
	posts.Wait()
	seen := map[string]bool{}
	for _, job := range append(first.ran, second.ran...) {
		if seen[job.URL] {
			t.Errorf("%s ran twice", job.URL)
		}
		seen[job.URL] = true
	}
	if len(seen) != audits {
		t.Errorf("%d of %d ran", len(seen), audits)
	}
}

// TestStoppingGivesAuditsBack stops a service in the middle of an audit; the next one runs it.
func TestStoppingGivesAuditsBack(t *testing.T) {
	t.Parallel()
	d := open(t, databasetest.SQLite)
	hanging := &auditor{hold: make(chan struct{})}
	s := start(t, d, hanging, nil)
	made := decode[auditapi.Audit](s.do("POST", "/v1/audits", `{"url":"https://a.example"}`).want(201, ""))
	until(t, "it runs", func() bool { hanging.mu.Lock(); defer hanging.mu.Unlock(); return hanging.running == 1 })
	s.stop()
	next := start(t, d, &auditor{}, nil)
	until(t, "it is completed", func() bool {
		return decode[auditapi.Audit](next.do("GET", "/v1/audits/"+made.ID, nil, "Accept", "application/json")).Status == auditapi.Completed
	})
}

// TestDeletingWhileItRuns: what comes of an audit that is gone is thrown away.
func TestDeletingWhileItRuns(t *testing.T) {
	t.Parallel()
	fake := &auditor{hold: make(chan struct{})}
	s := start(t, open(t, databasetest.SQLite), fake, nil)
	made := decode[auditapi.Audit](s.do("POST", "/v1/audits", `{"url":"https://a.example"}`).want(201, ""))
	until(t, "it runs", func() bool { fake.mu.Lock(); defer fake.mu.Unlock(); return fake.running == 1 })
	s.do("DELETE", "/v1/audits/"+made.ID, nil).want(200, `"RUNNING"`)
	close(fake.hold)
	until(t, "it has ended", func() bool { fake.mu.Lock(); defer fake.mu.Unlock(); return fake.running == 0 })
	s.do("GET", "/v1/audits/"+made.ID, nil).want(404, "no audit found")
	if after := s.audited("https://b.example"); after.Status != auditapi.Completed {
		t.Errorf("%+v", after)
	}
}
