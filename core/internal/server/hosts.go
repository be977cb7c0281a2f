package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// GuestHosts are the hosts of a portal that only this machine can reach, and in which everybody is guest: its own names, and that of baseURL if it has one.
//
// Without such a list any website could read the portal through the browser of somebody on this machine: it lets its own name point to the loopback address, and to the browser the portal is then part of it.
func GuestHosts(baseURL string) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if u, err := url.Parse(baseURL); err == nil && u.Hostname() != "" {
		hosts = append(hosts, strings.ToLower(u.Hostname()))
	}
	return hosts
}

func (h *Handler) checkHost(r *http.Request) error {
	if h.hosts == nil {
		return nil
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if h.hosts[host] {
		return nil
	}
	return &pluginapi.Error{
		Status: http.StatusMisdirectedRequest, Name: "MisdirectedRequestError",
		Message: "this portal does not answer to the host name of this request; open it at localhost, or set backend.baseUrl to how it is reached",
	}
}
