package location

import (
	"cmp"
	"errors"
	"net/url"
	"path"
	"regexp"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Host is a server for source code, as an item of integrations.github or integrations.gitlab in the configuration describes it.
type Host struct {
	Host       string           `yaml:"host"`       // name, with the port if it is not the usual one: ghe.example.com; empty means github.com or gitlab.com
	APIBaseURL string           `yaml:"apiBaseUrl"` // empty means the usual one of its kind
	RawBaseURL string           `yaml:"rawBaseUrl"` // of GitHub, for reading without a token; empty means the usual one of github.com, and none elsewhere
	Token      pluginapi.Secret `yaml:"token"`      // empty means to read without one
}

// Validate checks the addresses.
func (h Host) Validate() error {
	if h.Host != "" {
		if err := checkHost(h.Host); err != nil {
			return err
		}
	}
	return errors.Join(checkBase("apiBaseUrl", h.APIBaseURL), checkBase("rawBaseUrl", h.RawBaseURL))
}

// checkBase does not repeat the address, which may hold a password.
func checkBase(key, base string) error {
	address, err := url.Parse(base)
	if base != "" && (err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" || address.User != nil) {
		return pluginapi.BadConfig(key, "this is no address such as https://ghe.example.com/api/v3, without a password in it")
	}
	return nil
}

// Hosts is the section integrations, as far as it is read: the servers whose URL forms are understood. The hosts github.com and gitlab.com are always among them. Do not change Hosts while they are in use.
type Hosts struct {
	GitHub []Host `yaml:"github"`
	GitLab []Host `yaml:"gitlab"`
}

// style is how a host writes the address of a file.
type style int

const (
	plainHost style = iota
	gitHub
	gitLab
)

// of returns what is known of a host.
func (h Hosts) of(name string) (style, Host) {
	name = strings.ToLower(name)
	for _, host := range h.GitHub {
		if strings.EqualFold(cmp.Or(host.Host, gitHubHost), name) {
			return gitHub, host.withGitHubDefaults()
		}
	}
	for _, host := range h.GitLab {
		if strings.EqualFold(cmp.Or(host.Host, gitLabHost), name) {
			return gitLab, host.withGitLabDefaults()
		}
	}
	switch name {
	case gitHubHost:
		return gitHub, Host{}.withGitHubDefaults()
	case gitLabHost:
		return gitLab, Host{}.withGitLabDefaults()
	}
	return plainHost, Host{Host: name}
}

const (
	gitHubHost = "github.com"
	gitLabHost = "gitlab.com"
)

func (h Host) withGitHubDefaults() Host {
	h.Host = cmp.Or(h.Host, gitHubHost)
	if strings.EqualFold(h.Host, gitHubHost) {
		if h.APIBaseURL == "" {
			h.APIBaseURL = "https://api.github.com"
		}
		if h.RawBaseURL == "" {
			h.RawBaseURL = "https://raw.githubusercontent.com"
		}
	}
	if h.APIBaseURL == "" && h.RawBaseURL == "" {
		h.APIBaseURL = "https://" + h.Host + "/api/v3"
	}
	return h
}

func (h Host) withGitLabDefaults() Host {
	h.Host = cmp.Or(h.Host, gitLabHost)
	if h.APIBaseURL == "" {
		h.APIBaseURL = "https://" + h.Host + "/api/v4"
	}
	return h
}

// repoFile is the address of a file or folder in a repository, in parts.
type repoFile struct {
	style   style
	host    Host
	url     *url.URL
	project string // owner/name, or group/subgroup/name
	view    string // what stands before the ref: blob, tree, raw, edit
	dash    bool   // of GitLab: whether the newer form with /-/ is used
	ref     string
	file    string // path within the repository, without a slash at its start; folders may end in one
}

// parse takes the address of a file on a known host apart. Other addresses are not ok.
func (h Hosts) parse(address *url.URL) (repoFile, bool) {
	kind, host := h.of(address.Host)
	if kind == plainHost || address.Scheme != "https" && address.Scheme != "http" {
		return repoFile{}, false
	}
	f := repoFile{style: kind, host: host, url: address}
	full := strings.Trim(address.EscapedPath(), "/")
	trailing := strings.HasSuffix(address.EscapedPath(), "/")
	var rest string
	if kind == gitLab {
		if project, after, found := strings.Cut(full, "/-/"); found {
			f.project, rest, f.dash = project, after, true
		}
	}
	if f.project == "" {
		parts := strings.Split(full, "/")
		at := 2
		if kind == gitLab { // groups nest: look for the word that says what is shown
			for at < len(parts) && !isView(parts[at]) {
				at++
			}
		}
		if len(parts) <= at {
			return repoFile{}, false
		}
		f.project, rest = strings.Join(parts[:at], "/"), strings.Join(parts[at:], "/")
	}
	view, rest, found := strings.Cut(rest, "/")
	if !found || !isView(view) {
		return repoFile{}, false
	}
	f.view = view
	f.ref, f.file, _ = strings.Cut(rest, "/")
	if trailing && f.file != "" {
		f.file += "/"
	}
	return f, f.ref != "" && !hasDots(f.file)
}

func isView(word string) bool {
	return word == "blob" || word == "tree" || word == "raw" || word == "edit"
}

// hasDots reports whether a path has a part that leads upwards, in any encoding.
func hasDots(file string) bool {
	plain, err := url.PathUnescape(file)
	if err != nil {
		return true
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(plain, `\`, "/"), "/") {
		if part == ".." || part == "." {
			return true
		}
	}
	return false
}

// with returns the address of another view on another file of the same repository and ref.
func (f repoFile) with(view, file string) string {
	address := *f.url
	separator := "/"
	if f.dash {
		separator = "/-/"
	}
	escaped := "/" + f.project + separator + view + "/" + f.ref
	if file != "" {
		escaped += "/" + strings.TrimPrefix(file, "/")
	}
	if address.Path, _ = url.PathUnescape(escaped); address.Path == "" {
		address.Path = escaped
	}
	address.RawPath = escaped
	return address.String()
}

// Resolve returns where target leads when it stands in the file at base. An absolute URL is taken as it is; a path that starts with a slash counts from the root of the repository (elsewhere, of the host); any other from base's folder.
// The query of base is carried over, and addresses on GitHub become those of its tree view.
func (h Hosts) Resolve(target, base string) (string, error) {
	if absolute, err := url.Parse(target); err == nil && absolute.Scheme != "" {
		if kind, _ := h.of(absolute.Host); kind == gitHub {
			if f, ok := h.parse(absolute); ok {
				return f.with("tree", f.file), nil
			}
		}
		return target, nil
	}
	from, err := url.Parse(base)
	if err != nil || from.Scheme == "" || from.Host == "" {
		return "", catalogcommon.InputError("target %q is relative, but %q is no URL that it could be relative to", target, base)
	}
	relative, err := url.Parse(target)
	if err != nil {
		return "", catalogcommon.InputError("target %q is not a URL or a path: %v", target, err)
	}
	f, inRepo := h.parse(from)
	if inRepo {
		// The repository is the root: paths cannot lead out of it.
		file := relative.EscapedPath()
		if !strings.HasPrefix(file, "/") {
			dir, _ := path.Split(f.file)
			file = "/" + dir + file
		}
		if climbs(file) || hasEncodedDots(file) {
			return "", catalogcommon.InputError("target %q leads out of the repository of %s", target, base)
		}
		trailing := strings.HasSuffix(file, "/") || strings.HasSuffix(file, "/.") || strings.HasSuffix(file, "/..")
		file = strings.TrimPrefix(path.Clean(file), "/")
		if trailing {
			file += "/"
		}
		view := f.view
		if f.style == gitHub {
			view = "tree"
		}
		return f.with(view, file), nil
	}
	resolved := from.ResolveReference(&url.URL{Path: relative.Path, RawPath: relative.RawPath})
	resolved.RawQuery = from.RawQuery
	return resolved.String(), nil
}

// climbs reports whether a path that starts with a slash leads above its start.
func climbs(file string) bool {
	depth := 0
	for part := range strings.SplitSeq(strings.Trim(file, "/"), "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

func hasEncodedDots(file string) bool {
	lower := strings.ToLower(file)
	return strings.Contains(lower, "%2e") || strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c") || strings.Contains(file, `\`)
}

// SameRepository reports whether both addresses are files on known hosts, and if so whether host and repository are the same.
func (h Hosts) SameRepository(a, b string) (both, same bool) {
	first, err1 := url.Parse(a)
	second, err2 := url.Parse(b)
	if err1 != nil || err2 != nil {
		return false, false
	}
	f, ok1 := h.parse(first)
	g, ok2 := h.parse(second)
	if !ok1 || !ok2 {
		return false, false
	}
	return true, strings.EqualFold(first.Host, second.Host) && strings.EqualFold(f.project, g.project)
}

var commitHash = regexp.MustCompile(`[0-9a-fA-F]{40,}`)

// Annotations returns the annotations that say where people can see and edit the descriptor and its source, for what was read from a location of type url; none for other types.
// What an entity already says of these itself goes before.
func (h Hosts) Annotations(from catalogcommon.LocationRef) map[string]string {
	if from.Type != catalogcommon.LocationTypeURL {
		return nil
	}
	annotations := map[string]string{catalogcommon.AnnotationViewURL: safeURL(from.Target)}
	if address, err := url.Parse(from.Target); err == nil {
		if f, ok := h.parse(address); ok && !commitHash.MatchString(from.Target) {
			annotations[catalogcommon.AnnotationEditURL] = safeURL(f.with("edit", f.file))
		}
	}
	if folder, err := h.Resolve("./", from.Target); err == nil {
		annotations[catalogcommon.AnnotationSourceLocation] = catalogcommon.LocationRef{Type: from.Type, Target: folder}.String()
	}
	return annotations
}

func safeURL(address string) string {
	if catalogcommon.IsScriptURL(address) {
		return catalogcommon.RejectedURL
	}
	return address
}
