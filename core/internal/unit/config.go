package unit

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is backend.unit: this process' part of the portal.
type Config struct {
	Plugins []string         `yaml:"plugins"` // ids of those that run here; default: all
	Shell   bool             `yaml:"shell"`   // draw pages here; default: true
	Secret  pluginapi.Secret `yaml:"secret"`  // the same in all units, 32 characters or more; required in a split portal
}

// Validate checks the secret.
func (c Config) Validate() error {
	if c.Plugins == nil && c.Secret.IsZero() {
		return nil
	}
	if len(c.Secret.Reveal()) < 32 {
		return pluginapi.BadConfig("secret", "a split portal needs one of 32 characters or more, the same in every unit")
	}
	return nil
}

// Discovery is the configuration section of that name: where plugins are that run elsewhere.
type Discovery struct {
	Endpoints []Endpoint `yaml:"endpoints"`
}

// Endpoint says where some plugins are.
type Endpoint struct {
	Target  Target   `yaml:"target"`
	Plugins []string `yaml:"plugins"` // ids, or "*"
}

// Target is the address of plugins' APIs: a URL that ends in /api/{{pluginId}}.
type Target struct {
	Internal string `yaml:"internal"` // for other units
	External string `yaml:"external"` // for browsers; unused, since they speak to the unit with the shell
}

// UnmarshalText reads the short form.
func (t *Target) UnmarshalText(text []byte) error {
	t.Internal = string(text)
	return nil
}

const apiSuffix = "/api/{{pluginId}}"

// Validate checks that the address is a URL of the right form.
func (t Target) Validate() error {
	at, err := url.Parse(strings.TrimSuffix(t.Internal, apiSuffix))
	switch {
	case err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https":
		return fmt.Errorf("target %q is not a URL such as http://host:7007%s", t.Internal, apiSuffix)
	case !strings.HasSuffix(t.Internal, apiSuffix):
		return fmt.Errorf("target %q must end in %s", t.Internal, apiSuffix)
	}
	return nil
}

// base is the address of the unit.
func (t Target) base() string { return strings.TrimSuffix(t.Internal, apiSuffix) }

// Map tells which plugins run where.
type Map struct {
	here map[string]bool // nil: all
	at   map[string]string
}

// NewMap joins what configuration says about this unit and the others, for the plugins with these ids. The error says, line by line, what does not fit.
func NewMap(c Config, d Discovery, ids []string) (*Map, error) {
	m := &Map{at: map[string]string{}}
	if c.Plugins == nil {
		return m, nil
	}
	var wrong []error
	m.here = map[string]bool{}
	for _, id := range c.Plugins {
		if !slices.Contains(ids, id) {
			wrong = append(wrong, fmt.Errorf("backend.unit.plugins names %s, which is not a plugin of this portal, or is switched off", id))
		}
		m.here[id] = true
	}
	for _, id := range ids {
		if m.here[id] {
			continue
		}
		for _, endpoint := range d.Endpoints {
			if slices.Contains(endpoint.Plugins, id) || slices.Contains(endpoint.Plugins, "*") {
				m.at[id] = endpoint.Target.base()
				break
			}
		}
		if m.at[id] == "" {
			wrong = append(wrong, fmt.Errorf("%s does not run in this unit, and discovery.endpoints does not say where it runs", id))
		}
	}
	return m, errors.Join(wrong...)
}

// Base returns the address of the unit that runs a plugin; "" is this one.
func (m *Map) Base(plugin string) string {
	if m.here == nil || m.here[plugin] {
		return ""
	}
	return m.at[plugin]
}

// Split reports whether any plugin runs elsewhere.
func (m *Map) Split() bool { return m.here != nil }
