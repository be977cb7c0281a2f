package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// Proxy is an HTTP proxy on a loopback port that connects to what its policy allows. One run of a browser has one of its own, so that what was refused can be told of that run.
type Proxy struct {
	policy   *Policy
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
	requests sync.WaitGroup
	plain    *http.Transport

	mu      sync.Mutex
	refused *RefusedError // the first
	open    map[net.Conn]struct{}
	closed  bool
}

// StartProxy listens and serves until Close.
func StartProxy(ctx context.Context, policy *Policy) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	p := &Proxy{policy: policy, listener: listener, open: map[net.Conn]struct{}{}}
	// Compressed bodies pass as they are, or Lighthouse would find pages uncompressed.
	p.plain = &http.Transport{DialContext: policy.DialContext, DisableCompression: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(*httputil.ProxyRequest) {},
		Transport:     p.plain,
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { p.fail(w, err) },
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // a page that cancels is no news
	}
	p.server = &http.Server{ReadHeaderTimeout: 30 * time.Second, ErrorLog: forward.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.begin() {
			return
		}
		defer p.requests.Done()
		switch {
		case r.Method == http.MethodConnect:
			p.tunnel(w, r)
		case r.URL.IsAbs() && r.URL.Scheme == "http":
			forward.ServeHTTP(w, r)
		default:
			http.Error(w, "this is a proxy", http.StatusBadRequest)
		}
	})}
	p.serving.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Refused returns the first refusal, or nil.
func (p *Proxy) Refused() *RefusedError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// Close ends every connection and waits until nothing of the proxy runs.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	_ = p.server.Close()
	p.serving.Wait()
	p.requests.Wait()
	p.plain.CloseIdleConnections()
}

// begin counts a request, unless Close has begun to wait for those there are.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.requests.Add(1)
	}
	return !p.closed
}

// fail answers for a connection that could not be made.
func (p *Proxy) fail(w http.ResponseWriter, err error) {
	var refused *RefusedError
	if errors.As(err, &refused) {
		p.mu.Lock()
		if p.refused == nil {
			p.refused = refused
		}
		p.mu.Unlock()
		http.Error(w, refused.Error(), http.StatusForbidden)
		return
	}
	http.Error(w, "the server cannot be reached", http.StatusBadGateway)
}

func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := p.policy.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		p.fail(w, err)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	if !p.keep(here, there) {
		return
	}
	defer p.drop(here, there)
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	var copying sync.WaitGroup
	// When one side has ended the other has nothing more to say; browsers do not half-close.
	copying.Go(func() { _, _ = io.Copy(there, buffered); _ = there.Close() })
	_, _ = io.Copy(here, there)
	_ = here.Close()
	copying.Wait()
}

// keep remembers connections that Close has to end. It returns false, having closed them, when that has happened already.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.closed {
			_ = conn.Close()
			continue
		}
		p.open[conn] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(p.open, conn)
	}
}
