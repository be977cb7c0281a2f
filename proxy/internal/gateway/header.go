package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/proxy/node"
)

// names is a list of canonical header names that may pass in one direction. Lists are short and requests' headers, too, so it is searched one by one.
type names []string

// bothWays always pass.
var bothWays = []string{"Cache-Control", "Content-Language", "Content-Type", "Expires", "Last-Modified", "Pragma"}

// alwaysRequested pass to the target. User-Agent is handled by itself, since leaving it out would have one made up.
var alwaysRequested = []string{
	"Accept", "Accept-Language", "User-Agent",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range",
	"Traceparent", "Tracestate", "Baggage", "X-Request-Id",
}

// alwaysAnswered pass to the client.
var alwaysAnswered = []string{"Accept-Ranges", "Content-Encoding", "Content-Length", "Content-Range", "Etag", "Retry-After", "Vary"}

// policyHeader says what a document in an answer may do.
const policyHeader = "Content-Security-Policy"

// sandbox is for answers of targets, which have the portal's origin: shown as a page, they must not run as the portal's own. Whoever lists the header for an endpoint has the target decide.
var sandbox = []string{"sandbox"}

// webSocket pass to the target with a handshake, and back.
var webSocket = []string{
	"Connection", "Upgrade",
	"Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
}

func newNames(lists ...[]string) names {
	var all names
	for _, list := range lists {
		for _, name := range list {
			name = http.CanonicalHeaderKey(name)
			if !proxynode.IsHopByHop(name) && name != "Host" && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// field is a header that is set on requests. All requests share the value: whoever sets another one has a slice of their own.
type field struct {
	name  string
	value []string // one
}

// requestHeader returns the header of the request to the target.
func (e *endpoint) requestHeader(r *http.Request, id []string) http.Header {
	out := make(http.Header, 8+len(e.fixed))
	listed := r.Header["Connection"] // headers named there are about the connection to us
	for _, name := range e.requestNames {
		if values, ok := r.Header[name]; ok && (listed == nil || !mentions(listed, name)) {
			out[name] = values
		}
	}
	if id != nil && out["X-Request-Id"] == nil {
		out["X-Request-Id"] = id
	}
	if e.spec.Credentials == proxynode.CredentialsForward {
		if values, ok := r.Header["Authorization"]; ok {
			out["Authorization"] = values
		}
	}
	if e.spec.XFwd {
		forwarded(out, r)
	}
	for _, f := range e.fixed {
		out[f.name] = f.value
	}
	if out["User-Agent"] == nil {
		out["User-Agent"] = e.gateway.noAgent // else the transport makes one up
	}
	return out
}

// forwarded tells the target who asked, instead of what the client says about that.
func forwarded(out http.Header, r *http.Request) {
	host := r.RemoteAddr
	if i := strings.LastIndexByte(host, ':'); i > 0 {
		host = strings.Trim(host[:i], "[]")
	}
	out["X-Forwarded-For"] = []string{host}
	out["X-Forwarded-Host"] = []string{r.Host}
	out["X-Forwarded-Proto"] = []string{"http"}
	if r.TLS != nil {
		out["X-Forwarded-Proto"] = []string{"https"}
	}
}

// copyAnswer copies what may pass from the target's answer.
func (e *endpoint) copyAnswer(to, from http.Header) {
	if e.sandboxed {
		to[policyHeader] = sandbox
	}
	listed := from["Connection"] // headers named there are about that connection
	for _, name := range e.answerNames {
		values, ok := from[name]
		if !ok || listed != nil && mentions(listed, name) {
			continue
		}
		if name == "Vary" { // others may vary it, too
			to[name] = append(to[name], values...)
			continue
		}
		to[name] = values
	}
}

// mentions reports whether a list such as that of Connection or Vary names a header or token.
func mentions(values []string, name string) bool {
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(token), name) {
				return true
			}
		}
	}
	return false
}
