// Package techradar is a plugin that shows technology radars: what a company adopts, tries, looks at and leaves, as a picture with a table that says the same. It takes the JSON of Backstage's Tech Radar.
//
// A radar comes with the app ([Options]), or from a URL or a file:
//
//	techRadar:
//	  url: https://github.com/example/radar/blob/main/radar.json
//	  radars: # further ones
//	    - id: data
//	      title: Data
//	      file: data-radar.json
//
// A URL is read every ten minutes (the task refresh-radars), for ten seconds and 2 MiB at most, and never leads to another server. While it cannot be read, or what is there is no radar, the last good copy is shown, with its age and
// all that is wrong.
//
// The page draws the radar in the browser; it needs nothing but itself and its own files. Without JavaScript it is the table. GET /api/tech-radar/data answers with the document.
package techradar

import (
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/feed"
	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/page"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

//go:embed assets migrations
var files embed.FS

// Options are what an app decides.
type Options struct {
	// Radars come with the app, usually from an embedded file. They are shown before those that the configuration names. One that is faulty keeps the portal from starting.
	Radars []Radar
}

// Radar is a radar that comes with the app.
type Radar struct {
	ID    string // in the page's address: lower-case letters, digits and dashes; default: default
	Title string // default: the document's, or none
	JSON  []byte // as Backstage's Tech Radar takes it
}

// Plugin describes the plugin. Options are optional; those of several are joined.
func Plugin(options ...Options) pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:         page.Plugin,
		Config:     pluginapi.ConfigOf(feed.Config{}).At("techRadar"),
		Assets:     files,
		Migrations: files,
		Provide: []any{
			func(config *pluginapi.Live[feed.Config], db *sqlx.DB, log *slog.Logger) (*feed.Feed, error) {
				return feed.New(embedded(options), config, db, log)
			},
			page.New,
		},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("", pluginapi.Page{Path: "/tech-radar", Title: "Tech Radar", Icon: "radar"}, show).Configured(pluginapi.ConfigOf(page.Config{})),
			pluginapi.Routes.From("data", pluginapi.Route{Pattern: "GET /data"}, (*page.Pages).JSON),
			pluginapi.Tasks.From("refresh-radars", pluginapi.Task{Every: 10 * time.Minute}, (*feed.Feed).Refresh),
			pluginapi.HealthChecks.From("radars", pluginapi.HealthCheck{}, (*feed.Feed).Healthy),
		},
	}
}

func show(pages *page.Pages, config *pluginapi.Live[page.Config], r *http.Request) (pluginapi.View, error) {
	return pages.Show(config.Get(), r)
}

func embedded(options []Options) []feed.Embedded {
	var all []feed.Embedded
	for _, o := range options {
		for _, r := range o.Radars {
			all = append(all, feed.Embedded(r))
		}
	}
	return all
}
