package proxynode

import (
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Endpoint is a target behind a path below /api/proxy. In configuration it is an object with these keys, or a string: only the target.
//
// Zero values mean the defaults that are given here.
type Endpoint struct {
	// Path is where the endpoint is, below /api/proxy: /sonar. It matches itself and all below it, segment by segment; where several match the longest wins.
	// In the section proxy.endpoints it is the key and must not be given again.
	Path string `yaml:"path"`

	// Target is the URL that requests are sent to: http or https, without user and password (set the header Authorization instead). The rest of the request's path is appended to its path.
	Target string `yaml:"target"`

	// Credentials says who may call: with require (the default) whoever is signed in; with forward, too, and the Authorization header goes to the target;
	// with dangerously-allow-unauthenticated anybody.
	Credentials string `yaml:"credentials"`

	// Permission is the name of a permission that callers need, besides. Its action follows from the method: read, create, update or delete. Default none.
	Permission string `yaml:"permission"`

	// AllowedMethods are the methods that are passed on, as they are written. Default all but TRACE, whose answer would show what Headers adds, and CONNECT.
	AllowedMethods []string `yaml:"allowedMethods"`

	// AllowedHeaders are names of headers to pass in both directions, RequestHeaders and ResponseHeaders in one, besides those that always pass:
	// Accept, Accept-Language, Cache-Control, Content-Language, Content-Length, Content-Type, Expires, Last-Modified, Pragma and User-Agent,
	// those for conditional and partial requests and their answers, Content-Encoding, Vary and Retry-After in answers, and those for tracing.
	// Unless Content-Security-Policy is among them, pages of the target are shown in a sandbox, since they have the portal's origin: without scripts, forms and the user's cookies.
	AllowedHeaders  []string `yaml:"allowedHeaders"`
	RequestHeaders  []string `yaml:"requestHeaders"`
	ResponseHeaders []string `yaml:"responseHeaders"`

	// Headers are set on requests to the target, in place of the client's. Their values are secrets and are not shown anywhere.
	Headers map[string]pluginapi.Secret `yaml:"headers"`

	// ChangeOrigin sends the target's host in the Host header rather than the portal's. Default true.
	ChangeOrigin *bool `yaml:"changeOrigin"`

	// PathRewrite maps regular expressions to replacements ($1 is the first group), applied to the whole path, /api/proxy included. Only the first that matches is applied: long ones are tried before
	// short ones. Default: /api/proxy and the endpoint's path are taken away.
	PathRewrite map[string]string `yaml:"pathRewrite"`

	// Secure says whether the target's certificate is verified. Default true.
	Secure *bool `yaml:"secure"`

	// WS lets WebSockets and other upgraded connections through, but none to HTTP or TLS. Default false.
	WS bool `yaml:"ws"`

	// XFwd adds the headers X-Forwarded-For, -Host and -Proto, in place of the client's.
	XFwd bool `yaml:"xfwd"`

	// FollowRedirects follows redirects of GET and HEAD requests, at most 5 and only to the target's own host. Default: they are passed on, with a Location on the target turned into one on the proxy
	// and any other removed.
	FollowRedirects bool `yaml:"followRedirects"`

	// PrivateNetworks lets the target be at a loopback, private or link-local address. Set it to false for targets on the internet, so that their names cannot lead inside. Default true,
	// but link-local addresses, where clouds keep their machines' secrets, must be written as an address in the target.
	PrivateNetworks *bool `yaml:"privateNetworks"`

	// Timeout and ProxyTimeout are Backstage's. The shorter one is a default for timeouts.header and timeouts.idle.
	Timeout      time.Duration `yaml:"timeout"`
	ProxyTimeout time.Duration `yaml:"proxyTimeout"`

	Timeouts  Timeouts  `yaml:"timeouts"`
	Limits    Limits    `yaml:"limits"`
	Retries   Retries   `yaml:"retries"`
	Breaker   Breaker   `yaml:"breaker"`
	RateLimit RateLimit `yaml:"rateLimit"`
	Cache     Caching   `yaml:"cache"`
}

// Timeouts are how long to wait for what.
type Timeouts struct {
	Connect time.Duration `yaml:"connect"` // for a connection, TLS included; default 5s
	Header  time.Duration `yaml:"header"`  // from the end of the request to the beginning of the answer; default 30s
	Idle    time.Duration `yaml:"idle"`    // between two pieces of a body; default 60s
	Total   time.Duration `yaml:"total"`   // for all, except server-sent events and upgraded connections; default 5m
	Stream  time.Duration `yaml:"stream"`  // between two pieces of server-sent events, or on an upgraded connection in both directions; default 1h
}

// Limits are sizes in bytes; a negative number is no limit.
type Limits struct {
	Request  int64 `yaml:"request"`  // body of a request; default 100 MiB
	Response int64 `yaml:"response"` // body of an answer; default 1 GiB; server-sent events and upgraded connections have none
}

// Retries are about requests that can safely be sent again: GET, HEAD and OPTIONS without a body.
type Retries struct {
	Attempts int           `yaml:"attempts"` // after the first; default 1, negative: none
	Statuses []int         `yaml:"statuses"` // answers that are a reason to retry, besides failing to get one; such as 502, 503, 504; default none
	Pause    time.Duration `yaml:"pause"`    // before the first; doubled for each further; default 100ms
}

// Breaker stops asking a target that keeps failing to answer at all.
type Breaker struct {
	Failures int           `yaml:"failures"` // in a row; default 10, negative: never
	Pause    time.Duration `yaml:"pause"`    // until one request is let through again; default 5s
}

// RateLimit lets only so many requests through.
type RateLimit struct {
	Requests int           `yaml:"requests"` // in each period; 0 is no limit
	Per      time.Duration `yaml:"per"`      // the period; default 1s
	Burst    int           `yaml:"burst"`    // at once, after a pause; default: as Requests
	PerUser  bool          `yaml:"perUser"`  // each caller has its own; default: all together
}

// Caching keeps answers to GET requests, as HTTP allows it to a shared cache, and asks the target whether they still hold.
// Answers are not kept for requests with an Authorization header that is passed on. What a [PrepareFunc] sets keeps answers apart: those for one user, say, are not for another.
type Caching struct {
	Enabled bool          `yaml:"enabled"`
	TTL     time.Duration `yaml:"ttl"`     // how long an answer is good that does not say so itself; default 0: such ones are not kept, or asked for again if they have an ETag or a date
	MaxBody int64         `yaml:"maxBody"` // of an answer to be kept, in bytes; default 512 KiB
}

// UnmarshalText takes the string form: the target.
func (e *Endpoint) UnmarshalText(text []byte) error {
	*e = Endpoint{Path: e.Path, Target: string(text)}
	return nil
}
