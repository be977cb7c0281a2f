package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Fault is why CircleCI did not give what it was asked for, in terms that can be explained to people. It can be kept as JSON.
type Fault struct {
	Kind    Kind          `json:"kind"`
	Status  int           `json:"status,omitempty"`  // of the answer; 0 when there was none
	Message string        `json:"message,omitempty"` // what CircleCI or the proxy said, for people
	Wait    time.Duration `json:"wait,omitempty"`    // how long CircleCI wants to be left alone; 0 when it did not say
}

// Kind tells faults apart by what is to be done about them.
type Kind string

// The kinds of faults.
const (
	NotConfigured Kind = "not configured" // the portal has no token, or no proxy endpoint
	Unauthorized  Kind = "unauthorized"   // the token is not accepted
	NotAllowed    Kind = "not allowed"    // the token may not do this, or the portal's proxy does not let it through
	NotFound      Kind = "not found"      // there is no such thing, or the token may not see it
	Refused       Kind = "refused"        // what was asked makes no sense now, such as to run again what still runs
	RateLimited   Kind = "rate limited"   // too many requests
	Broken        Kind = "broken"         // CircleCI answers that it failed
	TimedOut      Kind = "timed out"      // no answer in time
	Unreachable   Kind = "unreachable"    // no connection
	Unreadable    Kind = "unreadable"     // the answer is not what the API promises
	WrongTarget   Kind = "wrong target"   // the proxy endpoint leads to API v1.1 only
	Unknown       Kind = "unknown"
)

// Error says it all, for the log.
func (f *Fault) Error() string {
	text := "ask CircleCI: " + string(f.Kind)
	if f.Status != 0 {
		text += fmt.Sprintf(" (status %d)", f.Status)
	}
	if f.Message != "" {
		text += ": " + f.Message
	}
	return text
}

// Passing reports whether it may be better soon without anybody doing anything.
func (f *Fault) Passing() bool {
	switch f.Kind {
	case RateLimited, Broken, TimedOut, Unreachable, Unreadable, Unknown:
		return true
	}
	return false
}

// AsFault makes a Fault of what went wrong on the way. nil stays nil.
func AsFault(err error) *Fault {
	var fault *Fault
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault):
		return fault
	case errors.Is(err, context.DeadlineExceeded):
		return &Fault{Kind: TimedOut, Message: "no answer within " + patience.String()}
	}
	status, name, message := pluginapi.Describe(err)
	fault = &Fault{Kind: Unknown, Message: message}
	switch {
	case name == notConfigured:
		fault.Kind = NotConfigured
	case name == "TargetTimeoutError":
		fault.Kind = TimedOut
	case name == "TargetUnreachableError", name == "TargetError", name == "TargetForbiddenError", name == "TargetUntrustedError", status == http.StatusServiceUnavailable:
		fault.Kind = Unreachable
	case name == "TargetResponseError":
		fault.Kind = Unreadable
	case status == http.StatusNotFound: // there is no such endpoint
		fault.Kind = NotConfigured
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusMethodNotAllowed:
		fault.Kind = NotAllowed
	case status == http.StatusTooManyRequests:
		fault.Kind = RateLimited
	}
	return fault
}

// notConfigured is the name of the error that [NoToken] makes.
const notConfigured = "CircleCINotConfiguredError"

// NoToken is why nothing is sent without a token.
func NoToken() error {
	return &pluginapi.Error{Status: http.StatusServiceUnavailable, Name: notConfigured, Message: "no CircleCI token is configured; set circleci.token in app-config.yaml"}
}

// faultOf makes a Fault of an answer that is none of those wanted.
func faultOf(res *http.Response, message string, now time.Time) *Fault {
	fault := &Fault{Kind: Unknown, Status: res.StatusCode, Message: message, Wait: retryAfter(res.Header, now)}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		fault.Kind = Unauthorized
	case res.StatusCode == http.StatusForbidden:
		fault.Kind = NotAllowed
	case res.StatusCode == http.StatusNotFound:
		fault.Kind = NotFound
	case res.StatusCode == http.StatusTooManyRequests:
		fault.Kind = RateLimited
	case res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusGatewayTimeout:
		fault.Kind = TimedOut
	case res.StatusCode >= http.StatusInternalServerError:
		fault.Kind = Broken
	case res.StatusCode >= http.StatusBadRequest:
		fault.Kind = Refused
	case res.StatusCode >= http.StatusMultipleChoices:
		fault.Kind, fault.Message = Unreadable, "it leads elsewhere"
	}
	return fault
}

// maxWait bounds how long an answer can silence us.
const maxWait = 15 * time.Minute

// retryAfter reads how long the sender wants to be left alone: seconds or a date in Retry-After, or else seconds in X-RateLimit-Reset when nothing remains.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text == "" && h.Get("X-RateLimit-Remaining") == "0" {
		text = h.Get("X-RateLimit-Reset")
	}
	text = strings.TrimSpace(text)
	var wait time.Duration
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		wait = maxWait
		if seconds < maxWait.Seconds() {
			wait = time.Duration(seconds * float64(time.Second))
		}
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}
