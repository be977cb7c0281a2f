package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

type account struct {
	Host  string           `yaml:"host" visibility:"frontend"`
	Token pluginapi.Secret `yaml:"token" visibility:"frontend"`
	Paths []string         `yaml:"paths"`
}

// Validate wants a name.
func (a account) Validate() error {
	if a.Host == "" {
		return errMissingHost
	}
	return nil
}

const errMissingHost = fixed("host is missing")

type fixed string

func (f fixed) Error() string { return string(f) }

// github and gitlab are what two plugins read of one section.
type github struct {
	GitHub []account `yaml:"github"`
}

type gitlab struct {
	GitLab []account `yaml:"gitlab"`
	GitHub any       `yaml:"github"`
}

type reading struct {
	Allow []account `yaml:"allow"`
}

func sharing(github *github, gitlab *gitlab, reading *reading) config.Schema {
	shared := func(path, owner string, target any) config.Section {
		return config.Section{Path: path, Owner: owner, Shared: true, New: func() any { return target }}
	}
	return config.Schema{
		Sections: []config.Section{
			{Path: "backend", Owner: "core", New: func() any { return &backend{} }},
			shared("integrations", "plugin one", github), shared("integrations", "plugin two", gitlab), shared("backend.reading", "plugin one", reading), shared("deep.only", "plugin one", &count{}),
		},
		Inert: []config.Inert{{Path: "integrations.azure", Why: "nobody reads it"}, {Path: "backend.reading", Why: "nobody reads it"}, {Path: "integrations.github", Why: "nobody reads it"}},
	}
}

func TestSharedSections(t *testing.T) {
	t.Parallel()
	var one github
	var two gitlab
	var three reading
	dir := folder(t, files{"app-config.yaml": `integrations:
  github:
    - host: github.com
      token: ${GITHUB_TOKEN}
      paths: ['${NONE}', 'x${NONE}', z]
      apps: [{appId: 1}]
    - {host: ghe.example.com, token: '${SET}', hosts: 1}
  gitlab: [{host: gitlab.com, tokn: '${NONE}'}]
  azure: [{token: '${NONE}'}]
  gitea: [{token: '${NONE}'}]
  gitlb: []
backend:
  reading: {allow: [{host: example.com}], alow: [], other: 1}
deep: {only: {count: 1}, onyl: {count: 2}, more: {}, none: }
`})
	report := sharing(&one, &two, &three).Check(load(t, config.Options{Dir: dir, Environ: []string{"SET=hunter2"}}))
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if got := one.GitHub; len(got) != 2 || got[0].Host != "github.com" || !got[0].Token.IsZero() || cmp.Diff([]string{"z"}, got[0].Paths) != "" || got[1].Token.Reveal() != "hunter2" {
		t.Errorf("one reads %+v", got)
	}
	if got := two.GitLab; len(got) != 1 || got[0].Host != "gitlab.com" || three.Allow[0].Host != "example.com" {
		t.Errorf("two reads %+v, three %+v", got, three)
	}
	want := `app-config.yaml:4:14: integrations.github[0].token: the environment variable GITHUB_TOKEN is not set; set it, or give a default: ${GITHUB_TOKEN:-default}; the value is left out
app-config.yaml:5:15: integrations.github[0].paths[0]: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}; the value is left out
app-config.yaml:5:26: integrations.github[0].paths[1]: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}; the value is left out
app-config.yaml:8:31: integrations.gitlab[0].tokn: unknown key; did you mean "token"?
app-config.yaml:11:3: integrations.gitlb: unknown key; did you mean "gitlab"?
app-config.yaml:13:43: backend.reading.alow: unknown key; did you mean "allow"?
app-config.yaml:14:26: deep.onyl: nothing in this portal reads this section; did you mean "only"?
app-config.yaml:14:44: deep.more: nothing in this portal reads this section`
	// "apps" and "hosts" are no slips: plugin two reads GitHub's accounts as a whole.
	if diff := cmp.Diff(want, message(report.Warnings, dir)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got := report.Notice(); got != "these keys have no effect in this portal: integrations.azure (nobody reads it)" {
		t.Errorf("notice: %s", got)
	}
	if diff := cmp.Diff(map[string][]string{"integrations": {"plugin one", "plugin two"}, "backend.reading": {"plugin one"}, "deep.only": {"plugin one"}}, report.Readers); diff != "" {
		t.Errorf("readers (-want +got):\n%s", diff)
	}
	if frontend, err := report.Frontend(); err != nil || string(frontend) != "{}" {
		t.Errorf("the browser sees %s, %v", frontend, err)
	}
}

func TestFaultsInSharedSections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"wrong type":     {"integrations: {github: [{host: 3}]}", `app-config.yaml:1:32: integrations.github[0].host: expected text but found the number 3; put it in quotes: "3"`},
		"not an object":  {"integrations: [x]", "app-config.yaml:1:15: integrations: expected an object but found a list"},
		"a list is none": {"integrations: {github: {host: x}}", `app-config.yaml:1:24: integrations.github: expected a list but found an object; begin each item with "- "`},
		"validation, and what it may come from": {"integrations: {github: [{host: '${NONE}'}]}",
			"app-config.yaml:1:25: integrations.github[0]: host is missing\napp-config.yaml:1:32: integrations.github[0].host: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}"},
		"a file":            {"integrations: {github: [{host: {$file: none}}]}", "app-config.yaml:1:40: integrations.github[0].host: $file: none: there is no such file"},
		"around it":         {"backend: text", `app-config.yaml:1:10: backend: expected an object but found the text "text"`},
		"beside it":         {"backend: {readin: {}}", `app-config.yaml:1:11: backend.readin: unknown key; did you mean "reading"?`},
		"not read":          {"integrations: {azure: [{host: {$file: none}}]}", ""},
		"all left out":      {"integrations: '${NONE}'", ""},
		"nothing is there":  {"integrations:", ""},
		"a variable, empty": {"integrations: {github: ['${NONE}']}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{"app-config.yaml": test.text})
			schema := config.Schema{Sections: []config.Section{
				{Path: "backend", Owner: "core", New: func() any { return &backend{} }},
				{Path: "integrations", Owner: "plugin one", Shared: true, New: func() any { return &github{} }},
				{Path: "integrations", Owner: "plugin two", Shared: true, New: func() any { return &github{} }},
				{Path: "backend.reading", Owner: "plugin one", Shared: true, New: func() any { return &reading{} }},
			}}
			if got := message(schema.Check(load(t, config.Options{Dir: dir})).Err(), dir); got != test.want {
				t.Errorf("got:\n%s", got)
			}
		})
	}
}

func TestWhatOthersReadCannotBeShared(t *testing.T) {
	t.Parallel()
	type rest struct {
		Others map[string]any `yaml:",inline"`
	}
	own := func(path, owner string, target any) config.Section {
		return config.Section{Path: path, Owner: owner, New: func() any { return target }}
	}
	share := func(path, owner string, target any) config.Section {
		return config.Section{Path: path, Owner: owner, New: func() any { return target }, Shared: true}
	}
	for name, test := range map[string]struct {
		sections []config.Section
		want     string
	}{
		"the whole":          {[]config.Section{own("a", "plugin a", &count{}), share("a", "plugin b", &count{})}, "a: plugin a owns this section, so plugin b cannot share it"},
		"a key":              {[]config.Section{own("a", "plugin a", &count{}), share("a.count", "plugin b", new(int))}, "a.count: both plugin a, in its section a, and plugin b read this; a key has one owner, unless all who read it share it"},
		"within a map":       {[]config.Section{own("store", "core", &store{}), share("store.plugin.x.client", "plugin b", new(string))}, "store.plugin.x.client: both core, in its section store, and plugin b read this; a key has one owner, unless all who read it share it"},
		"by its owner":       {[]config.Section{own("a", "plugin a", &count{}), own("a.count", "plugin b", new(int))}, "a.count: both plugin a, in its section a, and plugin b read this; a key has one owner, unless all who read it share it"},
		"among all others":   {[]config.Section{own("a", "plugin a", &rest{}), share("a.b", "plugin b", &count{})}, "a.b: both plugin a, in its section a, and plugin b read this; a key has one owner, unless all who read it share it"},
		"around an own one":  {[]config.Section{share("a", "plugin a", &rest{}), own("a.b", "plugin b", &count{})}, "a.b: both plugin a, in its section a, and plugin b read this; a key has one owner, unless all who read it share it"},
		"a key nobody knows": {[]config.Section{own("a", "plugin a", &count{}), share("a.other", "plugin b", &count{}), share("a.other", "plugin c", &count{})}, ""},
		"nested, both":       {[]config.Section{share("a", "plugin a", &rest{}), share("a.b", "plugin b", &count{})}, ""},
		"handed over":        {[]config.Section{own("a", "plugin a", &rest{}), own("a.b", "plugin b", &count{})}, ""},
		"like another":       {[]config.Section{own("a", "plugin a", &count{}), share("ab", "plugin b", &count{})}, ""},
	} {
		if got := message((config.Schema{Sections: test.sections}).Check(loadText(t, "")).Err(), ""); got != test.want {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func TestSecretsOfSharedSectionsAreNotShown(t *testing.T) {
	t.Parallel()
	var one github
	snapshot := loadText(t, "integrations: {github: [{host: x, token: '${SET}', paths: '${SET}'}]}", "SET=hunter2")
	report := config.Schema{Sections: []config.Section{{Path: "integrations", Owner: "plugin one", Shared: true, New: func() any { return &one }}}}.Check(snapshot)
	if report.Err() == nil || one.GitHub[0].Token.Reveal() != "hunter2" {
		t.Fatalf("%v, %+v", report.Err(), one)
	}
	for _, text := range printed(report, report.Err(), snapshot, one) {
		if strings.Contains(text, "hunter2") {
			t.Errorf("shown: %s", text)
		}
	}
}
