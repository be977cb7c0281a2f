package core

import (
	"errors"
	"fmt"
	"net/url"
	"os"
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
	Enabled bool `yaml:"enabled"`
}

// Validate checks the address.
func (c appConfig) Validate() error {
	if _, err := url.Parse(c.BaseURL); err != nil {
		return fmt.Errorf("baseUrl: %w", err)
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

// organization is the section of that name.
type organization struct {
	Name string `yaml:"name" visibility:"frontend"`
}

// backendConfig is the section backend.
type backendConfig struct {
	server.Config `yaml:",inline"`
	Database      database.Config `yaml:"database"`
	Cache         cache.Config    `yaml:"cache"`
	Logger        Logging         `yaml:"logger"`
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
	app          appConfig
	organization organization
	backend      backendConfig
	plugins      map[string]any // configuration by plugin id: values of the types that plugins declared
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

const portalOwner = "the portal"

// load reads the configuration.
func (o Options) load() (*config.Snapshot, error) {
	return config.Load(o.source())
}

func (o Options) source() config.Options {
	environ := o.Environ
	if environ == nil {
		environ = os.Environ()
	}
	return config.Options{Dir: o.ConfigDir, Files: o.ConfigFiles, Defaults: o.Defaults, Environ: environ}
}

// read decodes a snapshot for a list of plugins and plans the portal. The error joins everything that is wrong; the settings are then good for nothing but finding more.
func read(snapshot *config.Snapshot, plugins []pluginapi.Plugin) (*settings, error) {
	s := &settings{snapshot: snapshot, plugins: map[string]any{}}
	off := map[string]string{}
	var switches map[string]pluginSwitch
	if snapshot.Decode("app.plugins", &switches) == nil { // else the report says what is wrong
		for id, is := range switches {
			if !is.Enabled {
				off[id] = snapshot.At("app.plugins").Get(id).Position().String()
			}
		}
	}
	backend := func() any {
		return &backendConfig{Unit: unit.Config{Shell: true}}
	}
	schema := config.Schema{
		Sections: []config.Section{
			{Path: "app", Owner: portalOwner, New: func() any { return &appConfig{} }},
			{Path: "organization", Owner: portalOwner, New: func() any { return &organization{} }},
			{Path: "backend", Owner: portalOwner, New: backend},
			{Path: "discovery", Owner: portalOwner, New: func() any { return &unit.Discovery{} }},
		},
		Inert: config.BackstageKeys(),
	}
	claimed := map[string]bool{}
	for _, p := range plugins {
		if p.Config == nil || claimed[p.ID] {
			continue
		}
		claimed[p.ID] = true
		if _, is := off[p.ID]; is {
			schema.Inert = append(schema.Inert, config.Inert{Path: sectionPath(p), Why: p.ID + " is switched off"})
			continue
		}
		schema.Sections = append(schema.Sections, config.Section{Path: sectionPath(p), Owner: "plugin " + p.ID, New: p.Config.Defaults})
	}
	s.report = schema.Check(snapshot)
	s.app = *s.report.Values["app"].(*appConfig)
	s.organization = *s.report.Values["organization"].(*organization)
	s.backend = *s.report.Values["backend"].(*backendConfig)
	for _, p := range plugins {
		if target, ok := s.report.Values[sectionPath(p)]; ok && p.Config != nil {
			s.plugins[p.ID] = elem(target)
		}
	}
	changed, err1 := overrides(s.app.Extensions)
	blueprint, err2 := host.Plan(plugins, off, changed)
	s.blueprint = blueprint
	var ids []string
	for _, p := range blueprint.Plugins {
		ids = append(ids, p.ID)
	}
	units, err3 := unit.NewMap(s.backend.Unit, *s.report.Values["discovery"].(*unit.Discovery), ids)
	s.units = units
	return s, errors.Join(s.report.Err(), err1, err2, err3)
}

// sectionPath is where a plugin's configuration lives.
func sectionPath(p pluginapi.Plugin) string {
	if p.Config == nil || p.Config.Key() == "" {
		return p.ID
	}
	return p.Config.Key()
}
