package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	assetsPath = "/assets/"
	// maxAsset bounds one file in bytes: it is read into memory.
	maxAsset = 16 << 20
)

// Assets serves plugins' files for the browser at /assets/<hash>/<plugin>/<name>, to be cached for ever. The hash is that of all files of the plugin, so that a script or a style sheet finds
// its neighbours by relative paths, and never meets a neighbour of another version.
//
// Files are read when they are first needed, and then taken not to change. It is safe for concurrent use.
type Assets struct {
	base    string
	plugins map[string]*assets
}

// NewAssets serves the given files, by plugin id, of a portal below basePath ("" or /portal). Nil file systems are left out.
func NewAssets(basePath string, files map[string]fs.FS) *Assets {
	a := &Assets{base: strings.TrimRight(basePath, "/"), plugins: make(map[string]*assets, len(files))}
	for plugin, fsys := range files {
		if fsys != nil {
			a.plugins[plugin] = &assets{fs: fsys}
		}
	}
	return a
}

// AssetPath returns the URL path of a file; false when there is none.
func (a *Assets) AssetPath(plugin, name string) (string, bool) {
	p := a.plugins[plugin]
	if p == nil {
		return "", false
	}
	p.once.Do(p.read)
	if !p.names[name] {
		return "", false
	}
	return a.base + assetsPath + p.hash + "/" + plugin + "/" + name, true
}

// Err returns why files of a plugin cannot be served; nil when all can. It reads them if nobody has before.
func (a *Assets) Err(plugin string) error {
	p := a.plugins[plugin]
	if p == nil {
		return nil
	}
	p.once.Do(p.read)
	return p.err
}

// assets are one plugin's.
type assets struct {
	fs    fs.FS
	once  sync.Once
	hash  string
	names map[string]bool
	err   error

	mu     sync.Mutex
	loaded map[string]*asset
}

// asset is a file in memory, compressed if that makes it smaller.
type asset struct {
	kind    string
	content []byte
	gzipped []byte
	tag     string
}

// read finds out what files there are, and their hash.
func (p *assets) read() {
	p.names, p.loaded = map[string]bool{}, map[string]*asset{}
	sum := sha256.New()
	p.err = fs.WalkDir(p.fs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := readAsset(p.fs, name)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(sum, "%s\x00%d\x00", name, len(content)) // hashes do not fail
		_, _ = sum.Write(content)
		p.names[name] = true
		return nil
	})
	p.hash = hex.EncodeToString(sum.Sum(nil)[:8])
}

func readAsset(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read asset: %w", err)
	}
	if info.Size() > maxAsset {
		return nil, fmt.Errorf("read asset %s: it has %d bytes, more than %d", name, info.Size(), maxAsset)
	}
	content, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read asset: %w", err)
	}
	return content, nil
}

// load returns a file that names has.
func (p *assets) load(name string) (*asset, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.loaded[name]; a != nil {
		return a, nil
	}
	content, err := readAsset(p.fs, name)
	if err != nil {
		return nil, err
	}
	a := &asset{kind: contentType(name, content), content: content, tag: `"` + p.hash + `"`}
	if len(content) >= gzipMinimum && textual(a.kind) {
		if packed := compress(content); len(packed) < len(content) {
			a.gzipped = packed
		}
	}
	p.loaded[name] = a
	return a, nil
}

// compress returns content in gzip format. Writing to memory at a valid level does not fail.
func compress(content []byte) []byte {
	var packed bytes.Buffer
	gz, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = gz.Write(content)
	_ = gz.Close()
	return packed.Bytes()
}

// serve answers GET /assets/{hash}/{plugin}/{name...}.
func (a *Assets) serve(w http.ResponseWriter, r *http.Request) error {
	plugin, name := r.PathValue("plugin"), r.PathValue("name")
	p := a.plugins[plugin]
	if p == nil {
		return pluginapi.NotFound("there is no asset %s of plugin %s", name, plugin)
	}
	p.once.Do(p.read)
	if !p.names[name] {
		return pluginapi.NotFound("there is no asset %s of plugin %s", name, plugin)
	}
	if r.PathValue("hash") != p.hash { // from before an update of the portal, or after it, on another replica
		return pluginapi.NotFound("asset %s of plugin %s has changed; reload the page", name, plugin)
	}
	file, err := p.load(name)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", file.tag)
	content := file.content
	if file.gzipped != nil {
		addVary(h, "Accept-Encoding")
		if acceptsGzip(r) && r.Header.Get("Range") == "" {
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", strings.TrimSuffix(file.tag, `"`)+`-gzip"`)
			content = file.gzipped
			h.Set("Content-Length", strconv.Itoa(len(content)))
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	return nil
}

// contentType names the type of a file. It does not depend on what the machine thinks of file names: with the header that forbids browsers to guess, a wrong type is a script that does not run.
func contentType(name string, content []byte) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".wasm":
		return "application/wasm"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".avif":
		return "image/avif"
	case ".ico":
		return "image/vnd.microsoft.icon"
	case ".woff2":
		return "font/woff2"
	case ".woff":
		return "font/woff"
	case ".ttf":
		return "font/ttf"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return http.DetectContentType(content)
}
