package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/proxy/node"
)

// Config is the section proxy.
type Config struct {
	// Endpoints maps paths below /api/proxy to targets.
	Endpoints map[string]proxynode.Endpoint `yaml:"endpoints"`

	// SkipInvalidProxies leaves out endpoints that are not valid, with a warning, rather than refusing the configuration.
	SkipInvalidProxies bool `yaml:"skipInvalidProxies"`

	// ReviveConsumedRequestBodies is accepted and means nothing: bodies are passed on as they come, and nobody consumes them before.
	ReviveConsumedRequestBodies bool `yaml:"reviveConsumedRequestBodies"`

	// Older is the form of before there was the key endpoints: paths directly below proxy.
	Older map[string]proxynode.Endpoint `yaml:",inline"`
}

// Validate reports everything that is wrong, one error for each thing, with a ConfigPath method.
func (c Config) Validate() error {
	if c.SkipInvalidProxies {
		return nil
	}
	faults := c.faults()
	var all []error
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		all = append(all, joined(faults[key])...)
	}
	return errors.Join(all...)
}

// faults returns what is wrong with each endpoint, by its key below proxy.
func (c Config) faults() map[string]error {
	faults := make(map[string]error)
	paths := make(map[string]string)
	check := func(at, key string, e proxynode.Endpoint) {
		var all []error
		path, err := cleanPath(key)
		if err != nil {
			all = append(all, &proxynode.Fault{Key: at + key, Message: err.Error()})
		} else if other, taken := paths[path]; taken {
			all = append(all, &proxynode.Fault{Key: at + key, Message: fmt.Sprintf("the path is the same as that of %q; remove one", other)})
		}
		paths[path] = key
		if e.Path != "" && e.Path != key {
			all = append(all, &proxynode.Fault{Key: at + key + ".path", Message: "the key is the path; remove this one"})
		}
		for _, err := range joined(e.Check()) {
			var fault *proxynode.Fault
			if errors.As(err, &fault) {
				err = &proxynode.Fault{Key: at + key + "." + fault.Key, Message: fault.Message}
			}
			all = append(all, err)
		}
		if len(all) > 0 {
			faults[at+key] = errors.Join(all...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.Endpoints)) {
		check("endpoints.", key, c.Endpoints[key])
	}
	for _, key := range slices.Sorted(maps.Keys(c.Older)) {
		if !strings.HasPrefix(key, "/") {
			faults[key] = &proxynode.Fault{Key: key, Message: "unknown key; endpoints belong under proxy.endpoints, and their paths begin with a slash"}
			continue
		}
		check("", key, c.Older[key])
	}
	return faults
}

// joined returns the errors of an errors.Join.
func joined(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
