package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Server serves a portal on a listener. Make one with [Serve].
type Server struct {
	handler *Handler
	http    *http.Server
	done    chan struct{}
	err     error // read after done is closed
}

// Serve begins to serve h on ln, with TLS if c says so, and returns at once. The listener is the server's from now on; [Server.Shutdown] has to be called.
func Serve(ln net.Listener, h *Handler, c Config) (*Server, error) {
	s := &Server{
		handler: h,
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ConnContext:       withGatherer,
			ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug), // handshakes that fail, clients that leave
		},
		done: make(chan struct{}),
	}
	serve := func(ln net.Listener) error { return s.http.Serve(gathers{ln}) }
	if c.HTTPS != nil {
		var err error
		if s.http.TLSConfig, err = c.HTTPS.Certificate.tls(); err != nil {
			return nil, errors.Join(fmt.Errorf("serve HTTPS: %w", err), ln.Close())
		}
		serve = func(ln net.Listener) error { return s.http.ServeTLS(ln, "", "") }
	}
	go func() {
		defer close(s.done)
		if err := serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve on %s: %w", ln.Addr(), err)
		}
	}()
	return s, nil
}

// Done returns a channel that is closed when the server no longer listens.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server stopped listening by itself, after Done is closed; nil after a shutdown.
func (s *Server) Err() error { return s.err }

// Shutdown stops listening, ends streams, and waits until all requests are answered. When they are not by the time half of what ctx allows is used up, it cuts their connections, and the error names them:
// the other half is for what is stopped next. It can be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	drained := make(chan error, 1)
	go func() { drained <- s.handler.Drain(ctx) }()
	err := s.http.Shutdown(ctx)
	if drainErr := <-drained; drainErr != nil {
		err = drainErr // names the requests, of hijacked connections too
	}
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}
