// Package fault marks the errors that say a database cannot serve now, whoever asks and whatever for.
package fault

import (
	"errors"
	"net/http"
)

// ErrUnavailable is what every [Error] is.
var ErrUnavailable = errors.New("database unavailable")

// Error says that a database cannot serve now. Its cause stays reachable by errors.As.
type Error struct {
	message string
	cause   error
}

// Unavailable returns an [Error]. The message says what is wrong and, where somebody can do something about it, what; it does not repeat the cause.
func Unavailable(message string, cause error) error { return &Error{message, cause} }

// Error returns the message and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.message
	}
	return e.message + ": " + e.cause.Error()
}

// Is reports whether target is [ErrUnavailable].
func (e *Error) Is(target error) bool { return target == ErrUnavailable }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// StatusCode is 503: the request was fine, and may be made again.
func (e *Error) StatusCode() int { return http.StatusServiceUnavailable }
