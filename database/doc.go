// Package database gives each plugin of a portal a database of its own, on SQLite or PostgreSQL.
//
// [Open] takes what the operator configured and does no I/O; neither does [Databases.For], which returns a plugin's handle, so constructors can hold one before any server is reachable.
// [Databases.Prepare] and [Databases.Migrate] make the database and bring its tables up to date, [Databases.Ping] says whether it serves.
//
// # One style of SQL
//
// The same statements run on both engines, with a few habits:
//
//   - write placeholders as $1, $2; SQLite knows them too. Texts with ? go through the handle's Rebind
//   - declare times as TIMESTAMP and pass time.Time: both engines keep UTC
//   - upsert with INSERT … ON CONFLICT (key) DO UPDATE SET value = excluded.value, and use RETURNING
//   - read JSON with data->>'name'
//   - pass lists through sqlx.In, or as JSON
//
// What still differs is in [Dialect], and a migration that differs is written twice: a file in the folder postgres/ stands in for the one of the same name beside it.
//
// # Transactions
//
// [InTx] runs a function in a transaction and [InReadTx] in one that only reads. On SQLite a file has one writer at a time: a transaction that is not read-only waits its turn, with its context, and readers never wait.
//
// # Who sees what
//
// A plugin's handle reaches its own tables. How far that holds against SQL written to escape it, and how to hold it further, is said on [Databases.For].
package database
