package lighthouse_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
)

// TestMeasure runs many real audits, four at once, and prints what became of them and what the service took besides running Lighthouse:
//
//	LIGHTHOUSE_MEASURE=100 go test -timeout 60m -v -run TestMeasure ./plugin/lighthouse
func TestMeasure(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("LIGHTHOUSE_MEASURE"))
	if err != nil || count < 1 {
		t.Skip("set LIGHTHOUSE_MEASURE to a number of audits; it takes minutes")
	}
	// Each page loads a file of its own, by which its report can be told from the others'.
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", "text/css")
			_, _ = io.WriteString(w, "h1{color:navy}")
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>Page</title><meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/own%s.css"></head><body><h1>Page</h1></body></html>`, r.URL.Path[1:])
	}))
	defer site.Close()
	service := startProgram(t, "LAS_CONCURRENCY=4")
	begun := time.Now()
	var posts []time.Duration
	for i := range count {
		sent := time.Now()
		body, err := json.Marshal(map[string]string{"url": fmt.Sprintf("%s/n%dn", site.URL, i)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, service.url+"/v1/audits", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer s3cret"}, "Content-Type": {"application/json"}}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Fatalf("status %d", res.StatusCode)
		}
		posts = append(posts, time.Since(sent))
	}
	var list auditapi.List[auditapi.Audit]
	ended := func() (n int) {
		for _, a := range list.Items {
			if a.Status != auditapi.Running {
				n++
			}
		}
		return n
	}
	for {
		ask(t, service.url, "/v1/audits?limit=1000", &list)
		if ended() == count {
			break
		}
		select {
		case <-time.After(2 * time.Second):
		case <-t.Context().Done():
			t.Fatalf("%d of %d have ended", ended(), count)
		}
	}
	took := time.Since(begun)
	failed, mixed := 0, 0
	for _, a := range list.Items {
		if a.Status != auditapi.Completed {
			failed++
			t.Errorf("%s: %s", a.URL, a.Reason)
			continue
		}
		var full auditapi.AuditWithReport
		ask(t, service.url, "/v1/audits/"+a.ID, &full)
		page, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		own := "/own" + page.Path[1:] + ".css"
		for _, asked := range regexp.MustCompile(`/own\w+\.css`).FindAllString(string(full.Report), -1) {
			if asked != own {
				mixed++
				t.Errorf("the report of %s tells of %s", a.URL, asked)
				break
			}
		}
		if !strings.Contains(string(full.Report), own) {
			mixed++
			t.Errorf("the report of %s does not tell of %s", a.URL, own)
		}
	}
	log, err := os.ReadFile(service.log.Name())
	if err != nil {
		t.Fatal(err)
	}
	var beside, whole []time.Duration
	for _, found := range regexp.MustCompile(`msg="audit completed".* duration=(\S+) lighthouse=(\S+)`).FindAllStringSubmatch(string(log), -1) {
		ran, err1 := time.ParseDuration(found[1])
		own, err2 := time.ParseDuration(found[2])
		if err1 == nil && err2 == nil {
			whole, beside = append(whole, ran), append(beside, ran-own)
		}
	}
	fmt.Printf("audits: %d, 4 at once, failed: %d, mixed up: %d, in %s\n", count, failed, mixed, took.Round(time.Second))
	fmt.Printf("one audit: %s; of it starting browser and Node.js, loading Lighthouse: %s\n", spread(whole), spread(beside))
	fmt.Printf("request that queues one: %s\n", spread(posts))
	fmt.Printf("queue and storage, per audit: mean %.1f ms\n", 1000*metric(t, service.url, "lighthouse_audit_overhead_seconds_sum")/float64(count))
	for _, bound := range []string{"0.01", "0.02", "0.05", "0.1"} {
		fmt.Printf("  within %s s: %.0f of %d\n", bound, metric(t, service.url, `lighthouse_audit_overhead_seconds_bucket{le="`+bound+`"}`), count)
	}
}

func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "unknown"
	}
	slices.Sort(all)
	at := func(share float64) time.Duration {
		return all[min(len(all)-1, int(share*float64(len(all))))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("median %s, p99 %s, most %s", at(0.5), at(0.99), at(1))
}

func metric(t *testing.T, base, name string) float64 {
	t.Helper()
	res, err := http.Get(base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
