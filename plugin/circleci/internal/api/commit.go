package api

import "strings"

// Commit is what a pipeline was run for. Fields that CircleCI says nothing about are empty.
type Commit struct {
	Branch, Tag, Revision string
	Subject               string // first line of the message
	By                    string // who triggered it
	URL                   string // of the commit or merge request; "" where the host's addresses are not known
}

// Commit gathers what the forms of projects say in different places.
func (p Pipeline) Commit() Commit {
	t := p.TriggerParameters
	c := Commit{
		Branch:   first(p.VCS.Branch, t.Git.Branch, t.GitHubApp.Branch, t.GitLab.Branch),
		Tag:      first(p.VCS.Tag, t.Git.Tag),
		Revision: first(p.VCS.Revision, t.Git.CheckoutSHA, t.GitHubApp.CheckoutSHA, t.GitLab.CheckoutSHA),
		Subject:  first(p.VCS.Commit.Subject, t.Git.CommitMessage, t.GitHubApp.CommitMessage, t.GitLab.CommitMessage),
		By:       first(p.Trigger.Actor.Login, t.GitHubApp.UserLogin, t.GitLab.UserLogin, t.Git.Author),
		URL:      p.VCS.ReviewURL,
	}
	c.Subject, _, _ = strings.Cut(c.Subject, "\n")
	repository := strings.TrimSuffix(first(p.VCS.RepositoryURL, t.Git.RepositoryURL, t.GitHubApp.RepositoryURL, t.GitLab.RepositoryURL), ".git")
	if c.URL == "" && c.Revision != "" {
		switch {
		case strings.HasPrefix(repository, "https://github.com/"):
			c.URL = repository + "/commit/" + c.Revision
		case strings.HasPrefix(repository, "https://gitlab.com/"):
			c.URL = repository + "/-/commit/" + c.Revision
		case strings.HasPrefix(repository, "https://bitbucket.org/"):
			c.URL = repository + "/commits/" + c.Revision
		}
	}
	return c
}

// Short is the revision as people write it.
func (c Commit) Short() string { return c.Revision[:min(7, len(c.Revision))] }

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
