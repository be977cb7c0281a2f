package ui

import (
	"context"
	"embed"
	"io/fs"
)

//go:embed assets
var assetFiles embed.FS

// Assets returns the files that pages need, at the root of a read-only file system: styles.css, ui.js (an ES module), module.js (another, for pages with a module of their own), early.js (a classic script that applies the stored theme before the
// first paint), icons.svg, favicon.svg and the licence notice of the icons. The server serves them under addresses it chooses and tells components by [WithAssets].
func Assets() fs.FS {
	files, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return assetFiles // not reached: the folder is part of this package
	}
	return files
}

type assetsKey struct{}

// WithAssets returns a context in which components find an asset (by its name in [Assets]) under the address that locate returns. locate is called while pages are drawn, possibly by
// several goroutines, and is expected to be a lookup.
func WithAssets(ctx context.Context, locate func(name string) string) context.Context {
	return context.WithValue(ctx, assetsKey{}, locate)
}

// AssetURL returns the address of an asset in ctx, or /assets/ui/ and its name when [WithAssets] was not called.
func AssetURL(ctx context.Context, name string) string {
	if locate, ok := ctx.Value(assetsKey{}).(func(string) string); ok && locate != nil {
		return locate(name)
	}
	return "/assets/ui/" + name
}
