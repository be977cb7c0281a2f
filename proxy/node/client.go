package proxynode

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Client sends requests through the proxy from other plugins' back ends: to the same targets, with the same secrets, limits, permissions and cache as requests from browsers.
// A plugin asks for it as a need of a constructor. It is safe for concurrent use.
type Client interface {
	// Do sends r for the principal of its context. The path of r's URL is what would follow /api/proxy: /sonar/api/issues asks the endpoint /sonar for /api/issues; scheme and host are ignored.
	//
	// What the target answers, whatever its status, is a response, which the caller closes. Its body is 32 MiB at most and was read before, so server-sent events and upgrades are not for a Client.
	// What the proxy itself has to say is an error with a status, see [pluginapi.Describe]: there is no such endpoint (404), the principal may not (401, 403), too many requests (429),
	// the target is given a rest (503), cannot be reached or does not answer in time (504).
	Do(r *http.Request) (*http.Response, error)
}

// OwnErrorHeader is set on the proxy's own error answers, to tell them from those that it passes on. It is the header of RFC 9209.
const OwnErrorHeader = "Proxy-Status"

// NewClient returns a Client that calls the proxy at baseURL (http://host/api/proxy) over HTTP.
func NewClient(baseURL string, client *http.Client) Client {
	return &remote{base: strings.TrimSuffix(baseURL, "/"), http: client}
}

type remote struct {
	base string
	http *http.Client
}

// Do implements [Client].
func (c *remote) Do(r *http.Request) (*http.Response, error) {
	base, err := url.Parse(c.base)
	if err != nil {
		return nil, fmt.Errorf("call proxy: %w", err)
	}
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path + r.URL.Path, RawPath: base.EscapedPath() + r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	out.Host, out.RequestURI = "", ""
	res, err := c.http.Do(out)
	if err != nil {
		return nil, fmt.Errorf("call proxy: %w", err)
	}
	if res.Header.Get(OwnErrorHeader) == "" {
		return res, nil
	}
	own := pluginapi.ErrorFrom(res)
	return nil, errors.Join(own, res.Body.Close())
}
