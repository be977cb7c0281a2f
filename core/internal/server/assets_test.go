package server_test

import (
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/core/internal/server"
)

func TestAssets(t *testing.T) {
	t.Parallel()
	script := strings.Repeat("export const answer = 42;\n", 100)
	files := fstest.MapFS{
		"app.js": {Data: []byte(script)}, "lib/part.mjs": {Data: []byte("export {}")}, "style.css": {Data: []byte("p{}")}, "icon.svg": {Data: []byte("<svg/>")},
		"font.woff2": {Data: []byte("wOF2")}, "data.json": {Data: []byte("{}")}, "raw": {Data: []byte{0, 1, 2}}, "page.HTML": {Data: []byte("<p>")},
	}
	assets := server.NewAssets("/portal", map[string]fs.FS{"hello": files, "none": nil})
	h := handler(t, server.Settings{BasePath: "/portal", Assets: assets})
	for name, kind := range map[string]string{
		"app.js": "text/javascript; charset=utf-8", "lib/part.mjs": "text/javascript; charset=utf-8", "style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
		"font.woff2": "font/woff2", "data.json": "application/json", "raw": "application/octet-stream", "page.HTML": "text/html; charset=utf-8",
	} {
		path, ok := assets.AssetPath("hello", name)
		if !ok || !strings.HasPrefix(path, "/portal/assets/") || !strings.HasSuffix(path, "/hello/"+name) {
			t.Errorf("%s is at %q, %v", name, path, ok)
			continue
		}
		w := ask(t, h, "GET", path)
		if w.Code != 200 || w.Body.String() != string(files[name].Data) || w.Header().Get("Content-Type") != kind || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v %q", name, w.Code, w.Header(), w.Body)
		}
		if again := ask(t, h, "GET", path, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", name, again.Code)
		}
	}
	// Neighbours find each other by relative paths.
	app, _ := assets.AssetPath("hello", "app.js")
	part, _ := assets.AssetPath("hello", "lib/part.mjs")
	if strings.TrimSuffix(app, "app.js")+"lib/part.mjs" != part {
		t.Errorf("%s and %s are not neighbours", app, part)
	}

	packed := ask(t, h, "GET", app, "Accept-Encoding", "gzip")
	if packed.Header().Get("Content-Encoding") != "gzip" || unzip(t, packed.Body.Bytes()) != script || packed.Header().Get("Content-Length") == "" || packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("compressed: %v", packed.Header())
	}
	if again := ask(t, h, "GET", app, "Accept-Encoding", "gzip", "If-None-Match", packed.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("compressed again: %d", again.Code)
	}
	if part := ask(t, h, "GET", app, "Accept-Encoding", "gzip", "Range", "bytes=0-5"); part.Code != http.StatusPartialContent || part.Body.String() != "export" {
		t.Errorf("a part: %d %s", part.Code, part.Body)
	}
	if head := ask(t, h, "HEAD", app); head.Code != 200 || head.Body.Len() > 0 {
		t.Errorf("head: %d", head.Code)
	}

	for _, name := range []string{"nothing.js", "", "lib", "../app.js", "/app.js", "lib/../app.js"} {
		if path, ok := assets.AssetPath("hello", name); ok {
			t.Errorf("%q is at %q", name, path)
		}
	}
	if path, ok := assets.AssetPath("none", "app.js"); ok {
		t.Errorf("an asset of nobody is at %q", path)
	}
	hash := strings.Split(app, "/")[3]
	for path, want := range map[string]string{
		"/portal/assets/0123456789abcdef/hello/app.js": "has changed; reload the page",
		"/portal/assets/" + hash + "/hello/nothing.js": "no asset nothing.js of plugin hello",
		"/portal/assets/" + hash + "/other/app.js":     "no asset app.js of plugin other",
		"/portal/assets/" + hash + "/hello/lib":        "no asset lib",
		"/portal/assets/" + hash + "/hello/":           "no asset",
	} {
		w := ask(t, h, "GET", path)
		wantError(t, w, 404, "NotFoundError", want)
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached: %v", path, w.Header())
		}
	}
	if w := ask(t, h, "GET", "/portal/assets/"+hash+"/hello/..%2f..%2fetc/passwd"); w.Code != 400 {
		t.Errorf("traversal: %d", w.Code)
	}
	// Another content is at another path.
	files["style.css"] = &fstest.MapFile{Data: []byte("p{color:red}")}
	if moved, _ := server.NewAssets("/portal", map[string]fs.FS{"hello": files}).AssetPath("hello", "app.js"); moved == app {
		t.Error("the path does not depend on the neighbours' content")
	}
}

func TestAssetsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	assets := server.NewAssets("", map[string]fs.FS{"hello": fstest.MapFS{"big.bin": {Data: make([]byte, 17<<20)}}, "well": fstest.MapFS{}})
	if err := assets.Err("hello"); err == nil || !strings.Contains(err.Error(), "big.bin") {
		t.Errorf("Err = %v", err)
	}
	if err := assets.Err("well"); err != nil {
		t.Errorf("Err = %v", err)
	}
	if err := assets.Err("nobody"); err != nil {
		t.Errorf("Err = %v", err)
	}
	if _, ok := assets.AssetPath("hello", "big.bin"); ok {
		t.Error("it is served")
	}
}
