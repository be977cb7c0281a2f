// Package pluginapi is the contract between a portal and its plugins.
//
// A plugin is a [Plugin] value: its id, its configuration, its migrations, its constructors, and the extensions it adds.
// It reads as the plugin's table of contents; the work is in ordinary constructors and methods whose parameters are what they need:
//
//	func Plugin() pluginapi.Plugin {
//		return pluginapi.Plugin{
//			ID:      "hello",
//			Config:  pluginapi.ConfigOf(Config{Greeting: "Hello"}),
//			Provide: []any{newGreeter}, // func(Config, *slog.Logger) *greeter
//			Extensions: []pluginapi.Extension{
//				pluginapi.Routes.From("greet", pluginapi.Route{Pattern: "GET /{name}"}, (*greeter).greet),
//				pluginapi.Pages.From("page", pluginapi.Page{Path: "/hello", Title: "Hello"}, (*greeter).page),
//			},
//		}
//	}
//
// What a constructor may ask for: the plugin's own configuration and the shared sections that it declares (their types, or *[Live] of them), *slog.Logger, *sqlx.DB, prometheus.Registerer (its metrics
// are the portal's, with the label plugin), [Cache], [Signals], [Leases], [Authorizer], [Self], whatever the plugin itself provides, other plugins' exports, and []Extended for the points that the plugin owns. Everything else than exports is private to the plugin.
//
// Constructors do no I/O and start nothing: what can fail at run time belongs to migrations, [Starts], [Workers] and [Tasks].
//
// One mechanism carries everything a plugin adds: an [Extension] at a typed [Point]. An extension has a spec, plain data known before anything is constructed, and a behaviour.
// The points in this package belong to the portal; plugins declare their own the same way.
//
// The package needs the standard library only.
package pluginapi
