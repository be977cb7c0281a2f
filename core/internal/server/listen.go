package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Address returns where the portal listens, as host:port. Without a configured host that is every address of the machine only if strangers are welcome.
func (c Config) Address() string {
	host := c.Listen.Host
	if host == "" && !c.Auth.DangerouslyDisableDefaultAuthPolicy {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, c.Listen.Port.String())
}

// Guarded reports whether the portal answers to this machine only, because everybody in it is guest.
func (c Config) Guarded() bool { return !c.Auth.DangerouslyDisableDefaultAuthPolicy }

// Open listens. It refuses to listen where others than this machine can connect, unless configuration says that this is meant, and it explains why it could not.
// The caller closes the listener, or gives it to [Serve].
func (c Config) Open(ctx context.Context) (net.Listener, error) {
	address := c.Address()
	if c.Guarded() {
		if err := CheckLoopback(ctx, address); err != nil {
			return nil, err
		}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, explainListen(address, err)
	}
	return ln, nil
}

// CheckLoopback returns an error that says what to do unless all addresses that a host:port stands for are this machine's own.
func CheckLoopback(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	var addrs []netip.Addr
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{addr}
	} else if host != "" {
		if addrs, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return fmt.Errorf("listen on %s: backend.listen names a host that cannot be found: %w", address, err)
		}
	}
	for _, addr := range addrs {
		if !addr.Unmap().IsLoopback() {
			addrs = nil
			break
		}
	}
	if len(addrs) == 0 {
		return fmt.Errorf("refuse to listen on %s: everybody who reaches this portal is its guest, and others than this machine could; "+
			"set backend.listen to 127.0.0.1 and a port, or, if that is meant, backend.auth.dangerouslyDisableDefaultAuthPolicy to true", address)
	}
	return nil
}

func explainListen(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: another program listens there; stop it, or choose another port with backend.listen: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: ports below 1024 need privileges; choose another one with backend.listen: %w", address, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine does not have that address; change backend.listen: %w", address, err)
	}
	return fmt.Errorf("listen on %s, as backend.listen says: %w", address, err)
}
