package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// maxRedirects is how many are followed.
const maxRedirects = 5

// location returns the Location to answer with: on this proxy where the target means itself, and none where it means another place, which may be one that only this side of the proxy knows.
// Where Location is among the headers to pass it is left as it is.
func (e *endpoint) location(p place, res *http.Response) string {
	text := res.Header.Get("Location")
	if text == "" || slices.Contains(e.answerNames, "Location") {
		return ""
	}
	to, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if res.Request != nil {
		to = res.Request.URL.ResolveReference(to)
	}
	base := strings.TrimSuffix(e.url.EscapedPath(), "/")
	rest, below := strings.CutPrefix(to.EscapedPath(), base)
	if !sameHost(e.url, to) || !below || rest != "" && rest[0] != '/' || e.rewrites != nil || checkPath(rest) != nil {
		return ""
	}
	back := p.prefix + e.path + rest
	if to.RawQuery != "" {
		back += "?" + to.RawQuery
	}
	if to.Fragment != "" {
		back += "#" + to.EscapedFragment()
	}
	return back
}

// sameHost reports whether a URL is on the same server as the target: nothing else may get what is sent to it.
func sameHost(target, to *url.URL) bool {
	return target.Scheme == to.Scheme && strings.EqualFold(withPort(target), withPort(to)) && to.User == nil
}

func withPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return u.Hostname() + ":443"
	}
	return u.Hostname() + ":80"
}

// follow follows redirects of requests that only read, on the target's own host.
func (e *endpoint) follow(w http.ResponseWriter, out *http.Request, res *http.Response) (*http.Response, error) {
	for range maxRedirects {
		switch res.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return res, nil
		}
		text := res.Header.Get("Location")
		if text == "" || out.Method != http.MethodGet && out.Method != http.MethodHead {
			return res, nil
		}
		_ = res.Body.Close()
		to, err := out.URL.Parse(text)
		if err != nil {
			return nil, e.badRedirect("nowhere", err)
		}
		if !sameHost(e.url, to) {
			return nil, e.badRedirect("another host", fmt.Errorf("redirected to %s", to.Redacted()))
		}
		if err := checkPath(to.EscapedPath()); err != nil {
			return nil, e.badRedirect("nowhere", err)
		}
		next := out.Clone(out.Context())
		next.URL = to
		out = next
		if res, err = e.send(w, out); err != nil {
			return nil, err
		}
	}
	_ = res.Body.Close()
	return nil, e.badRedirect("one place after the other", nil)
}

func (e *endpoint) badRedirect(where string, cause error) error {
	return &pluginapi.Error{Status: http.StatusBadGateway, Name: "TargetRedirectError", Message: fmt.Sprintf("the target of proxy endpoint %s redirects to %s", e.path, where), Cause: cause}
}
