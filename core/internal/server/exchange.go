package server

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// exchange is one request and its answer, and also the request's context: one allocation instead of one per value.
type exchange struct {
	context.Context                 // the one that the request came with
	values          context.Context // what the portal adds, and who asks once that is known; it never ends

	handler  *Handler
	request  *http.Request // as it came
	id       string
	nonce    string
	begun    time.Time
	path     string // to route by; see routePath
	escaped  bool   // parameters found in path have to be unescaped
	endpoint *endpoint
	who      pluginapi.Principal
	quiet    bool // log at debug only
	gone     bool // the client left before it was answered
	w        responseWriter

	mu       sync.Mutex
	deadline time.Time               // zero: none, as streams have
	ending   context.Context         // what [exchange.armed] made; nil as long as nobody asked
	end      context.CancelCauseFunc // of ending
	over     bool                    // the request is answered

	prev, next *exchange // in the handler's list of those in flight
}

type exchangeKey struct{}

// Value adds the exchange itself and the portal's values to those of the request's context.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	if value := x.values.Value(key); value != nil {
		return value
	}
	x.mu.Lock()
	ending := x.ending
	x.mu.Unlock()
	if ending != nil { // through it contexts made of this one find out how it ends without a goroutine
		return ending.Value(key)
	}
	return x.Context.Value(key)
}

func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// RequestID returns the id of the request that ctx belongs to, "" without one.
func RequestID(ctx context.Context) string {
	if x := exchangeFrom(ctx); x != nil {
		return x.id
	}
	return ""
}

// Nonce returns the nonce that scripts in the answer to ctx's request must carry. The first call adds it to the content security policy, so it has to come before the first byte of the answer is written.
// It must not be called concurrently. Outside a request it is "".
func Nonce(ctx context.Context) string {
	x := exchangeFrom(ctx)
	if x == nil {
		return ""
	}
	if x.nonce == "" {
		x.nonce = rand.Text()
		x.handler.policy.apply(x.w.Header(), x.nonce)
	}
	return x.nonce
}

// requestID returns the id that the client or a proxy gave, if it is harmless, or a new one.
func requestID(h http.Header) string {
	given := ""
	if values := h["X-Request-Id"]; len(values) > 0 {
		given = values[0]
	}
	if given != "" && len(given) <= 64 {
		for i := 0; ; i++ {
			if i == len(given) {
				return given
			}
			if !isIDByte(given[i]) {
				break
			}
		}
	}
	var digits [16]byte
	return string(strconv.AppendUint(digits[:0], mathrand.Uint64()|1<<63, 16))
}

func isIDByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}
