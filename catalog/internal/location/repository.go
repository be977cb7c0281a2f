package location

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Repository is a repository of source code, as far as its address says.
type Repository struct {
	Owner string // a user, an organization, nested groups with slashes between them, or a project of Azure; empty if the address has none
	Name  string
	Slug  string // the annotation for Owner/Name, which depends on the kind of the host; empty if that is not known

	at repoFile // the host's own form of its root; of style plainHost, there is no way to look into it
}

// Hosts without an integration here, whose addresses are well known.
const (
	bitbucketHost = "bitbucket.org"
	azureHost     = "dev.azure.com"
)

// scpAddress is how git also writes addresses of SSH: git@host:owner/name.git.
var scpAddress = regexp.MustCompile(`^[\w.-]+@([\w.-]+):([^:]+)$`)

// Repository takes the address of a repository apart, or of something in it: as browsers show it, or as git takes it.
func (h Hosts) Repository(address string) (Repository, error) {
	none := catalogcommon.InputError("%q is not the address of a repository, such as https://host/owner/name or git@host:owner/name.git", redacted(address))
	address = strings.TrimSpace(address)
	var at *url.URL
	var err error
	if scp := scpAddress.FindStringSubmatch(address); scp != nil {
		at = &url.URL{Scheme: "ssh", Host: scp[1], Path: "/" + scp[2]}
	} else if at, err = url.Parse(address); err != nil {
		return Repository{}, none
	}
	web := &url.URL{Scheme: "https", Host: strings.ToLower(at.Host)} // less a password, and what was searched for there
	switch at.Scheme {
	case "http", "https":
		web.Scheme = at.Scheme
	case "ssh", "git", "git+ssh":
		web.Host = hostname(at.Host) // the port is not that of pages
	default:
		return Repository{}, none
	}
	parts := strings.FieldsFunc(at.EscapedPath(), func(r rune) bool { return r == '/' })
	if web.Host == "" || len(parts) == 0 || hasDots(at.EscapedPath()) {
		return Repository{}, none
	}
	if web.Host == "ssh."+azureHost && parts[0] == "v3" && len(parts) >= 4 {
		web.Host, parts = azureHost, []string{parts[1], parts[2], "_git", parts[3]}
	}

	kind, host := h.of(web.Host)
	r := Repository{at: repoFile{style: kind, host: host, url: web, view: "blob", dash: kind == gitLab}}
	end := projectEnd(parts, kind, kind == gitHub || web.Host == bitbucketHost)
	known := true
	switch {
	case kind == gitHub:
		r.Slug = catalogcommon.AnnotationGitHubProject
	case kind == gitLab:
		r.Slug = catalogcommon.AnnotationGitLabProject
	case web.Host == bitbucketHost:
		r.Slug = catalogcommon.AnnotationBitbucketProject
	case web.Host == azureHost:
		r.Slug = catalogcommon.AnnotationAzureProject
	default:
		known = false
	}
	if known && end < 2 {
		return Repository{}, none
	}
	if f, ok := h.parse(&url.URL{Scheme: web.Scheme, Host: web.Host, Path: at.Path, RawPath: at.RawPath}); ok {
		r.at.ref = f.ref
	}
	parts[end-1] = strings.TrimSuffix(parts[end-1], ".git")
	r.at.project = strings.Join(parts[:end], "/")
	r.Name, r.Owner = unescape(parts[end-1]), unescape(strings.Join(parts[:end-1], "/"))
	if git := slices.Index(parts, "_git"); git > 0 && git+1 < len(parts) { // Azure: organization/project/_git/name, or without a project that has the name
		r.Name, r.Owner = unescape(parts[git+1]), unescape(parts[git-1])
		if git == 1 {
			r.Owner = r.Name
		}
	}
	if r.Name == "" {
		return Repository{}, none
	}
	return r, nil
}

// projectEnd returns how many parts of a path are the project, which is flat if there are always two. The others say what is shown of it.
func projectEnd(parts []string, kind style, flat bool) int {
	end := min(len(parts), 2)
	for !flat && end < len(parts) && parts[end] != "-" && !isView(parts[end]) && (kind != plainHost || parts[end] != "src") {
		end++
	}
	return end
}

// Repository is [Hosts.Repository] with the present configuration.
func (u *URLs) Repository(address string) (Repository, error) { return u.hosts().Repository(address) }

// Find reads the files of a repository whose path ends in name: those of the commit that the address names, or else of its default branch, nearest to the root first, and no more than most. There are none where
// nothing can be looked for. A repository that does not exist is an error that matches [fs.ErrNotExist]; a single file that cannot be read is not.
func (u *URLs) Find(ctx context.Context, r Repository, name string, most int) ([]File, error) {
	if r.at.style == plainHost {
		return nil, nil
	}
	f := r.at
	var err error
	if f.ref == "" {
		if f.ref, err = u.defaultBranch(ctx, f); err != nil || f.ref == "" {
			return nil, err
		}
	}
	paths, _, err := u.list(ctx, f)
	if err != nil {
		return nil, err
	}
	name = strings.Trim(name, "/")
	paths = slices.DeleteFunc(paths, func(p string) bool { return p != name && !strings.HasSuffix(p, "/"+name) })
	slices.SortFunc(paths, func(a, b string) int {
		if depth := strings.Count(a, "/") - strings.Count(b, "/"); depth != 0 {
			return depth
		}
		return strings.Compare(a, b)
	})
	return u.readAll(ctx, f, paths[:min(len(paths), most)]), nil
}

// defaultBranch asks the host, and returns it escaped; it is empty for a repository without a commit.
func (u *URLs) defaultBranch(ctx context.Context, f repoFile) (string, error) {
	if f.host.APIBaseURL == "" {
		return "", errors.New("to look into a repository takes apiBaseUrl under integrations")
	}
	got, err := u.get(ctx, f.projectAPI(), f.apiHeader(), "")
	if err != nil {
		return "", err
	}
	var project struct {
		DefaultBranch string `json:"default_branch"`
	}
	if err := json.Unmarshal(got.text, &project); err != nil {
		return "", fmt.Errorf("read what %s says of the repository: %w", f.host.Host, err)
	}
	return url.PathEscape(project.DefaultBranch), nil
}
