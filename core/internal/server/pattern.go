package server

import (
	"fmt"
	"net/http"
	"strings"
)

// pattern is a parsed pattern of an endpoint.
type pattern struct {
	method string   // "" for all
	path   string   // as written
	chi    []string // what to register with chi: the path, and the one without its trailing slash where that is the same
	params []string // names of single-segment parameters
	rest   string   // name of the parameter that takes the rest; "" if there is none or it has no name
	shape  string   // method and path without names: equal for patterns that match the same requests
}

// methods are those that chi knows and browsers or HTTP clients send.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// parsePattern reads a pattern of net/http's kind, without a host, whose path lives below prefix.
func parsePattern(text, prefix string) (pattern, error) {
	var p pattern
	p.method, p.path = "", text
	if method, path, found := strings.Cut(text, " "); found {
		p.method, p.path = method, strings.TrimLeft(path, " \t")
		if !isOneOf(p.method, methods) {
			return p, fmt.Errorf("pattern %q: %q is none of the methods %s", text, method, strings.Join(methods, ", "))
		}
	}
	if !strings.HasPrefix(p.path, "/") {
		return p, fmt.Errorf("pattern %q: the path must start with a slash", text)
	}
	p.path = prefix + p.path
	var route, shape strings.Builder
	segments := strings.Split(p.path[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		route.WriteByte('/')
		shape.WriteByte('/')
		name, isParam := strings.CutPrefix(segment, "{")
		switch {
		case !isParam && strings.ContainsAny(segment, "{}*"):
			return p, fmt.Errorf("pattern %q: %q is neither a text nor a parameter such as {name}", text, segment)
		case !isParam && segment == "" && last: // everything below
			route.WriteByte('*')
			shape.WriteString("{...}")
		case !isParam && (segment == "" || segment == "." || segment == ".."):
			return p, fmt.Errorf("pattern %q: requests never have %q in their path", text, "/"+segment+"/")
		case !isParam:
			route.WriteString(segment)
			shape.WriteString(segment)
		case !strings.HasSuffix(name, "}"):
			return p, fmt.Errorf("pattern %q: %q is not a whole segment", text, segment)
		case name == "$}":
			if !last {
				return p, fmt.Errorf("pattern %q: {$} must come last", text)
			}
		case strings.HasSuffix(name, "...}"):
			if !last {
				return p, fmt.Errorf("pattern %q: %s must come last", text, segment)
			}
			p.rest = strings.TrimSuffix(name, "...}")
			if !isName(p.rest) {
				return p, fmt.Errorf("pattern %q: %q is not a name", text, p.rest)
			}
			route.WriteByte('*')
			shape.WriteString("{...}")
		default:
			name = strings.TrimSuffix(name, "}")
			if !isName(name) || isOneOf(name, p.params) {
				return p, fmt.Errorf("pattern %q: %q is not a name, or given twice", text, name)
			}
			p.params = append(p.params, name)
			route.WriteString(segment)
			shape.WriteString("{}")
		}
	}
	if isOneOf(p.rest, p.params) {
		return p, fmt.Errorf("pattern %q: %q is given twice", text, p.rest)
	}
	p.shape = strings.TrimSpace(p.method + " " + shape.String())
	p.chi = []string{route.String()}
	// The root of a prefix is reached with and without its slash.
	if root := strings.TrimSuffix(strings.TrimSuffix(route.String(), "*"), "/"); root == prefix && prefix != "" {
		p.chi = append(p.chi, prefix)
	}
	return p, nil
}

func isName(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func isOneOf(s string, list []string) bool {
	for _, is := range list {
		if s == is {
			return true
		}
	}
	return false
}
