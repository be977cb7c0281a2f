// Package auditclient asks an audit service: the one of this repository, or lighthouse-audit-service. Whatever goes wrong is a [*Fault], which says it in words for people.
package auditclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Client asks one audit service. It is safe for concurrent use.
type Client struct {
	base   *url.URL // nil: none is configured
	token  pluginapi.Secret
	client *http.Client
}

const (
	answerTimeout = 20 * time.Second // of one request, body included; the older service reads every report of every audit to make a list
	maxJSON       = 32 << 20         // bytes; a report has about 300 KB, the older service's lists have no bound
	maxPage       = 64 << 20         // bytes of a report as a page
	maxText       = 1 << 10          // bytes of an error's text that are shown
)

// New returns a client of the service at base, an http or https URL; with an empty base every call is a fault that says so. token may be empty.
func New(base string, token pluginapi.Secret) (*Client, error) {
	c := &Client{token: token, client: &http.Client{
		Timeout: answerTimeout,
		// The token is for this service alone, and the API redirects nobody.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if base == "" {
		return c, nil
	}
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("read the address of the audit service: %q is no http or https URL", base)
	}
	c.base = u
	return c, nil
}

// Configured reports whether there is a service to ask.
func (c *Client) Configured() bool { return c.base != nil }

// Close ends idle connections.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Address names the service, without credentials.
func (c *Client) Address() string {
	if c.base == nil {
		return ""
	}
	return c.base.Redacted()
}

// Ping asks whether the service answers.
func (c *Client) Ping(ctx context.Context) error {
	return c.ask(ctx, http.MethodGet, "/_ping", "text/plain", nil, func(io.Reader) error { return nil })
}

// Websites returns a page of the audited websites, those with the newest audit first.
func (c *Client) Websites(ctx context.Context, limit, offset int) (list auditapi.List[auditapi.Website], err error) {
	err = c.json(ctx, http.MethodGet, "/v1/websites?limit="+strconv.Itoa(limit)+"&offset="+strconv.Itoa(offset), nil, &list)
	return list, err
}

// Website returns the website that a URL belongs to, however the URL is written. One that was never audited is a fault of the kind [NotFound].
func (c *Client) Website(ctx context.Context, address string) (site auditapi.Website, err error) {
	// The older service compares texts, and what asked it before may have kept or left out the slash at the end.
	normal := auditapi.Site(address)
	tried := map[string]bool{}
	for _, spelling := range []string{normal, address, strings.TrimSuffix(normal, "/") + "/"} {
		if tried[spelling] {
			continue
		}
		tried[spelling] = true
		err = c.json(ctx, http.MethodGet, "/v1/websites/"+url.PathEscape(spelling), nil, &site)
		var fault *Fault
		if !errors.As(err, &fault) || fault.Kind != NotFound {
			return site, err
		}
		if !strings.Contains(fault.Message, "no audited website found") {
			return site, &Fault{Kind: Nonsense, Status: fault.Status, Message: fault.Message}
		}
	}
	return site, err
}

// Audit returns an audit with its report.
func (c *Client) Audit(ctx context.Context, id string) (audit auditapi.AuditWithReport, err error) {
	err = c.json(ctx, http.MethodGet, "/v1/audits/"+url.PathEscape(id), nil, &audit)
	return audit, err
}

// Create asks for an audit of a page, as a mobile or a desktop device would show it.
func (c *Client) Create(ctx context.Context, address, formFactor string) (audit auditapi.Audit, err error) {
	settings := map[string]any{"formFactor": formFactor}
	if formFactor == auditapi.Desktop {
		settings["screenEmulation"] = map[string]any{"mobile": false, "width": 1350, "height": 940, "deviceScaleFactor": 1, "disabled": false}
		settings["emulatedUserAgent"] = false
	}
	config, err := json.Marshal(map[string]any{"extends": "lighthouse:default", "settings": settings})
	if err != nil {
		return audit, fmt.Errorf("encode the configuration of Lighthouse: %w", err)
	}
	err = c.json(ctx, http.MethodPost, "/v1/audits", auditapi.Request{URL: address, Options: auditapi.Options{LighthouseConfig: config}}, &audit)
	return audit, err
}

// Page writes an audit's report, as Lighthouse's own page, to what begin returns; begin is called when the service has it.
func (c *Client) Page(ctx context.Context, id string, begin func() io.Writer) error {
	return c.ask(ctx, http.MethodGet, "/v1/audits/"+url.PathEscape(id), "text/html", nil, func(body io.Reader) error {
		_, err := io.Copy(begin(), io.LimitReader(body, maxPage))
		return err
	})
}

func (c *Client) json(ctx context.Context, method, path string, body, target any) error {
	return c.ask(ctx, method, path, "application/json", body, func(answer io.Reader) error {
		text, err := io.ReadAll(io.LimitReader(answer, maxJSON+1))
		switch {
		case err != nil:
			return err
		case len(text) > maxJSON:
			return &Fault{Kind: Nonsense, Err: fmt.Errorf("the answer has more than %d bytes", maxJSON)}
		}
		if err := json.Unmarshal(text, target); err != nil {
			return &Fault{Kind: Nonsense, Err: err}
		}
		return nil
	})
}

func (c *Client) ask(ctx context.Context, method, path, accept string, body any, read func(io.Reader) error) error {
	if c.base == nil {
		return &Fault{Kind: NotConfigured}
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, content)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Accept", accept)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if !c.token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	res, err := c.client.Do(r)
	if err != nil {
		return unanswered(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return refused(res)
	}
	err = read(res.Body)
	var fault *Fault
	if err == nil || errors.As(err, &fault) {
		return err
	}
	return unanswered(ctx, err)
}
