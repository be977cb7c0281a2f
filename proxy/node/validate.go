package proxynode

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// The values of [Endpoint.Credentials].
const (
	CredentialsRequire = "require"
	CredentialsForward = "forward"
	CredentialsNone    = "dangerously-allow-unauthenticated"
)

// WithDefaults returns e with the documented defaults in place of zero values.
func (e Endpoint) WithDefaults() Endpoint {
	yes := true
	e.Credentials = or(e.Credentials, CredentialsRequire)
	e.ChangeOrigin, e.Secure, e.PrivateNetworks = or(e.ChangeOrigin, &yes), or(e.Secure, &yes), or(e.PrivateNetworks, &yes)
	quiet := e.ProxyTimeout
	if quiet == 0 || e.Timeout > 0 && e.Timeout < quiet {
		quiet = e.Timeout
	}
	t := &e.Timeouts
	t.Connect, t.Header, t.Idle = or(t.Connect, 5*time.Second), or(t.Header, quiet, 30*time.Second), or(t.Idle, quiet, time.Minute)
	t.Total, t.Stream = or(t.Total, 5*time.Minute), or(t.Stream, time.Hour)
	e.Limits.Request, e.Limits.Response = or(e.Limits.Request, 100<<20), or(e.Limits.Response, 1<<30)
	e.Retries.Attempts, e.Retries.Pause = or(e.Retries.Attempts, 1), or(e.Retries.Pause, 100*time.Millisecond)
	e.Breaker.Failures, e.Breaker.Pause = or(e.Breaker.Failures, 10), or(e.Breaker.Pause, 5*time.Second)
	e.RateLimit.Per, e.RateLimit.Burst = or(e.RateLimit.Per, time.Second), or(e.RateLimit.Burst, e.RateLimit.Requests)
	e.Cache.MaxBody = or(e.Cache.MaxBody, 512<<10)
	return e
}

// or returns the first value that is not zero.
func or[T comparable](values ...T) T {
	var zero T
	for _, value := range values {
		if value != zero {
			return value
		}
	}
	return zero
}

// Fault is something wrong with an [Endpoint].
type Fault struct {
	Key     string // such as timeouts.connect
	Message string // what is wrong and how to mend it; no values that may be secret
}

// Error returns the message.
func (f *Fault) Error() string { return f.Message }

// ConfigPath returns the key, so that a report names it and its place.
func (f *Fault) ConfigPath() string { return f.Key }

// Check returns everything that is wrong with e, one [*Fault] for each thing, or nil. Path is not looked at.
func (e Endpoint) Check() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, &Fault{key, fmt.Sprintf(format, args...)})
	}
	e = e.WithDefaults()
	switch target, err := url.Parse(e.Target); {
	case e.Target == "":
		fault("target", "is missing; set it to the URL to send requests to")
	case err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https":
		fault("target", "must be a URL such as https://example.com/path; only http and https are possible")
	case target.User != nil:
		fault("target", "must not hold a user or a password; set headers.Authorization instead")
	case target.Fragment != "":
		fault("target", "must not have a fragment (#)")
	}
	if !slices.Contains([]string{CredentialsRequire, CredentialsForward, CredentialsNone}, e.Credentials) {
		fault("credentials", "%q is unknown; use %s, %s or %s", e.Credentials, CredentialsRequire, CredentialsForward, CredentialsNone)
	}
	if e.Permission != "" && e.Credentials == CredentialsNone {
		fault("permission", "cannot be decided for callers that nobody knows; remove it, or credentials: %s", CredentialsNone)
	}
	for i, method := range e.AllowedMethods {
		if !httpguts.ValidHeaderFieldName(method) || strings.ToUpper(method) != method {
			fault(fmt.Sprintf("allowedMethods[%d]", i), "%q is no method; they are written in capital letters, such as GET", method)
		}
	}
	for _, list := range []struct {
		key   string
		names []string
	}{{"allowedHeaders", e.AllowedHeaders}, {"requestHeaders", e.RequestHeaders}, {"responseHeaders", e.ResponseHeaders}} {
		for i, name := range list.names {
			if !httpguts.ValidHeaderFieldName(name) {
				fault(fmt.Sprintf("%s[%d]", list.key, i), "%q is no name of a header", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if problem := badHeader(name); problem != "" {
			fault("headers."+name, "%q %s", name, problem)
		} else if !httpguts.ValidHeaderFieldValue(e.Headers[name].Reveal()) {
			fault("headers."+name, "has a line break or another control character in its value")
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(e.PathRewrite)) {
		if _, err := regexp.Compile(pattern); err != nil {
			fault("pathRewrite", "%q is no regular expression here (Go's syntax, so without lookaround): %v", pattern, err)
		}
	}
	e.checkNumbers(fault)
	return errors.Join(faults...)
}

func (e Endpoint) checkNumbers(fault func(key, format string, args ...any)) {
	for _, wait := range []struct {
		key string
		d   time.Duration
	}{
		{"timeout", e.Timeout}, {"proxyTimeout", e.ProxyTimeout}, {"timeouts.connect", e.Timeouts.Connect}, {"timeouts.header", e.Timeouts.Header}, {"timeouts.idle", e.Timeouts.Idle},
		{"timeouts.total", e.Timeouts.Total}, {"timeouts.stream", e.Timeouts.Stream}, {"retries.pause", e.Retries.Pause}, {"breaker.pause", e.Breaker.Pause},
		{"rateLimit.per", e.RateLimit.Per}, {"cache.ttl", e.Cache.TTL},
	} {
		if wait.d < 0 {
			fault(wait.key, "must not be negative")
		}
	}
	if e.Retries.Attempts > 10 {
		fault("retries.attempts", "must be at most 10, is %d", e.Retries.Attempts)
	}
	for i, status := range e.Retries.Statuses {
		if status < 400 || status > 599 {
			fault(fmt.Sprintf("retries.statuses[%d]", i), "%d is no status of a failure, 400 to 599", status)
		}
	}
	if e.RateLimit.Requests < 0 || e.RateLimit.Burst < 0 {
		fault("rateLimit", "numbers must not be negative")
	}
	if e.Cache.MaxBody < 0 {
		fault("cache.maxBody", "must not be negative")
	}
}

// badHeader says what is wrong with the name of a header that somebody wants set.
func badHeader(name string) string {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return "is no name of a header"
	case IsHopByHop(name):
		return "is about a connection, not a request, and cannot be set (for WebSockets set ws: true)"
	case strings.EqualFold(name, "Content-Length"):
		return "follows from the body and cannot be set"
	}
	return ""
}

// IsHopByHop reports whether a header, in any case, is about one connection, so that it is never passed on even where a list names it.
func IsHopByHop(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}
