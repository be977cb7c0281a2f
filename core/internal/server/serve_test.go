package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func listen(t *testing.T, text string) (l server.Listen) {
	t.Helper()
	if err := l.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{ // for guests only, and for everybody
		"7008":           {"127.0.0.1:7008", ":7008"},
		":7008":          {"127.0.0.1:7008", ":7008"},
		":0":             {"127.0.0.1:0", ":0"},
		"0.0.0.0:7007":   {"0.0.0.0:7007", "0.0.0.0:7007"},
		"localhost:7007": {"localhost:7007", "localhost:7007"},
		"[::1]:80":       {"[::1]:80", "[::1]:80"},
	} {
		c := server.Config{Listen: listen(t, text)}
		guests := c.Address()
		c.Auth.DangerouslyDisableDefaultAuthPolicy = true
		if guests != want[0] || c.Address() != want[1] {
			t.Errorf("%s: %s and %s, want %v", text, guests, c.Address(), want)
		}
	}
	if got := (server.Config{}).Address(); got != "127.0.0.1:7007" {
		t.Errorf("default: %s", got)
	}
	for _, text := range []string{"", "host", "a:b", ":70000", ":-1", "::1:80", "http://x:80", "x:80/y"} {
		var l server.Listen
		if err := l.UnmarshalText([]byte(text)); err == nil && l.Validate() == nil {
			t.Errorf("%q is accepted as %+v", text, l)
		}
	}
	for _, host := range []string{"a b", "a/b", "a:80", "http://a"} {
		if err := (server.Listen{Host: host}).Validate(); err == nil {
			t.Errorf("host %q is accepted", host)
		}
	}
}

func TestStrangersAreRefusedWhileEverybodyIsGuest(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0"} {
		_, err := server.Config{Listen: listen(t, address)}.Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "backend.auth.dangerouslyDisableDefaultAuthPolicy") || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := server.CheckLoopback(t.Context(), ":7007"); err == nil {
		t.Error("all addresses pass for loopback")
	}
	for _, address := range []string{"127.0.0.1:0", "127.9.9.9:0", "localhost:0", "[::ffff:127.0.0.1]:0"} {
		if err := server.CheckLoopback(t.Context(), address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	open := server.Config{Listen: listen(t, "0.0.0.0:0"), Auth: server.Auth{DangerouslyDisableDefaultAuthPolicy: true}}
	ln, err := open.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}

func TestWhyItCannotListen(t *testing.T) {
	t.Parallel()
	taken, err := server.Config{Listen: listen(t, ":0")}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, err = server.Config{Listen: listen(t, taken.Addr().String())}.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "another program listens there") || !strings.Contains(err.Error(), "backend.listen") {
		t.Errorf("port in use: %v", err)
	}
	_, err = server.Config{Listen: listen(t, "192.0.2.1:0"), Auth: server.Auth{DangerouslyDisableDefaultAuthPolicy: true}}.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "does not have that address") {
		t.Errorf("somebody else's address: %v", err)
	}
}

// served serves a handler on a port of its own, and shuts down at the end.
func served(t *testing.T, h *server.Handler, c server.Config) (address string, s *server.Server) {
	t.Helper()
	c.Listen = listen(t, ":0")
	ln, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = server.Serve(ln, h, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	return ln.Addr().String(), s
}

func TestShutdownHasPhases(t *testing.T) {
	t.Parallel()
	entered, release := make(chan string, 2), make(chan struct{})
	h := handler(t, server.Settings{Table: routes(
		get("/slow", func(w http.ResponseWriter, r *http.Request) error {
			entered <- "slow"
			<-release
			if r.Context().Err() != nil {
				t.Error("the context of a request under way has ended")
			}
			return say("done")(w, r)
		}),
		route("hello", pluginapi.Route{Pattern: "GET /stream", Stream: true}, func(w http.ResponseWriter, r *http.Request) error {
			_ = http.NewResponseController(w).Flush()
			entered <- "stream"
			<-r.Context().Done()
			return say("bye")(w, r)
		}),
	)})
	address, s := served(t, h, server.Config{})
	answers := make(chan string, 2)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	for _, path := range []string{"slow", "stream"} {
		go func() {
			res, err := client.Get("http://" + address + "/api/hello/" + path)
			if err != nil {
				answers <- err.Error()
				return
			}
			text, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			answers <- fmt.Sprintf("%s: %d %s %v", path, res.StatusCode, text, err)
		}()
	}
	<-entered
	<-entered
	if n := h.InFlight(); n != 2 {
		t.Errorf("%d requests in flight", n)
	}
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	if got := <-answers; got != "stream: 200 bye <nil>" {
		t.Errorf("the stream ends with %s", got)
	}
	<-s.Done()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it still listens")
	}
	wantError(t, ask(t, h, "GET", "/api/hello/slow"), 503, "ServiceUnavailableError", "shutting down")
	if w := ask(t, h, "GET", "/.backstage/health/v1/readiness"); w.Code != 503 {
		t.Errorf("readiness: %d", w.Code)
	}
	if w := ask(t, h, "GET", "/.backstage/health/v1/liveness"); w.Code != 200 {
		t.Errorf("liveness: %d", w.Code)
	}
	close(release)
	if got := <-answers; got != "slow: 200 done <nil>" {
		t.Errorf("the slow request ends with %s", got)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown once more = %v", err)
	}
	if err := s.Err(); err != nil {
		t.Errorf("Err = %v", err)
	}
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	h := handler(t, server.Settings{Table: routes(get("/hang", func(http.ResponseWriter, *http.Request) error {
		close(entered)
		<-release
		return nil
	}))})
	address, s := served(t, h, server.Config{})
	answer, _ := dial(t, address, "GET /api/hello/hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), "GET /api/hello/hang") {
		t.Errorf("Shutdown = %v", err)
	}
	if _, err := answer.ReadByte(); err == nil {
		t.Error("an answer")
	}
	close(release)
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(get("/", say("x")))})
	address, _ := served(t, h, server.Config{})
	for size, want := range map[int]int{32 << 10: 200, 128 << 10: 431} {
		answer, _ := dial(t, address, "GET /api/hello/ HTTP/1.1\r\nHost: localhost\r\nX-Big: "+strings.Repeat("x", size)+"\r\n\r\n")
		res, err := http.ReadResponse(answer, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", size, res.StatusCode, want)
		}
	}
}

func TestServerThatLosesItsListener(t *testing.T) {
	t.Parallel()
	ln, err := server.Config{Listen: listen(t, ":0")}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Serve(ln, handler(t, server.Settings{}), server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	<-s.Done()
	if s.Err() == nil {
		t.Error("no error")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func TestHTTPS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	c := server.Config{HTTPS: &server.HTTPS{Certificate: server.Certificate{Cert: cert, Key: pluginapi.NewSecret(key)}}}
	if err := c.HTTPS.Certificate.Validate(); err != nil {
		t.Fatal(err)
	}
	h := handler(t, server.Settings{Logger: slog.New(slog.DiscardHandler), Table: routes(get("/", func(w http.ResponseWriter, r *http.Request) error {
		return say(r.Proto)(w, r)
	}))})
	address, _ := served(t, h, c)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(cert))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := (&http.Client{Transport: transport}).Get("https://" + address + "/api/hello/")
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, res.Body); text != "HTTP/2.0" {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	bad := server.Certificate{Cert: cert, Key: pluginapi.NewSecret("swordfish")}
	if err := bad.Validate(); err == nil || strings.Contains(err.Error(), "swordfish") {
		t.Errorf("Validate = %v", err)
	}
	if err := new(server.HTTPS).UnmarshalText([]byte("true")); err == nil || !strings.Contains(err.Error(), "self-signed") {
		t.Errorf("https: true = %v", err)
	}
}

func TestConfigValues(t *testing.T) {
	t.Parallel()
	for origin, c := range map[string]server.CORS{
		"any with credentials": {Origin: server.Words{"*"}, Credentials: true},
		"path":                 {Origin: server.Words{"https://a.example/"}},
		"no scheme":            {Origin: server.Words{"a.example"}},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s is accepted", origin)
		}
	}
	for _, c := range []server.CORS{{}, {Origin: server.Words{"*"}}, {Origin: server.Words{"http://localhost:3000", "https://*.a.example"}, Credentials: true}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	var words server.Words
	if err := words.UnmarshalText([]byte("GET, HEAD,POST")); err != nil || strings.Join(words, "|") != "GET|HEAD|POST" {
		t.Errorf("words = %q, %v", words, err)
	}
	if err := (server.Directive{"'self'; script-src *"}).Validate(); err == nil {
		t.Error("a source ends its directive")
	}
	for url, ok := range map[string]bool{"": true, "http://localhost:7007": true, "https://a.example/portal": true, "localhost:7007": false, "/portal": false, "ftp://a": false} {
		if err := (server.Config{BaseURL: url}).Validate(); (err == nil) != ok {
			t.Errorf("baseUrl %q: %v", url, err)
		}
	}
}
