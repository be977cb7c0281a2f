package database_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// A portal opens the databases once, and gives each plugin its handle. Here the plugin is called hello, and nothing is kept.
func Example() {
	ctx := context.Background()
	databases, err := database.Open(database.Options{
		Config: database.Config{Connection: database.Connection{Text: ":memory:"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer databases.Close(ctx)

	migrations := fstest.MapFS{ // an embed.FS, in a plugin
		"00001_greetings.sql": {Data: []byte("-- +goose Up\ncreate table greetings (name text primary key, times integer not null);")},
	}
	if err := databases.Prepare(ctx, "hello"); err != nil {
		log.Fatal(err)
	}
	if err := databases.Migrate(ctx, "hello", migrations); err != nil {
		log.Fatal(err)
	}
	db, err := databases.For("hello")
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		var times int
		// The same statement runs on SQLite and on PostgreSQL.
		err := db.GetContext(ctx, &times, `
			insert into greetings (name, times) values ($1, 1)
			on conflict (name) do update set times = greetings.times + 1
			returning times`, "Ada")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("greeted", times)
	}
	// Output:
	// greeted 1
	// greeted 2
}

func ExampleInTx() {
	var db *sqlx.DB // the plugin's handle
	move := func(ctx context.Context, from, to string, amount int) error {
		return database.InTx(ctx, db, func(tx *sqlx.Tx) error {
			if _, err := tx.ExecContext(ctx, "update accounts set money = money - $1 where name = $2", amount, from); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "update accounts set money = money + $1 where name = $2", amount, to)
			return err
		})
	}
	_ = move
}

// Several workers share a queue: each takes a row that no other has.
func ExampleDialect_SkipLocked() {
	var db *sqlx.DB // the plugin's handle
	take := func(ctx context.Context) (job string, err error) {
		err = database.InTx(ctx, db, func(tx *sqlx.Tx) error {
			skipLocked := database.DialectOf(tx).SkipLocked()
			if err := tx.GetContext(ctx, &job, "select name from jobs order by due limit 1"+skipLocked); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "delete from jobs where name = $1", job)
			return err
		})
		return job, err
	}
	_ = take
}
