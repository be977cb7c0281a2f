package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

func TestLayersMergeByBackstagesRules(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml":            "app:\n  title: base\n  list: [1, 2]\n  gone: {x: 1}\n  back: {x: 1}\n  deep: {a: 1, b: 1, c: 1, d: 1}\n",
		"app-config.prod.yaml":       "app:\n  deep: {b: 2, c: 2, d: 2}\n  list: [3]\n  back: null\n",
		"app-config.eu.yaml":         "app:\n  region: eu\n",
		"app-config.local.yaml":      "app:\n  deep: {c: 3, d: 3}\n  gone: null\n  back: {y: 1}\n  title: [was, text]\n",
		"app-config.prod.local.yaml": "app:\n  deep: {d: 4}\n",
		"app-config.other.yaml":      "app: {title: not asked for}\n",
	})
	snapshot := load(t, config.Options{Dir: dir, Environ: []string{"BACKSTAGE_ENV= prod,eu ", "APP_CONFIG_app_deep_e=5"}})
	equalJSON(t, snapshot.At("app"), `{"back":{"y":1},"deep":{"a":1,"b":2,"c":3,"d":4,"e":5},"list":[3],"region":"eu","title":["was","text"]}`)

	want := []string{"app-config.yaml", "app-config.prod.yaml", "app-config.eu.yaml", "app-config.local.yaml", "app-config.prod.local.yaml"}
	var got []string
	for _, name := range snapshot.Files() {
		got = append(got, filepath.Base(name))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestExplicitFilesReplaceTheUsualOnes(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml":       "from: {usual: true}\n",
		"app-config.local.yaml": "from: {local: true}\n",
		"one.yaml":              "from: {one: true, both: one}\n",
		"two.json":              `{"from": {"two": true, "both": "two"}}`,
	})
	snapshot := load(t, config.Options{
		Dir:      dir,
		Files:    []string{filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.json")},
		Defaults: fstest.MapFS{"app-config.yaml": {Data: []byte("from: {defaults: true}")}},
		Environ:  []string{"BACKSTAGE_ENV=local"},
	})
	equalJSON(t, snapshot.At("from"), `{"both":"two","one":true,"two":true}`)
}

func TestEmbeddedDefaultsStandInForTheMainFile(t *testing.T) {
	t.Parallel()
	defaults := fstest.MapFS{
		"app-config.yaml":  {Data: []byte("app: {title: built in, hello: {$file: texts/hello.txt}, more: {$include: more.yaml#a.b}}")},
		"texts/hello.txt":  {Data: []byte("hello\n")},
		"more.yaml":        {Data: []byte("a: {b: {c: 1}}")},
		"app-config.x.yml": {Data: []byte("app: {title: never read}")},
	}
	dir := folder(t, files{"app-config.local.yaml": "app: {local: true}"})
	snapshot := load(t, config.Options{Dir: dir, Defaults: defaults})
	equalJSON(t, snapshot.At("app"), `{"hello":"hello","local":true,"more":{"c":1},"title":"built in"}`)
	if got := snapshot.At("app.title").Position().String(); got != "embedded:app-config.yaml:1:14" {
		t.Errorf("position %s", got)
	}

	write(t, filepath.Join(dir, "app-config.yaml"), "app: {title: on disk}")
	snapshot = load(t, config.Options{Dir: dir, Defaults: defaults})
	equalJSON(t, snapshot.At("app"), `{"local":true,"title":"on disk"}`)
}

func TestFilesWithoutContentAreEmpty(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"nothing": "", "comment": "# only a comment\n", "document": "---\n", "null": "null\n", "mark": "\ufeff# marked\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot := loadText(t, content)
			equalJSON(t, snapshot.Root(), `{}`)
		})
	}
}

func TestScalarsAreThoseOfYAML12(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, `
yes: yes
date: 2020-01-01
leading: 014
octal: 0o14
underscore: 1_000
hex: 0x1F
numbers: [+5, .5, 5., 1e2, -0.25]
infinite: .inf
bools: [true, True, FALSE]
nulls: [~, null, Null, ]
quoted: ['5', "true", !!str 7]
tagged: !custom text
block: |
  one
  two
1: number
true: bool
~: nothing
<<: {merge: is ordinary}
anchor: &a {x: 1}
alias: *a
`)
	equalJSON(t, snapshot.Root(), `{"1":"number","\u003c\u003c":{"merge":"is ordinary"},"alias":{"x":1},"anchor":{"x":1},"block":"one\ntwo\n",`+
		`"bools":[true,true,false],"date":"2020-01-01","hex":31,"infinite":".inf","leading":14,"nulls":[null,null,null],"numbers":[5,0.5,5,100,-0.25],`+
		`"octal":12,"quoted":["5","true","7"],"tagged":"text","true":"bool","underscore":"1_000","yes":"yes","~":"nothing"}`)
}

func TestEveryValueKnowsItsPlace(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml": "a:\n  b: [x, {c: é, d: 1}]\n  inc: {$include: sub/inc.json}\n  var: ${NAME}\n",
		"sub/inc.json":    "{\n  \"k\": [\n    1, 22\n  ]}",
	})
	snapshot := load(t, config.Options{Dir: dir, Environ: []string{"NAME=v", "APP_CONFIG_a_env=[1]"}})
	for path, want := range map[string]string{
		"a.b":   "app-config.yaml:2:6",
		"a.var": "app-config.yaml:4:8",
		"a.env": "APP_CONFIG_a_env",
		"a":     "app-config.yaml:2:3",
	} {
		if got := strings.TrimPrefix(snapshot.At(path).Position().String(), dir+"/"); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
	item := snapshot.At("a.b").Items()[1].Get("d")
	if got := strings.TrimPrefix(item.Position().String(), dir+"/"); got != "app-config.yaml:2:20" || item.Path() != "a.b[1].d" {
		t.Errorf("%s is at %s", item, got)
	}
	number := snapshot.At("a.inc.k").Items()[1]
	if got := strings.TrimPrefix(number.Position().String(), dir+"/"); got != "sub/inc.json:3:8" || number.Path() != "a.inc.k[1]" {
		t.Errorf("%s is at %s", number, got)
	}
	if !snapshot.At("a.var").FromEnvironment() || !snapshot.At("a.env").Items()[0].FromEnvironment() || snapshot.At("a.b").FromEnvironment() {
		t.Error("values forget whether they came from a variable")
	}
	if missing := snapshot.At("a.none.deeper"); missing.Exists() || strings.TrimPrefix(missing.Position().String(), dir+"/") != "app-config.yaml:2:3" {
		t.Errorf("a value that does not exist is at %s", missing.Position())
	}
}

func TestKeysListsWhatIsThereInOrder(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, "m: {z: 1, hidden: null, a: 2}\ns: text\n")
	if diff := cmp.Diff([]string{"z", "a"}, snapshot.At("m").Keys()); diff != "" {
		t.Error(diff)
	}
	if keys, items := snapshot.At("s").Keys(), snapshot.At("none").Items(); len(keys)+len(items) != 0 {
		t.Errorf("a text has keys %v, nothing has items %v", keys, items)
	}
}

func TestEqualIgnoresPlaces(t *testing.T) {
	t.Parallel()
	a := loadText(t, "x: {k: [1, two], n: null}\nflaw: ${NONE}\n")
	for content, want := range map[string]bool{
		"# moved\nx:\n  k:\n    - 1\n    - two\nflaw: ${NONE}\n": true,
		"x: {k: [1, '2']}\nflaw: ${NONE}\n":                      false,
		"x: {k: [1, two], m: 1}\nflaw: ${NONE}\n":                false,
		"x: {k: [1, two]}\nflaw: ${OTHER}\n":                     false,
		"x: {k: [1, two]}\n":                                     false,
	} {
		b := loadText(t, content)
		if a.Root().Equal(b.Root()) != want || b.Root().Equal(a.Root()) != want {
			t.Errorf("%q: equal is not %v", content, want)
		}
	}
}

func TestSnapshotsDoNotPrintValues(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, "password: hunter2\n")
	var holder struct{ Password config.Value }
	if err := snapshot.Decode("", &holder); err != nil {
		t.Fatal(err)
	}
	for _, text := range printed(snapshot, *snapshot, snapshot.Root(), holder, &holder) {
		if strings.Contains(text, "hunter2") {
			t.Errorf("a value is printed: %s", text)
		}
	}
}

func TestUnknownEnvironmentIsAWarning(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "", "app-config.eu.local.yaml": ""})
	report := config.Schema{}.Check(load(t, config.Options{Dir: dir, Environ: []string{"BACKSTAGE_ENV=eu,prodution"}}))
	want := `BACKSTAGE_ENV: there is no app-config.prodution.yaml, so "prodution" changes nothing`
	if got := report.Warnings.Error(); got != want {
		t.Errorf("warnings %q", got)
	}
}

func TestAFileThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("this user may read everything")
	}
	dir := folder(t, files{"app-config.yaml": "a: 1"})
	if err := os.Chmod(filepath.Join(dir, "app-config.yaml"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(config.Options{Dir: dir})
	want := "app-config.yaml: this file may not be read by the user that runs the portal (permission denied)"
	if got := message(err, dir); got != want {
		t.Errorf("got %q", got)
	}
}

func TestTheErrorIsAReport(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{Dir: t.TempDir()})
	var faults config.Faults
	var fault config.Fault
	if !errors.As(err, &faults) || len(faults) != 1 || !errors.As(err, &fault) || fault != faults[0] {
		t.Errorf("%T holds no faults", err)
	}
}
