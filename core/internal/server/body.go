package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// hasBody reports whether there is something to read.
func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// limitBody makes reads of the request's body fail at its limit.
func limitBody(w http.ResponseWriter, r *http.Request, limit, fallback int64) {
	if !hasBody(r) {
		return
	}
	if limit == 0 {
		limit = fallback
	}
	if limit > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	r.Body = &body{r.Body}
}

// body gives the errors of reading it a status: that the client's half of the exchange fails is not an internal error, however a handler wraps it.
type body struct{ io.ReadCloser }

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return n, &bodyError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request's body is larger than %d bytes", tooLarge.Limit), err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, &bodyError{http.StatusRequestTimeout, "the request's body did not arrive in time", err}
	}
	return n, &bodyError{http.StatusBadRequest, "the request's body is incomplete", err}
}

type bodyError struct {
	status  int
	message string
	cause   error
}

func (e *bodyError) Error() string       { return e.message + ": " + e.cause.Error() }
func (e *bodyError) Unwrap() error       { return e.cause }
func (e *bodyError) StatusCode() int     { return e.status }
func (e *bodyError) SafeMessage() string { return e.message }
func (e *bodyError) ErrorName() string {
	if e.status == http.StatusRequestEntityTooLarge {
		return "PayloadTooLargeError"
	}
	return "InputError"
}
