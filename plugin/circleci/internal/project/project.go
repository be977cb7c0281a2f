// Package project reads which CircleCI project an entity is about.
package project

import (
	"fmt"
	"net/url"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Annotation is the key of an entity's annotation that names its project.
const Annotation = catalogcommon.AnnotationCircleCI

// Slug names a project at CircleCI. It is comparable: two slugs of one project are ==, however they were written.
type Slug struct {
	host    host
	owner   string // an organization's login or, for projects of CircleCI's own kind, its id
	project string // a repository's name or the project's id
}

// host is where a project's code lives, as far as its slug tells.
type host string

const (
	gitHub    host = "github"
	bitbucket host = "bitbucket"
	circleCI  host = "circleci" // whichever: projects of the GitHub App, GitLab and others have ids only
)

// Parse reads a slug in each of the forms that CircleCI knows: gh/OWNER/REPO or github/OWNER/REPO, bb/OWNER/REPO or bitbucket/OWNER/REPO, circleci/ORGANIZATION-ID/PROJECT-ID.
func Parse(text string) (Slug, error) {
	parts := strings.Split(strings.Trim(strings.TrimSpace(text), "/"), "/")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return Slug{}, fmt.Errorf("%q is not a project slug, which has three parts: gh/OWNER/REPO, bb/OWNER/REPO or circleci/ORGANIZATION-ID/PROJECT-ID", text)
	}
	for _, part := range parts[1:] {
		if part == "." || part == ".." || strings.ContainsFunc(part, unfit) {
			return Slug{}, fmt.Errorf("%q in the project slug %q is not a name", part, text)
		}
	}
	s := Slug{owner: parts[1], project: parts[2]}
	switch strings.ToLower(parts[0]) {
	case "gh", "github":
		s.host = gitHub
	case "bb", "bitbucket":
		s.host = bitbucket
	case "circleci":
		s.host = circleCI
	default:
		return Slug{}, fmt.Errorf("%q in the project slug %q is unknown; it can be gh, github, bb, bitbucket or, for projects with ids only (GitHub App, GitLab), circleci", parts[0], text)
	}
	return s, nil
}

// unfit reports whether a character has no place in names of owners and repositories.
func unfit(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`?#%\:`, r)
}

// Of reads the slug of an entity's annotation.
func Of(entity *catalogcommon.Entity) (Slug, error) { return Parse(entity.Annotation(Annotation)) }

// V2 is the slug as API v2 writes it: gh/OWNER/REPO.
func (s Slug) V2() string {
	switch s.host {
	case gitHub:
		return "gh/" + s.owner + "/" + s.project
	case bitbucket:
		return "bb/" + s.owner + "/" + s.project
	}
	return string(s.host) + "/" + s.owner + "/" + s.project
}

// V1 is the slug as API v1.1 wants it: github/OWNER/REPO.
func (s Slug) V1() string { return string(s.host) + "/" + s.owner + "/" + s.project }

// String is what people read: owner and repository, or the slug where there are only ids.
func (s Slug) String() string {
	if s.host == circleCI {
		return s.V2()
	}
	return s.owner + "/" + s.project
}

// Is reports whether text, a slug in an answer of CircleCI's, names the same project.
func (s Slug) Is(text string) bool {
	other, err := Parse(text)
	if err != nil {
		return false
	}
	if s.host == circleCI { // ids tell capitals from small letters, names do not
		return s == other
	}
	return s.host == other.host && strings.EqualFold(s.owner, other.owner) && strings.EqualFold(s.project, other.project)
}

// Web is the project's page at web, CircleCI's address for people, without a trailing slash.
func (s Slug) Web(web string) string {
	return web + "/pipelines/" + string(s.host) + "/" + url.PathEscape(s.owner) + "/" + url.PathEscape(s.project)
}
