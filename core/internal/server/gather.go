package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// gatherMinimum is how long a piece of an answer is, in bytes, that is gathered: net/http's own buffer holds what is shorter.
const gatherMinimum = 4 << 10

// gatherer is a connection that sends the head of an answer and a long piece of its body in one go. net/http would send as much as its buffer of 4 KiB holds, and then the rest, which has the kernel and the client work twice.
//
// While a piece is being written, the first thing that comes waits for the second. Nobody else writes to the connection then: of HTTP/1.1 only the endpoint does, since net/http asks for no more of a request once an answer has its header.
type gatherer struct {
	net.Conn
	gathering bool
	waiting   []byte
	pieces    [2][]byte
	err       error // of a write of what net/http took for written, and has to be told at the next one
}

var (
	_ net.Conn      = (*gatherer)(nil)
	_ io.ReaderFrom = (*gatherer)(nil)
)

// write has to write p, so that at most one call of the system sends it.
func (g *gatherer) write(to io.Writer, p []byte) (int, error) {
	g.gathering = true
	n, err := to.Write(p)
	g.gathering = false
	if len(g.waiting) > 0 { // it was all that came
		if _, failed := g.send(nil); err == nil {
			err = failed
		}
	}
	return n, err
}

// Write implements [net.Conn].
func (g *gatherer) Write(p []byte) (int, error) {
	switch {
	case g.err != nil:
		return 0, g.err
	case len(g.waiting) > 0:
		return g.send(p)
	case g.gathering && len(p) <= gatherMinimum:
		g.waiting = append(g.waiting, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// send sends what waits, and p. It returns how much of p was sent.
func (g *gatherer) send(p []byte) (int, error) {
	g.pieces = [2][]byte{g.waiting, p}
	before := len(g.waiting)
	buffers := net.Buffers(g.pieces[:])
	n, err := buffers.WriteTo(g.Conn)
	g.pieces = [2][]byte{}
	g.waiting, g.err = g.waiting[:0], err
	return max(0, int(n)-before), err
}

// ReadFrom implements [io.ReaderFrom], since the kernel can send files by itself.
func (g *gatherer) ReadFrom(from io.Reader) (int64, error) {
	if to, ok := g.Conn.(io.ReaderFrom); ok && g.err == nil {
		return to.ReadFrom(from)
	}
	return io.Copy(struct{ io.Writer }{g}, from)
}

// CloseWrite closes the direction to the client, as net/http does before it leaves a request's body unread: closed as a whole, the connection could take the answer with it.
func (g *gatherer) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// gathers is a listener whose connections gather.
type gathers struct{ net.Listener }

// Accept implements [net.Listener].
func (l gathers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gatherer{Conn: conn}, nil
}

type gathererKey struct{}

// withGatherer lets requests find their connection.
func withGatherer(ctx context.Context, conn net.Conn) context.Context {
	if g, ok := conn.(*gatherer); ok {
		return context.WithValue(ctx, gathererKey{}, g)
	}
	return ctx
}

func gathererOf(r *http.Request) *gatherer {
	g, _ := r.Context().Value(gathererKey{}).(*gatherer)
	return g
}
