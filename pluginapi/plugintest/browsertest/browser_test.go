package browsertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestItSees shows that what the kit reports is there when it should be, and only then.
func TestItSees(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/bad" {
			_, _ = io.WriteString(w, `<p style="color: red">bad</p><img src="/image">`)
			return
		}
		_, _ = io.WriteString(w, `<link rel="icon" href="data:,"><p>good</p><noscript><b>no script</b></noscript>`)
	}))
	defer site.Close()
	b := browsertest.Start(t)
	b.Open(site.URL + "/good")
	b.WantNoComplaints()
	if got := b.Requests(); !slices.Contains(got, site.URL+"/good") || slices.Contains(got, site.URL+"/image") {
		t.Errorf("requests: %v", got)
	}
	if n := browsertest.Eval[int](b, `new Promise((done) => done(innerWidth))`); n != 1440 {
		t.Errorf("the window is %d wide", n)
	}
	b.Emulate(390, 844)
	b.Wait(`innerWidth === 390`)
	b.Media(map[string]string{"prefers-color-scheme": "dark"})
	b.Wait(`matchMedia("(prefers-color-scheme: dark)").matches`)

	b.Open(site.URL + "/bad")
	if got := b.Complaints(); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), "Content Security Policy") {
		t.Errorf("complaints: %q", got)
	}
	if got := b.Requests(); !slices.Contains(got, site.URL+"/image") {
		t.Errorf("requests: %v", got)
	}
	b.Scripts(false)
	b.Open(site.URL + "/good")
	b.Wait(`document.querySelector("b") !== null`)
}
