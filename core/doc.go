// Package core is the portal: it takes a list of plugins and a configuration and makes one running program of them.
//
//	func main() {
//		core.Main(core.Options{}, catalog.Plugin(), proxy.Plugin(), hello.Plugin())
//	}
//
// [Main] is for programs that are nothing but a portal; it is the only function that ends the process. [Run] is the same for programs with more to do.
// [New] makes a [Portal], which is an http.Handler and can live inside another server, below the path of app.baseUrl; several can live in one process and share nothing.
//
// What is wrong with the list or the configuration is reported before anything listens, all of it at once. What fails later concerns one plugin: the portal goes on and tries that plugin again.
//
// # Configuration
//
// From low to high: app-config.yaml, or the one in [Options.Defaults] where there is none; app-config.local.yaml; or, instead of these, the files that --config names; then variables such as
// APP_CONFIG_backend_listen=:8080. Objects are merged key by key, lists and scalars replaced, null hides. In any text, ${NAME} and ${NAME:-default} stand for a variable;
// {$file: path} and {$include: path} for what is in a file. A section belongs to the plugin of that id, unless it says otherwise; some, such as integrations, are shared by
// all plugins that declare them, and the log says by which. The portal itself reads:
//
//	app.title                     in the navigation; default: the organization's name and "portal"
//	app.baseUrl                   where browsers find the portal; its path is where the portal is mounted, and forms sent from there are its own; default: at the root
//	app.plugins.ID.enabled        false leaves a plugin out; default: true
//	app.extensions                see below
//	organization.name
//	backend.listen                "host:port", ":port" or {host, port}; default: port 7007, for this machine alone unless the next key is true
//	backend.auth.dangerouslyDisableDefaultAuthPolicy   true lets the portal listen elsewhere although everybody is guest
//	backend.baseUrl, backend.cors, backend.csp, backend.https.certificate   as in Backstage; default: no other origins, plain HTTP
//	backend.database              client (better-sqlite3 or pg) and connection; default: SQLite files in the folder data. See package database
//	backend.cache                 store (memory, redis, valkey or memcache) and connection; default: memory. See package cache
//	backend.logger                level (debug, info, warn, error; default info) and format (text, json; default text)
//	backend.startup               default.onPluginBootFailure, or plugins.ID.onPluginBootFailure: continue (default), or abort, with which the portal is not ready without the plugin, and [Run] stops
//	backend.unit, discovery       see below
//
// A valid change of a file is taken over while the portal runs: log level, title, app.extensions (but not the timing of tasks and hooks) and what plugins follow of their own. Of everything else that changes the log says that it waits for the next start.
// A faulty change is reported, and the last good configuration stays.
//
// # Extensions
//
// Everything that a plugin adds is an extension with an id, kind:plugin/name: page:catalog/list, entity-card:hello/greetings, task:hello/refresh. The items of app.extensions switch, order and set them:
//
//	app:
//	  extensions:
//	    - page:hello/page                   # on, and before all that are not named here
//	    - entity-card:hello/greetings: false   # off
//	    - page:catalog/list:
//	        disabled: false
//	        config: {path: /software, title: Software}   # fields of the spec, and of the extension's own configuration
//
// What is named comes first, in that order. Links to a page follow it to its new path.
//
// # Units
//
// A portal can be split into processes that are built from the same list. Each says which plugins run in it, and where the others are:
//
//	backend:
//	  unit:
//	    plugins: []      # none; default: all
//	    shell: true      # draw pages here (default)
//	    secret: ${UNIT_SECRET}   # 32 characters or more, the same in every unit
//	discovery:
//	  endpoints:
//	    - {target: 'http://backend:7007/api/{{pluginId}}', plugins: ['*']}
//
// The unit with the shell is the one for browsers. It fetches pages, cards and routes of plugins that run elsewhere; the unit where they run enforces their permissions again. All units need the same app.baseUrl.
// A point without a relay, such as catalog processors or permission rules, does not reach across units.
//
// # Health
//
// GET /.backstage/health/v1/liveness answers 200 as long as the process serves; .../readiness answers 503 until all plugins have had their first attempt to start, while one that the portal cannot do without is down, and
// while the portal stops; .../plugins tells the state of each plugin.
package core
