package config_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// address is a union: "host:port", or an object.
type address struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

func (a *address) UnmarshalText(text []byte) error {
	ap, err := netip.ParseAddrPort(string(text))
	if err != nil {
		return errors.New("expected host:port")
	}
	a.Host, a.Port = ap.Addr().String(), int(ap.Port())
	return nil
}

// names is a union: one name, or a list.
type names []string

func (n *names) UnmarshalText(text []byte) error {
	*n = strings.Split(string(text), " ")
	return nil
}

type level string

type paging struct {
	Size int `yaml:"size"`
}

type everything struct {
	Text     string                     `yaml:"text"`
	Named    level                      `yaml:"named"`
	Bool     bool                       `yaml:"bool"`
	Int      int                        `yaml:"int"`
	Int8     int8                       `yaml:"int8"`
	Int64    int64                      `yaml:"int64"`
	Uint16   uint16                     `yaml:"uint16"`
	Uint64   uint64                     `yaml:"uint64"`
	Float    float64                    `yaml:"float"`
	Float32  float32                    `yaml:"float32"`
	Duration time.Duration              `yaml:"duration"`
	Secret   pluginapi.Secret           `yaml:"secret"`
	Level    slog.Level                 `yaml:"level"`
	Address  address                    `yaml:"address"`
	Names    names                      `yaml:"names"`
	List     []string                   `yaml:"list"`
	Structs  []paging                   `yaml:"structs"`
	Map      map[string]int             `yaml:"map"`
	Maps     map[level]map[string]*bool `yaml:"maps"`
	Pointer  *paging                    `yaml:"pointer"`
	Any      any                        `yaml:"any"`
	Raw      json.RawMessage            `yaml:"raw"`
	Later    config.Value               `yaml:"later"`
	NoTag    string
	BaseURL  string
	Ignored  string `yaml:"-"`
	hidden   string
	paging
}

func TestTypesAreDecoded(t *testing.T) {
	t.Parallel()
	got := everything{Ignored: "kept", hidden: "kept", Text: "default", Map: map[string]int{"a": 1, "b": 1, "c": 1}}
	err := loadText(t, `
text: null
named: x
bool: true
int: 0x10
int8: -128
int64: -9223372036854775808
uint16: 6.5e1
uint64: 18446744073709551615
float: 1
float32: 1.5
duration: 90s
secret: 0123
level: warn
address: {host: h}
names: [a, b]
list: []
structs: [{size: 1}, {}]
map: {b: 2, c: null, d: 4}
maps: {x: {y: true, z: null}}
pointer: {size: 3}
any: {n: 1, list: [null, true]}
raw: {b: [1.0, x], a: 1e3}
later: {what: [ever]}
noTag: y
baseURL: z
size: 7
`).Decode("", &got)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := everything{
		Text: "default", Named: "x", Bool: true, Int: 16, Int8: -128, Int64: math.MinInt64, Uint16: 65, Uint64: math.MaxUint64, Float: 1, Float32: 1.5,
		Duration: 90 * time.Second, Level: slog.LevelWarn, Address: address{Host: "h"}, Names: names{"a", "b"}, List: []string{}, Structs: []paging{{1}, {}},
		Map: map[string]int{"a": 1, "b": 2, "d": 4}, Maps: map[level]map[string]*bool{"x": {"y": &yes}}, Pointer: &paging{3},
		Any: map[string]any{"n": 1.0, "list": []any{nil, true}}, Raw: json.RawMessage(`{"a":1000,"b":[1,"x"]}`),
		NoTag: "y", BaseURL: "z", Ignored: "kept", hidden: "kept", paging: paging{7},
	}
	if got.Secret.Reveal() != "0123" {
		t.Error("the secret is not what was typed")
	}
	if later := got.Later.Get("what").Items(); len(later) != 1 || later[0].Path() != "later.what[0]" {
		t.Errorf("later: %v", later)
	}
	got.Later, got.Secret = config.Value{}, pluginapi.Secret{}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{}, pluginapi.Secret{}, config.Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTextIsConvertedAsBackstagesGettersDo(t *testing.T) {
	t.Parallel()
	environ := []string{"TEN= 10 ", "YES=Yes", "FLOAT=1.5e1", "ADDRESS=10.0.0.1:80", "LEVEL=ERROR", "APP_CONFIG_text=5", "APP_CONFIG_named=true", "APP_CONFIG_names=7"}
	var got everything
	err := loadText(t, "int: ${TEN}\nuint16: '0x10'\nbool: ${YES}\nfloat: ${FLOAT}\naddress: ${ADDRESS}\nlevel: ${LEVEL}\nmap: {a: '1'}\nduration: ${TEN}s\n", environ...).Decode("", &got)
	if err != nil {
		t.Fatal(err)
	}
	want := everything{Int: 10, Uint16: 16, Bool: true, Float: 15, Address: address{"10.0.0.1", 80}, Level: slog.LevelError, Map: map[string]int{"a": 1},
		Duration: 10 * time.Second, Text: "5", Named: "true", Names: names{"7"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{}, pluginapi.Secret{}, config.Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string]bool{"y": true, "TRUE": true, "'1'": true, "1": true, "on": true, "n": false, "No": false, "0": false, "off": false, "false": false} {
		var got struct{ Bool bool }
		if err := loadText(t, "bool: "+text).Decode("", &got); err != nil || got.Bool != want {
			t.Errorf("%s is %v, %v", text, got.Bool, err)
		}
	}
}

func TestWrongTypesAreExplained(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"int: abc":                         `int: expected a whole number but found the text "abc"`,
		"int: ''":                          `int: expected a whole number but found an empty text`,
		"int: 1.5":                         `int: expected a whole number but found the number 1.5`,
		"int: true":                        `int: expected a whole number but found true`,
		"int: [1]":                         `int: expected a whole number but found a list`,
		"int: {a: 1}":                      `int: expected a whole number but found an object`,
		"int: 1e30":                        `int: expected a whole number but found the number 1e30`,
		"int8: 128":                        `int8: expected a whole number from -128 to 127 but found the number 128`,
		"int8: -129":                       `int8: expected a whole number from -128 to 127 but found the number -129`,
		"uint16: -1":                       `uint16: expected a whole number from 0 to 65535 but found the number -1`,
		"uint16: 70000":                    `uint16: expected a whole number from 0 to 65535 but found the number 70000`,
		"float: x":                         `float: expected a number but found the text "x"`,
		"float32: 1e300":                   `float32: expected a smaller number but found the number 1e300`,
		"bool: maybe":                      `bool: expected true or false but found the text "maybe"`,
		"bool: 2":                          `bool: expected true or false but found the number 2`,
		"text: 5":                          `text: expected text but found the number 5; put it in quotes: "5"`,
		"text: true":                       `text: expected text but found true; put it in quotes: "true"`,
		"text: [a]":                        `text: expected text but found a list`,
		"secret: {a: b}":                   `secret: expected text but found an object`,
		"level: loud":                      `level: slog: level string "loud": unknown name`,
		"address: x":                       `address: expected host:port`,
		"address: [x]":                     `address: expected text or an object but found a list`,
		"address: {prot: 1}":               `address.prot: unknown key; did you mean "port"?`,
		"names: {a: 1}":                    `names: expected text or a list but found an object`,
		"list: a":                          `list: expected a list but found the text "a"; write it as a list: [a]`,
		"list: 'a, b'":                     `list: expected a list but found the text "a, b"; write it as a list: ["a, b"]`,
		"list: 'yes: no'":                  `list: expected a list but found the text "yes: no"; write it as a list: ["yes: no"]`,
		"list: 5":                          `list: expected a list but found the number 5; write it as a list: [5]`,
		"list: ${NAME}":                    `list: expected a list but found text (from the variable NAME); write it as a list: [...]`,
		"structs: {size: 1}":               `structs: expected a list but found an object; begin each item with "- "`,
		"list: [a, null]":                  `list[1]: expected a value but found nothing (null)`,
		"list: [a, [b], 1]":                "list[1]: expected text but found a list\nlist[2]: expected text but found the number 1; put it in quotes: \"1\"",
		"structs: [{size: a}]":             `structs[0].size: expected a whole number but found the text "a"`,
		"map: {'/x.y': a}":                 `map["/x.y"]: expected a whole number but found the text "a"`,
		"map: {/x: a}":                     `map./x: expected a whole number but found the text "a"`,
		"map: [a]":                         `map: expected an object but found a list`,
		"pointer: 5":                       `pointer: expected an object but found the number 5`,
		"pointer: {sise: 1}":               `pointer.sise: unknown key; did you mean "size"?`,
		"pointer: {other: 1}":              `pointer.other: unknown key; the only one known here is size`,
		"<<: {a: 1}":                       `["<<"]: YAML merge keys are not supported; use $include, or write the keys out`,
		"txet: x":                          `txet: unknown key; did you mean "text"?`,
		"no-tag: x":                        `no-tag: unknown key; did you mean "noTag"?`,
		"nothing-like-it: x":               `nothing-like-it: unknown key; known are address, any, baseURL, bool, duration, float, float32, int, int64, int8 and 16 more`,
		"unknown: null":                    `unknown: unknown key; known are address, any, baseURL, bool, duration, float, float32, int, int64, int8 and 16 more`,
		"int: ${NAME}":                     `int: expected a whole number but found text (from the variable NAME)`,
		"level: ${NAME}":                   `level: slog: level string "…": unknown name (from the variable NAME)`,
		"int: {$file: s}":                  `int: expected a whole number but found text (from $file s)`,
		"text: " + strings.Repeat("1", 60): `text: expected text but found the number 1111111111111111111111111111111111111111…; put it in quotes: "1111111111111111111111111111111111111111…"`,
	} {
		t.Run(content, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{"app-config.yaml": content, "s": "secret"})
			var target everything
			err := load(t, config.Options{Dir: dir, Environ: []string{"NAME=se\"cret"}}).Decode("", &target)
			var got []string
			for line := range strings.SplitSeq(message(err, dir), "\n") {
				_, line, _ = strings.Cut(line, ": ") // the place is tested elsewhere
				got = append(got, line)
			}
			if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWrongVariableIsNamedAndNotShown(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": ""})
	var target everything
	err := load(t, config.Options{Dir: dir, Environ: []string{"APP_CONFIG_int=hunter2", `APP_CONFIG_map={"a":"hunter2"}`, "APP_CONFIG_level=hunter2"}}).Decode("", &target)
	want := `APP_CONFIG_int: int: expected a whole number but found text
APP_CONFIG_level: level: slog: level string "…": unknown name
APP_CONFIG_map: map.a: expected a whole number but found text`
	if got := message(err, dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestFaultsAreSortedWithPlaces(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "text: [\n  a]\nlist: x\nint: no\ntypo: 1\naddress:\n  port: none\n  hots: h\n", "app-config.local.yaml": "bool: perhaps"})
	var target everything
	err := load(t, config.Options{Dir: dir}).Decode("", &target)
	want := `app-config.local.yaml:1:7: bool: expected true or false but found the text "perhaps"
app-config.yaml:1:7: text: expected text but found a list
app-config.yaml:3:7: list: expected a list but found the text "x"; write it as a list: [x]
app-config.yaml:4:6: int: expected a whole number but found the text "no"
app-config.yaml:5:1: typo: unknown key; known are address, any, baseURL, bool, duration, float, float32, int, int64, int8 and 16 more
app-config.yaml:7:9: address.port: expected a whole number but found the text "none"
app-config.yaml:8:3: address.hots: unknown key; did you mean "host"?`
	if got := message(err, dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestDecodingBelowAScalarIsAFault(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "backend: 5\n"})
	var target everything
	err := load(t, config.Options{Dir: dir}).Decode("backend.database", &target)
	if got, want := message(err, dir), "app-config.yaml:1:10: backend: expected an object but found the number 5"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestDefaultsAreNotChanged(t *testing.T) {
	t.Parallel()
	type options struct {
		Map     map[string]int
		Nested  map[string]map[string]int
		Pointer *paging
		List    []paging
	}
	shared := options{Map: map[string]int{"a": 1}, Nested: map[string]map[string]int{"n": {"x": 1}}, Pointer: &paging{1}, List: []paging{{1}}}
	snapshot := loadText(t, "map: {b: 2}\nnested: {n: {y: 2}}\npointer: {size: 2}\nlist: [{size: 3}]\n")
	for range 2 {
		got := shared
		if err := snapshot.Decode("", &got); err != nil {
			t.Fatal(err)
		}
		want := options{Map: map[string]int{"a": 1, "b": 2}, Nested: map[string]map[string]int{"n": {"x": 1, "y": 2}}, Pointer: &paging{2}, List: []paging{{3}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want := options{Map: map[string]int{"a": 1}, Nested: map[string]map[string]int{"n": {"x": 1}}, Pointer: &paging{1}, List: []paging{{1}}}
	if diff := cmp.Diff(want, shared); diff != "" {
		t.Errorf("the defaults were changed (-want +got):\n%s", diff)
	}
}

func TestInlineMapTakesTheRest(t *testing.T) {
	t.Parallel()
	var got struct {
		Known string            `yaml:"known"`
		Rest  map[string]paging `yaml:",inline"`
	}
	dir := folder(t, files{"app-config.yaml": "known: a\nx: {size: 1}\ny: {size: b}\n"})
	err := load(t, config.Options{Dir: dir}).Decode("", &got)
	if got, want := message(err, dir), `app-config.yaml:3:11: y.size: expected a whole number but found the text "b"`; got != want {
		t.Errorf("got %s", got)
	}
	if got.Known != "a" || got.Rest["x"].Size != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestValuesAreDecodedLater(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "extensions:\n  - page:hello:\n      config: {size: x, title: '${NONE}'}\n  - page:none: {config: '${NONE}'}\n"})
	var got struct {
		Extensions []map[string]struct{ Config config.Value }
	}
	if err := load(t, config.Options{Dir: dir}).Decode("", &got); err != nil {
		t.Fatalf("nobody has looked at the config yet: %v", err)
	}
	var target paging
	broken := got.Extensions[1]["page:none"].Config
	if got, want := message(broken.Decode(&target), dir), "app-config.yaml:4:25: extensions[1].page:none.config: the environment variable NONE is not set; set it, or give a default: ${NONE:-default}"; got != want || !broken.Exists() {
		t.Errorf("got %s", got)
	}
	err := got.Extensions[0]["page:hello"].Config.Decode(&target)
	want := `app-config.yaml:3:22: extensions[0].page:hello.config.size: expected a whole number but found the text "x"
app-config.yaml:3:25: extensions[0].page:hello.config.title: unknown key; the only one known here is size`
	if got := message(err, dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestTypesThatCannotHoldConfiguration(t *testing.T) {
	t.Parallel()
	snapshot := loadText(t, "a: 1\nb: {c: 1}\n")
	for want, target := range map[string]any{
		"a chan int cannot hold configuration":                           &struct{ A chan int }{},
		"a error cannot hold configuration":                              &struct{ A error }{},
		"a map[int]int cannot hold configuration: its keys are not text": &struct{ B map[int]int }{},
		"cannot decode into a int: a pointer is needed":                  5,
		"cannot decode into a *int: a pointer is needed":                 (*int)(nil),
	} {
		if err := snapshot.Decode("", target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "2 days": 2 * day, "1h30m": 90 * time.Minute, "1h 30 min": 90 * time.Minute, "1.5 hours": 90 * time.Minute, ".5s": 500 * time.Millisecond,
		"250ms": 250 * time.Millisecond, "1w": 7 * day, "1 year": 365 * day, "1mo": 30 * day, "10µs": 10 * time.Microsecond, "'0'": 0, "0": 0,
		"PT5M": 5 * time.Minute, "P1DT2H3M4.5S": day + 2*time.Hour + 3*time.Minute + 4500*time.Millisecond, "P2W": 14 * day, "P1M": 30 * day, "'PT0,5S'": 500 * time.Millisecond,
		"5000": 5 * time.Second, "1.5": 1500 * time.Microsecond, "1e3": time.Second,
		"{minutes: 5, seconds: 1}": 301 * time.Second, "{hours: '2'}": 2 * time.Hour, "{days: 0.5, hours: null}": 12 * time.Hour, "{milliseconds: 0}": 0,
		"{years: 1, months: 1, weeks: 1}": 402 * day,
	} {
		var got struct{ D time.Duration }
		if err := loadText(t, "d: "+text).Decode("", &got); err != nil || got.D != want {
			t.Errorf("%s is %s, %v", text, got.D, err)
		}
	}
	const expected = `d: expected a duration such as "30s", "5m" or "2 days" but found `
	for text, want := range map[string]string{
		"abc":                       `d: expected a duration such as "30s", "5m" or "2 days" but found the text "abc"`,
		"''":                        expected + "an empty text",
		"'90'":                      expected + `the text "90", and it has no unit`,
		"-5s":                       expected + `the text "-5s", and it is negative`,
		"-5":                        expected + `the number -5, and it is negative`,
		"300 years":                 expected + `the text "300 years", and it is longer than 292 years`,
		"1e300":                     expected + `the number 1e300, and it is longer than 292 years`,
		"5 parsecs":                 expected + `the text "5 parsecs"`,
		"1h,30m":                    expected + `the text "1h,30m"`,
		"P":                         expected + `the text "P"`,
		"P1DT":                      expected + `the text "P1DT"`,
		"true":                      expected + "true",
		"[5s]":                      expected + "a list",
		"{}":                        "d: expected a duration, with one or more of years, months, weeks, days, hours, minutes, seconds, milliseconds",
		"{minute: 1}":               `d.minute: unknown key; did you mean "minutes"?`,
		"{minutes: x}":              `d.minutes: expected a number but found the text "x"`,
		"{minutes: -1}":             "d.minutes: expected a number of minutes but found the number -1, and it is negative",
		"{years: 200, days: 99999}": "d.days: expected a number of days but found the number 99999, and it is longer than 292 years",
	} {
		var target struct{ D time.Duration }
		err := loadText(t, "d: "+text).Decode("", &target)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}
