package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// cleanPath returns the path of an endpoint with one slash in front and none at the end.
func cleanPath(path string) (string, error) {
	cleaned := "/" + strings.Trim(path, "/")
	segments := strings.Split(cleaned[1:], "/")
	for _, segment := range segments {
		if segment == "" || segment == "." || segment == ".." {
			return "", fmt.Errorf("%q is no path of an endpoint; it must be like /name or /name/v1", path)
		}
	}
	if strings.ContainsAny(cleaned, "?#%\\ ") {
		return "", fmt.Errorf("%q is no path of an endpoint; blanks, %%, ?, # and backslashes cannot be in it", path)
	}
	return cleaned, nil
}

// place is where a request wants to go.
type place struct {
	prefix string // what comes before the proxy's own part of the path, /api/proxy as a rule, as it was sent
	path   string // the rest, as it was sent, from its slash on
	below  string // of the path, what comes below the endpoint's: "/" or more
	begun  time.Time
}

// placeOf reads the path of a request to the route /{path...}. Paths that a target could read as leading upwards are refused, however they are written.
func placeOf(r *http.Request) (place, error) {
	rest := r.PathValue("path")
	if rest == "" {
		return place{}, errNoEndpoint(r)
	}
	// Only the rest may have escapes that matter: routing compared what is before it. So its slashes can be counted.
	skip := strings.Count(r.URL.Path, "/") - strings.Count(rest, "/")
	raw := r.URL.EscapedPath()
	at := 0
	for range skip {
		next := strings.IndexByte(raw[at:], '/')
		if next < 0 {
			return place{}, errNoEndpoint(r)
		}
		at += next + 1
	}
	if at == 0 {
		return place{}, errNoEndpoint(r)
	}
	if err := checkPath(raw[at:]); err != nil {
		return place{}, err
	}
	return place{prefix: raw[:at-1], path: raw[at-1:], begun: time.Now()}, nil
}

func errNoEndpoint(r *http.Request) error {
	return pluginapi.NotFound("there is no proxy endpoint at %s", r.URL.Path)
}

// checkPath refuses segments of dots and control characters, also escaped once or twice, and with backslashes for slashes.
func checkPath(raw string) error {
	if !strings.ContainsAny(raw, ".%\\") {
		return nil
	}
	if _, err := url.PathUnescape(raw); err != nil {
		return pluginapi.BadInput("the path has a percent sign in it that begins no escape")
	}
	text := raw
	for range 3 {
		for segment := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '/' || r == '\\' }) {
			segment, _, _ = strings.Cut(segment, ";") // some servers cut parameters off
			if segment == "." || segment == ".." {
				return pluginapi.BadInput("the path has a segment of dots in it, which must be resolved by the sender")
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return pluginapi.BadInput("the path has a control character in it")
		}
		next := unescape(text)
		if next == text {
			return nil
		}
		text = next
	}
	return nil
}

// unescape is what a server makes of a path that takes percent signs that begin no escape as they are. One among others must not keep us from seeing what the others are.
func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				plain = append(plain, byte(c))
				i += 2
				continue
			}
		}
		plain = append(plain, text[i])
	}
	return string(plain)
}

// match reports whether the endpoint with this path is at the place, segment by segment, and if so sets what is below it.
func (p *place) match(endpoint string) bool {
	below, ok := strings.CutPrefix(p.path, endpoint)
	if ok = ok && (below == "" || below[0] == '/'); !ok && strings.Contains(p.path, "%") {
		below, ok = matchEscaped(p.path, endpoint)
	}
	if p.below = below; below == "" {
		p.below = "/"
	}
	return ok
}

// matchEscaped is match for a path whose first segments may have been escaped without need.
func matchEscaped(path, endpoint string) (below string, ok bool) {
	at := 0
	for range strings.Count(endpoint, "/") {
		next := strings.IndexByte(path[min(at+1, len(path)):], '/')
		if next < 0 {
			at = len(path)
			continue
		}
		at += 1 + next
	}
	plain, err := url.PathUnescape(path[:at])
	return path[at:], err == nil && plain == endpoint && strings.Count(path[:at], "/") == strings.Count(endpoint, "/")
}

// rewrite is a rule for paths.
type rewrite struct {
	from *regexp.Regexp
	to   string
}

// dollar finds the groups in a replacement as JavaScript writes them: $1x is the first group and an x, where Go would look for a group called 1x.
var dollar = regexp.MustCompile(`\$(\d{1,2}|&)`)

// newRewrites compiles the rules, which have been checked. Longer patterns come first: they say more.
func newRewrites(rules map[string]string) []rewrite {
	var rewrites []rewrite
	for from, to := range rules {
		to = dollar.ReplaceAllStringFunc(to, func(group string) string {
			if group == "$&" {
				return "${0}"
			}
			return "${" + group[1:] + "}"
		})
		rewrites = append(rewrites, rewrite{regexp.MustCompile(from), to})
	}
	slices.SortFunc(rewrites, func(a, b rewrite) int {
		if d := len(b.from.String()) - len(a.from.String()); d != 0 {
			return d
		}
		return strings.Compare(a.from.String(), b.from.String())
	})
	return rewrites
}

// apply rewrites an escaped path with the first rule that matches, and only its first match.
func apply(rewrites []rewrite, path string) string {
	for _, rule := range rewrites {
		if found := rule.from.FindStringSubmatchIndex(path); found != nil {
			return path[:found[0]] + string(rule.from.ExpandString(nil, rule.to, path, found)) + path[found[1]:]
		}
	}
	return path
}

// join puts a path behind a target's.
func join(base, path string) string {
	switch {
	case path == "":
		return base
	case strings.HasSuffix(base, "/") && strings.HasPrefix(path, "/"):
		return base + path[1:]
	case !strings.HasSuffix(base, "/") && !strings.HasPrefix(path, "/"):
		return base + "/" + path
	}
	return base + path
}
