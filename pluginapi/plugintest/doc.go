// Package plugintest is the kit for testing plugins: it runs them in a real portal, inside the test, and asks that portal over HTTP.
//
//	func TestGreet(t *testing.T) {
//		portal := plugintest.Start(t, catalog.Plugin(), hello.Plugin())
//		portal.Post("/api/hello/world", nil).Want(200)
//		portal.Get("/hello").Want(200).HasText("td", "world")
//	}
//
// [Check] tests what every plugin has to keep: it starts and stops cleanly, leaves no goroutine behind, its pages can be shown, its configuration's defaults are valid, its packages keep the import rules.
package plugintest
