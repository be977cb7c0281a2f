package pluginapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Error is an error with an HTTP status and a message that anybody may read, apart from its cause, which only the log shows.
// Any error with a StatusCode() int method counts as one; without a SafeMessage() string method people read the status' own text.
type Error struct {
	Status  int    // 400 to 599
	Name    string // as on the wire: InputError, NotFoundError, ...
	Message string // for people: lower case, no secrets, says how to mend it
	Cause   error  // for the log; may be nil
}

// Error joins message and cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// StatusCode returns the HTTP status.
func (e *Error) StatusCode() int { return e.Status }

// SafeMessage returns what people may read.
func (e *Error) SafeMessage() string { return e.Message }

// ErrorName returns the name on the wire.
func (e *Error) ErrorName() string { return e.Name }

// Because returns e with a cause.
func (e *Error) Because(cause error) *Error {
	with := *e
	with.Cause = cause
	return &with
}

// BadInput is a 400: what was sent cannot be used. The formatted message is shown to people.
func BadInput(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Name: "InputError", Message: fmt.Sprintf(format, args...)}
}

// Unauthenticated is a 401: nobody is signed in.
func Unauthenticated(format string, args ...any) *Error {
	return &Error{Status: http.StatusUnauthorized, Name: "AuthenticationError", Message: fmt.Sprintf(format, args...)}
}

// NotAllowed is a 403: who asks may not.
func NotAllowed(format string, args ...any) *Error {
	return &Error{Status: http.StatusForbidden, Name: "NotAllowedError", Message: fmt.Sprintf(format, args...)}
}

// NotFound is a 404.
func NotFound(format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Name: "NotFoundError", Message: fmt.Sprintf(format, args...)}
}

// Conflict is a 409: it clashes with what is there.
func Conflict(format string, args ...any) *Error {
	return &Error{Status: http.StatusConflict, Name: "ConflictError", Message: fmt.Sprintf(format, args...)}
}

// Unavailable is a 503: it may work later.
func Unavailable(format string, args ...any) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Name: "ServiceUnavailableError", Message: fmt.Sprintf(format, args...)}
}

// ErrUnavailable matches, by errors.Is, every error that says a plugin is not running.
var ErrUnavailable = errors.New("plugin is not running")

// UnavailableError says that a plugin is not running, and why as far as is known. Its status is 503.
type UnavailableError struct {
	Plugin string
	State  string // starting, degraded, stuck, stopped, unreachable
	Err    error  // for the log; may be nil
}

// Error names plugin, state and reason.
func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return e.SafeMessage()
	}
	return e.SafeMessage() + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is matches [ErrUnavailable].
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// StatusCode is 503.
func (e *UnavailableError) StatusCode() int { return http.StatusServiceUnavailable }

// SafeMessage names plugin and state.
func (e *UnavailableError) SafeMessage() string {
	return fmt.Sprintf("plugin %s is %s", e.Plugin, e.State)
}

// ErrorName returns the name on the wire.
func (e *UnavailableError) ErrorName() string { return "ServiceUnavailableError" }

// Describe tells how to answer with err: its status (500 unless it has one), its name on the wire, and a message that anybody may read. It looks through wrapping.
func Describe(err error) (status int, name, message string) {
	status, name = http.StatusInternalServerError, "Error"
	var coded interface{ StatusCode() int }
	if errors.As(err, &coded) && coded.StatusCode() >= 300 && coded.StatusCode() <= 599 {
		status = coded.StatusCode()
	}
	message = http.StatusText(status)
	if status == http.StatusInternalServerError {
		message = "an internal error occurred"
	}
	var safe interface{ SafeMessage() string }
	if errors.As(err, &safe) {
		message = safe.SafeMessage()
	}
	var named interface{ ErrorName() string }
	if errors.As(err, &named) && named.ErrorName() != "" {
		name = named.ErrorName()
	}
	return status, name, message
}

// wireError is the error shape of the portal's HTTP answers.
type wireError struct {
	Error struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"error"`
}

// ErrorFrom reads an error answer (status 400 or above) of another process of the portal into an [Error]. It reads 64 KiB of the body at most and leaves closing it to the caller.
func ErrorFrom(res *http.Response) *Error {
	e := &Error{Status: res.StatusCode, Name: "Error", Message: http.StatusText(res.StatusCode)}
	var wire wireError
	if body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10)); err == nil && json.Unmarshal(body, &wire) == nil && wire.Error.Message != "" {
		e.Name, e.Message = wire.Error.Name, wire.Error.Message
	}
	return e
}
