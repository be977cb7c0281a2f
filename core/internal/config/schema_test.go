package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

type backend struct {
	BaseURL string `yaml:"baseUrl"`
	Auth    struct {
		Open bool `yaml:"open"`
	} `yaml:"auth"`
}

type store struct {
	Client string `yaml:"client"`
	Plugin map[string]struct {
		Client string `yaml:"client"`
	} `yaml:"plugin"`
}

type count struct {
	Count int `yaml:"count"`
}

func portal() config.Schema {
	return config.Schema{
		Sections: []config.Section{
			{Path: "backend", Owner: "core", New: func() any { return &backend{BaseURL: "http://localhost:7007"} }},
			{Path: "backend.database", Owner: "database", New: func() any { return &store{Client: "sqlite"} }},
			{Path: "backend.auth.guest", Owner: "plugin guest", New: func() any { return &count{} }},
			{Path: "only.nested.deep", Owner: "plugin deep", New: func() any { return &count{Count: 7} }},
			{Path: "hello", Owner: "plugin hello", New: func() any { return &count{} }},
			{Path: "flag", Owner: "core", New: func() any { return new(bool) }},
		},
		Inert: []config.Inert{
			{Path: "backend.cors", Why: "one origin"},
			{Path: "backend.database.plugin.*.pool", Why: "one pool"},
			{Path: "old", Why: "long gone"},
		},
	}
}

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": `app:
  title: unread ${NONE}
backend:
  baseUrl: 5
  databse: {client: pg}
  cors: {origin: '${NONE}', anything: [1]}
  database:
    cleint: pg
    plugin: {catalog: {pool: {max: 1}, client: pg, other: 1}}
  auth: {guest: {count: x}, opne: true}
only:
  nested: {deep: {count: 1}, depe: 1}
  other: 1
old: {x: 1}
helo: {count: 1}
flag: yes
scaffolder:
`})
	report := portal().Check(load(t, config.Options{Dir: dir}))
	wantFaults := `app-config.yaml:4:12: backend.baseUrl: expected text but found the number 5; put it in quotes: "5"
app-config.yaml:5:3: backend.databse: unknown key; did you mean "database"?
app-config.yaml:8:5: backend.database.cleint: unknown key; did you mean "client"?
app-config.yaml:9:52: backend.database.plugin.catalog.other: unknown key; the only one known here is client
app-config.yaml:10:25: backend.auth.guest.count: expected a whole number but found the text "x"
app-config.yaml:10:29: backend.auth.opne: unknown key; did you mean "open"?
app-config.yaml:12:30: only.nested.depe: unknown key; did you mean "deep"?
app-config.yaml:13:3: only.other: unknown key; the only one known here is nested`
	if got := message(report.Err(), dir); got != wantFaults {
		t.Errorf("faults:\n%s", got)
	}
	wantWarnings := `app-config.yaml:1:1: app: nothing in this portal reads this section
app-config.yaml:15:1: helo: nothing in this portal reads this section; did you mean "hello"?`
	if got := message(report.Warnings, dir); got != wantWarnings {
		t.Errorf("warnings:\n%s", got)
	}
	wantNotice := "these keys have no effect in this portal: backend.cors (one origin), backend.database.plugin.catalog.pool (one pool), old (long gone)"
	if got := report.Notice(); got != wantNotice {
		t.Errorf("notice: %s", got)
	}
}

func TestCheckDecodesEverySection(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, "backend: {auth: {open: true, guest: {count: 2}}, database: {plugin: {a: {client: pg}}}}\nflag: on\n")
	report := portal().Check(snapshot)
	if err := report.Err(); err != nil || report.Notice() != "" || len(report.Warnings) != 0 {
		t.Fatal(err, report.Notice(), report.Warnings)
	}
	wantBackend := &backend{BaseURL: "http://localhost:7007"}
	wantBackend.Auth.Open = true
	yes := true
	want := map[string]any{
		"backend": wantBackend,
		"backend.database": &store{Client: "sqlite", Plugin: map[string]struct {
			Client string `yaml:"client"`
		}{"a": {"pg"}}},
		"backend.auth.guest": &count{2},
		"only.nested.deep":   &count{7},
		"hello":              &count{},
		"flag":               &yes,
	}
	if diff := cmp.Diff(want, report.Values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASectionHasOneOwner(t *testing.T) {
	t.Parallel()
	schema := config.Schema{Sections: []config.Section{
		{Path: "a", Owner: "plugin one", New: func() any { return &count{} }},
		{Path: "a", Owner: "plugin two", New: func() any { return count{} }},
	}}
	want := "a: both plugin one and plugin two own this section\na: plugin two keeps its configuration in a config_test.count, which is not a pointer"
	if got := message(schema.Check(loadText(t, "")).Err(), ""); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestAnOwnedSectionWithTheWrongShape(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "backend: text\nonly: [1]\nhello: {$include: none.yaml}\n"})
	want := `app-config.yaml:1:10: backend: expected an object but found the text "text"
app-config.yaml:2:7: only: expected an object but found a list
app-config.yaml:3:19: hello: $include: none.yaml: there is no such file`
	if got := message(portal().Check(load(t, config.Options{Dir: dir})).Err(), dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestAnIncludeOfTheWholeFileThatFails(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "$include: none.yaml\n", "app-config.local.yaml": "hello: {count: 1}\n"})
	want := `app-config.yaml:1:11: $include: none.yaml: there is no such file`
	if got := message(portal().Check(load(t, config.Options{Dir: dir})).Err(), dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}
