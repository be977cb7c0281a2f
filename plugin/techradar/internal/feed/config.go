package feed

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is the section techRadar. The radar that it names itself comes before those of its list.
type Config struct {
	Source `yaml:",inline"`
	Title  string  `yaml:"title"`  // default: the document's, or none
	Radars []Radar `yaml:"radars"` // further ones
}

// Radar is one item of techRadar.radars.
type Radar struct {
	ID     string `yaml:"id"`    // in the page's address: lower-case letters, digits and dashes
	Title  string `yaml:"title"` // default: the document's, or the id
	Source `yaml:",inline"`
}

// Source is where a radar is read from: a URL or a file.
type Source struct {
	// URL is an http or https address of the JSON document, or of the page of GitHub or GitLab that shows it. It is read every ten minutes.
	URL string `yaml:"url"`

	// File is a path, from the folder in which the portal runs. A change is seen at the next view.
	File string `yaml:"file"`

	// Headers are sent along, such as Authorization.
	Headers map[string]pluginapi.Secret `yaml:"headers"`
}

// where names the source; "" is none.
func (s Source) where() string {
	if s.URL != "" {
		return s.URL
	}
	return s.File
}

func (s Source) validate() error {
	if s.URL != "" && s.File != "" {
		return errors.New("url and file are both set; a radar is read from one of them")
	}
	if s.URL == "" {
		if len(s.Headers) > 0 {
			return errors.New("headers are for a url")
		}
		return nil
	}
	at, err := url.Parse(s.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return pluginapi.BadConfig("url", "%q is not an address such as https://example.com/radar.json", s.URL)
	}
	return nil
}

// idForm keeps ids fit for addresses.
var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate checks an item of the list.
func (r Radar) Validate() error {
	switch {
	case !idForm.MatchString(r.ID):
		return pluginapi.BadConfig("id", "%q has to be of lower-case letters, digits and dashes", r.ID)
	case r.where() == "":
		return fmt.Errorf("radar %s has neither url nor file", r.ID)
	}
	return r.validate()
}

// Validate checks what the items of the list cannot know.
func (c Config) Validate() error {
	wrong := []error{c.validate()}
	seen := map[string]bool{}
	for _, r := range c.Radars {
		if seen[r.ID] || r.ID == DefaultID && c.where() != "" {
			wrong = append(wrong, fmt.Errorf("two radars have the id %q", r.ID))
		}
		seen[r.ID] = true
	}
	return errors.Join(wrong...)
}

// DefaultID is the id of the radar that has none of its own.
const DefaultID = "default"

// all lists the configured radars.
func (c Config) all() []Radar {
	var all []Radar
	if c.where() != "" {
		all = append(all, Radar{ID: DefaultID, Title: c.Title, Source: c.Source})
	}
	return append(all, c.Radars...)
}

// document is the address of the document itself, where the configured one is that of a page around it.
func (s Source) document() string {
	at, err := url.Parse(s.URL)
	if err != nil {
		return s.URL
	}
	switch parts := strings.SplitN(strings.TrimPrefix(at.EscapedPath(), "/"), "/", 4); {
	case at.Host == "github.com" && len(parts) == 4 && (parts[2] == "blob" || parts[2] == "raw"):
		return "https://raw.githubusercontent.com/" + parts[0] + "/" + parts[1] + "/" + parts[3]
	case strings.Contains(at.EscapedPath(), "/-/blob/"):
		return strings.Replace(s.URL, "/-/blob/", "/-/raw/", 1)
	}
	return s.URL
}
