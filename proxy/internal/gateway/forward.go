package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/upstream"
)

// forward passes a request on and its answer back.
func (e *endpoint) forward(w http.ResponseWriter, r *http.Request, p place) error {
	if e.spec.Cache.Enabled && e.cacheable(r) {
		return e.forwardCached(w, r, p)
	}
	res, err := e.ask(r.Context(), w, r, p, nil)
	if err != nil {
		return err
	}
	return e.answer(w, r, p, res)
}

// ask gets the target's answer to a request, with retries and redirects. The caller closes its body. change may change the request before it is sent.
func (e *endpoint) ask(ctx context.Context, w http.ResponseWriter, r *http.Request, p place, change func(*http.Request)) (*http.Response, error) {
	id := w.Header()["X-Request-Id"]
	attempts := 1
	if safe(r.Method) && r.ContentLength == 0 && e.spec.Retries.Attempts > 0 {
		attempts += e.spec.Retries.Attempts
	}
	pause := e.spec.Retries.Pause
	for again := false; ; again = true {
		if again {
			e.counters.retries.Inc()
		}
		attempts--
		out, err := e.request(ctx, r, p, id)
		if err != nil {
			return nil, err
		}
		if change != nil {
			change(out)
		}
		res, err := e.send(w, out)
		if err == nil && e.spec.FollowRedirects {
			res, err = e.follow(w, out, res)
		}
		var failure *upstream.Error
		switch {
		case attempts == 0:
		case err != nil && errors.As(err, &failure) && retriable(failure):
		case err == nil && slices.Contains(e.spec.Retries.Statuses, res.StatusCode):
			_ = res.Body.Close()
		default:
			attempts = 0
		}
		if attempts == 0 {
			if err != nil {
				return nil, e.fail(err)
			}
			return res, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause/2 + rand.N(pause/2+1)):
		}
		pause *= 2
	}
}

// retriable reports whether the next attempt may have more luck.
func retriable(err *upstream.Error) bool {
	switch err.Kind {
	case upstream.Refused, upstream.Reset, upstream.Unreachable:
		return true
	case upstream.Timeout:
		return err.During == upstream.WhileConnect
	}
	return false
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// send sends one request, unless the target is given a rest.
func (e *endpoint) send(w http.ResponseWriter, out *http.Request) (*http.Response, error) {
	if wait, ok := e.breaker.allow(); !ok {
		return nil, resting(w, e.path, wait)
	}
	if e.prepare != nil {
		if err := e.prepare(out.Context(), out); err != nil {
			return nil, err
		}
	}
	res, err := e.target.Do(out)
	if err == nil {
		e.answered()
		return res, nil
	}
	var own *pluginapi.Error // such as that the client's body was too large
	if errors.As(err, &own) {
		return nil, own
	}
	e.failed(out.Context(), err)
	return nil, err
}

// answered tells the breaker that the target has answered.
func (e *endpoint) answered() {
	if e.breaker.answered() {
		e.counters.resting.Set(0)
	}
}

// failed tells the breaker that it has not, unless that is not the target's fault.
func (e *endpoint) failed(ctx context.Context, err error) {
	if ctx.Err() != nil || !countsAsFailure(err) {
		return
	}
	e.counters.failed(err)
	if e.breaker.failed() {
		e.counters.resting.Set(1)
		e.gateway.log.WarnContext(ctx, "proxy endpoint is given a rest: its target keeps failing to answer", "endpoint", e.path, "error", err)
	}
}

// answer passes the target's answer to the client.
func (e *endpoint) answer(w http.ResponseWriter, r *http.Request, p place, res *http.Response) error {
	defer func() { _ = res.Body.Close() }()
	stream := upstream.IsEventStream(res)
	limit := e.spec.Limits.Response
	if stream {
		limit = -1
	}
	if limit >= 0 && res.ContentLength > limit {
		return e.answerTooLarge(limit)
	}
	e.copyAnswer(w.Header(), res.Header)
	if location := e.location(p, res); location != "" {
		w.Header().Set("Location", location)
	}
	e.counters.answered(res.StatusCode)
	if stream {
		e.counters.streams.Inc()
		defer e.counters.streams.Dec()
	} else {
		defer e.counters.done(p.begun)
	}
	w.WriteHeader(res.StatusCode)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := e.copyBody(w, res, limit, stream); err != nil {
		if r.Context().Err() == nil {
			e.counters.failed(err)
		}
		// The client cannot be told any more, except by an answer that is visibly incomplete.
		e.gateway.log.WarnContext(r.Context(), "proxy: answer is cut off", "endpoint", e.path, "error", err)
		return errors.Join(http.ErrAbortHandler, err)
	}
	return nil
}

func (e *endpoint) answerTooLarge(limit int64) error {
	return &pluginapi.Error{Status: http.StatusBadGateway, Name: "TargetResponseError", Message: fmt.Sprintf("the target of proxy endpoint %s answered with more than %d bytes", e.path, limit)}
}

// copyBody passes a body on, piece by piece at once where its length is not known.
func (e *endpoint) copyBody(w http.ResponseWriter, res *http.Response, limit int64, stream bool) error {
	if to, ok := res.Body.(io.WriterTo); ok && res.ContentLength >= 0 { // its length is within the limit
		n, err := to.WriteTo(w)
		e.counters.received.Add(float64(n))
		return err
	}
	flush := stream || res.ContentLength < 0
	var control *http.ResponseController
	if flush {
		control = http.NewResponseController(w)
		if stream {
			_ = control.Flush() // so that the client knows that it is connected
		}
	}
	var buffer *[]byte
	if stream { // which may be open for long, and hardly ever has much to say
		small := make([]byte, 2<<10)
		buffer = &small
	} else {
		buffer = e.gateway.buffers.get()
		defer e.gateway.buffers.put(buffer)
	}
	for {
		n, err := res.Body.Read(*buffer)
		if n > 0 {
			if limit >= 0 {
				if limit -= int64(n); limit < 0 {
					return e.answerTooLarge(e.spec.Limits.Response)
				}
			}
			if _, err := w.Write((*buffer)[:n]); err != nil {
				return err
			}
			e.counters.received.Add(float64(n))
			if flush {
				if err := control.Flush(); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
