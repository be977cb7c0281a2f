// Package proscenium is an SDK for building developer portals. It holds no code; this page is the way in.
//
// A portal is a program of your own that lists plugins:
//
//	func main() {
//		core.Main(core.Options{}, catalog.Plugin(), proxy.Plugin(), hello.Plugin())
//	}
//
// It builds to one static binary and brings a software catalog, pages and cards, a proxy to other services, and a database and a cache for each plugin.
//
// Where to go:
//
//   - to assemble and run a portal: package [github.com/proscenium-dev/proscenium/core], and examples/minimal for a whole one;
//   - to write a plugin: package [github.com/proscenium-dev/proscenium/pluginapi], the contract, which is short enough to be read in one sitting;
//     its subpackages ui, what pages are made of, and plugintest, the kit for testing;
//   - to add to the catalog: [github.com/proscenium-dev/proscenium/catalog/api] for cards and tabs, catalog/node for processors and providers, catalog/common for entities and the client;
//   - to know how databases and caches behave: packages database and cache.
//
// How the house is built, and why, is in CONTRIBUTING.md.
package proscenium
