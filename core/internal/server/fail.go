package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

var (
	errTooSlow      = errors.New("the request took longer than it may")
	errShuttingDown = errors.New("the portal is shutting down")
)

// panicError is the error that a panic of an endpoint became.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panicked: %v", e.value) }

// StackTrace is how errors made from panics, here and elsewhere in the portal, tell the log where that was.
func (e *panicError) StackTrace() []byte { return e.stack }

// fail answers with an error. It does not return when the connection has to be cut instead.
func (h *Handler) fail(x *exchange, r *http.Request, err error) {
	if h.answerError(x, r, err) {
		panic(http.ErrAbortHandler)
	}
}

// answerError answers with an error, and logs it if the server is to blame. It returns true when the answer had begun before: then all that is left is to cut the connection.
func (h *Handler) answerError(x *exchange, r *http.Request, err error) (abort bool) {
	if errors.Is(err, http.ErrAbortHandler) {
		return true
	}
	if x.Context.Err() != nil && errors.Is(err, context.Canceled) { // the client's doing, not the endpoint's
		x.gone = true
		return true
	}
	e := h.describe(x, r, err)
	h.logError(x, r, e, err)
	if x.w.sent || x.w.hijacked {
		return !x.w.hijacked
	}
	x.w.reset()
	if e.Status == http.StatusNotModified {
		x.w.WriteHeader(e.Status)
		return false
	}
	header := x.w.Header()
	header.Set("Cache-Control", "no-store")
	if e.Status == http.StatusUnauthorized && isAPI(x.path) {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if !isAPI(x.path) && !x.quiet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.writePage(x, r, e)
		return false
	}
	h.writeJSON(x, r, e)
	return false
}

// describe is [pluginapi.Describe] with what only the server can tell.
func (h *Handler) describe(x *exchange, r *http.Request, err error) ErrorDetails {
	e := ErrorDetails{RequestID: x.id}
	if x.endpoint != nil {
		e.Plugin = x.endpoint.Plugin
	}
	e.Status, e.Name, e.Message = pluginapi.Describe(err)
	ended := r.Context().Err()
	if e.Status != http.StatusInternalServerError || ended == nil || !errors.Is(err, ended) {
		return e
	}
	e.Status, e.Name, e.Message = http.StatusServiceUnavailable, "ServiceUnavailableError", "the request took longer than it may"
	switch context.Cause(r.Context()) {
	case errTooSlow:
		e.Message = fmt.Sprintf("the request took longer than %s", h.s.RequestTimeout)
	case errShuttingDown:
		e.Message = errShuttingDown.Error()
	}
	return e
}

func (h *Handler) logError(x *exchange, r *http.Request, e ErrorDetails, err error) {
	level := slog.LevelDebug
	switch {
	case e.Status == http.StatusInternalServerError || x.w.sent:
		level = slog.LevelError
	case e.Status > http.StatusInternalServerError:
		level = slog.LevelWarn
	}
	if !h.log.Enabled(x, level) {
		return
	}
	attrs := []slog.Attr{slog.String("request", x.id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("plugin", e.Plugin), slog.Int("status", e.Status), slog.Any("error", err)}
	var traced interface{ StackTrace() []byte }
	if errors.As(err, &traced) {
		attrs = append(attrs, slog.String("stack", string(traced.StackTrace())))
	}
	h.log.LogAttrs(x, level, "request failed", attrs...)
}

// isClientError reports whether an error is the sender's fault.
func isClientError(err error) bool {
	status, _, _ := pluginapi.Describe(err)
	return status < http.StatusInternalServerError
}

// wireError is the one shape of errors for programs: Backstage's, whose clients insist on error and response.
type wireError struct {
	Error struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"error"`
	Request struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
	Response struct {
		StatusCode int `json:"statusCode"`
	} `json:"response"`
}

func (h *Handler) writeJSON(x *exchange, r *http.Request, e ErrorDetails) {
	var wire wireError
	wire.Error.Name, wire.Error.Message = e.Name, e.Message
	wire.Request.Method, wire.Request.URL = r.Method, r.URL.RequestURI()
	wire.Response.StatusCode = e.Status
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.w.WriteHeader(e.Status)
	_ = json.NewEncoder(&x.w).Encode(wire) // the client may have left
}

// pageTime bounds how long the page about an error may take, since the time of the request may be used up.
const pageTime = 5 * time.Second

func (h *Handler) writePage(x *exchange, r *http.Request, e ErrorDetails) {
	text, err := h.drawPage(r, e)
	if err != nil {
		h.log.LogAttrs(x, slog.LevelError, "error page failed", slog.String("request", x.id), slog.Any("error", err))
		text = fmt.Sprintf("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>%d %s</title>\n<h1>%d %s</h1>\n<p>%s</p>\n<p>Request %s</p>\n</html>\n",
			e.Status, html.EscapeString(http.StatusText(e.Status)), e.Status, html.EscapeString(http.StatusText(e.Status)), html.EscapeString(e.Message), html.EscapeString(e.RequestID))
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.WriteHeader(e.Status)
	_, _ = x.w.Write([]byte(text)) // the client may have left
}

var errNoPage = errors.New("no page for errors is configured")

func (h *Handler) drawPage(r *http.Request, e ErrorDetails) (text string, err error) {
	if h.s.ErrorPage == nil {
		return "", errNoPage
	}
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("draw error page: panicked: %v", value)
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pageTime)
	defer cancel()
	return pluginapi.Draw(ctx, h.s.ErrorPage(r.WithContext(ctx), e))
}
