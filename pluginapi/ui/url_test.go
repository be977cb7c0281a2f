package ui_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

func TestSafeURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/catalog?filter=kind:component": "/catalog?filter=kind:component", "?tab=a:b": "?tab=a:b", "#a:b": "#a:b", "a/b:c": "a/b:c", "../x": "../x", " /x ": "/x",
		"https://example.com": "https://example.com", "HTTP://example.com": "HTTP://example.com", "mailto:a@example.com": "mailto:a@example.com", "tel:+46123": "tel:+46123", "//example.com/x": "//example.com/x",
		"": "", " ": "", "https:": "", "javascript:alert(1)": "", "JAVASCRIPT:alert(1)": "", "java\nscript:alert(1)": "", "\x01javascript:alert(1)": "", "data:text/html,x": "", "vbscript:x": "", "blob:x": "", "file:///etc/passwd": "",
		"\u00a0javascript:alert(1)": "", "java\u200bscript:x": "", "view-source:x": "",
	} {
		got, ok := ui.SafeURL(raw)
		if got != want || ok != (want != "") {
			t.Errorf("SafeURL(%q) = %q, %v; want %q", raw, got, ok, want)
		}
	}
}

// FuzzSafeURL reads what is let through as browsers do, by dropping what they drop before they look for a scheme.
func FuzzSafeURL(f *testing.F) {
	for _, seed := range []string{"/x", "https://example.com", "javascript:alert(1)", "java\tscript:x", "\x00data:x", "//a", `\\a`, "mailto:x", "a:b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		address, ok := ui.SafeURL(raw)
		if !ok {
			if address != "" {
				t.Errorf("%q refused but returned as %q", raw, address)
			}
			return
		}
		seen := strings.TrimLeftFunc(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address), func(r rune) bool { return r <= ' ' })
		parsed, err := url.Parse(seen)
		if err != nil {
			return // not an address; browsers take it as a path of this site or not at all
		}
		switch strings.ToLower(parsed.Scheme) {
		case "", "http", "https", "mailto", "tel":
		default:
			t.Errorf("SafeURL(%q) lets %q through", raw, parsed.Scheme)
		}
	})
}
