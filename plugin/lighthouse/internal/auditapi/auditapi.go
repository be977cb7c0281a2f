// Package auditapi is the REST API of the audit service as both of its sides see it: paths, JSON, and what counts as the same website.
//
// It is the API of lighthouse-audit-service, so that either side can be exchanged. Fields that are marked as additions are missing from answers of that service.
package auditapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// Status is how far an audit is.
type Status string

// The statuses. One that waits for its turn is running too, to whoever asks.
const (
	Running   Status = "RUNNING"
	Completed Status = "COMPLETED"
	Failed    Status = "FAILED"
)

// Form factors of Lighthouse.
const (
	Mobile  = "mobile"
	Desktop = "desktop"
)

// Audit is one audit of one page, without its report.
type Audit struct {
	ID            string              `json:"id"`
	URL           string              `json:"url"`
	TimeCreated   time.Time           `json:"timeCreated"`
	TimeCompleted *time.Time          `json:"timeCompleted,omitempty"` // nil while it runs
	Status        Status              `json:"status"`
	Categories    map[string]Category `json:"categories,omitempty"`  // nil unless completed
	TimeStarted   *time.Time          `json:"timeStarted,omitempty"` // addition: when it left the queue
	FormFactor    string              `json:"formFactor,omitempty"`  // addition: Mobile or Desktop
	Reason        string              `json:"reason,omitempty"`      // addition: why it failed, for people
}

// Category is what Lighthouse says about one aspect of a page.
type Category struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Score *float64 `json:"score"` // 0 to 1; nil when Lighthouse could not tell
}

// AuditWithReport is an audit with Lighthouse's report as Lighthouse wrote it; the report is nil unless the audit is completed. Answers that carry it leave the categories out, as they are in the report.
type AuditWithReport struct {
	Audit
	Report json.RawMessage `json:"report,omitempty"`
}

// Website is a page with all of its audits, newest first.
type Website struct {
	URL       string  `json:"url"`
	LastAudit Audit   `json:"lastAudit"`
	Audits    []Audit `json:"audits"`
}

// List is one page of a list.
type List[T any] struct {
	Items  []T `json:"items"`
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// Request asks for an audit.
type Request struct {
	URL     string  `json:"url"`
	Options Options `json:"options"`
}

// Options says how to audit.
type Options struct {
	AwaitAuditCompleted bool            `json:"awaitAuditCompleted,omitempty"` // answer when the audit has ended
	UpTimeout           *float64        `json:"upTimeout,omitempty"`           // milliseconds to wait for the page to answer; nil means 30000
	LighthouseConfig    json.RawMessage `json:"lighthouseConfig,omitempty"`

	// What nobody but the service's operator may choose; here so that it can be refused by name.
	ChromePort json.RawMessage `json:"chromePort,omitempty"`
	ChromePath json.RawMessage `json:"chromePath,omitempty"`
}

// Site returns the name of the website that a URL belongs to: the same for all the ways to write one address. Scheme and host become lower case; default ports, a fragment, and the slash of
// an empty path go. What is no URL is returned as it is.
func Site(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "/" && u.RawQuery == "" {
		u.Path, u.RawPath = "", ""
	}
	return u.String()
}
