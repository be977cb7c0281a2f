package server

import (
	"net/url"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// routePath returns the path below base that a request is routed by.
//
// Clients may escape whatever they like, and /api/h%65llo is the same place as /api/hello. So where the path came with unusual escapes, it is returned with none but those of slashes and percent signs:
// then what the tree finds does not depend on the client's taste, a slash within a parameter stays within it, and escaped tells that parameters have to be unescaped.
func routePath(u *url.URL, base string) (path string, escaped bool, err error) {
	if strings.IndexByte(u.Path, 0) >= 0 || hasDots(u.Path) {
		return "", false, pluginapi.BadInput("the path has a segment . or .., or a zero byte in it")
	}
	path = u.Path
	if u.RawPath != "" {
		path, escaped = plainEscapes(u.RawPath), true
	}
	path, below := strings.CutPrefix(path, base)
	switch {
	case !below || path != "" && path[0] != '/':
		return "", false, pluginapi.NotFound("there is nothing at %s; the portal is at %s/", u.Path, base)
	case path == "":
		path = "/"
	}
	return path, escaped, nil
}

// hasDots reports whether an unescaped path has a segment that means the same or the upper folder. Clients resolve those before they send; who does not wants something else.
func hasDots(path string) bool {
	for {
		i := strings.Index(path, "/.")
		if i < 0 {
			return false
		}
		path = path[i+2:]
		rest := strings.TrimPrefix(path, ".")
		if rest == "" || rest[0] == '/' {
			return true
		}
	}
}

func plainEscapes(raw string) string {
	segments := strings.Split(raw, "/")
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = strings.ReplaceAll(strings.ReplaceAll(plain, "%", "%25"), "/", "%2F")
		}
	}
	return strings.Join(segments, "/")
}
