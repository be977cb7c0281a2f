package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// clientBody is a request's body that fails when it is too long, or when its sender is silent for too long.
type clientBody struct {
	io.ReadCloser
	endpoint *endpoint
	control  *http.ResponseController
	limit    int64 // negative: none
	got      int64
	next     time.Time // when to extend the deadline: for each piece would be dear
	end      time.Time // when all of it has to be here
}

// Read implements [io.Reader].
func (b *clientBody) Read(p []byte) (int, error) {
	idle := b.endpoint.spec.Timeouts.Idle
	if now := time.Now(); now.After(b.next) {
		b.next = now.Add(idle / 8)
		deadline := now.Add(idle)
		if deadline.After(b.end) {
			deadline = b.end
		}
		_ = b.control.SetReadDeadline(deadline) // who cannot has limits of its own
	}
	if b.limit >= 0 && int64(len(p)) > b.limit-b.got+1 {
		p = p[:b.limit-b.got+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	b.endpoint.counters.sent.Add(float64(n))
	if b.limit >= 0 && b.got > b.limit {
		n, err = 0, tooLarge(b.endpoint.path, b.limit)
	}
	if err == nil {
		return n, nil
	}
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // what follows is about the answer
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		message := fmt.Sprintf("the request's body did not go on for %s", idle)
		if !time.Now().Before(b.end) {
			message = fmt.Sprintf("the request's body was not complete within %s", b.endpoint.spec.Timeouts.Total)
		}
		err = &pluginapi.Error{Status: http.StatusRequestTimeout, Name: "RequestTimeoutError", Message: message, Cause: err}
	}
	return n, err
}

// tooLarge is the answer to a request with too large a body.
func tooLarge(path string, limit int64) error {
	return &pluginapi.Error{Status: http.StatusRequestEntityTooLarge, Name: "PayloadTooLargeError", Message: fmt.Sprintf("proxy endpoint %s takes bodies of at most %d bytes", path, limit)}
}
