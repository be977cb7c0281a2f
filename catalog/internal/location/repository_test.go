package location_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	const gh, gl, bb, az = catalogcommon.AnnotationGitHubProject, catalogcommon.AnnotationGitLabProject, catalogcommon.AnnotationBitbucketProject, catalogcommon.AnnotationAzureProject
	for address, want := range map[string][3]string{ // owner, name, annotation; nothing if it is refused
		"https://github.com/acme/shop":                                        {"acme", "shop", gh},
		"https://GitHub.com/acme/shop.git":                                    {"acme", "shop", gh},
		"https://me:hunter2@github.com/acme/shop/":                            {"acme", "shop", gh},
		"https://github.com/acme/shop/blob/main/a/catalog-info.yaml":          {"acme", "shop", gh},
		"https://github.com/acme/shop/pull/7":                                 {"acme", "shop", gh},
		"git@github.com:acme/shop.git":                                        {"acme", "shop", gh},
		"ssh://git@github.com:22/acme/shop.git":                               {"acme", "shop", gh},
		" https://ghe.example.com/acme/My%20Repo_ ":                           {"acme", "My Repo_", gh},
		"git@GHE.example.com:acme/shop":                                       {"acme", "shop", gh},
		"https://gitlab.com/group/sub/project":                                {"group/sub", "project", gl},
		"https://gitlab.com/group/sub/project/-/tree/main/x":                  {"group/sub", "project", gl},
		"https://gitlab.com/group/project/blob/main/x.yaml":                   {"group", "project", gl},
		"https://gitlab.example.com:8443/g/p.git":                             {"g", "p", gl},
		"git@gitlab.com:group/sub/project.git":                                {"group/sub", "project", gl},
		"https://bitbucket.org/acme/shop/src/main/":                           {"acme", "shop", bb},
		"https://dev.azure.com/org/proj/_git/repo?path=/x.yaml":               {"proj", "repo", az},
		"https://org@dev.azure.com/org/proj/_git/repo":                        {"proj", "repo", az},
		"https://dev.azure.com/org/_git/repo":                                 {"repo", "repo", az},
		"git@ssh.dev.azure.com:v3/org/proj/repo":                              {"proj", "repo", az},
		"https://git.example.com/acme/shop":                                   {"acme", "shop", ""},
		"https://git.example.com/acme/shop/src/branch/main/catalog-info.yaml": {"acme", "shop", ""},
		"https://git.example.com/shop.git":                                    {"", "shop", ""},
		"https://github.com/acme":                                             {},
		"https://github.com/":                                                 {},
		"https://git.example.com":                                             {},
		"https://git.example.com/.git":                                        {},
		"https://github.com/../acme/shop":                                     {},
		"https://github.com/acme/%2e%2e":                                      {},
		"nonsense":                                                            {},
		"":                                                                    {},
		"file:/etc/passwd":                                                    {},
		"javascript:alert(1)":                                                 {},
		"ftp://github.com/acme/shop":                                          {},
		"https://[::1":                                                        {},
	} {
		r, err := hosts().Repository(address)
		if diff := cmp.Diff(want, [3]string{r.Owner, r.Name, r.Slug}); diff != "" || (err == nil) != (want[1] != "") {
			t.Errorf("%s: %v (-want +got):\n%s", address, err, diff)
		}
	}
}

func FuzzRepository(f *testing.F) {
	for _, address := range []string{"https://github.com/a/b", "git@gitlab.com:a/b/c.git", "https://dev.azure.com/a/b/_git/c", "git@ssh.dev.azure.com:v3/a/b/c", "https://x/_git/", "https://x/%2fa/.git/_git", "//x"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if r, err := hosts().Repository(address); err == nil && r.Name == "" {
			t.Errorf("%q has no name", address)
		}
	})
}

// TestFind looks for descriptors in repositories of either kind of host.
func TestFind(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	answer := func(path, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "token gh" && r.Header.Get("PRIVATE-TOKEN") != "gl" {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			_, _ = fmt.Fprint(w, text)
		})
	}
	answer("/gh/repos/acme/shop", `{"default_branch": "trunk"}`)
	answer("/gh/repos/acme/empty", `{"default_branch": null}`)
	const tree = `[{"path": "a/b/c.yaml", "type": "blob"}, {"path": "c.yaml", "type": "blob"}, {"path": "xc.yaml", "type": "blob"}, {"path": "z/c.yaml", "type": "blob"}, {"path": "a/c.yaml", "type": "blob"}, {"path": "d/c.yaml", "type": "tree"}]`
	answer("/gh/repos/acme/shop/git/trees/trunk", `{"sha": "s", "tree": `+tree+`}`)
	answer("/gh/repos/acme/shop/git/trees/v1", `{"sha": "s", "tree": [{"path": "old/c.yaml", "type": "blob"}]}`)
	answer("/gh/repos/acme/huge", `{"default_branch": "main"}`)
	answer("/gh/repos/acme/huge/git/trees/main", `{"sha": "s", "truncated": true, "tree": []}`)
	answer("/gh/repos/acme/shop/contents/", "text")
	answer("/gl/projects/g%2Fsub%2Fp", `{"default_branch": "feature/x"}`)
	answer("/gl/projects/g%2Fsub%2Fp/repository/tree", tree)
	answer("/gl/projects/g%2Fsub%2Fp/repository/files/", "text")
	mux.HandleFunc("/gh/repos/acme/shop/contents/z/", http.NotFound)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	reader := location.NewURLs(location.URLConfig{Hosts: location.Hosts{
		GitHub: []location.Host{{Host: "ghe.example.com", APIBaseURL: server.URL + "/gh", Token: pluginapi.NewSecret("gh")}, {Host: "raw.example.com", RawBaseURL: server.URL}},
		GitLab: []location.Host{{Host: "gitlab.example.com", APIBaseURL: server.URL + "/gl", Token: pluginapi.NewSecret("gl")}},
	}})
	t.Cleanup(reader.Close)
	const gh, gl = "https://ghe.example.com/acme/shop", "https://gitlab.example.com/g/sub/p"
	for _, test := range []struct {
		address, name string
		most          int
		want          []string // with a ! before what cannot be read
	}{
		{gh, "c.yaml", 10, []string{gh + "/blob/trunk/c.yaml", gh + "/blob/trunk/a/c.yaml", "!" + gh + "/blob/trunk/z/c.yaml", gh + "/blob/trunk/a/b/c.yaml"}},
		{gh, "c.yaml", 2, []string{gh + "/blob/trunk/c.yaml", gh + "/blob/trunk/a/c.yaml"}},
		{gh, "/b/c.yaml", 10, []string{gh + "/blob/trunk/a/b/c.yaml"}},
		{gh, "none.yaml", 10, nil},
		{"git@ghe.example.com:acme/shop.git", "xc.yaml", 10, []string{gh + "/blob/trunk/xc.yaml"}},
		{gh + "/tree/v1/somewhere", "c.yaml", 10, []string{gh + "/blob/v1/old/c.yaml"}},
		{gl, "c.yaml", 2, []string{gl + "/-/blob/feature%2Fx/c.yaml", gl + "/-/blob/feature%2Fx/a/c.yaml"}},
		{"https://ghe.example.com/acme/empty", "c.yaml", 10, nil},
		{"https://git.example.com/acme/shop", "c.yaml", 10, nil},
	} {
		repository, err := reader.Repository(test.address)
		if err != nil {
			t.Fatal(err)
		}
		files, err := reader.Find(t.Context(), repository, test.name, test.most)
		if err != nil {
			t.Errorf("%s in %s: %v", test.name, test.address, err)
		}
		var got []string
		for _, file := range files {
			if file.Err != nil {
				file.Target = "!" + file.Target
			}
			got = append(got, file.Target)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s in %s (-want +got):\n%s", test.name, test.address, diff)
		}
	}
	for address, missing := range map[string]bool{"https://ghe.example.com/acme/none": true, gh + "/tree/v2": true, "https://ghe.example.com/acme/huge": false, "https://raw.example.com/acme/shop": false} {
		repository, err := reader.Repository(address)
		if err != nil {
			t.Fatal(err)
		}
		if files, err := reader.Find(t.Context(), repository, "c.yaml", 1); err == nil || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("%s: %v, %v", address, files, err)
		}
	}
}
