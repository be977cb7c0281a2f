package gateway_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// running is a Self of a plugin in a state; nil is running.
type running struct {
	pluginapi.Self
	state error
}

func (r running) Available() error { return r.state }

// TestClient runs the same requests through the client of this process and the one that speaks HTTP: nothing that a caller sees may differ.
func TestClient(t *testing.T) {
	t.Parallel()
	server := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"target has no such thing"}`)
		case "/large":
			for range 33 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		default:
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Etag", `"1"`)
			w.Header().Set("X-Internal", "not for others")
			_, _ = io.WriteString(w, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Token")+" "+string(body))
		}
	})
	portal := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{
		"/t":    {Target: server.URL, Headers: map[string]pluginapi.Secret{"Token": pluginapi.NewSecret("secret")}, AllowedMethods: []string{"GET", "POST"}},
		"/down": {Target: "http://127.0.0.1:1"},
	}}})
	clients := map[string]proxynode.Client{
		"here":      gateway.NewClient(portal.gateway, running{}),
		"elsewhere": proxynode.NewClient(portal.URL, portal.client()),
	}
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do := func(method, target, body string) (*http.Response, string, error) {
				t.Helper()
				r, err := http.NewRequestWithContext(pluginapi.WithPrincipal(t.Context(), pluginapi.PluginSelf("builds")), method, target, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(r)
				if err != nil {
					return nil, "", err
				}
				defer func() { _ = res.Body.Close() }()
				text, err := io.ReadAll(res.Body)
				return res, string(text), err
			}
			res, body, err := do("POST", "/t/a%2Fb/c?x=1&y=%20", "hello")
			if err != nil {
				t.Fatal(err)
			}
			if body != "POST /a%2Fb/c?x=1&y=%20 secret hello" || res.StatusCode != http.StatusOK || res.Header.Get("Etag") != `"1"` || res.Header.Get("X-Internal") != "" {
				t.Errorf("answer %d %q with %v", res.StatusCode, body, res.Header)
			}
			if res, body, err = do("GET", "/t/gone", ""); err != nil || res.StatusCode != http.StatusNotFound || !strings.Contains(body, "target has no such thing") {
				t.Errorf("a target's error came as %v %q %v", res, body, err)
			}
			for _, test := range []struct {
				method, target string
				status         int
			}{
				{"GET", "/nobody/x", http.StatusNotFound},
				{"DELETE", "/t/x", http.StatusMethodNotAllowed},
				{"GET", "/down/x", http.StatusGatewayTimeout},
				{"GET", "/t/../x", http.StatusBadRequest},
			} {
				_, _, err := do(test.method, test.target, "")
				if status, _, message := pluginapi.Describe(err); err == nil || status != test.status || message == "" {
					t.Errorf("%s %s: %d %q (%v), want %d", test.method, test.target, status, message, err, test.status)
				}
			}
		})
	}
	for name, client := range clients {
		t.Run("body of unknown length "+name, func(t *testing.T) {
			t.Parallel()
			r, _ := http.NewRequestWithContext(pluginapi.WithPrincipal(t.Context(), pluginapi.PluginSelf("builds")), "POST", "/t/x", io.MultiReader(strings.NewReader("hello")))
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if text, _ := io.ReadAll(res.Body); !strings.HasSuffix(string(text), " hello") {
				t.Errorf("the target got %q", text)
			}
		})
	}
	t.Run("limits", func(t *testing.T) {
		t.Parallel()
		r, _ := http.NewRequestWithContext(pluginapi.WithPrincipal(t.Context(), pluginapi.Guest()), "GET", "/t/large", nil)
		if _, err := clients["here"].Do(r); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("an answer that is too large: %v", err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "/t/x", nil)
		_, err := clients["here"].Do(r)
		if status, _, _ := pluginapi.Describe(err); status != http.StatusUnauthorized {
			t.Errorf("without a principal: %v", err)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		stopped := &pluginapi.UnavailableError{Plugin: "proxy", State: "stopped"}
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "/t/x", nil)
		if _, err := gateway.NewClient(portal.gateway, running{state: stopped}).Do(r); !errors.Is(err, pluginapi.ErrUnavailable) {
			t.Errorf("while the proxy is stopped: %v", err)
		}
	})
}
