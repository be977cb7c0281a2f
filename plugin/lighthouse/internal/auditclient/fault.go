package auditclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Kind tells faults apart by what somebody can do about them.
type Kind int

// The kinds.
const (
	NotConfigured Kind = iota // no service is named
	Unreachable               // nothing answers there
	TooSlow                   // it did not answer in time
	Denied                    // it does not accept the token
	NotFound                  // it has no such audit or website
	Refused                   // it will not do what was asked, and says why
	Busy                      // it asks to be asked later
	Broken                    // it failed
	Nonsense                  // what answers is no audit service
)

// Fault is what went wrong when the service was asked.
type Fault struct {
	Kind    Kind
	Status  int    // of the answer; 0 without one
	Message string // the service's own words, shortened; may be empty
	Err     error  // for the log; may be nil
}

// Error says everything, for the log.
func (f *Fault) Error() string {
	text := f.SafeMessage()
	if f.Status != 0 {
		text += fmt.Sprintf(" (status %d)", f.Status)
	}
	if f.Message != "" && f.Kind != Refused {
		text += ": " + f.Message
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// StatusCode is what the portal answers with.
func (f *Fault) StatusCode() int {
	switch f.Kind {
	case NotFound:
		return http.StatusNotFound
	case Refused:
		return http.StatusBadRequest
	case TooSlow:
		return http.StatusGatewayTimeout
	case NotConfigured, Unreachable, Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

// SafeMessage says what happened, for people.
func (f *Fault) SafeMessage() string {
	switch f.Kind {
	case NotConfigured:
		return "no audit service is configured"
	case Unreachable:
		return "the audit service cannot be reached"
	case TooSlow:
		return "the audit service did not answer in time"
	case Denied:
		return "the audit service does not accept the portal's token"
	case NotFound:
		return "the audit service has no such audit"
	case Refused:
		if f.Message != "" {
			return f.Message
		}
		return "the audit service refused"
	case Busy:
		return "the audit service is busy"
	case Broken:
		return "the audit service failed"
	}
	return "what answers at the audit service's address is no audit service"
}

// Remedy says what can be done about it.
func (f *Fault) Remedy() string {
	switch f.Kind {
	case NotConfigured:
		return "Name it in app-config.yaml as lighthouse.baseUrl."
	case Unreachable:
		return "Whoever runs the portal sees to it that the service runs, and that lighthouse.baseUrl leads to it."
	case TooSlow, Busy:
		return "Try again in a moment."
	case Denied:
		return "Whoever runs the portal sets lighthouse.token to the token that the service asks for."
	case NotFound:
		return "It may have been deleted, or be older than what the service keeps."
	case Refused:
		return "Mend what it says and try again."
	case Broken:
		return "Its own log says why. Try again in a moment."
	}
	return "Whoever runs the portal checks lighthouse.baseUrl: it is the address below which /v1/audits is found."
}

// unanswered makes a fault of an error of the HTTP client.
func unanswered(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // nobody waits for it any more
	}
	var detail *url.Error
	if errors.As(err, &detail) {
		err = detail.Err // without the address, which is in the configuration
	}
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		return &Fault{Kind: TooSlow, Err: err}
	}
	return &Fault{Kind: Unreachable, Err: err}
}

// refused makes a fault of an answer that is none of success.
func refused(res *http.Response) *Fault {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxText))
	f := &Fault{Kind: Nonsense, Status: res.StatusCode, Err: err}
	// The API's errors are plain text; a page of some other server says nothing to anybody.
	if kind := res.Header.Get("Content-Type"); kind == "" || strings.HasPrefix(kind, "text/plain") {
		f.Message = strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "")), " ")
	} else if res.StatusCode == http.StatusNotFound && !strings.HasPrefix(kind, "text/html") {
		return f
	}
	switch status := res.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		f.Kind = Denied
	case status == http.StatusNotFound:
		f.Kind = NotFound
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		f.Kind = Busy
	case status == http.StatusGatewayTimeout:
		f.Kind = TooSlow
	case status >= 500:
		f.Kind = Broken
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		f.Kind = Refused
	}
	return f
}
