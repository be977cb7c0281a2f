package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

// faultsOf decodes a section into any and returns what a person sees.
func faultsOf(t *testing.T, dir, path string, environ ...string) string {
	t.Helper()
	var value any
	return message(load(t, config.Options{Dir: dir, Environ: environ}).Decode(path, &value), dir)
}

func TestVariablesAreSubstituted(t *testing.T) {
	t.Parallel()
	environ := []string{"HOST=db", "PORT=5432", "EMPTY=", "SPACE=  x \n", "DOLLAR=${HOST}"}
	for text, want := range map[string]string{
		"${HOST}":              `"db"`,
		"${PORT}":              `"5432"`, // always text
		"${ HOST }":            `"db"`,
		"${SPACE}":             `"x"`,
		"${EMPTY}":             `""`,
		"a${EMPTY}b":           `"ab"`,
		"${NONE:-else}":        `"else"`,
		"${EMPTY:-else}":       `"else"`,
		"${HOST:-else}":        `"db"`,
		"${NONE:- x y }":       `"x y"`,
		"${HOST}:${PORT}":      `"db:5432"`,
		"http://${HOST}/":      `"http://db/"`,
		"$${HOST}":             `"${HOST}"`,
		"$${HOST}-${HOST}":     `"${HOST}-db"`,
		"$HOST":                `"$HOST"`,
		"${HOST":               `"${HOST"`,
		"${DOLLAR}":            `"${HOST}"`, // not substituted again
		"${NONE:-a:-b}":        `"a:-b"`,
		"${NONE:-http://x:80}": `"http://x:80"`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			equalJSON(t, loadText(t, "v: '"+text+"'\n", environ...).At("v"), want)
		})
	}
}

func TestAnEmptyDefaultRemovesTheValue(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml":       "a: {b: below, c: 1}\nlist: [x, '${NONE:-}', y]\n",
		"app-config.local.yaml": "a: {b: 'text ${NONE:-}'}\n",
	})
	equalJSON(t, load(t, config.Options{Dir: dir}).Root(), `{"a":{"b":"below","c":1},"list":["x","y"]}`)
}

func TestAnUnsetVariableIsAFaultWhereItIsRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": `read:
  host: ${DB_HOST}
  list:
    - a
    - url: http://${A}:${B:-1}:${C}/${}
  env: {$env: TOKEN}
unread:
  token: ${GITHUB_TOKEN}
`})
	want := `app-config.yaml:2:9: read.host: the environment variable DB_HOST is not set; set it, or give a default: ${DB_HOST:-default}
app-config.yaml:5:12: read.list[1].url: ${} does not name a variable
app-config.yaml:5:12: read.list[1].url: the environment variable A is not set; set it, or give a default: ${A:-default}
app-config.yaml:5:12: read.list[1].url: the environment variable C is not set; set it, or give a default: ${C:-default}
app-config.yaml:6:15: read.env: the environment variable TOKEN is not set`
	if got := faultsOf(t, dir, "read"); got != want {
		t.Errorf("got:\n%s", got)
	}
	if got := faultsOf(t, dir, "read.host.deeper"); got != strings.Split(want, "\n")[0] {
		t.Errorf("below a broken value: %s", got)
	}
	if got := faultsOf(t, dir, "other"); got != "" {
		t.Errorf("nobody reads it, and yet: %s", got)
	}
	// A higher layer may give the value.
	write(t, filepath.Join(dir, "app-config.local.yaml"), "read: {host: db, list: [], env: x}")
	if got := faultsOf(t, dir, "read"); got != "" {
		t.Errorf("overridden, and yet: %s", got)
	}
}

func TestFilesAndIncludes(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml": `
secret: {$file: 'secrets/${NAME}.txt'}
env: {$env: NAME}
whole: {$include: conf/part.yaml}
inner: {$include: 'conf/part.yaml#a.b'}
text: {$include: 'conf/part.yaml#text'}
json: {$include: conf/part.json}
list: [1, {$include: 'conf/part.yaml#list'}]
merged: {$include: conf/part.yaml#a}
empty: {$include: conf/empty.yaml}
`,
		"app-config.local.yaml": "merged: {more: 1}\n",
		"secrets/key.txt":       "  line 1\nline 2 ${NAME}\n\n",
		"conf/part.yaml":        "a: {b: {c: '${NAME}'}}\ntext: ${NAME}!\nlist: [x]\nnext: {$include: ../deep/next.yml#up}\n",
		"conf/part.json":        "{\"k\": \"\\ud83d\\ude00 ${NAME}\"}",
		"conf/empty.yaml":       "# nothing\n",
		"deep/next.yml":         "up: {$file: next.txt}\n",
		"deep/next.txt":         "deep",
	})
	snapshot := load(t, config.Options{Dir: dir, Environ: []string{"NAME=key"}})
	equalJSON(t, snapshot.Root(), `{"env":"key","inner":{"c":"key"},"json":{"k":"😀 key"},"list":[1,["x"]],"merged":{"b":{"c":"key"},"more":1},`+
		`"secret":"  line 1\nline 2 ${NAME}","text":"key!","whole":{"a":{"b":{"c":"key"}},"list":["x"],"next":"deep","text":"key!"}}`)
}

func TestIncludesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value string
		want  string
	}{
		"missing file":      {"{$file: none.txt}", "app-config.yaml:1:12: v: $file: none.txt: there is no such file"},
		"folder":            {"{$file: sub}", "app-config.yaml:1:12: v: $file: sub: this is a folder, not a file"},
		"binary":            {"{$file: binary}", "app-config.yaml:1:12: v: $file: binary: this is a binary file (line 1 holds a NUL byte)"},
		"missing include":   {"{$include: none.yaml}", "app-config.yaml:1:15: v: $include: none.yaml: there is no such file"},
		"unknown extension": {"{$include: none.txt}", "app-config.yaml:1:15: v: $include: none.txt: only .yaml, .yml and .json can be included; $file takes any file as text"},
		"missing key":       {"{$include: 'good.yaml#a.x'}", "app-config.yaml:1:15: v: $include: good.yaml has no key a.x"},
		"key of a text":     {"{$include: 'good.yaml#a.b.c'}", "app-config.yaml:1:15: v: $include: good.yaml has no key a.b.c"},
		"malformed":         {"{$include: bad.yaml}", `bad.yaml:2:5: v: not valid YAML: a ":" is not expected here; check the indentation, or put the text in quotes`},
		"two keys":          {"{x: 1, $file: good.yaml}", "app-config.yaml:1:11: v: $file replaces the whole object, so no other key may stand beside it"},
		"not text":          {"{$env: [A]}", "app-config.yaml:1:11: v: $env expects text but found a list"},
		"unset in path":     {"{$file: '${NONE}.txt'}", "app-config.yaml:1:12: v: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}"},
		"empty":             {"{$env: '${NONE:-}'}", "app-config.yaml:1:11: v: $env has an empty value"},
		"circle of one":     {"{$include: app-config.yaml}", "app-config.yaml:1:15: v: $include: app-config.yaml leads back to itself: app-config.yaml → app-config.yaml"},
		"circle of keys":    {"{$include: 'app-config.yaml#v'}", "app-config.yaml:1:15: v: $include: app-config.yaml#v leads back to itself: app-config.yaml#v → app-config.yaml#v"},
		"circle of files":   {"{$include: a.yaml}", "b.yaml:1:15: v.x.y: $include: a.yaml leads back to itself: a.yaml → b.yaml → a.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{
				"app-config.yaml": "v: " + c.value + "\n", "good.yaml": "a: {b: c}\n", "bad.yaml": "a: 1\nb: c: d\n", "sub/x": "", "binary": "\x00",
				"a.yaml": "x: {$include: b.yaml}\n", "b.yaml": "y: {$include: 'a.yaml'}\n",
			})
			if got := faultsOf(t, dir, "v"); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestIncludesAreBounded(t *testing.T) {
	t.Parallel()
	long, wide := files{"app-config.yaml": "v: {$include: f0.yaml}"}, files{"app-config.yaml": "v: {$include: f0.yaml}"}
	for i := range 40 {
		long[fmt.Sprintf("f%d.yaml", i)] = fmt.Sprintf("x: {$include: f%d.yaml}", i+1)
	}
	for i := range 20 {
		include := fmt.Sprintf("{$include: f%d.yaml}", i+1)
		wide[fmt.Sprintf("f%d.yaml", i)] = "x: [" + strings.Repeat(include+", ", 9) + include + "]"
	}
	wide["f20.yaml"] = "x: 1"
	if got := faultsOf(t, folder(t, long), "v"); !strings.HasSuffix(got, "$include: more than 32 files include one another in a row") {
		t.Errorf("in a row: %s", got)
	}
	if got := faultsOf(t, folder(t, wide), "v"); !strings.HasSuffix(got, "includes add more than 200000 values") {
		t.Errorf("multiplied: %.2000s", got)
	}
}

func TestAFailedIncludeIsNotHiddenByAHigherLayer(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml":       "backend: {$include: none.yaml}\n",
		"app-config.local.yaml": "backend: {database: {client: pg}}\n",
	})
	const fault = "app-config.yaml:1:21: backend: $include: none.yaml: there is no such file"
	for path, want := range map[string]string{"backend": fault, "backend.database": fault, "backend.database.client": "", "backend.cache": fault} {
		if got := faultsOf(t, dir, path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestEmbeddedDefaultsCannotReachOutside(t *testing.T) {
	t.Parallel()
	defaults := fstest.MapFS{"app-config.yaml": {Data: []byte("a: {$file: ../secret}\nb: {$file: /etc/hostname}\n")}}
	dir := t.TempDir()
	var value any
	err := load(t, config.Options{Dir: dir, Defaults: defaults}).Decode("", &value)
	want := `embedded:app-config.yaml:1:12: a: $file: ../secret is outside the defaults that are built into this program
embedded:app-config.yaml:2:12: b: $file: /etc/hostname is outside the defaults that are built into this program`
	if got := message(err, dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}
