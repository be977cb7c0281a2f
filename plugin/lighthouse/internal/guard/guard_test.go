package guard_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func TestAddresses(t *testing.T) {
	t.Parallel()
	public := []string{"93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2002:5db8:d70e::1", "64:ff9b::5db8:d70e"}
	private := []string{
		"127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "::", "100.64.0.1", "192.0.2.1",
		"198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "ff02::1",
	}
	var policy guard.Policy
	for _, address := range public {
		if err := policy.Address(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range private {
		var refused *guard.RefusedError
		if err := policy.Address(netip.MustParseAddr(address)); !errors.As(err, &refused) {
			t.Errorf("%s is allowed", address)
		}
	}
	policy.Networks = loopback()
	for address, allowed := range map[string]bool{"127.0.0.1": true, "::ffff:127.0.0.1": true, "64:ff9b::7f00:1": true, "::1": false, "10.0.0.1": false} {
		if err := policy.Address(netip.MustParseAddr(address)); (err == nil) != allowed {
			t.Errorf("with loopback allowed, %s: %v", address, err)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	policy := guard.Policy{Hosts: []string{"example.com", "*.example.org", "127.0.0.1", "localhost"}, Resolver: &net.Resolver{PreferGo: true, Dial: noDNS}}
	for target, want := range map[string]string{
		"https://example.com/a":           "",
		"https://EXAMPLE.com.:8443":       "",
		"https://www.example.org":         "",
		"https://example.org":             "not among the hosts",
		"https://evilexample.org":         "not among the hosts",
		"https://example.com.evil.org":    "not among the hosts",
		"ftp://example.com":               "no web address",
		"file:///etc/passwd":              "no web address",
		"https://":                        "no web address",
		"https://user:secret@example.com": "holds a password",
		"http://127.0.0.1:8080/":          "this machine's own",
		"http://localhost/":               "this machine's own",
		"http://[::1]/":                   "not among the hosts",
		"://":                             "no URL",
	} {
		err := policy.Target(t.Context(), target)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in %v", target, err)
		}
	}
}

// noDNS is a network without name servers; only /etc/hosts answers.
func noDNS(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }

func throughProxy(t *testing.T, policy *guard.Policy) (*http.Client, *guard.Proxy) {
	t.Helper()
	proxy, err := guard.StartProxy(t.Context(), policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxy.Addr()})}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, proxy
}

func get(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestProxyPassesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			t.Error("the page is told that a proxy asks")
		}
		_, _ = fmt.Fprint(w, "hello")
	}))
	defer site.Close()
	client, proxy := throughProxy(t, &guard.Policy{Networks: loopback()})
	if status, text := get(t, client, site.URL); status != http.StatusOK || text != "hello" {
		t.Errorf("%d %q", status, text)
	}
	if proxy.Refused() != nil {
		t.Errorf("refused %v", proxy.Refused())
	}
}

func TestProxyRefusesWhatIsNot(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the private page was reached") }))
	defer site.Close()
	client, proxy := throughProxy(t, &guard.Policy{})
	if status, text := get(t, client, site.URL); status != http.StatusForbidden || !strings.Contains(text, "this machine's own") {
		t.Errorf("%d %q", status, text)
	}
	if refused := proxy.Refused(); refused == nil || refused.What != "127.0.0.1" {
		t.Errorf("Refused = %v", refused)
	}
	if status, text := get(t, client, strings.Replace(site.URL, "http://", "https://", 1)); status != 0 || !strings.Contains(text, "Forbidden") {
		t.Errorf("tunnel: %d %q", status, text)
	}
	if status, _ := get(t, &http.Client{Transport: http.DefaultTransport}, "http://"+proxy.Addr()+"/"); status != http.StatusBadRequest {
		t.Errorf("asked directly: status %d", status)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestProxyTunnels(t *testing.T) {
	t.Parallel()
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "hello") }))
	defer site.Close()
	client, _ := throughProxy(t, &guard.Policy{Networks: loopback()})
	client.Transport.(*http.Transport).TLSClientConfig = site.Client().Transport.(*http.Transport).TLSClientConfig
	if status, text := get(t, client, site.URL); status != http.StatusOK || text != "hello" {
		t.Errorf("%d %q", status, text)
	}
}

// TestCloseEndsTunnels leaves a tunnel open and closes the proxy under it.
func TestCloseEndsTunnels(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	proxy, err := guard.StartProxy(t.Context(), &guard.Policy{Networks: loopback()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	host := strings.TrimPrefix(site.URL, "http://")
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q %v", line, err)
	}
	proxy.Close()
	if _, err := io.Copy(io.Discard, reader); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the tunnel: %v", err)
	}
}
