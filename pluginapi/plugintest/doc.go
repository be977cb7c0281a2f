// Package plugintest is the kit for testing plugins: it runs them in a real portal, inside the test, and asks that portal over HTTP.
//
//	func TestGreet(t *testing.T) {
//		portal := plugintest.Start(t, catalog.Plugin(), hello.Plugin())
//		portal.Post("/api/hello/world", nil).Want(200)
//		portal.Get("/hello").Want(200).HasText("td", "world")
//	}
//
// Entities for cards and tabs come from a file in the test:
//
//	files := fstest.MapFS{"org.yaml": {Data: []byte(text)}}
//	portal := plugintest.StartWith(t, plugintest.Options{
//		Config: "catalog: {rules: [{allow: [Group, User]}], locations: [{type: embedded, target: org.yaml}]}",
//	}, catalog.Plugin(catalog.Options{Embedded: files}), hello.Plugin())
//
// They are there when Start returns. An entity's page is /catalog/NAMESPACE/KIND/NAME, a tab of it one element more.
//
// A task runs first as soon as the plugin does. To see it again, let configuration shorten its pause: app: {extensions: [{task:hello/forget: {config: {every: 20ms}}}]}.
//
// A portal keeps its data in SQLite, in memory. To test a plugin on PostgreSQL too, add the lines of [Postgres] to the Config.
//
// [Check] tests what every plugin has to keep: it starts and stops cleanly on both engines, leaves no goroutine behind, its pages, cards and tabs can be shown, its configuration is valid, its packages keep the import rules.
package plugintest
