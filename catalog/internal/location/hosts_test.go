package location_test

import (
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"

	"github.com/google/go-cmp/cmp"
)

func hosts() location.Hosts {
	return location.Hosts{GitHub: []location.Host{{Host: "ghe.example.com"}}, GitLab: []location.Host{{Host: "gitlab.example.com:8443"}}}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	const (
		gh = "https://github.com/acme/shop/blob/main/a/b/catalog-info.yaml"
		gl = "https://gitlab.com/acme/sub/shop/-/blob/main/a/catalog-info.yaml"
	)
	tests := []struct{ target, base, want string }{
		{"./x.yaml", gh, "https://github.com/acme/shop/tree/main/a/b/x.yaml"},
		{"x.yaml", gh, "https://github.com/acme/shop/tree/main/a/b/x.yaml"},
		{"../x.yaml", gh, "https://github.com/acme/shop/tree/main/a/x.yaml"},
		{"/x/y.yaml", gh, "https://github.com/acme/shop/tree/main/x/y.yaml"},
		{"./", gh, "https://github.com/acme/shop/tree/main/a/b/"},
		{"..", gh, "https://github.com/acme/shop/tree/main/a/"},
		{"./x.yaml", "https://ghe.example.com/acme/shop/raw/v1/c.yaml?token=1", "https://ghe.example.com/acme/shop/tree/v1/x.yaml?token=1"},
		{"https://github.com/acme/other/blob/main/x.yaml", gh, "https://github.com/acme/other/tree/main/x.yaml"},
		{"https://example.com/x?y#z", gh, "https://example.com/x?y#z"},
		{"./x.yaml", gl, "https://gitlab.com/acme/sub/shop/-/blob/main/a/x.yaml"},
		{"/x.yaml", gl, "https://gitlab.com/acme/sub/shop/-/blob/main/x.yaml"},
		{"../x.yaml", "https://gitlab.example.com:8443/g/p/blob/main/a/b.yaml", "https://gitlab.example.com:8443/g/p/blob/main/x.yaml"},
		{"./x.yaml", "https://example.com/a/b.yaml?v=1", "https://example.com/a/x.yaml?v=1"},
		{"/x.yaml", "https://example.com/a/b.yaml", "https://example.com/x.yaml"},
		{"../../../x.yaml", "https://example.com/a/b.yaml", "https://example.com/x.yaml"},
		{"../../../x.yaml", gh, "!leads out of the repository"},
		{"%2e%2e/%2e%2e/%2e%2e/x", gh, "!leads out of the repository"},
		{`..\..\..\x`, gh, "!leads out of the repository"},
		{"x.yaml", "not a url", "!no URL"},
		{"./a b.yaml", gh, "https://github.com/acme/shop/tree/main/a/b/a%20b.yaml"},
	}
	for _, tt := range tests {
		got, err := hosts().Resolve(tt.target, tt.base)
		if want, isError := strings.CutPrefix(tt.want, "!"); isError {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s in %s: %q, %v; want an error with %q", tt.target, tt.base, got, err, want)
			}
		} else if err != nil || got != tt.want {
			t.Errorf("%s in %s: %q, %v; want %q", tt.target, tt.base, got, err, tt.want)
		}
	}
}

func TestSameRepository(t *testing.T) {
	t.Parallel()
	const gh = "https://github.com/acme/shop/blob/main/a"
	for other, want := range map[string][2]bool{
		"https://github.com/ACME/shop/tree/v2/b": {true, true}, "https://github.com/acme/other/blob/main/a": {true, false}, "https://gitlab.com/acme/shop/-/blob/main/a": {true, false},
		"https://example.com/acme/shop/blob/main/a": {false, false}, "https://github.com/acme": {false, false}, "https://github.com/acme/shop/blob/main/../../../other/x": {false, false},
	} {
		if both, same := hosts().SameRepository(gh, other); both != want[0] || same != want[1] {
			t.Errorf("%s: %v, %v; want %v", other, both, same, want)
		}
	}
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from string
		want map[string]string
	}{
		{"url:https://github.com/acme/shop/blob/main/a/catalog-info.yaml", map[string]string{
			catalogcommon.AnnotationViewURL:        "https://github.com/acme/shop/blob/main/a/catalog-info.yaml",
			catalogcommon.AnnotationEditURL:        "https://github.com/acme/shop/edit/main/a/catalog-info.yaml",
			catalogcommon.AnnotationSourceLocation: "url:https://github.com/acme/shop/tree/main/a/",
		}},
		{"url:https://gitlab.com/g/s/p/-/blob/main/catalog-info.yaml", map[string]string{
			catalogcommon.AnnotationViewURL:        "https://gitlab.com/g/s/p/-/blob/main/catalog-info.yaml",
			catalogcommon.AnnotationEditURL:        "https://gitlab.com/g/s/p/-/edit/main/catalog-info.yaml",
			catalogcommon.AnnotationSourceLocation: "url:https://gitlab.com/g/s/p/-/blob/main/",
		}},
		{"url:https://github.com/acme/shop/blob/0123456789012345678901234567890123456789/c.yaml", map[string]string{
			catalogcommon.AnnotationViewURL:        "https://github.com/acme/shop/blob/0123456789012345678901234567890123456789/c.yaml",
			catalogcommon.AnnotationSourceLocation: "url:https://github.com/acme/shop/tree/0123456789012345678901234567890123456789/",
		}},
		{"url:https://example.com/a/c.yaml", map[string]string{
			catalogcommon.AnnotationViewURL: "https://example.com/a/c.yaml", catalogcommon.AnnotationSourceLocation: "url:https://example.com/a/",
		}},
		{"file:/a/b.yaml", nil},
	}
	for _, tt := range tests {
		kind, target, _ := strings.Cut(tt.from, ":")
		if diff := cmp.Diff(tt.want, hosts().Annotations(catalogcommon.LocationRef{Type: kind, Target: target})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.from, diff)
		}
	}
}
