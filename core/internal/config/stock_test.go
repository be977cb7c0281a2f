package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// The types below stand for those of a portal's parts, in the shapes that Backstage's own files need.

type listen struct {
	Host string `yaml:"host"`
	Port uint16 `yaml:"port"`
}

func (l *listen) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return err
	}
	l.Host = host
	_, err = fmt.Sscan(port, &l.Port)
	return err
}

type connection struct {
	Text     string           `yaml:"-"`
	Host     string           `yaml:"host"`
	Port     uint16           `yaml:"port"`
	User     string           `yaml:"user"`
	Password pluginapi.Secret `yaml:"password"`
}

func (c *connection) UnmarshalText(text []byte) error {
	c.Text = string(text)
	return nil
}

type kindRule struct {
	Kind string `yaml:"kind"`
	Type string `yaml:"spec.type"`
}

func (k *kindRule) UnmarshalText(text []byte) error {
	k.Kind = string(text)
	return nil
}

type rule struct {
	Allow []kindRule `yaml:"allow"`
}

type proxied struct {
	Target         string            `yaml:"target"`
	Headers        map[string]string `yaml:"headers"`
	AllowedHeaders []string          `yaml:"allowedHeaders"`
	AllowedMethods []string          `yaml:"allowedMethods"`
	PathRewrite    map[string]string `yaml:"pathRewrite"`
}

func (p *proxied) UnmarshalText(text []byte) error {
	p.Target = string(text)
	return nil
}

type stockApp struct {
	Title      string                    `yaml:"title" visibility:"frontend"`
	BaseURL    string                    `yaml:"baseUrl" visibility:"frontend"`
	Extensions []map[string]config.Value `yaml:"extensions"`
}

type stockBackend struct {
	BaseURL string `yaml:"baseUrl" visibility:"frontend"`
	Listen  listen `yaml:"listen"`
	Auth    struct {
		Open bool `yaml:"dangerouslyDisableDefaultAuthPolicy"`
	} `yaml:"auth"`
	Logger struct {
		Level slog.Level `yaml:"level"`
	} `yaml:"logger"`
	CORS struct {
		Origin      string   `yaml:"origin"`
		Methods     []string `yaml:"methods"`
		Credentials bool     `yaml:"credentials"`
	} `yaml:"cors"`
	CSP map[string][]string `yaml:"csp"`
}

type stockDatabase struct {
	Client     string     `yaml:"client"`
	Connection connection `yaml:"connection"`
	Knex       knex       `yaml:"knexConfig"`
	Plugin     map[string]struct {
		Connection connection `yaml:"connection"`
		Knex       knex       `yaml:"knexConfig"`
	} `yaml:"plugin"`
}

type knex struct {
	Pool struct {
		Max int `yaml:"max"`
	} `yaml:"pool"`
}

type stockCatalog struct {
	Rules              []rule `yaml:"rules"`
	ProcessingInterval any    `yaml:"processingInterval"`
	Locations          []struct {
		Type               string `yaml:"type"`
		Target             string `yaml:"target"`
		Rules              []rule `yaml:"rules"`
		ProcessingInterval any    `yaml:"processingInterval"`
	} `yaml:"locations"`
}

type stockIntegrations struct {
	GitHub []stockHost `yaml:"github"`
	GitLab []stockHost `yaml:"gitlab"`
}

type stockHost struct {
	Host  string           `yaml:"host"`
	Token pluginapi.Secret `yaml:"token"`
}

type stockProxy struct {
	Endpoints map[string]proxied `yaml:"endpoints"`
}

func stockSchema() config.Schema {
	return config.Schema{
		Sections: []config.Section{
			{Path: "app", Owner: "core", New: func() any { return &stockApp{} }},
			{Path: "organization", Owner: "core", New: func() any {
				return &struct {
					Name string `yaml:"name" visibility:"frontend"`
				}{}
			}},
			{Path: "backend", Owner: "core", New: func() any { return &stockBackend{} }},
			{Path: "backend.database", Owner: "database", New: func() any { return &stockDatabase{} }},
			{Path: "catalog", Owner: "plugin catalog", New: func() any { return &stockCatalog{} }},
			{Path: "integrations", Owner: "plugin catalog", Shared: true, New: func() any { return &stockIntegrations{} }},
			{Path: "proxy", Owner: "plugin proxy", New: func() any { return &stockProxy{} }},
		},
		Inert: config.BackstageKeys(),
	}
}

func TestBackstagesOwnFilesLoad(t *testing.T) {
	t.Parallel()
	snapshot := load(t, config.Options{Dir: "testdata/backstage"})
	report := stockSchema().Check(snapshot)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	var unread []string // or without its variable, as the token, which nobody needs to start
	for _, warning := range report.Warnings {
		unread = append(unread, warning.Path)
	}
	slices.Sort(unread)
	if diff := cmp.Diff([]string{"auth", "integrations.github[0].token", "mcpActions", "permission", "techdocs"}, unread); diff != "" {
		t.Errorf("warned of (-want +got):\n%s", diff)
	}
	want := "these keys have no effect in this portal: app.packages (the plugins are those that main lists), backend.actions (there is no actions registry), " +
		"catalog.import (entities are registered by location, not by pull request)"
	if diff := cmp.Diff(want, report.Notice()); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
	database, _ := report.Values["backend.database"].(*stockDatabase)
	catalog, _ := report.Values["catalog"].(*stockCatalog)
	if database.Client != "better-sqlite3" || database.Connection.Text != ":memory:" || len(catalog.Locations) != 2 || catalog.Locations[1].Rules[0].Allow[1].Kind != "Group" {
		t.Errorf("decoded %+v and %+v", database, catalog)
	}
	frontend, err := report.Frontend()
	if err != nil {
		t.Fatal(err)
	}
	wantFrontend := `{"app":{"baseUrl":"http://localhost:3000","title":"Example Portal"},"backend":{"baseUrl":"http://localhost:7007"},"organization":{"name":"Example Company"}}`
	if diff := cmp.Diff(wantFrontend, string(frontend)); diff != "" {
		t.Errorf("frontend (-want +got):\n%s", diff)
	}
}

func TestBackstagesProductionFilesLoad(t *testing.T) {
	t.Parallel()
	opts := config.Options{Files: []string{"testdata/backstage/app-config.yaml", "testdata/backstage/app-config.production.yaml"}}
	const missing = "testdata/backstage/app-config.production.yaml:%d:%d: backend.database.connection.%s: the environment variable %s is not set; set it, or give a default: ${%[4]s:-default}\n"
	want := fmt.Sprintf(missing, 11, 13, "host", "POSTGRES_HOST") + fmt.Sprintf(missing, 12, 13, "port", "POSTGRES_PORT") +
		fmt.Sprintf(missing, 13, 13, "user", "POSTGRES_USER") + fmt.Sprintf(missing, 14, 17, "password", "POSTGRES_PASSWORD")
	if diff := cmp.Diff(strings.TrimSuffix(want, "\n"), message(stockSchema().Check(load(t, opts)).Err(), "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	opts.Environ = []string{"POSTGRES_HOST=db", "POSTGRES_PORT=5432", "POSTGRES_USER=u", "POSTGRES_PASSWORD=hunter2", "APP_CONFIG_backend_listen=127.0.0.1:7317"}
	report := stockSchema().Check(load(t, opts))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	backend, _ := report.Values["backend"].(*stockBackend)
	database, _ := report.Values["backend.database"].(*stockDatabase)
	if backend.Listen != (listen{"127.0.0.1", 7317}) || database.Connection.Port != 5432 || database.Connection.Password.Reveal() != "hunter2" {
		t.Errorf("decoded %+v and %+v", backend, database)
	}
}

func TestAScriptedBackstageFileLoads(t *testing.T) {
	t.Parallel()
	report := stockSchema().Check(load(t, config.Options{Files: []string{"testdata/backstage/app-config.bench.yaml"}, Environ: []string{"PORTAL_PORT=7007"}}))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	proxy, _ := report.Values["proxy"].(*stockProxy)
	want := &stockProxy{map[string]proxied{
		"/plain": {Target: "http://127.0.0.1:9"},
		"/echo": {
			Target: "http://127.0.0.1:7007/echo", Headers: map[string]string{"X-Injected": "from-config"}, AllowedHeaders: []string{"X-Allowed"},
			AllowedMethods: []string{"GET"}, PathRewrite: map[string]string{"^/api/proxy/echo/v1": "/echo/v2"},
		},
	}}
	if diff := cmp.Diff(want, proxy); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	catalog, _ := report.Values["catalog"].(*stockCatalog)
	if got := catalog.Rules[0].Allow[2]; got != (kindRule{"Template", "service"}) || catalog.Locations[0].Target != "./catalog" {
		t.Errorf("decoded %+v", catalog)
	}
	for _, part := range []string{"backend.reading", "proxy.endpoints./echo.logLevel"} {
		if !strings.Contains(report.Notice(), part) {
			t.Errorf("the notice does not name %s: %s", part, report.Notice())
		}
	}
}

func TestEveryKnownKeyOfBackstageIsNoticed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, inert := range config.BackstageKeys() {
		if seen[inert.Path] || inert.Why == "" {
			t.Errorf("%s is listed twice or without a reason", inert.Path)
		}
		seen[inert.Path] = true
		steps := strings.Split(inert.Path, ".")
		var nested any = "${NEVER_SET}" // which does not matter, as nobody reads it
		item := "any"
		for _, step := range slices.Backward(steps) {
			switch {
			case step == "*" && steps[0] == "integrations": // these are lists of hosts
				nested, item = []any{nested}, "[0]"
			case step == "*":
				nested = map[string]any{item: nested}
			default:
				nested = map[string]any{step: nested}
			}
		}
		content, err := json.Marshal(nested)
		if err != nil {
			t.Fatal(err)
		}
		report := stockSchema().Check(loadText(t, string(content)))
		path := strings.ReplaceAll(strings.ReplaceAll(inert.Path, "*", item), ".[", "[")
		if root, _, nested := strings.Cut(inert.Path, "."); nested && root == "auth" {
			continue // nobody owns auth in this test
		}
		if err := report.Err(); err != nil || report.Notice() != fmt.Sprintf("these keys have no effect in this portal: %s (%s)", path, inert.Why) {
			t.Errorf("%s: %v, %q", content, err, report.Notice())
		}
	}
}
