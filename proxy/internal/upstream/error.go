package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Error is why there is no answer, or no more of one.
type Error struct {
	Kind   Kind
	During During // of a Timeout
	Err    error  // for the log; may be nil
}

// Kind tells errors apart.
type Kind string

// The kinds of errors.
const (
	Refused     Kind = "refused"     // nothing listens there
	Unresolved  Kind = "unresolved"  // the name is unknown
	Unreachable Kind = "unreachable" // there is no way there
	Forbidden   Kind = "forbidden"   // the address is one that may not be used
	Untrusted   Kind = "untrusted"   // no TLS, or a certificate that cannot be trusted
	Reset       Kind = "reset"       // the connection broke before the answer was complete
	Timeout     Kind = "timeout"
	Malformed   Kind = "malformed" // what came is no HTTP
	Unknown     Kind = "unknown"
)

// During tells what took too long.
type During string

// What can take too long.
const (
	WhileConnect During = "connect"
	WhileHeader  During = "header"
	WhileIdle    During = "idle"
	WhileTotal   During = "total"
)

// Error says it all, for the log.
func (e *Error) Error() string {
	text := "target: " + string(e.Kind)
	if e.Kind == Timeout {
		text += " (" + string(e.During) + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// errForbidden is what the guard says.
var errForbidden = errors.New("address is not allowed")

// classify makes an [*Error] of what the transport says.
func classify(err error) *Error {
	var already *Error
	if errors.As(err, &already) {
		return already
	}
	return &Error{Kind: kindOf(err), During: duringOf(err), Err: err}
}

func duringOf(err error) During {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" || strings.Contains(err.Error(), "TLS handshake timeout") {
		return WhileConnect
	}
	return WhileHeader
}

func kindOf(err error) Kind {
	var (
		dns       *net.DNSError
		record    tls.RecordHeaderError
		unknown   x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		timeout   interface{ Timeout() bool }
		timedOut  = errors.As(err, &timeout) && timeout.Timeout()
		malformed = strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "server response headers exceeded") || strings.Contains(err.Error(), "too many 1xx") ||
			strings.Contains(err.Error(), "transfer encoding") || strings.Contains(err.Error(), "message cannot contain") || strings.Contains(err.Error(), "bad Content-Length")
	)
	switch {
	case errors.Is(err, errForbidden):
		return Forbidden
	case errors.As(err, &dns):
		return Unresolved
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	case errors.As(err, &record), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return Untrusted
	case timedOut, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case malformed:
		return Malformed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), strings.Contains(err.Error(), "server closed idle connection"):
		return Reset
	}
	return Unknown
}

// guard refuses addresses when a connection is made, after the name was resolved, so that no name can lead to where it must not.
type guard struct {
	host    string // of the target, as configured
	private bool   // private addresses are allowed
}

func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return g.check(host)
}

func (g guard) check(host string) error {
	host, _, _ = strings.Cut(host, "%") // zone
	ip := net.ParseIP(host)
	switch {
	case ip == nil:
		return fmt.Errorf("%w: %q is no address", errForbidden, host)
	case ip.IsUnspecified() || ip.IsMulticast():
		return fmt.Errorf("%w: %s is no host", errForbidden, host)
	case ip.IsLinkLocalUnicast() && !ip.Equal(net.ParseIP(g.host)):
		return fmt.Errorf("%w: %s is link-local; if that is meant, write it as an address in the target", errForbidden, host)
	case !g.private && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || sharedNetwork(ip)):
		return fmt.Errorf("%w: %s is on a private network, and privateNetworks is false", errForbidden, host)
	}
	return nil
}

// sharedNetwork reports whether ip is one that carriers use inside (100.64.0.0/10).
func sharedNetwork(ip net.IP) bool {
	v4 := ip.To4()
	return v4 != nil && v4[0] == 100 && v4[1]&0xc0 == 64
}
