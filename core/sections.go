package core

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/core/internal/unit"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// appConfig is the section app.
type appConfig struct {
	Title      string                  `yaml:"title" visibility:"frontend"`   // default: the organization's name and "portal"
	BaseURL    string                  `yaml:"baseUrl" visibility:"frontend"` // as browsers see the portal; its path is where the portal is mounted
	Extensions config.Value            `yaml:"extensions"`
	Plugins    map[string]pluginSwitch `yaml:"plugins"`
}

// pluginSwitch is one entry of app.plugins.
type pluginSwitch struct {
	Enabled *bool `yaml:"enabled"` // default: true
}

// Validate checks the address.
func (c appConfig) Validate() error {
	at, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || at.Opaque != "" || (at.Scheme != "" || at.Host != "") && (at.Host == "" || at.Scheme != "http" && at.Scheme != "https"):
		return pluginapi.BadConfig("baseUrl", "%q is no address such as https://portal.example.com or https://example.com/portal", c.BaseURL)
	case at.EscapedPath() != at.Path || strings.ContainsAny(at.Path, "{}*") || strings.Contains(at.Path, "//"):
		return pluginapi.BadConfig("baseUrl", "%q has a path that is not made of plain words, as /portal is", c.BaseURL)
	}
	return nil
}

// base is the path below which the portal is mounted.
func (c appConfig) base() string {
	at, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return strings.TrimRight(at.Path, "/")
}

// origins are what browsers call pages of this portal: a server in front of it may hide from the portal which host that is.
func (c appConfig) origins() []string {
	at, err := url.Parse(c.BaseURL)
	if err != nil || at.Host == "" {
		return nil
	}
	return []string{at.Scheme + "://" + strings.ToLower(at.Host)}
}

// organization is the section of that name.
type organization struct {
	Name string `yaml:"name" visibility:"frontend"`
}

// backendConfig is the section backend.
type backendConfig struct {
	server.Config `yaml:",inline"`
	Database      database.Config `yaml:"database"`
	Cache         cache.Config    `yaml:"cache"`
	Logger        logging         `yaml:"logger"`
	Unit          unit.Config     `yaml:"unit"`
	Startup       startup         `yaml:"startup"`
}

// startup says what it means that a plugin does not start.
type startup struct {
	Default bootPolicy            `yaml:"default"`
	Plugins map[string]bootPolicy `yaml:"plugins"`
}

// bootPolicy is "continue", the default: the portal serves without the plugin and tries it again; or "abort": the portal is not ready without it.
type bootPolicy struct {
	OnPluginBootFailure       string         `yaml:"onPluginBootFailure"`
	OnPluginModuleBootFailure string         `yaml:"onPluginModuleBootFailure"` // as above; a module is a plugin here
	Modules                   map[string]any `yaml:"modules"`
}

// Validate checks the words.
func (p bootPolicy) Validate() error {
	for _, word := range []string{p.OnPluginBootFailure, p.OnPluginModuleBootFailure} {
		if word != "" && word != "continue" && word != "abort" {
			return fmt.Errorf("%q is neither continue nor abort", word)
		}
	}
	return nil
}

// needed reports whether the portal is not ready without a plugin.
func (s startup) needed(plugin string) bool {
	if word := s.Plugins[plugin].OnPluginBootFailure; word != "" {
		return word == "abort"
	}
	return s.Default.OnPluginBootFailure == "abort"
}

// settings are what configuration says, read and checked.
type settings struct {
	snapshot     *config.Snapshot
	report       *config.Report
	off          map[string]string // plugins that are switched off, and where
	app          appConfig
	organization organization
	backend      backendConfig
	plugins      map[string][]any // configuration by plugin id: values of the types that the plugin declared for its host.Sections
	blueprint    *host.Blueprint
	units        *unit.Map
}

// title is whose portal it is.
func (s *settings) title() string {
	switch {
	case s.app.Title != "":
		return s.app.Title
	case s.organization.Name != "":
		return s.organization.Name + " portal"
	}
	return "Proscenium"
}

// spec returns the spec of an extension, or nil.
func (s *settings) spec(id string) any {
	for _, e := range s.blueprint.Extensions {
		if e.ID == id {
			return e.Spec
		}
	}
	return nil
}

const portalOwner = "the portal"

func (o Options) source() config.Options {
	environ := o.Environ
	if environ == nil {
		environ = os.Environ()
	}
	return config.Options{Dir: o.ConfigDir, Files: o.ConfigFiles, Defaults: o.Defaults, Environ: environ}
}

// switchedOff tells which plugins configuration switches off, and where it does.
func switchedOff(snapshot *config.Snapshot) map[string]string {
	off := map[string]string{}
	var switches map[string]pluginSwitch
	if snapshot.Decode("app.plugins", &switches) != nil {
		return off // the report says what is wrong
	}
	for id, is := range switches {
		if is.Enabled != nil && !*is.Enabled {
			off[id] = snapshot.At("app.plugins").Get(id).Position().String()
		}
	}
	return off
}

// runElsewhere tells which plugins run in other units.
func runElsewhere(snapshot *config.Snapshot) func(plugin string) bool {
	var here []string
	if err := snapshot.Decode("backend.unit.plugins", &here); err != nil || here == nil {
		return func(string) bool { return false } // the report says what is wrong
	}
	return func(plugin string) bool { return !slices.Contains(here, plugin) }
}

// read decodes a snapshot for a list of plugins, of which some are switched off, and plans the portal. The error joins everything that is wrong; the settings are then good for nothing but finding more.
func read(snapshot *config.Snapshot, plugins []pluginapi.Plugin, off map[string]string) (*settings, error) {
	s := &settings{snapshot: snapshot, off: off, plugins: map[string][]any{}}
	s.backend.Unit.Shell = true
	var discovery unit.Discovery
	section := func(path string, target any) config.Section {
		return config.Section{Path: path, Owner: portalOwner, New: func() any { return target }}
	}
	schema := config.Schema{
		Sections: []config.Section{section("app", &s.app), section("organization", &s.organization), section("backend", &s.backend), section("discovery", &discovery)},
		Inert:    config.BackstageKeys(),
	}
	elsewhere := runElsewhere(snapshot)
	targets := map[string][]any{} // by plugin, for each of its sections
	for _, p := range plugins {
		if targets[p.ID] != nil {
			continue // two of one id, which the plan complains about
		}
		for _, declared := range host.Sections(p) {
			target := declared.Defaults()
			targets[p.ID] = append(targets[p.ID], target)
			part := config.Section{Path: declared.Key(), Owner: "plugin " + p.ID, New: func() any { return target }, Shared: declared != p.Config, Elsewhere: elsewhere(p.ID)}
			_, isOff := off[p.ID]
			switch {
			case part.Path == "" && part.Shared:
				continue // the plan complains
			case part.Path == "":
				part.Path = p.ID
			}
			switch {
			case isOff:
				schema.Inert = append(schema.Inert, config.Inert{Path: part.Path, Why: p.ID + " is switched off"})
			case part.Shared && elsewhere(p.ID):
				schema.Inert = append(schema.Inert, config.Inert{Path: part.Path, Why: p.ID + " runs in another unit"})
			default:
				schema.Sections = append(schema.Sections, part)
			}
		}
	}
	s.report = schema.Check(snapshot)
	for id, sections := range targets {
		for _, target := range sections {
			s.plugins[id] = append(s.plugins[id], reflect.ValueOf(target).Elem().Interface())
		}
	}
	changed, err1 := overrides(s.app.Extensions)
	blueprint, err2 := host.Plan(plugins, off, changed)
	s.blueprint = blueprint
	var ids []string
	for _, p := range blueprint.Plugins {
		ids = append(ids, p.ID)
	}
	units, err3 := unit.NewMap(s.backend.Unit, discovery, ids)
	s.units = units
	return s, errors.Join(s.report.Err(), err1, err2, err3)
}
