package rawjson_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

func TestAppendNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0", "1": "1", "-12": "-12", "1.0": "1", "1.50": "1.5", "1e3": "1000", "1E3": "1000",
		"0.1": "0.1", "1e21": "1e+21", "1e-7": "1e-7", "1.5e-10": "1.5e-10", "123456789012345678901": "123456789012345680000",
		"9007199254740993": "9007199254740992", "0.000001": "0.000001", "-2.5e+30": "-2.5e+30",
	} {
		if got := string(rawjson.AppendNumber(nil, []byte(in))); got != want {
			t.Errorf("%s gives %s, want %s", in, got, want)
		}
	}
}

func TestAppendTextAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{
		``, `plain`, `a\"b\\c\/d`, `\b\f\n\r\t`, `\u00e9\u20AC`, `\ud83d\ude00 and \ud83d alone`, `\ud83d\u0041`, `ends\\`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+inside+`"`), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(rawjson.AppendText(nil, []byte(inside))); got != want {
			t.Errorf("%s gives %q, want %q", inside, got, want)
		}
	}
}

func TestValueFindsTheEnd(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		`1,`: 1, `"a\"b" x`: 6, `{"a":[1,{"b":"}"}]} `: 19, `[] `: 2, `true]`: 4, `null`: 4, `-1.5e+3}`: 7,
	} {
		got, err := rawjson.Value([]byte(in), 0)
		if err != nil || got != want {
			t.Errorf("%s: end %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{``, `,`, `}`, `"abc`, `"abc\`, `"abc\"`, `{"a":1`, `[[[`, `?`} {
		if end, err := rawjson.Value([]byte(in), 0); err == nil {
			t.Errorf("%s: no error, end %d", in, end)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[true,null,"x\u0041"],"c":{"d":{}}}`, `[]`, `{}`, `"\ud800"`, `{"a":}`, `[1,]`, `{"a" 1}`, `{"":[[]]}`, ` { "a" : [ 1 , 2 ] } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := rawjson.Decode(string(b))
		if !json.Valid(b) || !utf8.Valid(b) {
			return // may or may not be an error; it must end
		}
		if err != nil {
			if len(b) > rawjson.MaxDepth {
				return
			}
			t.Fatalf("%q: %v", b, err)
		}
		var want any
		if err := json.Unmarshal(b, &want); err != nil {
			return
		}
		a, _ := json.Marshal(got)
		c, _ := json.Marshal(want)
		if len(b) < 100 && string(a) != string(c) {
			t.Fatalf("%q: %s, but encoding/json reads %s", b, a, c)
		}
	})
}
