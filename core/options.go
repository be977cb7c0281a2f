package core

import (
	"io/fs"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Options are what an app's program decides; what its operators decide is in the configuration. The zero value is a good portal.
type Options struct {
	// Defaults holds an app-config.yaml, usually embedded, that is used where the working directory has none and no file is named.
	Defaults fs.FS

	// ConfigDir is the folder of app-config.yaml and its companions. The default is the working directory.
	ConfigDir string

	// ConfigFiles are read instead, the last one wins. [Main] sets them from --config.
	ConfigFiles []string

	// Environ is the environment, as os.Environ returns it, which is also the default.
	Environ []string

	// Logger receives what the portal and its plugins have to say. The default writes lines of text to standard error; backend.logger sets level and format. It gathers the lines of busy times:
	// they are written 100 ms after the first of them at the latest, and at once when one is a warning or an error, and while the portal stops.
	// Of a logger given here, the configured level has no effect.
	Logger *slog.Logger

	// Authorizer replaces or wraps who decides what principals may do. It is given the default, which allows everything to everybody who is somebody and decides conditions by the plugins'
	// permission rules. Nil keeps the default.
	Authorizer func(pluginapi.Authorizer) pluginapi.Authorizer

	// Tracer makes spans of what the portal does, such as database statements. Nil makes none.
	Tracer trace.TracerProvider

	// CacheStore replaces the configured cache store for all plugins. Nil keeps the configured one.
	CacheStore cache.Store
}
