// Package upstream sends requests to one target, within limits of time.
package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Options describes a target.
type Options struct {
	URL             *url.URL // only scheme and host matter here
	Insecure        bool     // do not verify the certificate
	PrivateNetworks bool     // the target may be at a private address

	Connect, Header, Idle, Total, Stream time.Duration // all positive
}

// Target is where requests go. It is safe for concurrent use. Close it when nothing is sent any more.
type Target struct {
	o         Options
	transport *http.Transport
	plain     plain
	refused   error // why nothing can be sent there; nil as a rule
}

// maxIdle is how many unused connections are kept.
const maxIdle = 256

// idleConn is how long an unused connection is kept. It is less than many servers keep theirs, which makes it rarer that a request meets a connection that is just being closed.
const idleConn = 30 * time.Second

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 256 << 10

// New makes a target. It connects to nothing. What the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY say holds from then on.
func New(o Options) *Target {
	t := &Target{o: o}
	g := guard{o.URL.Hostname(), o.PrivateNetworks}
	via, err := httpproxy.FromEnvironment().ProxyFunc()(o.URL)
	if via != nil {
		// Only the other proxy knows where a name leads. It may itself be on the private network.
		if net.ParseIP(g.host) != nil {
			t.refused = g.check(g.host)
		}
		g = guard{via.Hostname(), true}
	}
	dialer := &net.Dialer{Timeout: o.Connect, KeepAlive: 30 * time.Second, ControlContext: g.control}
	t.transport = &http.Transport{
		Proxy:                  func(*http.Request) (*url.URL, error) { return via, err },
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    o.Connect,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.Insecure},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleConn,
		ResponseHeaderTimeout:  o.Header,
		MaxResponseHeaderBytes: maxHeader,
		ExpectContinueTimeout:  time.Second,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: o.Idle, PingTimeout: o.Connect},
	}
	host := o.URL.Host
	if o.URL.Port() == "" {
		host = net.JoinHostPort(o.URL.Hostname(), "80")
	}
	t.plain.o, t.plain.dial, t.plain.host = o, dialer.DialContext, host
	t.plain.direct = o.URL.Scheme == "http" && via == nil && err == nil
	t.plain.small.size, t.plain.large.size, t.plain.large.limit = 32<<10, 256<<10, maxLarge
	return t
}

// Close closes the connections that are not in use; those in use close when they are done.
func (t *Target) Close() {
	t.transport.CloseIdleConnections()
	t.plain.idle.close()
}

// Do sends a request and returns the answer. Its error is an [*Error], unless ctx ended first. The caller closes the body, whose Read fails with an [*Error] when the target is silent for too long.
func (t *Target) Do(out *http.Request) (*http.Response, error) {
	if t.refused != nil {
		return nil, classify(t.refused)
	}
	if t.plain.fits(out) {
		return t.plain.do(out)
	}
	w := t.watch(out.Context())
	out = out.WithContext(w.ctx)
	var sent *sentBody
	if out.Body != nil && out.Body != http.NoBody {
		sent = &sentBody{ReadCloser: out.Body}
		out.Body = sent
		// Sending a body may take long. It ends when its reading side does, which has limits of its own; the total limit holds here as well.
		w.limit(t.o.Total, WhileTotal)
	} else {
		w.limit(min(t.o.Total, t.o.Connect+t.o.Header), WhileHeader)
	}
	res, err := t.transport.RoundTrip(out)
	if err != nil {
		if own := sent.failure(); own != nil {
			err = fmt.Errorf("read request's body: %w", own)
		} else {
			err = w.explain(err)
		}
		w.end()
		return nil, err
	}
	inner := res.Body
	var wrong error
	switch {
	case res.StatusCode < http.StatusContinue:
		wrong = errStatus
	case res.StatusCode == http.StatusSwitchingProtocols && out.Header["Upgrade"] == nil:
		wrong = errUnasked
	}
	if wrong != nil {
		_ = inner.Close()
		w.end()
		return nil, &Error{Kind: Malformed, Err: wrong}
	}
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		w.timer.Stop()
		w.idle = t.o.Stream
		w.timer = time.AfterFunc(t.o.Stream, func() { _ = inner.Close() }) // the transport has given this connection away
	case IsEventStream(res):
		w.quiet(t.o.Stream)
	default:
		w.total = w.start.Add(t.o.Total)
		w.quiet(t.o.Idle)
	}
	res.Body = w.body(inner)
	return res, nil
}

var (
	errUnasked = errors.New("switches to a protocol that nobody asked for")
	errStatus  = errors.New("has a status below 100, which is none")
)

// IsEventStream reports whether an answer is server-sent events: without an end, and to be passed on piece by piece.
func IsEventStream(res *http.Response) bool {
	kind := res.Header.Get("Content-Type")
	return len(kind) >= len(eventStream) && kind[:len(eventStream)] == eventStream
}

const eventStream = "text/event-stream"

// watch ends a request when something takes too long.
type watch struct {
	parent context.Context
	ctx    context.Context
	cancel context.CancelCauseFunc
	start  time.Time
	total  time.Time // zero: no limit
	timer  *time.Timer
	idle   time.Duration
}

func (t *Target) watch(ctx context.Context) *watch {
	w := &watch{parent: ctx, start: time.Now()}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
}

// limit sets when the request ends unless something else is set before.
func (w *watch) limit(d time.Duration, during During) {
	w.timer = time.AfterFunc(d, func() { w.cancel(&Error{Kind: Timeout, During: during}) })
}

// quiet allows d between two pieces of the body from now on.
func (w *watch) quiet(d time.Duration) {
	w.timer.Stop()
	w.idle = d
	during := WhileIdle
	if !w.total.IsZero() {
		if left := time.Until(w.total); left < d {
			d, during = left, WhileTotal
		}
	}
	w.limit(d, during)
}

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain returns why a request failed.
func (w *watch) explain(err error) error {
	if w.parent.Err() != nil {
		return context.Cause(w.parent)
	}
	if ours, ok := context.Cause(w.ctx).(*Error); ok {
		return ours
	}
	return classify(err)
}
