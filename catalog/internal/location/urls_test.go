package location_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/pluginapi"

	"github.com/google/go-cmp/cmp"
)

// imitation answers like the raw files and the APIs of GitHub and GitLab do.
func imitation(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	text := func(pattern string, check func(*http.Request) bool) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if check != nil && !check(r) {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = fmt.Fprintf(w, "path: %s\n", r.URL.EscapedPath())
		})
	}
	gitHubToken := func(r *http.Request) bool {
		return r.Header.Get("Authorization") == "token gh" && r.Header.Get("Accept") == "application/vnd.github.v3.raw" && r.URL.Query().Get("ref") == "main"
	}
	gitLabToken := func(r *http.Request) bool {
		return r.Header.Get("PRIVATE-TOKEN") == "gl" && r.URL.Query().Get("ref") == "main"
	}
	text("/raw/acme/shop/main/", nil)
	text("/api/v3/repos/acme/shop/contents/", gitHubToken)
	mux.HandleFunc("/api/v3/repos/acme/shop/git/trees/main", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `{"sha": "s", "tree": [{"path": "a", "type": "tree"}, {"path": "a/catalog-info.yaml", "type": "blob"}, {"path": "catalog-info.yaml", "type": "blob"}, {"path": "a/b.txt", "type": "blob"}, {"path": "a/gone/catalog-info.yaml", "type": "blob"}]}`)
	})
	mux.HandleFunc("/api/v3/repos/acme/shop/contents/a/gone/", http.NotFound)
	mux.HandleFunc("/api/v4/projects/", func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v4/projects/g%2Fsub%2Fp/repository/")
		switch {
		case !ok || !gitLabToken(r):
			http.Error(w, "no", http.StatusForbidden)
		case rest == "tree" && r.URL.Query().Get("page") == "1":
			w.Header().Set("X-Next-Page", "2")
			_, _ = fmt.Fprint(w, `[{"id": "1", "path": "x.yaml", "type": "blob"}, {"id": "2", "path": "d", "type": "tree"}]`)
		case rest == "tree":
			_, _ = fmt.Fprint(w, `[{"id": "3", "path": "d/y.yaml", "type": "blob"}]`)
		default:
			_, _ = fmt.Fprintf(w, "file: %s\n", rest)
		}
	})
	text("/plain/", nil)
	mux.HandleFunc("/noetag", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "same") })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, strings.Repeat("x", 2000)) })
	mux.HandleFunc("/limited", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestURLs(t *testing.T) {
	t.Parallel()
	server := imitation(t)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	reader := location.NewURLs(location.URLConfig{
		Hosts: location.Hosts{
			GitHub: []location.Host{
				{Host: "ghe.example.com", APIBaseURL: server.URL + "/api/v3", RawBaseURL: server.URL + "/raw", Token: pluginapi.NewSecret("gh")},
				{Host: "raw.example.com", RawBaseURL: server.URL + "/raw"},
			},
			GitLab: []location.Host{{Host: "gitlab.example.com", APIBaseURL: server.URL + "/api/v4", Token: pluginapi.NewSecret("gl")}},
		},
		Allow:    []location.AllowedHost{{Host: at.Host}},
		MaxBytes: 1000, Timeout: 300 * time.Millisecond,
	})
	t.Cleanup(reader.Close)
	tests := []struct {
		target string
		want   []string // texts, or ! and part of an error
	}{
		{"https://ghe.example.com/acme/shop/blob/main/a%20b/c.yaml", []string{"path: /api/v3/repos/acme/shop/contents/a%20b/c.yaml\n"}},
		{"https://ghe.example.com/acme/shop/tree/main/c.yaml", []string{"path: /api/v3/repos/acme/shop/contents/c.yaml\n"}},
		{"https://raw.example.com/acme/shop/blob/main/c.yaml", []string{"path: /raw/acme/shop/main/c.yaml\n"}},
		{"https://gitlab.example.com/g/sub/p/-/blob/main/a/c.yaml", []string{"file: files/a%2Fc.yaml/raw\n"}},
		{"https://gitlab.example.com/g/sub/p/blob/main/c.yaml", []string{"file: files/c.yaml/raw\n"}},
		{"https://ghe.example.com/acme/shop/blob/main/**/catalog-info.yaml", []string{
			"path: /api/v3/repos/acme/shop/contents/a/catalog-info.yaml\n", "!a/gone/catalog-info.yaml, it does not exist, or the token", "path: /api/v3/repos/acme/shop/contents/catalog-info.yaml\n",
		}},
		{"https://gitlab.example.com/g/sub/p/-/blob/main/{x,d/*}.yaml", []string{"file: files/d%2Fy.yaml/raw\n", "file: files/x.yaml/raw\n"}},
		{server.URL + "/plain/x.yaml", []string{"path: /plain/x.yaml\n"}},
		{server.URL + "/redirect?to=/plain/y.yaml", []string{"path: /plain/y.yaml\n"}},
		{server.URL + "/redirect?to=https://elsewhere.example.com/", []string{"!the server redirects elsewhere: Reading from https://elsewhere.example.com/ is not allowed"}},
		{server.URL + "/loop", []string{"!the server redirects too often"}},
		{server.URL + "/none", []string{"!it does not exist"}},
		{server.URL + "/long", []string{"!more than the limit of 1000"}},
		{server.URL + "/limited", []string{"!the server answered 429 Too Many Requests; the server's rate limit is used up, try again in 1m0s"}},
		{server.URL + "/broken", []string{"!the server answered 502 Bad Gateway"}},
		{server.URL + "/slow", []string{"!the server took more than 300ms"}},
		{"https://gitlab.example.com/other/p/-/blob/main/c.yaml", []string{"!answered 403 Forbidden; set or check the token"}},
		{"https://ghe.example.com/acme/shop/tree/main/a/", []string{"!it is a folder"}},
		{"https://ghe.example.com/acme/shop/tree/main/*.none", []string{"!no file fits the pattern"}},
		{"https://elsewhere.example.com/x", []string{"!add its host to backend.reading.allow"}},
		{"https://me:secret@elsewhere.example.com/x", []string{"!holds a password"}},
		{"ftp://x/y", []string{"!is not a web address"}},
	}
	for _, tt := range tests {
		result, err := reader.Read(t.Context(), location.Request{Target: tt.target})
		got := make([]string, 0, len(result.Files))
		for _, file := range result.Files {
			if file.Err != nil {
				got = append(got, file.Err.Error())
			} else {
				got = append(got, string(file.Text))
			}
		}
		if err != nil {
			got = append(got, err.Error())
			if !strings.HasPrefix(err.Error(), "Unable to read url ") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", tt.target, err)
			}
		}
		for i := range got {
			if i < len(tt.want) && strings.HasPrefix(tt.want[i], "!") && strings.Contains(got[i], tt.want[i][1:]) {
				got[i] = tt.want[i]
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.target, diff)
		}
	}
	if _, err := reader.Read(t.Context(), location.Request{Target: server.URL + "/none"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	for _, target := range []string{server.URL + "/plain/x.yaml", server.URL + "/noetag", "https://gitlab.example.com/g/sub/p/-/blob/main/*.yaml"} {
		first, err := reader.Read(t.Context(), location.Request{Target: target})
		if err != nil || first.ETag == "" {
			t.Fatalf("%s: %+v, %v", target, first, err)
		}
		if again, err := reader.Read(t.Context(), location.Request{Target: target, ETag: first.ETag}); err != nil || !again.NotModified || again.ETag != first.ETag {
			t.Errorf("%s unchanged: %+v, %v", target, again, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Read(ended, location.Request{Target: server.URL + "/plain/x.yaml"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
}

// TestPrivateAddresses reads this machine under names that the configuration does not spell out.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	server := imitation(t)
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	tests := []struct {
		allow location.AllowedHost
		path  string
		want  string // part of the error; empty if it may be read
	}{
		{location.AllowedHost{Host: "127.0.0.1:" + port}, "/plain/x", ""},
		{location.AllowedHost{Host: "127.0.0.1:" + port, Paths: []string{"/plain/"}}, "/plain/x", ""},
		{location.AllowedHost{Host: "127.0.0.1:" + port, Paths: []string{"/plain/"}}, "/plain/../noetag", "is not allowed"},
		{location.AllowedHost{Host: "127.0.0.1:" + port, Paths: []string{"/plain/"}}, "/noetag", "is not allowed"},
		{location.AllowedHost{Host: "127.0.0.1"}, "/plain/x", "is not allowed"},
		{location.AllowedHost{Host: "*.0.0.1:" + port}, "/plain/x", "has the private address 127.0.0.1:" + port},
	}
	for _, tt := range tests {
		reader := location.NewURLs(location.URLConfig{Allow: []location.AllowedHost{tt.allow}})
		_, err := reader.Read(t.Context(), location.Request{Target: "http://127.0.0.1:" + port + tt.path})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s by %+v: %v, want %q", tt.path, tt.allow, err, tt.want)
		}
		reader.Close()
	}
}
