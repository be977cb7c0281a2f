package server

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Handler serves a portal. Make one with [New]. It is safe for concurrent use.
type Handler struct {
	s      Settings
	log    *slog.Logger
	here   uintptr // program counter: what loggers that name the source say of the access log
	base   string  // "" or /portal
	policy policy
	origin *http.CrossOriginProtection
	hosts  map[string]bool
	guest  pluginapi.Principal
	router atomic.Pointer[router]

	metrics *metrics  // nil: nothing is counted
	others  *counters // of requests that come to no endpoint

	gzips sync.Pool // of *gzip.Writer

	values   context.Context // with what every request's context has
	draining atomic.Bool

	mu     sync.Mutex
	first  *exchange // of those in flight
	count  int
	waiter chan struct{} // closed when count is zero, if somebody waits for that
}

var _ http.Handler = (*Handler)(nil)

// New makes a handler. Its error joins everything that cannot be served: patterns that cannot be read, or are taken twice, origins that are none.
func New(s Settings) (*Handler, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.RequestTimeout <= 0 {
		s.RequestTimeout = defaultRequestTimeout
	}
	if s.MaxBody == 0 {
		s.MaxBody = defaultMaxBody
	}
	if s.Authorizer == nil {
		s.Authorizer = denyAll{}
	}
	h := &Handler{
		s:      s,
		log:    s.Logger,
		base:   strings.TrimRight(s.BasePath, "/"),
		policy: newPolicy(s.CSP),
		origin: http.NewCrossOriginProtection(),
		guest:  pluginapi.Guest(),
	}
	var here [1]uintptr
	runtime.Callers(1, here[:])
	h.here = here[0]
	h.gzips.New = func() any {
		gz, _ := gzip.NewWriterLevel(io.Discard, gzipLevel) // the level is a valid one
		return gz
	}
	h.values = context.Background()
	if s.Links != nil {
		h.values = pluginapi.WithLinks(h.values, s.Links)
	}
	if len(s.Hosts) > 0 {
		h.hosts = make(map[string]bool, len(s.Hosts))
		for _, host := range s.Hosts {
			h.hosts[strings.ToLower(host)] = true
		}
	}
	var faults []error
	if h.base != "" && (h.base[0] != '/' || strings.ContainsAny(h.base, "{}*%") || strings.Contains(h.base, "//")) {
		faults = append(faults, fmt.Errorf("serve below %q: the base path must be like /portal", s.BasePath))
	}
	for _, origin := range s.TrustedOrigins {
		if err := h.origin.AddTrustedOrigin(origin); err != nil {
			faults = append(faults, fmt.Errorf("trust origin: %w", err))
		}
	}
	var err error
	if h.metrics, err = newMetrics(s.Metrics); err != nil {
		faults = append(faults, err)
	}
	h.others = h.metrics.of("")
	router, err := h.newRouter(s.Table)
	h.router.Store(router)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	return h, nil
}

// SetTable replaces what is served. Requests under way end as they began. When the table has faults nothing changes.
func (h *Handler) SetTable(t Table) error {
	router, err := h.newRouter(t)
	if err != nil {
		return err
	}
	h.router.Store(router)
	return nil
}

// ServeHTTP answers a request. It panics with [http.ErrAbortHandler], as handlers do, to cut a connection whose answer cannot be completed.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Context: r.Context(), values: h.values, handler: h, request: r, begun: time.Now(), id: requestID(r.Header)}
	x.deadline = x.begun.Add(h.s.RequestTimeout)
	x.w = responseWriter{inner: w, conn: gathererOf(r), gzips: &h.gzips, gzip: acceptsGzip(r), late: x.deadline.Add(deadlineGrace)}
	h.enter(x)
	defer h.leave(x)
	abort := h.guarded(x, r)
	if !abort {
		abort = x.w.finish() != nil
	}
	h.record(x, abort)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// guarded runs the request and recovers from whatever happens in it. It returns true when the connection has to be cut.
func (h *Handler) guarded(x *exchange, r *http.Request) (abort bool) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if value == http.ErrAbortHandler {
			abort = true
			return
		}
		abort = h.answerError(x, r, &panicError{value, debug.Stack()})
	}()
	h.handle(x, r)
	return false
}

func (h *Handler) handle(x *exchange, r *http.Request) {
	header := x.w.Header()
	header["X-Request-Id"] = []string{x.id}
	h.policy.apply(header, "")
	var err error
	x.path, x.escaped, err = routePath(r.URL, h.base)
	x.quiet = strings.HasPrefix(x.path, healthPath)
	// Whatever waits for the connection ends a little after the request itself has to. Writers that have no deadlines say so; that is all right.
	if hasBody(r) {
		_ = http.NewResponseController(x.w.inner).SetReadDeadline(x.w.late)
	}
	switch {
	case err != nil:
	case h.draining.Load() && !x.quiet:
		header.Set("Connection", "close")
		err = pluginapi.Unavailable("the portal is shutting down")
	default:
		err = h.checkHost(r)
	}
	if err != nil {
		h.fail(x, r, err)
		return
	}
	allowed := false
	if h.s.CORS != nil {
		var done bool
		if allowed, done = h.s.CORS.apply(header, r); done {
			x.w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if !allowed {
		if err := h.origin.Check(r); err != nil {
			h.fail(x, r, pluginapi.NotAllowed("this request comes from a page of another site; if that is this portal, set app.baseUrl to how browsers reach it; if it is another one of yours, allow its origin with backend.cors").Because(err))
			return
		}
	}
	h.router.Load().serve(x, r.WithContext(x))
}

// serve runs an endpoint with all that it is promised.
func (h *Handler) serve(e *endpoint, x *exchange, r *http.Request) {
	x.endpoint = e
	if e.Stream {
		x.stream()
		x.w.stream(r)
	}
	defer x.finish()
	var err error
	if !e.own {
		var who pluginapi.Principal
		if who, err = h.identify(r); err == nil && !who.IsZero() {
			x.who = who
			x.values = pluginapi.WithPrincipal(x.values, who)
		}
	}
	switch {
	case e.Public:
	case err != nil && !isClientError(err):
		h.fail(x, r, fmt.Errorf("identify who sends the request: %w", err))
		return
	case x.who.IsZero():
		h.fail(x, r, pluginapi.Unauthenticated("sign in first").Because(err))
		return
	}
	if e.Permission != nil {
		if err := pluginapi.Require(x, h.s.Authorizer, *e.Permission, ""); err != nil {
			h.fail(x, r, err)
			return
		}
	}
	limitBody(x.w.inner, r, e.MaxBody, h.s.MaxBody)
	if err := e.run(x, r); err != nil {
		h.fail(x, r, err)
	}
}

// run answers. A stream may read for as long as it likes, but what it left of the request's body is skipped before the connection is used again, and that must not wait for a client that sends nothing.
func (e *endpoint) run(x *exchange, r *http.Request) error {
	if e.Stream && hasBody(r) {
		control := http.NewResponseController(x.w.inner)
		_ = control.SetReadDeadline(time.Time{})
		defer func() {
			if !x.w.hijacked {
				_ = control.SetReadDeadline(time.Now().Add(deadlineGrace))
			}
		}()
	}
	return e.Run(&x.w, r)
}

func (h *Handler) identify(r *http.Request) (pluginapi.Principal, error) {
	if h.s.Identify == nil {
		return h.guest, nil
	}
	return h.s.Identify(r)
}

// denyAll is the authorizer of a portal that was given none.
type denyAll struct{}

func (denyAll) Authorize(context.Context, pluginapi.Permission, string) (pluginapi.Decision, error) {
	return pluginapi.Decision{}, nil
}

// record counts a request, and writes the access log.
func (h *Handler) record(x *exchange, aborted bool) {
	if x.endpoint != nil {
		x.endpoint.counters.count(x)
	} else {
		h.others.count(x)
	}
	level := slog.LevelInfo
	if x.quiet {
		level = slog.LevelDebug
	}
	if !h.log.Enabled(x, level) {
		return
	}
	now := time.Now()
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", x.request.Method), slog.String("path", x.request.URL.Path), slog.Int("status", x.status()),
		slog.Int64("bytes", x.w.bytes), slog.Duration("duration", now.Sub(x.begun)), slog.String("request", x.id))
	if x.endpoint != nil {
		attrs = append(attrs, slog.String("route", x.endpoint.pattern.path), slog.String("plugin", x.endpoint.Plugin))
	}
	if !x.who.IsZero() {
		attrs = append(attrs, slog.String("principal", x.who.Ref))
	}
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	// As h.log.LogAttrs would, which looks at the clock and at the stack each time.
	line := slog.NewRecord(now, level, "request", h.here)
	line.AddAttrs(attrs...)
	_ = h.log.Handler().Handle(x, line)
}

// statusClientGone is what the log says of a request whose client did not wait for the answer, as nginx does.
const statusClientGone = 499

func (x *exchange) status() int {
	if x.gone && !x.w.sent {
		return statusClientGone
	}
	return x.w.status
}
