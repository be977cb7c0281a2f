package core_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

type account struct {
	Host  string           `yaml:"host" visibility:"frontend"`
	Token pluginapi.Secret `yaml:"token"`
}

type accounts struct {
	Keys   pluginapi.Secret `yaml:"keys"`
	GitHub []account        `yaml:"github"`
}

// reader is a plugin that tells which accounts it has, at start and now.
func reader(id string) pluginapi.Plugin {
	type owned struct {
		Text string `yaml:"text"`
	}
	tell := func(w http.ResponseWriter, first owned, at accounts) error {
		_, err := fmt.Fprintf(w, "%s %v %v", first.Text, at.GitHub, !at.Keys.IsZero())
		return err
	}
	return pluginapi.Plugin{
		ID:     id,
		Config: pluginapi.ConfigOf(owned{Text: "own"}),
		Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(accounts{GitHub: []account{{Host: "github.com"}}}).At("integrations")},
		Extensions: []pluginapi.Extension{
			pluginapi.Routes.From("start", pluginapi.Route{Pattern: "GET /start"}, func(c owned, a accounts, w http.ResponseWriter, _ *http.Request) error { return tell(w, c, a) }),
			pluginapi.Routes.From("now", pluginapi.Route{Pattern: "GET /now"}, func(c owned, a *pluginapi.Live[accounts], w http.ResponseWriter, _ *http.Request) error {
				return tell(w, c, a.Get())
			}),
		},
	}
}

func TestSharedConfiguration(t *testing.T) {
	t.Parallel()
	const before = inMemory + "integrations: {github: [{host: a, token: '${A}'}, {host: b, token: '${B}'}], azure: [{token: '${C}'}]}\n"
	o, file, log := options(t, before)
	o.Environ = []string{"A=hunter2"}
	p := newPortal(t, o, reader("one"), reader("two"))
	p.Start(t.Context())
	<-p.Settled()
	for _, path := range []string{"/api/one/start", "/api/one/now", "/api/two/now"} {
		if _, body := get(p, path); body != "own [{a [redacted]} {b }] false" {
			t.Errorf("%s: %s", path, body)
		}
	}
	if _, body := get(p, "/.backstage/config/v1/frontend"); strings.Contains(body, "integrations") {
		t.Errorf("the browser sees %s", body)
	}
	for _, want := range []string{`section=integrations readers="[plugin one plugin two]"`, "integrations.github[1].token: the environment variable B is not set", "integrations.azure"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	write(t, file, inMemory+"integrations: {github: [{host: 3}]}\n")
	until(t, "a faulty change was not reported", log, func() bool { return strings.Contains(log.String(), "integrations.github[0].host: expected text") })
	write(t, file, inMemory+"integrations: {github: [{host: c}], keys: k}\n")
	until(t, "the change does not arrive", log, func() bool { _, body := get(p, "/api/two/now"); return body == "own [{c }] true" })
	if _, body := get(p, "/api/two/start"); body != "own [{a [redacted]} {b }] false" {
		t.Errorf("what was injected at start has changed: %s", body)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log has a secret:\n%s", log)
	}
}

// TestSharedConfigurationOfOtherUnits splits a portal: where no reader runs, the section may hold anything, and the variables of the plugin's own section need not be set.
func TestSharedConfigurationOfOtherUnits(t *testing.T) {
	t.Parallel()
	plugin := reader("far")
	back, front := split(t,
		plugintest.Options{Config: "far: {text: '${TEXT}'}\nintegrations: {github: [{host: a}], keys: '${KEYS}'}", Environ: []string{"KEYS=k", "TEXT=far"}},
		plugintest.Options{Config: "far: {text: '${TEXT}'}\nintegrations: {github: 3, keys: '${KEYS}'}"}, plugin)
	if got := string(front.Get("/api/far/now").Want(200).Body); got != "far [{a }] true" {
		t.Error(got)
	}
	if log := front.Log(); strings.Contains(log, "KEYS") || strings.Contains(log, "readers=") || !strings.Contains(log, "integrations (far runs in another unit)") {
		t.Errorf("the unit with the shell read it, or does not say who does:\n%s", log)
	}
	if log := back.Log(); !strings.Contains(log, `readers="[plugin far]"`) {
		t.Errorf("the unit of the plugin does not say who reads it:\n%s", log)
	}
}

func TestSharedConfigurationThatIsWired(t *testing.T) {
	t.Parallel()
	type other struct {
		Host string `yaml:"host"`
	}
	snoop := func(section *pluginapi.ConfigSection) pluginapi.Plugin {
		return pluginapi.Plugin{ID: "snoop", Shared: []*pluginapi.ConfigSection{section}}
	}
	for name, test := range map[string]struct {
		config string
		plugin pluginapi.Plugin
		want   []string
	}{
		"another plugin's":        {plugin: snoop(pluginapi.ConfigOf(other{}).At("one")), want: []string{"one: plugin one owns this section, so plugin snoop cannot share it"}},
		"a key of another plugin": {plugin: snoop(pluginapi.ConfigOf("").At("one.text")), want: []string{"one.text: both plugin one, in its section one, and plugin snoop read this"}},
		"the portal's":            {plugin: snoop(pluginapi.ConfigOf(other{}).At("backend")), want: []string{"backend: the portal owns this section, so plugin snoop cannot share it"}},
		"a key of the portal":     {plugin: snoop(pluginapi.ConfigOf(other{}).At("backend.database")), want: []string{"backend.database: both the portal, in its section backend, and plugin snoop read this"}},
		"a switch":                {plugin: snoop(pluginapi.ConfigOf(other{}).At("app.plugins.one")), want: []string{"app.plugins.one: both the portal, in its section app, and plugin snoop read this"}},
		"nowhere":                 {plugin: snoop(pluginapi.ConfigOf(other{})), want: []string{"snoop: its shared section of type core_test.other has no path; write pluginapi.ConfigOf(T{}).At(PATH)"}},
		"nil":                     {plugin: snoop(nil), want: []string{"snoop: one of its shared sections is nil"}},
		"one type twice": {
			plugin: pluginapi.Plugin{ID: "snoop", Config: pluginapi.ConfigOf(other{}), Shared: []*pluginapi.ConfigSection{pluginapi.ConfigOf(other{}).At("x"), pluginapi.ConfigOf(other{}).At("y")}},
			want:   []string{"snoop: two of its sections of configuration have the type core_test.other; give each one of its own"},
		},
		"a value":                {config: "x: {host: [1]}", plugin: snoop(pluginapi.ConfigOf(other{}).At("x")), want: []string{"test.yaml:1:11: x.host: expected text but found a list"}},
		"a pointer to it":        {plugin: needing(snoop(pluginapi.ConfigOf(other{}).At("x")), func(*other) pluginapi.RunFunc { return nil }), want: []string{"ask for core_test.other, or for *pluginapi.Live of it"}},
		"switched off":           {config: "app: {plugins: {snoop: {enabled: false}}}\nx: {host: [1], token: '${NONE}'}", plugin: snoop(pluginapi.ConfigOf(other{}).At("x"))},
		"beside the portal's":    {config: "backend: {reading: {host: a, more: 1}, database: {client: better-sqlite3}}", plugin: snoop(pluginapi.ConfigOf(other{}).At("backend.reading"))},
		"what nobody else wants": {config: "x: {y: {z: {host: a}}, v: 1}", plugin: snoop(pluginapi.ConfigOf(other{}).At("x.y.z"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := plugintest.Faults(t, plugintest.Options{Config: test.config}, reader("one"), test.plugin)
			text := strings.Join(faults, "\n")
			if len(faults) != len(test.want) {
				t.Errorf("%d faults:\n%s", len(faults), text)
			}
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("missing %q in\n%s", want, text)
				}
			}
		})
	}
}

// needing adds a start hook to a plugin.
func needing(p pluginapi.Plugin, hook any) pluginapi.Plugin {
	p.Extensions = append(p.Extensions, pluginapi.Starts.From("x", pluginapi.Start{}, hook))
	return p
}
