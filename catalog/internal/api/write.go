package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/fields"
)

// buffers are used again, since an answer is some ten kilobytes.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keepBuffer bounds what is kept of an unusually large answer, in bytes.
const keepBuffer = 1 << 20

// outgoing is an answer of which a part may have been sent.
type outgoing struct {
	w    http.ResponseWriter
	sent bool
}

// flush sends what was gathered of a long answer, so that its size does not matter. What fails later can only cut it short.
func (o *outgoing) flush(text []byte) []byte {
	if len(text) < flushAt {
		return text
	}
	if !o.sent {
		o.w.Header().Set("Content-Type", "application/json; charset=utf-8")
		o.sent = true
	}
	_, _ = o.w.Write(text) // an error here means that the client has left
	return text[:0]
}

// respond writes JSON that build appends.
func respond(w http.ResponseWriter, build func(*outgoing, []byte) ([]byte, error)) error {
	buffer := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= keepBuffer {
			buffers.Put(buffer)
		}
	}()
	out := outgoing{w: w}
	text, err := build(&out, (*buffer)[:0])
	if err != nil {
		return err
	}
	*buffer = text
	if out.sent {
		_, _ = w.Write(text) // an error here means that the client has left
		return nil
	}
	sendJSON(w, text)
	return nil
}

// sendJSON writes a whole answer.
func sendJSON(w http.ResponseWriter, text []byte) {
	header, values := w.Header(), [...]string{"application/json; charset=utf-8", strconv.Itoa(len(text))}
	header["Content-Type"], header["Content-Length"] = values[:1:1], values[1:]
	_, _ = w.Write(text) // an error here means that the client has left
}

// respondWith writes value as JSON.
func respondWith(w http.ResponseWriter, status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // an error here means that the client has left
	return nil
}

// appendEntities appends an array of entities, with null for those that are nil.
func appendEntities(out *outgoing, dst []byte, bodies [][]byte, projection *fields.Projection) ([]byte, error) {
	dst = append(dst, '[')
	for i, body := range bodies {
		if i > 0 {
			dst = append(dst, ',')
		}
		if body == nil {
			dst = append(dst, "null"...)
			continue
		}
		var err error
		if dst, err = projection.Append(dst, body); err != nil {
			return dst, err
		}
		dst = out.flush(dst)
	}
	return append(dst, ']'), nil
}

// traced is the context of a request that changes something, with which the catalog's log can be read beside the portal's.
func traced(w http.ResponseWriter, r *http.Request) context.Context {
	return access.WithRequestID(r.Context(), w.Header().Get("X-Request-Id"))
}
