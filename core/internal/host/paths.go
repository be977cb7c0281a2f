package host

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/core/internal/spelling"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

var (
	segmentPattern = regexp.MustCompile(`^([^{}*?#\s]*|\{\$\}|\{[a-zA-Z_][a-zA-Z0-9_]*(\.\.\.)?\})$`)
	reserved       = []string{"/api", "/assets", "/.backstage"}
	methods        = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}
)

// Address is the path of a page, of a route, or of what is placed on a page, with its parameters in braces; "" for any other extension, and for one whose page is not there.
func (b *Blueprint) Address(e Extension) string {
	switch spec := e.Spec.(type) {
	case pluginapi.Page:
		return spec.Path
	case pluginapi.Route:
		_, path := splitPattern(spec.Pattern)
		return "/api/" + e.Plugin + path
	case pluginapi.Placed:
		ref, params := spec.Place()
		for _, page := range b.Extensions {
			if on, is := page.Spec.(pluginapi.Page); is && page.ID == string(ref) && !page.Off {
				return fill(on.Path, params)
			}
		}
	}
	return ""
}

// fill puts values, which alternate with their names, in the place of a path's parameters.
func fill(path string, params []string) string {
	for i := 0; i+1 < len(params); i += 2 {
		path = strings.ReplaceAll(path, "{"+params[i]+"}", url.PathEscape(params[i+1]))
	}
	return path
}

// movedAt tells where configuration decided the extension's address; "" if its plugin did.
func (e *Extension) movedAt() string {
	switch before := e.from.Spec.(type) {
	case pluginapi.Page:
		if e.Spec.(pluginapi.Page).Path != before.Path {
			return e.values.Where("path")
		}
	case pluginapi.Placed:
		if !reflect.DeepEqual(e.Spec, before) {
			return e.where
		}
	}
	return ""
}

// checkPaths finds malformed paths, and extensions that would answer the same requests.
func (b *Blueprint) checkPaths(found *faults) {
	taken := map[string]Extension{}
	claim := func(e Extension, where, path string) {
		shape, err := pathShape(path, where != "")
		if err != nil {
			e.complain(found, "path", "path %q: %s", path, err)
			return
		}
		other, clash := taken[where+shape]
		if !clash {
			taken[where+shape] = e
			return
		}
		owner, before, after := e.Plugin, other.ID, e.ID
		switch first, second := other.movedAt(), e.movedAt(); {
		case first != "" && second != "":
			owner, after = first, fmt.Sprintf("%s (%s)", e.ID, second)
		case first != "":
			owner = first
		case second != "":
			owner, before, after = second, e.ID, other.ID
		}
		found.add(owner, "%s and %s are both at %s; move one with app.extensions", before, after, strings.TrimSpace(where+path))
	}
	for _, e := range b.Extensions {
		if e.Off {
			continue
		}
		switch spec := e.Spec.(type) {
		case pluginapi.Page:
			for _, prefix := range reserved {
				if spec.Path == prefix || strings.HasPrefix(spec.Path, prefix+"/") {
					e.complain(found, "path", "pages cannot live below %s; choose another path", prefix)
				}
			}
			if spec.Title == "" {
				e.complain(found, "title", "a page needs a title")
			}
			if spec.Icon != "" && !ui.HasIcon(spec.Icon) {
				e.complain(found, "icon", "there is no icon %q; the documentation of package pluginapi/ui lists those that there are", spec.Icon)
			}
			for key, value := range map[string]string{"icon": spec.Icon, "group": spec.Group} {
				if value != "" && strings.Contains(spec.Path, "{") {
					if e.sets("path") {
						key = "path"
					}
					e.complain(found, key, "a page with parameters is not in the navigation, where icon and group belong; remove them, or the parameters of %s", spec.Path)
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
		case pluginapi.Placed:
			if path := b.Address(e); path != "" {
				claim(e, "", path)
			}
		case pluginapi.Task:
			if spec.Every <= 0 {
				e.complain(found, "every", "every must be a duration above 0")
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

// nearest suggests the known id that looks most like id, or lacks only its kind, if one does.
func nearest(id string, known map[string]int) string {
	best := spelling.Nearest(id, slices.Collect(maps.Keys(known)), strings.ToLower)
	for _, whole := range slices.Sorted(maps.Keys(known)) {
		if best == "" && strings.HasSuffix(whole, ":"+id) {
			best = whole
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return ""
}
