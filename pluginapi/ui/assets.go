package ui

import (
	"context"
	"embed"
	"io/fs"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

//go:embed assets
var assetFiles embed.FS

// Assets returns the files that pages need, at the root of a read-only file system: styles.css, ui.js (an ES module), module.js (another, for the parts of pages that have a module, see [Module]), refresh.js (another, for [Refresh]), early.js (a classic script that applies the stored theme before the
// first paint), icons.svg, favicon.svg and the licence notice of the icons. A portal serves them as the assets of "ui", and the context of every request knows where.
func Assets() fs.FS {
	files, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return assetFiles // not reached: the folder is part of this package
	}
	return files
}

type assetsKey struct{}

// WithAssets returns a context in which components find an asset (by its name in [Assets]) under the address that locate returns. locate is called while pages are drawn, possibly by
// several goroutines, and is expected to be a lookup. It is for pages outside a portal, and for tests.
func WithAssets(ctx context.Context, locate func(name string) string) context.Context {
	return context.WithValue(ctx, assetsKey{}, locate)
}

// assetURL returns the address of an asset: what [WithAssets] says, else what the portal that made ctx says, else /assets/ui/ and its name.
func assetURL(ctx context.Context, name string) string {
	if locate, ok := ctx.Value(assetsKey{}).(func(string) string); ok && locate != nil {
		return locate(name)
	}
	if address := pluginapi.AssetURL(ctx, "ui", name); address != "" {
		return address
	}
	return "/assets/ui/" + name
}
