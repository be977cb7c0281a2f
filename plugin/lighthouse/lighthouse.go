// Package lighthouse shows how fast, accessible and findable websites are: it has them audited with Lighthouse by a service of its own, and shows the reports, their trend, and the scores on entities' pages.
//
// It is a service-backed plugin: the service, in cmd/lighthouse-audit-service or an existing lighthouse-audit-service, is another program, and the plugin its client.
package lighthouse

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/url"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/ledger"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/pages"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/schedule"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is the section lighthouse.
type Config struct {
	BaseURL  string           `yaml:"baseUrl"` // of the audit service: http://localhost:3003. Without it the pages say how to begin
	Token    pluginapi.Secret `yaml:"token"`   // that the service asks for, if it does
	Schedule Schedule         `yaml:"schedule"`
}

// Schedule says how often the websites that entities name are audited.
type Schedule struct {
	Frequency    time.Duration `yaml:"frequency"`    // from one audit of a website to the next; default 1 day; 0 switches the schedule off
	InitialDelay time.Duration `yaml:"initialDelay"` // before the first audit of a website; default 15 minutes
	Spread       time.Duration `yaml:"spread"`       // pause between any two audits; default 2 minutes
	Budget       int           `yaml:"budget"`       // audits in 24 hours; default 0: no bound
	Timeout      time.Duration `yaml:"timeout"`      // of one look at the schedule; default 1 minute
	Scope        string        `yaml:"scope"`        // read from files written for Backstage; the schedule always runs in one replica at a time
}

// Validate says what is wrong.
func (c Config) Validate() error {
	var faults []error
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		faults = append(faults, pluginapi.BadConfig("baseUrl", "%q is no http or https URL; write http://host:port", c.BaseURL))
	}
	for name, value := range map[string]time.Duration{"frequency": c.Schedule.Frequency, "initialDelay": c.Schedule.InitialDelay, "spread": c.Schedule.Spread, "timeout": c.Schedule.Timeout} {
		if value < 0 {
			faults = append(faults, pluginapi.BadConfig("schedule."+name, "%s is negative", value))
		}
	}
	if c.Schedule.Budget < 0 {
		faults = append(faults, pluginapi.BadConfig("schedule.budget", "%d is negative; 0 means no bound", c.Schedule.Budget))
	}
	return errors.Join(faults...)
}

//go:embed migrations assets
var files embed.FS

// tick is how often the schedule is looked at.
const tick = 20 * time.Second

// Plugin describes the lighthouse plugin. It needs the catalog.
func Plugin() pluginapi.Plugin {
	annotated := catalogapi.Condition("annotation:" + catalogcommon.AnnotationLighthouse)
	return pluginapi.Plugin{
		ID:         "lighthouse",
		Config:     pluginapi.ConfigOf(Config{Schedule: Schedule{Frequency: 24 * time.Hour, InitialDelay: 15 * time.Minute, Spread: 2 * time.Minute, Timeout: time.Minute}}),
		Migrations: files,
		Assets:     files,
		Provide:    []any{newClient, newSchedule, ledger.New, pages.New},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("list", pluginapi.Page{Path: "/lighthouse", Title: "Lighthouse", Icon: "gauge"}, (*pages.Pages).List),
			pluginapi.Pages.From("audit", pluginapi.Page{Path: "/lighthouse/audits/{audit}", Title: "Audit"}, (*pages.Pages).Audit),
			pluginapi.Pages.From("compare", pluginapi.Page{Path: "/lighthouse/compare", Title: "Compare audits", Hidden: true}, (*pages.Pages).Compare),
			pluginapi.Pages.From("create", pluginapi.Page{Path: "/lighthouse/new", Title: "New audit", Hidden: true, Permission: pages.CreatePermission}, (*pages.Pages).Create),
			pluginapi.Routes.From("create", pluginapi.Route{Pattern: "POST /audits", Permission: pages.CreatePermission}, (*pages.Pages).Submit),
			pluginapi.Routes.From("report", pluginapi.Route{Pattern: "GET /audits/{audit}/report"}, (*pages.Pages).Report),
			catalogapi.EntityCards.From("scores", catalogapi.Card{Title: "Lighthouse", For: annotated, Side: true}, (*pages.Pages).Card),
			catalogapi.EntityCards.From("setup", catalogapi.Card{Title: "Lighthouse", For: "type:website -" + annotated}, (*pages.Pages).Setup),
			catalogapi.EntityTabs.From("audits", catalogapi.Tab{Path: "lighthouse", Title: "Lighthouse", For: annotated}, (*pages.Pages).Tab),
			pluginapi.Tasks.From("schedule", pluginapi.Task{Every: tick, Timeout: 10 * time.Minute}, runSchedule),
			pluginapi.HealthChecks.From("service", pluginapi.HealthCheck{}, checkService),
			pluginapi.Stops.From("connections", pluginapi.Stop{}, closeClient),
		},
	}
}

func newClient(c Config) (*auditclient.Client, error) { return auditclient.New(c.BaseURL, c.Token) }

func newSchedule(c Config, audits *auditclient.Client, catalog catalogcommon.Client, l *ledger.Ledger, log *slog.Logger) *schedule.Schedule {
	s := schedule.Settings{Frequency: c.Schedule.Frequency, InitialDelay: c.Schedule.InitialDelay, Spread: c.Schedule.Spread, Budget: c.Schedule.Budget}
	return schedule.New(s, audits, catalog, l, time.Now, log)
}

// runSchedule looks whether a website is due.
func runSchedule(s *schedule.Schedule, c Config, ctx context.Context) error {
	if c.Schedule.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Schedule.Timeout)
		defer cancel()
	}
	return s.Tick(ctx)
}

// checkService marks the plugin degraded while its service does not answer; its pages say the same and go on.
func checkService(c *auditclient.Client, ctx context.Context) error {
	if !c.Configured() {
		return nil
	}
	return c.Ping(ctx)
}

func closeClient(c *auditclient.Client, _ context.Context) error {
	c.Close()
	return nil
}
