package location_test

import (
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestConfigurationOfHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value interface{ Validate() error }
		want  string // part of the fault; empty if it is good
	}{
		{location.Host{}, ""}, // github.com or gitlab.com
		{location.Host{Host: "ghe.example.com:8443", APIBaseURL: "https://ghe.example.com/api/v3", RawBaseURL: "http://[::1]:80/raw"}, ""},
		{location.Host{Host: "https://ghe.example.com"}, "without https://"},
		{location.Host{Host: "ghe.example.com/acme"}, "without a path"},
		{location.Host{Host: "me@ghe.example.com"}, "is no name"},
		{location.Host{APIBaseURL: "api.github.com"}, "apiBaseUrl: this is no address"},
		{location.Host{RawBaseURL: "https://me:hunter2@x"}, "rawBaseUrl: this is no address"},
		{location.AllowedHost{Host: "example.com", Paths: []string{"/a", "/b/"}}, ""},
		{location.AllowedHost{Host: "*.example.com:8443"}, ""},
		{location.AllowedHost{}, "is no name such as example.com"},
		{location.AllowedHost{Host: "*"}, "is no name such as example.com"},
		{location.AllowedHost{Host: "*.*.com"}, "is no name such as example.com"},
		{location.AllowedHost{Host: "https://example.com"}, "without https://"},
		{location.AllowedHost{Host: "example.com", Paths: []string{"a"}}, `path "a" must start with a slash`},
	} {
		err := test.value.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%+v: %v, want %q", test.value, err, test.want)
		}
	}
}

// TestConfigure changes what a reader in use may read, and with which hosts others know what a URL means.
func TestConfigure(t *testing.T) {
	t.Parallel()
	server := imitation(t)
	reader := location.NewURLs(location.URLConfig{})
	t.Cleanup(reader.Close)
	const target = "https://ghe.example.com/acme/shop/blob/main/c.yaml"
	read := func() string {
		result, err := reader.Read(t.Context(), location.Request{Target: target})
		if err != nil {
			return err.Error()
		}
		return string(result.Files[0].Text)
	}
	resolver := location.TargetResolver{URL: reader}
	from := catalogcommon.LocationRef{Type: "url", Target: target}
	root := func() string {
		return resolver.Targets(map[string]any{"target": "/x.yaml"}, from)[0].Location.Target
	}
	if got := read(); !strings.Contains(got, "is not allowed") {
		t.Errorf("before: %s", got)
	}
	if got := root(); got != "https://ghe.example.com/x.yaml" || len(reader.Annotations(from)) != 2 {
		t.Errorf("before: %s, %v", got, reader.Annotations(from))
	}
	reader.Configure(location.URLConfig{Hosts: location.Hosts{GitHub: []location.Host{{Host: "GHE.example.com", APIBaseURL: server.URL + "/api/v3", Token: pluginapi.NewSecret("gh")}}}})
	if got := read(); got != "path: /api/v3/repos/acme/shop/contents/c.yaml\n" {
		t.Errorf("after: %s", got)
	}
	if got := root(); got != "https://ghe.example.com/acme/shop/tree/main/x.yaml" || len(reader.Annotations(from)) != 3 {
		t.Errorf("after: %s, %v", got, reader.Annotations(from))
	}
	if none := (*location.URLs)(nil); len(none.Annotations(catalogcommon.LocationRef{Type: "url", Target: "https://github.com/a/b/blob/main/c.yaml"})) != 3 {
		t.Error("without a reader, github.com is not known")
	}
}

// TestTheUsualHosts have no name in the configuration of a token.
func TestTheUsualHosts(t *testing.T) {
	t.Parallel()
	server := imitation(t)
	reader := location.NewURLs(location.URLConfig{Hosts: location.Hosts{
		GitHub: []location.Host{{APIBaseURL: server.URL + "/api/v3", Token: pluginapi.NewSecret("gh")}},
		GitLab: []location.Host{{APIBaseURL: server.URL + "/api/v4", Token: pluginapi.NewSecret("gl")}},
	}})
	t.Cleanup(reader.Close)
	for target, want := range map[string]string{
		"https://github.com/acme/shop/blob/main/c.yaml": "path: /api/v3/repos/acme/shop/contents/c.yaml\n", "https://gitlab.com/g/sub/p/-/blob/main/c.yaml": "file: files/c.yaml/raw\n",
	} {
		result, err := reader.Read(t.Context(), location.Request{Target: target})
		if err != nil || string(result.Files[0].Text) != want {
			t.Errorf("%s: %+v, %v", target, result, err)
		}
	}
}
