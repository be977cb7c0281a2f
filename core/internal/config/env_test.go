package config_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

func TestVariablesAreTheHighestLayer(t *testing.T) {
	t.Parallel()
	content := "app: {baseUrl: x, title: y}\nbackend: {csp: {connect-src: [a]}, two: {ab: 1, AB: 2}}\n"
	for name, c := range map[string]struct{ environ, want string }{
		"text":                 {"APP_CONFIG_app_title=hello there", `{"baseUrl":"x","title":"hello there"}`},
		"json text":            {`APP_CONFIG_app_title="127.0.0.1:7317"`, `{"baseUrl":"x","title":"127.0.0.1:7317"}`},
		"number":               {"APP_CONFIG_app_title=5", `{"baseUrl":"x","title":5}`},
		"object merges":        {`APP_CONFIG_app={"title": {"a": [1, null]}}`, `{"baseUrl":"x","title":{"a":[1,null]}}`},
		"invalid json is text": {`APP_CONFIG_app_title={"a":`, `{"baseUrl":"x","title":"{\"a\":"}`},
		"empty is not set":     {"APP_CONFIG_app_title=", `{"baseUrl":"x","title":"y"}`},
		"not substituted":      {"APP_CONFIG_app_title=${HOME}", `{"baseUrl":"x","title":"${HOME}"}`},
		"new key":              {"APP_CONFIG_app_new_key=true", `{"baseUrl":"x","new":{"key":true},"title":"y"}`},
		"other case":           {"APP_CONFIG_APP_BASEURL=z", `{"baseUrl":"z","title":"y"}`},
		"other prefix":         {"APP_CONFIGURATION_app_title=z", `{"baseUrl":"x","title":"y"}`},
		"the last one counts":  {"APP_CONFIG_app_title=a", `{"baseUrl":"x","title":"a"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			equalJSON(t, loadText(t, content, "HOME=/x", "APP_CONFIG_app_title=", c.environ).At("app"), c.want)
		})
	}
	equalJSON(t, loadText(t, content, `APP_CONFIG_backend_csp_connectsrc=["b"]`).At("backend.csp"), `{"connect-src":["b"]}`)
	equalJSON(t, loadText(t, content, `APP_CONFIG_backend_two_Ab=3`).At("backend.two"), `{"AB":2,"Ab":3,"ab":1}`) // which one is meant is not clear
	equalJSON(t, loadText(t, "", "APP_CONFIG_a_b=1", "APP_CONFIG_a_c=2").Root(), `{"a":{"b":1,"c":2}}`)
}

func TestBadVariablesAreExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"value and part":  {[]string{"APP_CONFIG_a=1", "APP_CONFIG_a_b=2"}, "APP_CONFIG_a_b: this and APP_CONFIG_a set the same value or a part of it; keep one of them"},
		"part and value":  {[]string{"APP_CONFIG_B_x=1", "APP_CONFIG_b=2"}, "APP_CONFIG_b: this and APP_CONFIG_B_x set the same value or a part of it; keep one of them"},
		"two spellings":   {[]string{"APP_CONFIG_B=1", "APP_CONFIG_b=2"}, "APP_CONFIG_b: this and APP_CONFIG_B set the same value or a part of it; keep one of them"},
		"object and part": {[]string{`APP_CONFIG_a={"x":1}`, "APP_CONFIG_a_b=2"}, "APP_CONFIG_a_b: this and APP_CONFIG_a set the same value or a part of it; keep one of them"},
		"list item":       {[]string{"APP_CONFIG_a_0=1"}, `APP_CONFIG_a_0: "0" cannot be a key; write the keys with "_" between them, as in APP_CONFIG_app_baseUrl, and a whole list as JSON`},
		"empty key":       {[]string{"APP_CONFIG_a__b=1"}, `APP_CONFIG_a__b: "" cannot be a key; write the keys with "_" between them, as in APP_CONFIG_app_baseUrl, and a whole list as JSON`},
		"null":            {[]string{"APP_CONFIG_a=null"}, "APP_CONFIG_a: null cannot be set by a variable; unset the variable, or hide the value with null in a file"},
		"duplicate keys":  {[]string{`APP_CONFIG_a={"x":1,"x":2}`}, "APP_CONFIG_a: duplicate key; it is already set at line 1"},
		"not UTF-8":       {[]string{"APP_CONFIG_a=\xff"}, "APP_CONFIG_a: this variable is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{"app-config.yaml": "b: {x: 0}\n"})
			_, err := config.Load(config.Options{Dir: dir, Environ: c.environ})
			if got := message(err, dir); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}
