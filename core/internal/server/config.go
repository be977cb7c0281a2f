package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is what operators decide about the server: keys of the section backend, with the meaning that they have in Backstage unless it says otherwise here.
type Config struct {
	// BaseURL is how the portal's APIs are reached from outside. Default: unknown.
	BaseURL string `yaml:"baseUrl"`

	// Listen is where the portal listens. See [Listen].
	Listen Listen `yaml:"listen"`

	Auth Auth `yaml:"auth"`

	// CSP changes directives of the content security policy, which allows the portal's own scripts, styles, forms and connections, and images from anywhere: a list of sources, or false to drop a directive.
	CSP map[string]Directive `yaml:"csp"`

	// CORS lets other origins use the APIs. Default: none.
	CORS *CORS `yaml:"cors"`

	// HTTPS makes the portal speak TLS. Default: plain HTTP.
	HTTPS *HTTPS `yaml:"https"`
}

// Auth is about who may reach the portal.
type Auth struct {
	// DangerouslyDisableDefaultAuthPolicy must be true for a portal in which everybody is guest to listen on anything but this machine's own loopback address.
	DangerouslyDisableDefaultAuthPolicy bool `yaml:"dangerouslyDisableDefaultAuthPolicy"`
}

// Listen is an address to listen on: "host:port", ":port", "port", or an object of both.
type Listen struct {
	// Host is a name or an address of this machine. The default is all addresses, or the loopback address while everybody is guest.
	Host string `yaml:"host"`

	// Port is 7007 by default; 0 takes any that is free.
	Port Port `yaml:"port"`
}

const defaultPort = 7007

// UnmarshalText reads host and port, or a port alone.
func (l *Listen) UnmarshalText(text []byte) error {
	s := string(text)
	if _, err := strconv.Atoi(s); err == nil {
		s = ":" + s
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on; write host:port, :port or a port, an IPv6 host in brackets", text)
	}
	l.Host = host
	return l.Port.UnmarshalText([]byte(port))
}

// Validate refuses hosts that look like something else.
func (l Listen) Validate() error {
	if l.Host == "" || net.ParseIP(l.Host) != nil {
		return nil
	}
	if u, err := url.Parse("//" + l.Host); err != nil || u.Hostname() != l.Host {
		return fmt.Errorf("host %q is neither an address nor a name", l.Host)
	}
	return nil
}

// Port is a TCP port. The zero value is the default one.
type Port struct {
	set    bool
	number uint16
}

// UnmarshalText reads a number from 0 to 65535.
func (p *Port) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not a port; ports are numbers from 0 to 65535", text)
	}
	p.set, p.number = true, uint16(n)
	return nil
}

// String returns the number.
func (p Port) String() string {
	if !p.set {
		return strconv.Itoa(defaultPort)
	}
	return strconv.Itoa(int(p.number))
}

// HTTPS is a certificate with its key.
type HTTPS struct {
	Certificate Certificate `yaml:"certificate"`
}

// UnmarshalText refuses what Backstage does with true: a certificate that nobody trusts.
func (h *HTTPS) UnmarshalText([]byte) error {
	return errors.New("there are no self-signed certificates; set https.certificate.cert and .key, or speak HTTPS in front of the portal")
}

// Certificate holds a certificate with its chain, and its key, both as PEM text, usually by way of $file.
type Certificate struct {
	Cert string           `yaml:"cert"`
	Key  pluginapi.Secret `yaml:"key"`
}

// Validate refuses what cannot be served with.
func (c Certificate) Validate() error {
	_, err := c.tls()
	return err
}

// tls returns the configuration for a certificate.
func (c Certificate) tls() (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("certificate and key are not a pair in PEM format: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// Validate checks the address.
func (c Config) Validate() error {
	if c.BaseURL == "" {
		return nil
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return pluginapi.BadConfig("baseUrl", "%q must be like https://portal.example.com", c.BaseURL)
	}
	return nil
}
