package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/upstream"
)

// fail makes the error to answer with of why there is no answer from the target. People read which endpoint and what happened; hosts and URLs are in the log.
func (e *endpoint) fail(err error) error {
	var failure *upstream.Error
	if !errors.As(err, &failure) {
		return err
	}
	status, name, what := http.StatusBadGateway, "TargetError", "could not be asked"
	switch failure.Kind {
	case upstream.Refused:
		status, name, what = http.StatusGatewayTimeout, "TargetUnreachableError", "refused the connection"
	case upstream.Unresolved:
		status, name, what = http.StatusGatewayTimeout, "TargetUnreachableError", "has a host name that is unknown"
	case upstream.Unreachable:
		status, name, what = http.StatusGatewayTimeout, "TargetUnreachableError", "cannot be reached from here"
	case upstream.Reset:
		status, name, what = http.StatusGatewayTimeout, "TargetUnreachableError", "closed the connection before it answered"
	case upstream.Forbidden:
		name, what = "TargetForbiddenError", "has an address that must not be used"
	case upstream.Untrusted:
		name, what = "TargetUntrustedError", "has no certificate that can be trusted"
	case upstream.Malformed:
		name, what = "TargetResponseError", "answered with something that is not HTTP"
	case upstream.Timeout:
		status, name = http.StatusGatewayTimeout, "TargetTimeoutError"
		t := e.spec.Timeouts
		switch failure.During {
		case upstream.WhileConnect:
			what = fmt.Sprintf("could not be connected to within %s", t.Connect)
		case upstream.WhileTotal:
			what = fmt.Sprintf("took longer than %s", t.Total)
		default:
			what = fmt.Sprintf("did not answer within %s", t.Header)
		}
	}
	return &pluginapi.Error{Status: status, Name: name, Message: fmt.Sprintf("the target of proxy endpoint %s %s", e.path, what), Cause: err}
}

// tooMany is the answer to a request beyond a limit.
func tooMany(w http.ResponseWriter, path string, wait time.Duration) error {
	retryAfter(w, wait)
	return &pluginapi.Error{Status: http.StatusTooManyRequests, Name: "TooManyRequestsError", Message: fmt.Sprintf("proxy endpoint %s takes no more requests just now", path)}
}

// resting is the answer while the breaker is open.
func resting(w http.ResponseWriter, path string, wait time.Duration) error {
	retryAfter(w, wait)
	return pluginapi.Unavailable("the target of proxy endpoint %s has not answered for a while; it is asked again soon", path)
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}

// countsAsFailure reports whether an error says something about the target, rather than about who asked.
func countsAsFailure(err error) bool {
	var failure *upstream.Error
	return errors.As(err, &failure) && !errors.Is(err, context.Canceled)
}
