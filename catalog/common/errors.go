package catalogcommon

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrNotFound is what a [Client] answers, usually wrapped, when the thing asked for does not exist or may not be seen. Test with errors.Is. Its status is 404.
var ErrNotFound error = &Error{Status: http.StatusNotFound, Name: "NotFoundError", Message: "not found"}

// Error is a failure that the catalog reported. Errors of the transport (no connection, a deadline) are of other types.
type Error struct {
	Status  int    // of HTTP: 400, 403, 404, 409, 503 …
	Name    string // of the kind of error, such as InputError, NotAllowedError, NotFoundError or ConflictError
	Message string
	Cause   *ErrorInfo // what the catalog says of the cause, if anything
}

// Error returns the message, or the status' text if there is none.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("catalog answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return e.Message
}

// StatusCode returns Status.
func (e *Error) StatusCode() int { return e.Status }

// SafeMessage returns the message, which is for whoever asked.
func (e *Error) SafeMessage() string { return e.Error() }

// ErrorName returns Name.
func (e *Error) ErrorName() string { return e.Name }

// Is makes every error of status 404 match [ErrNotFound].
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound
}

// InputError is a request that cannot be right: status 400.
func InputError(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Name: "InputError", Message: fmt.Sprintf(format, args...)}
}

// NotFoundError is a missing thing: status 404. It matches [ErrNotFound].
func NotFoundError(format string, args ...any) *Error {
	return &Error{Status: http.StatusNotFound, Name: "NotFoundError", Message: fmt.Sprintf(format, args...)}
}

// ConflictError is something that exists already, in another form: status 409.
func ConflictError(format string, args ...any) *Error {
	return &Error{Status: http.StatusConflict, Name: "ConflictError", Message: fmt.Sprintf(format, args...)}
}

// NotAllowedError is a refusal: status 403.
func NotAllowedError(format string, args ...any) *Error {
	return &Error{Status: http.StatusForbidden, Name: "NotAllowedError", Message: fmt.Sprintf(format, args...)}
}

// ErrorBody is the JSON in which the catalog's HTTP API reports an error.
type ErrorBody struct {
	Error   ErrorInfo `json:"error"`
	Request *struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request,omitempty"`
	Response struct {
		StatusCode int `json:"statusCode"`
	} `json:"response"`
}

// InfoOf describes err as data. An [Error] keeps its name; other errors are named Error.
func InfoOf(err error) *ErrorInfo {
	if err == nil {
		return nil
	}
	info := &ErrorInfo{Name: "Error", Message: err.Error()}
	var known *Error
	if errors.As(err, &known) {
		info.Name, info.Cause = known.Name, known.Cause
	}
	return info
}
