// Package hello is a small plugin that uses all of what plugins are given: configuration, a database, a cache, a route, a page, a card, a column and a task.
package hello

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Config is the section hello.
type Config struct {
	Greeting string        `yaml:"greeting"`
	Remember time.Duration `yaml:"remember"` // how long a greeting is remembered
}

//go:embed migrations
var files embed.FS

// Plugin describes the hello plugin.
func Plugin() pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:         "hello",
		Config:     pluginapi.ConfigOf(Config{Greeting: "Hello", Remember: 30 * 24 * time.Hour}),
		Migrations: files,
		Provide:    []any{newGreeter},
		Extensions: []pluginapi.Extension{
			pluginapi.Routes.From("greet", pluginapi.Route{Pattern: "POST /{name}"}, (*greeter).greet),
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/hello", Title: "Hello", Icon: "message-square"}, (*greeter).page),
			catalogapi.EntityCards.From("greetings", catalogapi.Card{Title: "Greetings", For: "kind:user", Side: true}, (*greeter).card),
			catalogapi.EntityColumns.From("lately", catalogapi.Column{Title: "Greeted", For: "kind:user"}, (*greeter).column),
			pluginapi.Tasks.From("forget", pluginapi.Task{Every: time.Hour}, (*greeter).forget),
		},
	}
}

type greeter struct {
	config *pluginapi.Live[Config]
	db     *sqlx.DB
	cache  pluginapi.Cache
	log    *slog.Logger
}

func newGreeter(config *pluginapi.Live[Config], db *sqlx.DB, cache pluginapi.Cache, log *slog.Logger) *greeter {
	return &greeter{config, db, cache, log}
}

type greeting struct {
	Name  string    `db:"name" json:"name"`
	Times int64     `db:"times" json:"times"`
	Last  time.Time `db:"last_at" json:"last"`
}

// greet answers POST /api/hello/{name}.
func (g *greeter) greet(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	_, err := g.db.ExecContext(r.Context(), `INSERT INTO greetings (name, times, last_at) VALUES ($1, 1, $2)
		ON CONFLICT (name) DO UPDATE SET times = greetings.times + 1, last_at = excluded.last_at`, name, time.Now().UTC())
	if err != nil {
		return fmt.Errorf("greet %s: %w", name, err)
	}
	if err := g.cache.Delete(r.Context(), "recent"); err != nil {
		g.log.WarnContext(r.Context(), "the page may show an old list for a while", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"greeting": g.config.Get().Greeting + ", " + name})
}

func (g *greeter) recent(ctx context.Context) (all []greeting, err error) {
	return all, g.db.SelectContext(ctx, &all, `SELECT name, times, last_at FROM greetings ORDER BY last_at DESC LIMIT 50`)
}

// lately is who was greeted last. It is read once a minute, however many people look.
func (g *greeter) lately(ctx context.Context) ([]greeting, error) {
	return pluginapi.Cached(ctx, g.cache, "recent", time.Minute, g.recent)
}

// page shows who was greeted.
func (g *greeter) page(r *http.Request) (pluginapi.View, error) {
	all, err := g.lately(r.Context())
	table := ui.Table{
		Caption: "Greetings",
		Columns: []ui.Column{{Title: "Who"}, {Title: "Times", Numeric: true}, {Title: "Last"}},
		Empty:   ui.EmptyState{Icon: "message-square", Title: "Nobody was greeted yet", Text: "Greet somebody: POST /api/hello/NAME."},
	}
	for _, one := range all {
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(one.Name), ui.Number(one.Times), ui.Time(one.Last)}})
	}
	return pluginapi.View{Subtitle: g.config.Get().Greeting + ", everybody", Body: table}, err
}

// card tells on a user's page how often that user was greeted.
func (g *greeter) card(ctx context.Context, user *catalogcommon.Entity) (pluginapi.Component, error) {
	var times int64
	err := g.db.GetContext(ctx, &times, `SELECT COALESCE(SUM(times), 0) FROM greetings WHERE name = $1`, user.Metadata.Name)
	return ui.Text(fmt.Sprintf("%s, %s: greeted %d times.", g.config.Get().Greeting, user.Title(), times)), err
}

// column tells in the list of users when those who were greeted lately were.
func (g *greeter) column(ctx context.Context, users []*catalogcommon.Entity) ([]pluginapi.Component, error) {
	all, err := g.lately(ctx)
	cells := make([]pluginapi.Component, len(users))
	for i, user := range users {
		if at := slices.IndexFunc(all, func(one greeting) bool { return one.Name == user.Metadata.Name }); at >= 0 {
			cells[i] = ui.Time(all[at].Last)
		}
	}
	return cells, err
}

// forget removes what is older than configured.
func (g *greeter) forget(ctx context.Context) error {
	_, err := g.db.ExecContext(ctx, `DELETE FROM greetings WHERE last_at < $1`, time.Now().UTC().Add(-g.config.Get().Remember))
	return err
}
