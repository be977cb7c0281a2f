// Package guard decides what an audit may reach. Whoever asks for an audit names a URL, and the browser then goes where that page leads, so without a guard the audit service would be a way
// into the network it stands in.
//
// [Policy] judges targets and addresses; [Proxy] is the browser's only way out, and asks the policy about every connection, after names are resolved. So redirects, subresources and names that
// change their address between two lookups are held to the same rules as the target itself.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Policy says what may be reached. The zero value allows every public address and nothing private. It is read only once in use, and then safe for concurrent use.
type Policy struct {
	// Hosts are the host names that may be audited, each whole (example.com) or with an asterisk for the first labels (*.example.com, which does not match example.com itself).
	// Empty means all. What an audited page loads from other hosts is not restricted by it.
	Hosts []string
	// Networks are the private networks that may be reached: 127.0.0.0/8, 10.1.0.0/16. Public addresses need no mention.
	Networks []netip.Prefix
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// RefusedError says that a target or an address may not be reached, and why. Its text is for people.
type RefusedError struct {
	What string // host or address
	Why  string
}

// Error names both.
func (e *RefusedError) Error() string { return e.What + " may not be audited: " + e.Why }

// Target judges a URL that somebody wants audited. A refusal is a [*RefusedError]. A name that cannot be resolved is not refused: the page may be about to exist, and each connection is judged again.
func (p *Policy) Target(ctx context.Context, text string) error {
	u, err := p.Host(text)
	if err != nil {
		return err
	}
	name := u.Hostname()
	if address, err := netip.ParseAddr(name); err == nil {
		return p.Address(address)
	}
	resolver := p.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	addresses, err := resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return ctx.Err()
	}
	for _, address := range addresses {
		if err := p.Address(address); err != nil {
			var refused *RefusedError
			if errors.As(err, &refused) {
				refused.What = name + " (" + refused.What + ")"
			}
			return err
		}
	}
	return nil
}

// Host judges the parts of a URL that need no lookup: scheme, credentials, and the host against the list.
func (p *Policy) Host(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, &RefusedError{fmt.Sprintf("%q", text), "it is no URL"}
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, &RefusedError{fmt.Sprintf("%q", text), "it is no web address; write https://host/path"}
	case u.User != nil:
		return nil, &RefusedError{u.Redacted(), "it holds a password, which would be stored and shown"}
	case !p.listed(u.Hostname()):
		return nil, &RefusedError{u.Hostname(), "it is not among the hosts that this service is allowed to audit"}
	}
	return u, nil
}

func (p *Policy) listed(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range p.Hosts {
		pattern = strings.ToLower(pattern)
		if suffix, wild := strings.CutPrefix(pattern, "*."); wild && strings.HasSuffix(host, "."+suffix) || pattern == host {
			return true
		}
	}
	return len(p.Hosts) == 0
}

// Address judges an address.
func (p *Policy) Address(address netip.Addr) error {
	address = embedded(address.Unmap().WithZone(""))
	for _, network := range p.Networks {
		if network.Contains(address) {
			return nil
		}
	}
	switch {
	case address.IsLoopback():
		return &RefusedError{address.String(), "it is this machine's own; allow its network to the service if that is meant"}
	case !address.IsGlobalUnicast(), address.IsPrivate(), reserved(address):
		return &RefusedError{address.String(), "it is a private or reserved address; allow its network to the service if that is meant"}
	}
	return nil
}

// embedded returns the IPv4 address that an IPv6 address of a gateway (NAT64, 6to4) leads to.
func embedded(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	raw := address.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(address):
		return netip.AddrFrom4([4]byte(raw[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(address):
		return netip.AddrFrom4([4]byte(raw[2:6]))
	}
	return address
}

// reserved reports whether an address is neither private by name nor anybody's in the internet: carriers' inner networks, documentation, benchmarks, what is kept for later.
func reserved(address netip.Addr) bool {
	for _, network := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "fec0::/10",
	} {
		if netip.MustParsePrefix(network).Contains(address) {
			return true
		}
	}
	return false
}

// DialContext connects to an address that the policy allows. The check is made on the address that is connected to, after any name was resolved.
func (p *Policy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{
		Timeout:  10 * time.Second,
		Resolver: p.Resolver,
		Control: func(_, resolved string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("read address %q: %w", resolved, err)
			}
			return p.Address(target.Addr())
		},
	}
	return dialer.DialContext(ctx, network, address)
}
