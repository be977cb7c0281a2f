package circleci

import (
	"net/url"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is the section circleci.
type Config struct {
	// Token is a personal API token of CircleCI: ${CIRCLECI_AUTH_TOKEN}. It is not needed where proxy.endpoints has an endpoint with the header Circle-Token.
	Token pluginapi.Secret `yaml:"token"`

	// Endpoint is the path of the proxy's endpoint that leads to CircleCI's API, without a version. Default /circleci/api, which the plugin adds by itself.
	Endpoint string `yaml:"endpoint"`

	// Web is CircleCI's address for people, to link to. Default https://app.circleci.com.
	Web string `yaml:"web"`

	// Refresh says how often CircleCI is asked about what somebody looks at.
	Refresh Refresh `yaml:"refresh"`
}

// Refresh has intervals between two requests about the same thing.
type Refresh struct {
	Running time.Duration `yaml:"running"` // while it is under way; default 10s
	Settled time.Duration `yaml:"settled"` // while something newer may come; default 30s
}

const endpointPath = "/circleci/api"

func defaults() Config {
	return Config{Endpoint: endpointPath, Web: "https://app.circleci.com", Refresh: Refresh{Running: 10 * time.Second, Settled: 30 * time.Second}}
}

// Validate checks addresses and intervals.
func (c Config) Validate() error {
	if !strings.HasPrefix(c.Endpoint, "/") || strings.HasSuffix(c.Endpoint, "/") {
		return pluginapi.BadConfig("endpoint", "%q must be the path of an endpoint of the proxy, such as %s", c.Endpoint, endpointPath)
	}
	if web, err := url.Parse(c.Web); err != nil || web.Host == "" || strings.HasSuffix(c.Web, "/") {
		return pluginapi.BadConfig("web", "%q must be an address such as https://app.circleci.com, without a slash at the end", c.Web)
	}
	if c.Refresh.Running < time.Second || c.Refresh.Settled < c.Refresh.Running {
		return pluginapi.BadConfig("refresh", "running: %s, settled: %s; running must be at least 1s, and settled at least as long", c.Refresh.Running, c.Refresh.Settled)
	}
	return nil
}
