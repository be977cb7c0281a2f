package auditclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func client(t *testing.T, base, token string) *auditclient.Client {
	t.Helper()
	c, err := auditclient.New(base, pluginapi.NewSecret(token))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   auditclient.Kind
		says   string
		status int // that the portal answers with
	}{
		"bad json":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"items":[`) }, auditclient.Nonsense, "no audit service", 502},
		"a page":       {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `<!doctype html>`) }, auditclient.Nonsense, "no audit service", 502},
		"wrong types":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"items":5}`) }, auditclient.Nonsense, "no audit service", 502},
		"unauthorized": {func(w http.ResponseWriter) { http.Error(w, "token", http.StatusUnauthorized) }, auditclient.Denied, "token", 502},
		"forbidden":    {func(w http.ResponseWriter) { http.Error(w, "no", http.StatusForbidden) }, auditclient.Denied, "token", 502},
		"refused":      {func(w http.ResponseWriter) { http.Error(w, "10.0.0.1 may not be audited", 400) }, auditclient.Refused, "10.0.0.1 may not be audited", 400},
		"too many":     {func(w http.ResponseWriter) { http.Error(w, "slow down", http.StatusTooManyRequests) }, auditclient.Busy, "busy", 503},
		"broken":       {func(w http.ResponseWriter) { http.Error(w, "stack trace", 500) }, auditclient.Broken, "failed", 502},
		"bad gateway":  {func(w http.ResponseWriter) { w.WriteHeader(502) }, auditclient.Broken, "failed", 502},
		"redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://evil.example")
			w.WriteHeader(http.StatusFound)
		}, auditclient.Nonsense, "no audit service", 502},
		"missing route": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(404)
			_, _ = io.WriteString(w, "{}")
		}, auditclient.Nonsense, "no audit service", 502},
		"cut short": {func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); _, _ = io.WriteString(w, "{") }, auditclient.Unreachable, "cannot be reached", 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { test.answer(w) }), "secret")
			_, err := c.Websites(t.Context(), 10, 0)
			var fault *auditclient.Fault
			if !errors.As(err, &fault) || fault.Kind != test.kind || fault.StatusCode() != test.status || !strings.Contains(fault.SafeMessage(), test.says) || fault.Remedy() == "" {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), "secret") || fault.Kind == auditclient.Broken && strings.Contains(fault.SafeMessage(), "stack") {
				t.Errorf("it tells too much: %v", err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for base, kind := range map[string]auditclient.Kind{server.URL: auditclient.Unreachable, "": auditclient.NotConfigured} {
		var fault *auditclient.Fault
		if err := client(t, base, "").Ping(t.Context()); !errors.As(err, &fault) || fault.Kind != kind {
			t.Errorf("%q: %v", base, err)
		}
	}
	hold := make(chan struct{})
	slow := client(t, serve(t, func(http.ResponseWriter, *http.Request) { <-hold }), "")
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var fault *auditclient.Fault
	if err := slow.Ping(ctx); !errors.As(err, &fault) || fault.Kind != auditclient.TooSlow || fault.StatusCode() != http.StatusGatewayTimeout {
		t.Errorf("%v", err)
	}
	if _, err := auditclient.New("localhost:3003", pluginapi.Secret{}); err == nil {
		t.Error("an address without http:// is taken")
	}
}

// TestWebsiteByAnySpelling asks a service that compares texts, as the older one does.
func TestWebsiteByAnySpelling(t *testing.T) {
	t.Parallel()
	var asked []string
	c := client(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.PathValue("")+r.URL.EscapedPath())
		if r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		if r.URL.Path != "/base/v1/websites/https://shop.example/" {
			http.Error(w, `no audited website found for url "x"`, 404)
			return
		}
		_, _ = io.WriteString(w, `{"url":"https://shop.example/","lastAudit":{"id":"a"},"audits":[{"id":"a"}]}`)
	})+"/base/", "t")
	site, err := c.Website(t.Context(), "https://shop.example")
	if err != nil || site.LastAudit.ID != "a" {
		t.Errorf("%+v, %v", site, err)
	}
	if got := strings.Join(asked, " "); got != "/base/v1/websites/https:%2F%2Fshop.example /base/v1/websites/https:%2F%2Fshop.example%2F" {
		t.Errorf("asked %s", got)
	}
	var fault *auditclient.Fault
	if _, err := c.Website(t.Context(), "https://other.example"); !errors.As(err, &fault) || fault.Kind != auditclient.NotFound {
		t.Errorf("never audited: %v", err)
	}
	elsewhere := client(t, serve(t, http.NotFound), "")
	if _, err := elsewhere.Website(t.Context(), "https://shop.example"); !errors.As(err, &fault) || fault.Kind != auditclient.Nonsense {
		t.Errorf("another server's 404: %v", err)
	}
}

func TestPageIsPassedOn(t *testing.T) {
	t.Parallel()
	c := client(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "application/json" {
			t.Error("JSON was asked for")
		}
		_, _ = io.WriteString(w, "<!doctype html>report")
	}), "")
	var page bytes.Buffer
	if err := c.Page(t.Context(), "a", func() io.Writer { return &page }); err != nil || page.String() != "<!doctype html>report" {
		t.Errorf("%q, %v", &page, err)
	}
}
