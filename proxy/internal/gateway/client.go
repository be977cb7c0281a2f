package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// maxAnswer bounds what a plugin can get in one answer, in bytes.
const maxAnswer = 32 << 20

// Client is how other plugins of this process call the proxy: a request takes the same way as one from a browser, without the network before it.
type Client struct {
	gateway *Gateway
	self    pluginapi.Self
}

var _ proxynode.Client = (*Client)(nil)

// NewClient returns a Client.
func NewClient(g *Gateway, self pluginapi.Self) *Client { return &Client{g, self} }

// Do implements [proxynode.Client].
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := c.self.Available(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	in.URL = &url.URL{Path: proxyPath + r.URL.Path, RawPath: proxyPath + r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	in.Header.Del("Upgrade")
	if in.ContentLength == 0 && in.Body != nil && in.Body != http.NoBody {
		in.ContentLength = -1 // of a request to send 0 means unknown, of one that came none
	}
	in.SetPathValue("path", strings.TrimPrefix(r.URL.Path, "/"))
	w := &answerWriter{header: make(http.Header), endpoint: r.URL.Path}
	if err := c.gateway.Serve(w, in); err != nil {
		if r.Context().Err() != nil {
			return nil, context.Cause(r.Context())
		}
		return nil, err
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answerWriter keeps an answer.
type answerWriter struct {
	endpoint string
	header   http.Header
	status   int
	body     bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *answerWriter) Write(p []byte) (int, error) {
	if w.body.Len()+len(p) > maxAnswer {
		return 0, &pluginapi.Error{Status: http.StatusBadGateway, Name: "TargetResponseError", Message: fmt.Sprintf("the answer to %s has more than %d bytes", w.endpoint, maxAnswer)}
	}
	return w.body.Write(p)
}

// Flush implements [http.Flusher]: there is nobody to hurry for.
func (w *answerWriter) Flush() {}

// Route returns Answer. As a method expression with a need in front it would be called by reflection, which every request would pay for.
func (g *Gateway) Route() pluginapi.RouteFunc { return g.Answer }

// Answer answers requests to the route /{path...}, and marks its own errors, so that whoever asks through [proxynode.NewClient] can tell them from a target's.
func (g *Gateway) Answer(w http.ResponseWriter, r *http.Request) error {
	err := g.Serve(w, r)
	if err != nil {
		_, name, _ := pluginapi.Describe(err)
		w.Header().Set(proxynode.OwnErrorHeader, "proscenium; error=proxy_internal_error; details="+strconv.Quote(name))
	}
	return err
}
