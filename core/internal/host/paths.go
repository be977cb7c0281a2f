package host

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

var (
	segmentPattern = regexp.MustCompile(`^([^{}*?#\s]*|\{\$\}|\{[a-zA-Z_][a-zA-Z0-9_]*(\.\.\.)?\})$`)
	reserved       = []string{"/api", "/assets", "/.backstage"}
	methods        = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}
)

// checkPaths finds malformed paths, and extensions that would answer the same requests.
func (b *Blueprint) checkPaths(found *faults) {
	taken := map[string]string{}
	claim := func(e Extension, where, path string) {
		shape, err := pathShape(path, where != "")
		if err != nil {
			found.add(e.Plugin, "%s: path %q: %s", e.ID, path, err)
			return
		}
		if other, clash := taken[where+shape]; clash {
			found.add(e.Plugin, "%s and %s are both at %s; move one with app.extensions", other, e.ID, strings.TrimSpace(where+path))
			return
		}
		taken[where+shape] = e.ID
	}
	for _, e := range b.Extensions {
		if e.Off {
			continue
		}
		switch spec := e.Spec.(type) {
		case pluginapi.Page:
			for _, prefix := range reserved {
				if spec.Path == prefix || strings.HasPrefix(spec.Path, prefix+"/") {
					found.add(e.Plugin, "%s: pages cannot live below %s; choose another path", e.ID, prefix)
				}
			}
			claim(e, "", spec.Path)
			checkPermission(e, spec.Permission, found)
		case pluginapi.Route:
			method, path := splitPattern(spec.Pattern)
			if method != "" && !methods[method] {
				found.add(e.Plugin, "%s: pattern %q: there is no method %q", e.ID, spec.Pattern, method)
			}
			if own := "/api/" + e.Plugin; path == own || strings.HasPrefix(path, own+"/") {
				found.add(e.Plugin, "%s: pattern %q: a route's path counts from %s, which is not repeated in it", e.ID, spec.Pattern, own)
			}
			claim(e, strings.TrimSpace(method+" /api/"+e.Plugin), path)
			checkPermission(e, spec.Permission, found)
		case pluginapi.Task:
			if spec.Every <= 0 {
				found.add(e.Plugin, "%s: every must be a duration above 0", e.ID)
			}
		}
	}
}

func checkPermission(e Extension, p *pluginapi.Permission, found *faults) {
	if p != nil && p.Name == "" {
		found.add(e.Plugin, "%s: its permission has no name; call it something like %s.update", e.ID, e.Plugin)
	}
}

// splitPattern separates a route's method from its path.
func splitPattern(pattern string) (method, path string) {
	if before, after, found := strings.Cut(pattern, " "); found {
		return before, strings.TrimLeft(after, " ")
	}
	return "", pattern
}

// pathShape checks a path and returns it without the names of its parameters: two paths of one shape answer the same requests.
// A route that ends with a slash answers for all that is below, as in net/http, unless it ends with {$}; a page never does.
func pathShape(path string, route bool) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("must start with a slash")
	}
	segments := strings.Split(path[1:], "/")
	names := map[string]bool{}
	for i, segment := range segments {
		name := parameter(segment)
		switch {
		case !segmentPattern.MatchString(segment):
			return "", fmt.Errorf("%q is neither a text nor a parameter such as {name}", segment)
		case strings.HasPrefix(segment, ":"):
			return "", fmt.Errorf("%q: a parameter is written {%s}", segment, segment[1:])
		case segment == "." || segment == "..":
			return "", fmt.Errorf("must not contain %q", segment)
		case name != "" && names[name]:
			return "", fmt.Errorf("two parameters have the name %q", name)
		case segment == "{$}":
			if i != len(segments)-1 || !route {
				return "", fmt.Errorf("{$} ends the path of a route")
			}
			segments[i] = ""
		case segment == "" && i == len(segments)-1 && route:
			segments[i] = "{...}"
		case strings.HasSuffix(segment, "...}"):
			if i != len(segments)-1 {
				return "", fmt.Errorf("%s must come last", segment)
			}
			segments[i] = "{...}"
		case strings.HasPrefix(segment, "{"):
			segments[i] = "{}"
		case segment == "" && i != len(segments)-1:
			return "", fmt.Errorf("must not contain //")
		}
		names[name] = true
	}
	return "/" + strings.Join(segments, "/"), nil
}

// parameter is the name of the parameter that a segment is, or "".
func parameter(segment string) string {
	name, is := strings.CutPrefix(segment, "{")
	if !is {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
}

// nearest suggests the known id that looks most like id, if one does.
func nearest(id string, known map[string]int) string {
	if best := spelling.Nearest(id, slices.Collect(maps.Keys(known)), strings.ToLower); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return ""
}
