// Command showcase is a portal with catalog, proxy, technology radar, Lighthouse and CircleCI, and with what these need around them: a CircleCI that plays projects, three websites to audit, and the audit service, if Node.js,
// Chromium and npm's lighthouse are installed. It shows the catalog of Kestrel Parcels, a company that does not exist.
package main

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/plugin/circleci"
	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	lighthouseservice "github.com/proscenium-dev/proscenium/plugin/lighthouse/service"
	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy"
)

//go:embed app-config.yaml catalog websites
var files embed.FS

//go:embed radar.json
var radar []byte

func main() {
	ctx, stop := context.WithCancel(context.Background())
	var around sync.WaitGroup
	around.Go(func() { report("CircleCI and the websites", serve(ctx, "127.0.0.1:7008", outside())) })
	around.Go(func() { report("the audit service", auditService(ctx)) })
	core.Main(core.Options{Defaults: files}, plugins()...)
	stop()
	around.Wait()
}

func plugins() []pluginapi.Plugin {
	return []pluginapi.Plugin{
		catalog.Plugin(catalog.Options{Embedded: files}),
		proxy.Plugin(),
		techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: radar}}}),
		lighthouse.Plugin(),
		circleci.Plugin(),
	}
}

// outside is what is elsewhere in real life: CircleCI below /api, and the company's websites.
func outside() http.Handler {
	const owner = "gh/kestrel-parcels/"
	websites, _ := fs.Sub(files, "websites")
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(websites))
	mux.Handle("/api/", circlecifake.New(circlecifake.Options{Token: "of-the-showcase", Projects: []circlecifake.Project{
		{Slug: owner + "booking-service", Failing: true},
		{Slug: owner + "lockers-service", Pipelines: 12},
		{Slug: owner + "merchants-service", OnHold: true, Pipelines: 30},
		{Slug: owner + "tracking-service", Things: "shipments", Running: true},
		{Slug: owner + "notices-service", Broken: true, Pipelines: 9},
		{Slug: owner + "help-service", Things: "questions", Pipelines: 5},
		{Slug: owner + "addresses-service", Empty: true},
		{Slug: owner + "parcels-website", Things: "pages", Running: true, Pipelines: 60},
		{Slug: owner + "business-website", Things: "pages", Pipelines: 3},
		{Slug: owner + "desk", Things: "tickets", Failing: true, Pipelines: 18},
	}}))
	return mux
}

// auditService runs lighthouse-audit-service, which may audit the websites of the showcase and nothing else.
func auditService(ctx context.Context) error {
	return lighthouseservice.Run(ctx, lighthouseservice.Options{Output: os.Stderr, Args: []string{"-data", "data/showcase", "-allow-hosts", "localhost", "-allow-networks", "127.0.0.0/8,::1/128"}})
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// report says what is missing around the portal, which goes on without it.
func report(what string, err error) {
	if err != nil {
		slog.Warn("the showcase goes on without "+what, "reason", err)
	}
}
