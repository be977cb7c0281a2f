// Package databasetest helps tests that need real databases.
//
// [New] hands out isolated databases on an engine, and [Conform] is what every engine passes. [Postgres] gives a running PostgreSQL, one for the whole test binary, started from the installed program when it is first asked for.
// [StartPostgres] gives a test a server of its own, to stop, restart or freeze.
//
// Where a program is not installed the test is skipped, with a hint how to install it; with PROSCENIUM_TEST_REQUIRE=1 in the environment it fails instead. [Binary] does the same for other programs.
package databasetest
