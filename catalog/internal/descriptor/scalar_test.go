package descriptor_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"

	"github.com/google/go-cmp/cmp"
)

// TestCoreScalars holds what existing descriptors rely on: the core schema of YAML 1.2, with numbers as JavaScript has them.
func TestCoreScalars(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"yes", `"yes"`}, {"on", `"on"`}, {"no", `"no"`}, {"off", `"off"`}, {"y", `"y"`},
		{"true", `true`}, {"True", `true`}, {"TRUE", `true`}, {"tRUE", `"tRUE"`}, {"false", `false`}, {"False", `false`}, {"FALSE", `false`},
		{"null", `null`}, {"Null", `null`}, {"NULL", `null`}, {"~", `null`}, {"", `null`}, {"nULL", `"nULL"`},
		{"2020-01-01", `"2020-01-01"`}, {"2020-01-01T10:00:00Z", `"2020-01-01T10:00:00Z"`}, {"12:30", `"12:30"`}, {"1:2:3", `"1:2:3"`},
		{"014", `14`}, {"0o14", `12`}, {"0o8", `"0o8"`}, {"1_000", `"1_000"`}, {"0b11", `"0b11"`},
		{"0x1F", `31`}, {"0xfg", `"0xfg"`}, {"+0x1F", `"+0x1F"`}, {"0X1F", `"0X1F"`}, {"0x", `"0x"`},
		{"+5", `5`}, {"-5", `-5`}, {".5", `0.5`}, {"5.", `5`}, {"-.5", `-0.5`}, {"1e2", `100`}, {"1E+2", `100`}, {"1e", `"1e"`}, {".", `"."`}, {"+", `"+"`}, {"1.2.3", `"1.2.3"`}, {"e3", `"e3"`},
		{".inf", `null`}, {"-.Inf", `null`}, {"+.INF", `null`}, {".nan", `null`}, {"-.nan", `"-.nan"`}, {"1e999", `null`}, {"inf", `"inf"`}, {"NaN", `"NaN"`},
		{"12345678901234567890", `12345678901234567000`}, {"0xffffffffffffffffff", `4.722366482869645e+21`}, {"-0", `0`}, {"1.0", `1`}, {"1e21", `1e+21`},
		{`"1"`, `"1"`}, {`'true'`, `"true"`}, {`"\x41\u00e9\n"`, `"Aé\n"`}, {"!!str 1", `"1"`}, {"!!int 7", `7`}, {"!!float 7", `7`}, {"!!null ''", `null`}, {"!custom 7", `"7"`}, {"!!bool true", `true`},
		{"=", `"="`}, {"<<", `"<<"`}, {"a: b", `{"a":"b"}`}, {"[1, a, ]", `[1,"a"]`},
	}
	for _, tt := range tests {
		got := valueJSON(t, "v: "+strings.ReplaceAll(tt.text, "a: b", "{a: b}"))
		if want := `{"v":` + tt.want + `}`; got != want {
			t.Errorf("%q is %s, want %s", tt.text, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"1: x\ntrue: y\n~: z\n0x1F: h\n1.50: f", `{"":"z","1":"x","1.5":"f","31":"h","true":"y"}`},
		{"<<: {c: 3}\nd: 4", `{"<<":{"c":3},"d":4}`},
		{"base: &b {x: 1}\nv:\n  <<: *b", `{"base":{"x":1},"v":{"<<":{"x":1}}}`},
		{"? a\n: b", `{"a":"b"}`},
		{"&k key: 1\nv: {*k : 2}", `{"key":1,"v":{"key":2}}`},
		{"a: &x [1]\nb: *x\nc: [*x, *x]", `{"a":[1],"b":[1],"c":[[1],[1]]}`},
	}
	for _, tt := range tests {
		if got := valueJSON(t, tt.text); got != tt.want {
			t.Errorf("%q is %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestYAML11Directive(t *testing.T) {
	t.Parallel()
	text := "%YAML 1.1\n---\n" + `a: [yes, NO, on, y, 014, 0b11, 1_000, 0x_1F, 1:30, 1:30.5, 2020-01-01, "2020-01-02", 2001-12-14t21:59:43.10-05:00, .inf, -0x10, 1_0.5, ~]
base: &b {x: 1, m: 2}
v: {<<: *b, m: 3}
w:
  <<: [*b, {z: 4}]
q: {"<<": 5}
`
	want := `{"a":[true,false,true,true,12,3,1000,31,90,90.5,"2020-01-01T00:00:00.000Z","2020-01-02","2001-12-15T02:59:43.100Z",null,-16,10.5,null],` +
		`"base":{"m":2,"x":1},"q":{"<<":5},"v":{"m":3,"x":1},"w":{"m":2,"x":1,"z":4}}`
	if diff := cmp.Diff(want, valueJSON(t, text)); diff != "" {
		t.Errorf("under %%YAML 1.1 (-want +got):\n%s", diff)
	}
	documents, err := descriptor.Parse([]byte(text+"...\n---\nv: yes\n"), descriptor.Limits{})
	if err != nil || len(documents) != 2 || string(documents[1].JSON()) != `{"v":"yes"}` {
		t.Errorf("the directive reaches into the next document: %v, %v", documents, err)
	}
}

func valueJSON(t *testing.T, text string) string {
	t.Helper()
	documents, err := descriptor.Parse([]byte(text), descriptor.Limits{})
	if err != nil || len(documents) != 1 {
		t.Fatalf("%q: %d documents, %v", text, len(documents), err)
	}
	if documents[0].Err != nil {
		t.Fatalf("%q: %v", text, documents[0].Err)
	}
	return string(documents[0].JSON())
}
