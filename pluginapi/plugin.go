package pluginapi

import (
	"context"
	"io/fs"
	"net/http"
	"reflect"
)

// Plugin describes one capability of a portal. It is plain data: making one constructs nothing and has no effect.
// The portal reads it once at start and does not change it.
type Plugin struct {
	// ID names the plugin: lower-case letters, digits and dashes, starting with a letter, 40 characters at most. It is the plugin's path below /api, its database and
	// cache namespace, its configuration section and the middle of its extensions' ids.
	ID string

	// Title is what people read. The default is the ID with a capital letter and blanks for dashes.
	Title string

	// Config declares the plugin's configuration: a type with its defaults. Nil means that the plugin has none.
	Config *ConfigSection

	// Shared declares what the plugin reads of sections that belong to no plugin, such as the credentials of source code hosts: ConfigOf(Hosts{}).At("integrations"). Any number of plugins may declare one path, each with
	// a type of its own for the keys that it wants; constructors ask for that type, or for *[Live] of it. A key that another plugin or the portal reads for itself cannot be shared: a wiring fault names both.
	//
	// Since such a section is written for everybody, two rules are milder than those of [ConfigOf]: an unknown key is no fault, and gets a warning only if it looks like a slip; and a variable that is not set is a
	// warning, with the value left out. Nothing in it reaches the browser, and a process that runs none of its readers does not read it.
	Shared []*ConfigSection

	// Migrations holds SQL files named NUMBER_name.sql, such as 001_greetings.sql, each with the line "-- +goose Up" before its first statement; at the root of the file system or, as with
	// //go:embed migrations, in its folder migrations. They are applied in the order of their numbers, each once, before the plugin starts. A file in postgres/ stands in for the one of the same
	// name on PostgreSQL. Package database says how to write SQL for both engines. Nil means none.
	Migrations fs.FS

	// Assets are files for the browser, at the root of the file system or, as with //go:embed assets, in its folder assets. They are served below a path with their content's hash, see [AssetURL].
	Assets fs.FS

	// Provide lists constructors: functions from needs to one value, or to a value and an error. Each runs at most once; its result is private to the plugin.
	Provide []any

	// Exports lists what other plugins may ask for.
	Exports []Export

	// Points lists the points that this plugin owns: where others add something.
	Points []AnyPoint

	// Extensions lists what the plugin adds, at the portal's points and at other plugins'. Their order here is their order on screen, unless configuration says otherwise.
	Extensions []Extension
}

// Export is an interface of the plugin's common or node layer, together with the constructor of its implementation. Make one with [ExportOf].
type Export struct {
	typ    reflect.Type
	local  any
	remote func(baseURL string, client *http.Client) any
}

// ExportOf declares that a plugin implements the interface T for others. local is a constructor, as in [Plugin.Provide], whose result implements T.
//
// remote makes a T that speaks to this plugin in another process: baseURL is the plugin's API there, without a trailing slash (http://host/api/catalog), and client adds identity and deadlines.
// A nil remote keeps the export within its own process; a plugin elsewhere that needs it is then a wiring fault.
//
// T's methods take a context and return an error, are safe for concurrent use, authorize the context's principal themselves, and leave their results to the caller.
// They answer with the error of [Self.Available] while the plugin is not running.
func ExportOf[T any](local any, remote func(baseURL string, client *http.Client) T) Export {
	e := Export{typ: reflect.TypeFor[T](), local: local}
	if remote != nil {
		e.remote = func(baseURL string, client *http.Client) any { return remote(baseURL, client) }
	}
	return e
}

// Type is the exported interface.
func (e Export) Type() reflect.Type { return e.typ }

// Constructor is the function that makes the local implementation.
func (e Export) Constructor() any { return e.local }

// Remote makes an implementation that calls the plugin in another process, or returns nil when there is none.
func (e Export) Remote(baseURL string, client *http.Client) any {
	if e.remote == nil {
		return nil
	}
	return e.remote(baseURL, client)
}

// HasRemote reports whether the export can be served from another process.
func (e Export) HasRemote() bool { return e.remote != nil }

// Self is a plugin's view of itself. It is safe for concurrent use.
type Self interface {
	// ID is the plugin's id.
	ID() string

	// Available is nil while the plugin runs; before, after and in between it is an error that matches [ErrUnavailable] and says what state the plugin is in.
	// Exported methods return it first thing.
	Available() error

	// As returns a context whose principal is the plugin itself. Inside a request this drops the user's identity, which is why it has to be said.
	As(ctx context.Context) context.Context
}
