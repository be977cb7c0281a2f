package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Settings configures a [Handler]. Zero values mean the defaults.
type Settings struct {
	Logger *slog.Logger // default: none

	// BasePath is the path below which the portal is reached, such as /portal: the handler expects to see it in the requests, and expects nobody to have stripped it. Default: none.
	BasePath string

	Table // what is served; [Handler.SetTable] changes it

	Assets *Assets // default: none

	// Authorizer decides about the permissions that endpoints require. Default: nothing is allowed.
	Authorizer pluginapi.Authorizer

	// Identify says who sends a request; the zero principal and any error mean nobody. Default: everybody is [pluginapi.Guest].
	Identify func(*http.Request) (pluginapi.Principal, error)

	// Links is put into the context of every request. Default: none.
	Links pluginapi.Links

	// ErrorPage draws an error for people. It is drawn after the request's own deadline, if need be, and with the principal that the request had. Default: a plain page.
	ErrorPage func(*http.Request, ErrorDetails) pluginapi.Component

	// Ready is nil while the portal can serve. The error's text is shown to anybody who asks. Default: always ready.
	Ready func() error

	// Health makes the report that is served, as JSON, to anybody who asks for the plugins' health. Default: no such report.
	Health func(context.Context) any

	// Metrics is where requests are counted. Default: nowhere.
	Metrics prometheus.Registerer

	// Hosts are the host names, without port, that the portal answers to; see [GuestHosts]. Default: any.
	Hosts []string

	// TrustedOrigins may send requests that change something, although they are not the portal's own origin: "https://portal.example.com". Those that CORS allows need not be listed. Default: none.
	TrustedOrigins []string

	CSP  map[string]Directive // changes to the default content security policy
	CORS *CORS                // default: no other origin may read

	RequestTimeout time.Duration // how long a request may take that is not a stream; default 30s
	MaxBody        int64         // limit of request bodies in bytes, where the endpoint says nothing; default 1 MiB
}

// Table is what a portal serves.
type Table struct {
	Routes    []pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc] // at /api/<plugin>
	Endpoints []Endpoint                                                 // anywhere
}

// Endpoint answers the requests that match a pattern.
type Endpoint struct {
	ID     string // names it in logs and faults: the extension's id
	Plugin string // whose it is, for the log; "" for the portal's own

	// Pattern is a method, a blank and a path below the base path, as in net/http: "GET /hello/{name}". A path that ends with a slash matches everything below it, unless it ends with {$}.
	// A GET pattern serves HEAD too.
	Pattern string

	Public     bool                  // nobody needs to be signed in
	Permission *pluginapi.Permission // required of the principal; nil: none
	Stream     bool                  // no limit on how long it takes
	MaxBody    int64                 // limit of the request body in bytes; zero means the default, a negative number no limit

	// Run answers, or returns an error having written nothing. Its context carries the principal and ends with the request's deadline, with the request, or, of a stream, when the portal shuts down.
	Run pluginapi.RouteFunc
}

// ErrorDetails is an error as people may see it.
type ErrorDetails struct {
	Status    int
	Name      string // as on the wire: NotFoundError, ...
	Message   string // lower case, without a full stop
	RequestID string // to find the cause in the log
	Plugin    string // whose endpoint failed; may be ""
}

const (
	defaultRequestTimeout = 30 * time.Second
	defaultMaxBody        = 1 << 20
	// deadlineGrace is how long after its context a request's connection gives up: time to answer that it took too long.
	deadlineGrace = 5 * time.Second
)
