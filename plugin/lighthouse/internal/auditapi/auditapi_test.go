package auditapi_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
)

func TestSite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://example.com/":            "https://example.com",
		"HTTPS://Example.COM:443":         "https://example.com",
		"http://example.com:80/":          "http://example.com",
		"http://example.com:8080/":        "http://example.com:8080",
		"https://example.com/#top":        "https://example.com",
		" https://example.com/shop/ ":     "https://example.com/shop/",
		"https://example.com/Shop?q=1#a":  "https://example.com/Shop?q=1",
		"https://example.com/?q=1":        "https://example.com/?q=1",
		"https://[::1]:443/":              "https://[::1]",
		"https://example.com/a%2Fb":       "https://example.com/a%2Fb",
		"not a url":                       "not a url",
		"":                                "",
		"https://example.com:443/%zz/bad": "https://example.com:443/%zz/bad",
	} {
		if got := auditapi.Site(text); got != want {
			t.Errorf("Site(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzSite(f *testing.F) {
	for _, text := range []string{"https://example.com/", "http://EXAMPLE.com:80/a?b#c", "https://[::1]:443", "//x", "%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := auditapi.Site(text)
		if twice := auditapi.Site(once); twice != once {
			t.Errorf("Site(%q) = %q, and of that %q", text, once, twice)
		}
	})
}
