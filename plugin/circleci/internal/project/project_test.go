package project_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, v2, v1, says, web string }{
		{"gh/acme/shop", "gh/acme/shop", "github/acme/shop", "acme/shop", "https://w/pipelines/github/acme/shop"},
		{"github/acme/shop", "gh/acme/shop", "github/acme/shop", "acme/shop", "https://w/pipelines/github/acme/shop"},
		{" GitHub/Acme/shop.js/ ", "gh/Acme/shop.js", "github/Acme/shop.js", "Acme/shop.js", "https://w/pipelines/github/Acme/shop.js"},
		{"bb/acme/shop", "bb/acme/shop", "bitbucket/acme/shop", "acme/shop", "https://w/pipelines/bitbucket/acme/shop"},
		{"bitbucket/acme/shop", "bb/acme/shop", "bitbucket/acme/shop", "acme/shop", "https://w/pipelines/bitbucket/acme/shop"},
		{"circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP", "circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP", "circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP",
			"circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP", "https://w/pipelines/circleci/BvV3NeJ7vtWW9UHXraZR4R/FaKTY4NeSUknzeMwS3SSmP"},
	} {
		slug, err := project.Parse(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if slug.V2() != test.v2 || slug.V1() != test.v1 || slug.String() != test.says || slug.Web("https://w") != test.web {
			t.Errorf("%q: %q %q %q %q", test.text, slug.V2(), slug.V1(), slug, slug.Web("https://w"))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                              "three parts",
		"acme/shop":                     "three parts",
		"gh/acme/shop/extra":            "three parts",
		"gh//shop":                      "three parts",
		"https://github.com/acme":       "three parts",
		"gitlab/acme/shop":              "circleci",
		"gh/../shop":                    "not a name",
		"gh/acme/shop?circle-token=x":   "not a name",
		"gh/acme/sh op":                 "not a name",
		"gh/acme%2f..%2f/shop":          "not a name",
		"circleci/abc/\x00":             "not a name",
		"gh/acme\\shop/x":               "not a name",
		"ghe/acme/shop":                 `"ghe"`,
		"gh/acme/shop#fragment":         "not a name",
		"gh/user:password@acme/shop":    "not a name",
		"gh/acme/shop\nCircle-Token: x": "not a name",
	} {
		if slug, err := project.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q became %q, %v; want an error that says %q", text, slug.V2(), err, says)
		}
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	slug := func(text string) project.Slug {
		s, err := project.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if !slug("github/Acme/Shop").Is("gh/acme/shop") || slug("gh/acme/shop").Is("bb/acme/shop") || slug("gh/acme/shop").Is("nonsense") {
		t.Error("slugs of repositories")
	}
	if !slug("circleci/aB/c").Is("circleci/aB/c") || slug("circleci/aB/c").Is("circleci/AB/c") {
		t.Error("slugs of ids")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"gh/acme/shop", "circleci/a/b", "bitbucket/x/y/", " / / ", "gh/%2e/x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		slug, err := project.Parse(text)
		if err != nil {
			return
		}
		again, err := project.Parse(slug.V2())
		if err != nil || again != slug || !slug.Is(slug.V1()) || strings.ContainsAny(slug.V2(), "?#% \n") || strings.Contains(slug.V2(), "..//") {
			t.Errorf("%q became %q, %q, %v", text, slug.V2(), again.V2(), err)
		}
	})
}
