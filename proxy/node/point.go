package proxynode

import (
	"context"
	"net/http"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// PrepareFunc has the last word on a request before it is sent to the target: it may set headers, such as a token that has to be fetched first, and change the URL's query.
// It must not change the body, nor keep the request. It may run again for one request, when that is retried. An error is answered to the client and nothing is sent.
// It is called concurrently. WebSocket handshakes come by, too.
type PrepareFunc func(ctx context.Context, out *http.Request) error

// AsItIs is the PrepareFunc of endpoints that need none.
func AsItIs(context.Context, *http.Request) error { return nil }

// Endpoints is where plugins add endpoints to the proxy. Fields of the spec can be set by configuration, under app.extensions.
var Endpoints = &pluginapi.Point[Endpoint, PrepareFunc]{Kind: "proxy-endpoint"}
