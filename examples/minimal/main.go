// Command minimal is the smallest useful portal: a catalog, a proxy, and one plugin of its own. Configuration and catalog are built in, so it runs from any folder.
package main

import (
	"embed"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/examples/minimal/hello"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy"
)

//go:embed app-config.yaml catalog
var files embed.FS

func main() { core.Main(options(), plugins()...) }

func options() core.Options { return core.Options{Defaults: files} }

func plugins() []pluginapi.Plugin {
	return []pluginapi.Plugin{
		catalog.Plugin(catalog.Options{Embedded: files}),
		proxy.Plugin(),
		hello.Plugin(),
	}
}
