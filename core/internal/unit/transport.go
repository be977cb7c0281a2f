package unit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// RelayPath is where a unit serves its extensions to the others, followed by the extension's id.
const RelayPath = "/.backstage/relay/v1/"

// Network reaches the other units of a portal. It is safe for concurrent use; Close it when done.
type Network struct {
	keys      Keys
	requestID func(context.Context) string
	base      *http.Transport
}

// NewNetwork returns a Network whose requests carry tokens of keys, and the id that requestID finds, so that the logs of all units name a request alike.
func NewNetwork(keys Keys, requestID func(context.Context) string) *Network {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.Proxy = nil
	base.MaxIdleConnsPerHost = 64
	base.ResponseHeaderTimeout = 30 * time.Second
	base.DisableCompression = true
	return &Network{keys: keys, requestID: requestID, base: base}
}

// Close ends idle connections.
func (n *Network) Close() { n.base.CloseIdleConnections() }

// Client returns a client for the HTTP API of a plugin in another unit.
func (n *Network) Client(plugin string) *http.Client {
	return &http.Client{
		Transport:     hop{network: n, plugin: plugin},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Relay reaches one extension of a plugin in the unit at base.
func (n *Network) Relay(base, plugin, extension string) http.RoundTripper {
	at, err := url.Parse(base + RelayPath + extension)
	return hop{network: n, plugin: plugin, relay: at, wrong: err}
}

// hop sends requests to another unit.
type hop struct {
	network *Network
	plugin  string
	relay   *url.URL // nil: the request's own URL is right
	wrong   error    // what is wrong with the address
}

// RoundTrip adds address and identity. A unit that cannot be reached is a plugin that is not running.
func (h hop) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.wrong != nil {
		return nil, fmt.Errorf("parse address of unit: %w", h.wrong)
	}
	out := r.Clone(r.Context())
	if h.relay != nil {
		at := *h.relay
		at.RawQuery = r.URL.RawQuery
		out.URL, out.Host = &at, ""
	}
	out.Header.Del("Cookie")
	out.Header.Del("Authorization")
	if id := h.network.requestID(r.Context()); id != "" {
		out.Header.Set("X-Request-Id", id)
	}
	h.network.keys.sign(out, pluginapi.PrincipalFrom(r.Context()))
	res, err := h.network.base.RoundTrip(out)
	if err != nil && r.Context().Err() == nil {
		return nil, &pluginapi.UnavailableError{Plugin: h.plugin, State: "unreachable", Err: err}
	}
	return res, err
}
