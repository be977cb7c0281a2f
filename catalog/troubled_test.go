package catalog_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// troubled is a portal whose catalog reads a folder of descriptors.
type troubled struct {
	*plugintest.Portal
	t      *testing.T
	folder string
	db     *sqlx.DB
	store  *store.Store
}

// inTrouble starts one on each engine. files are its configured locations, with their content.
func inTrouble(t *testing.T, files map[string]string, fn func(t *testing.T, p *troubled)) {
	t.Helper()
	inTroubleWith(t, "", files, fn)
}

// inTroubleWith is inTrouble with more lines for the section catalog of the configuration.
func inTroubleWith(t *testing.T, config string, files map[string]string, fn func(t *testing.T, p *troubled)) {
	t.Helper()
	for _, engine := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			p := &troubled{t: t, folder: t.TempDir()}
			var locations []string
			for name, text := range files {
				p.write(name, text)
				if filepath.Dir(name) == "." {
					locations = append(locations, "{type: file, target: "+p.path(name)+"}")
				}
			}
			slices.Sort(locations)
			o := databasetest.Options(t, engine)
			p.Portal = plugintest.StartWith(t, plugintest.Options{Config: databaseConfig(o) +
				"catalog:\n  processingInterval: {hours: 10}\n  rules: [{allow: [Component, Group, User, Location]}]\n  locations: [" + strings.Join(locations, ", ") + "]\n" + config}, catalog.Plugin())
			db, err := databasetest.Open(t, o).For("catalog")
			if err != nil {
				t.Fatal(err)
			}
			p.db, p.store = db, store.New(db)
			fn(t, p)
		})
	}
}

// databaseConfig is the section of the configuration that says where the data is.
func databaseConfig(o database.Options) string {
	if o.Config.Client != "pg" {
		return "backend: {database: {client: better-sqlite3, connection: {directory: " + o.DataDir + "}}}\n"
	}
	c := o.Config.Connection
	return fmt.Sprintf("backend: {database: {client: pg, pluginDivisionMode: schema, connection: {host: %s, port: %d, user: %s, database: %s, ssl: false}}}\n", c.Host, c.Port, c.User, c.Database)
}

func (p *troubled) path(name string) string { return filepath.Join(p.folder, name) }

func (p *troubled) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// reread has the catalog read a configured location again.
func (p *troubled) reread(name string) {
	p.t.Helper()
	ref := catalogcommon.LocationRef{Type: "file", Target: p.path(name)}.EntityRef()
	p.Post(api+"/refresh", map[string]string{"entityRef": ref.String()}).Want(200)
}

// entity returns an entity, or nil.
func (p *troubled) entity(name string) *catalogcommon.Entity {
	p.t.Helper()
	kind, name, _ := strings.Cut(name, ":")
	r := p.Get(api + "/entities/by-name/" + kind + "/default/" + name)
	if r.Status == http.StatusNotFound {
		return nil
	}
	e := &catalogcommon.Entity{}
	r.Want(200).JSON(e)
	return e
}

func (p *troubled) exec(statements ...string) {
	p.t.Helper()
	for _, text := range statements {
		if _, err := p.db.ExecContext(p.t.Context(), text); err != nil {
			p.t.Fatalf("%s: %v", text, err)
		}
	}
}

// refuse has the database refuse to add rows to a table, as it does when a disk is full or a connection breaks at the wrong moment, until the returned function is called.
func (p *troubled) refuse(table string) (stop func()) {
	p.t.Helper()
	if database.DialectOf(p.db) == database.Postgres {
		p.exec(`create function broken() returns trigger language plpgsql as 'begin raise exception ''the disk is full''; end'`,
			`create trigger broken before insert on `+table+` for each row execute function broken()`)
		return func() { p.exec(`drop trigger broken on `+table, `drop function broken()`) }
	}
	p.exec(`create trigger broken before insert on ` + table + ` begin select raise(abort, 'the disk is full'); end`)
	return func() { p.exec(`drop trigger broken`) }
}

func service(name, owner string, more ...string) string {
	return "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name + "\n" + strings.Join(more, "") + "spec:\n  type: service\n  lifecycle: production\n  owner: " + owner + "\n"
}

const sea = "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: sea}\nspec: {type: team, children: []}\n"

func owner(e *catalogcommon.Entity) string {
	if e == nil {
		return ""
	}
	return e.SpecString("owner")
}
