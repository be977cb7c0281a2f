package gateway

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// tunnel is an answer whose connection, once it is taken over, ends with the request's context and when nothing was said on it for a while: after the target has closed its end, nobody but the client could end it.
type tunnel struct {
	http.ResponseWriter
	ctx  context.Context
	idle time.Duration
}

var _ http.Hijacker = (*tunnel)(nil)

// Unwrap lets [http.ResponseController] reach the real one.
func (t *tunnel) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Hijack implements [http.Hijacker].
func (t *tunnel) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &tunnelConn{Conn: conn, idle: t.idle, stay: context.AfterFunc(t.ctx, func() { _ = conn.Close() })}, rw, nil
}

// tunnelConn is the client's connection. One goroutine reads and another one writes: what either does gives reading more time.
type tunnelConn struct {
	net.Conn
	idle time.Duration
	stay func() bool  // it need not be closed at the end of the context any more
	next atomic.Int64 // Unix nanoseconds: when to extend the deadline, since doing so for each piece would be dear
}

func (c *tunnelConn) extend() {
	if now := time.Now(); now.UnixNano() >= c.next.Load() {
		c.next.Store(now.Add(c.idle / 8).UnixNano())
		_ = c.SetReadDeadline(now.Add(c.idle + c.idle/8)) // fails only on a closed connection, as what follows then does
	}
}

// Read implements [net.Conn].
func (c *tunnelConn) Read(p []byte) (int, error) {
	c.extend()
	return c.Conn.Read(p)
}

// Write implements [net.Conn].
func (c *tunnelConn) Write(p []byte) (int, error) {
	c.extend()
	return c.Conn.Write(p)
}

// Close implements [net.Conn].
func (c *tunnelConn) Close() error {
	c.stay()
	return c.Conn.Close()
}

// CloseWrite tells the client that the target has said all it has to say, and may still listen.
func (c *tunnelConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
