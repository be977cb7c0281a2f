package config_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/config"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// at is an error about a key below the struct that found it.
type at struct{ path, message string }

func (e at) Error() string      { return e.message }
func (e at) ConfigPath() string { return e.path }

type endpoint struct {
	Target string `yaml:"target"`
	Weight int    `yaml:"weight"`
}

// UnmarshalText makes a target of a text.
func (e *endpoint) UnmarshalText(text []byte) error {
	e.Target = string(text)
	return nil
}

func (e endpoint) Validate() error {
	var errs []error
	if e.Target == "" {
		errs = append(errs, errors.New("target is required"))
	}
	if e.Target == "nowhere" {
		errs = append(errs, at{"target", "nowhere cannot be reached"})
	}
	if e.Weight < 0 {
		errs = append(errs, fmt.Errorf("check: %w", at{"weight", "the weight is negative"}))
	}
	return errors.Join(errs...)
}

type limits struct {
	Max int `yaml:"max"`
}

func (l *limits) Validate() error {
	if l.Max > 10 {
		return pluginapi.BadConfig("max", "more than %d", 10)
	}
	return nil
}

type validated struct {
	Title     string              `yaml:"title"`
	Endpoints map[string]endpoint `yaml:"endpoints"`
	List      []endpoint          `yaml:"list"`
	Optional  *endpoint           `yaml:"optional"`
	Default   endpoint            `yaml:"default"`
	Inner     limits              `yaml:",inline"`
}

func (v validated) Validate() error {
	if v.Title == "bad" {
		return errors.Join(pluginapi.BadConfig("list[1].target", "not with that title"), at{"list[7].x", "there is no such item"}, fmt.Errorf("both: %w, %w", errors.New("one"), errors.New("two")))
	}
	if v.Title == "dots" {
		return errors.Join(pluginapi.BadConfig("endpoints.api.github.com.weight", "too much"), pluginapi.BadConfig("endpoints.a[0].b.target", "not there"), pluginapi.BadConfig("endpoints.gone.com.weight", "not there"))
	}
	return nil
}

type embedding struct {
	limits

	Other int `yaml:"other"`
}

func TestStructsValidateThemselves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"good":     {"endpoints: {a: x}\nlist: [{target: y}]\noptional: {target: z}\n", ""},
		"in a map": {"endpoints:\n  /a:\n    weight: -1\n", "app-config.yaml:3:5: endpoints./a: target is required\napp-config.yaml:3:13: endpoints./a.weight: check: the weight is negative"},
		"by text":  {"endpoints: {a: nowhere, b: ''}\n", "app-config.yaml:1:16: endpoints.a.target: nowhere cannot be reached\napp-config.yaml:1:28: endpoints.b: target is required"},
		"in a list, and outside": {"title: bad\nlist:\n  - target: a\n  - target: b\n", "app-config.yaml:1:1: both: one, two\n" +
			"app-config.yaml:3:3: list[7].x: there is no such item\napp-config.yaml:4:13: list[1].target: not with that title"},
		"keys with dots": {"title: dots\nendpoints:\n  api: x\n  api.github.com:\n    target: y\n    weight: 3\n  a[0].b: z\n", "app-config.yaml:3:3: endpoints.gone.com.weight: not there\n" +
			"app-config.yaml:6:13: endpoints[\"api.github.com\"].weight: too much\napp-config.yaml:7:11: endpoints[\"a[0].b\"].target: not there"},
		"pointer":                  {"optional: {weight: 1}\n", "app-config.yaml:1:11: optional: target is required"},
		"inline":                   {"max: 11\n", "app-config.yaml:1:6: max: more than 10"},
		"not on top of a fault":    {"optional: {target: [x]}\n", "app-config.yaml:1:20: optional.target: expected text but found a list"},
		"on top of an unknown key": {"optional: {traget: x}\n", "app-config.yaml:1:11: optional: target is required\napp-config.yaml:1:12: optional.traget: unknown key; did you mean \"target\"?"},
		"default replaced":         {"default: {weight: 1}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{"app-config.yaml": c.content})
			target := validated{Default: endpoint{Target: "d"}}
			if got := message(load(t, config.Options{Dir: dir}).Decode("", &target), dir); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestDefaultsAreValidatedToo(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a:\n  b: 1\n"})
	target := validated{Default: endpoint{}, List: []endpoint{{Target: "nowhere"}}, Endpoints: map[string]endpoint{"x": {}}}
	err := load(t, config.Options{Dir: dir}).Decode("a.none", &target)
	want := `app-config.yaml:2:3: a.none.default: target is required
app-config.yaml:2:3: a.none.endpoints.x: target is required
app-config.yaml:2:3: a.none.list[0].target: nowhere cannot be reached`
	if got := message(err, dir); got != want {
		t.Errorf("got:\n%s", got)
	}
}

type password struct {
	Text string `yaml:"text"`
}

func (p password) Validate() error { return at{"text", p.Text + " is too short"} }

func TestValidationDoesNotRepeatAVariable(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "text: ${PASSWORD}\n"})
	var target password
	err := load(t, config.Options{Dir: dir, Environ: []string{"PASSWORD=hunter2"}}).Decode("", &target)
	if got, want := message(err, dir), "app-config.yaml:1:7: text: … is too short (from the variable PASSWORD)"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestAnEmbeddedStructIsValidatedOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "max: 11\nother: x\n"})
	var target embedding
	err := load(t, config.Options{Files: []string{dir + "/app-config.yaml"}}).Decode("", &target)
	if got, want := message(err, dir), `app-config.yaml:2:8: other: expected a whole number but found the text "x"`; got != want {
		t.Errorf("got %s", got)
	}
	write(t, dir+"/app-config.yaml", "max: 11\n")
	err = load(t, config.Options{Dir: dir}).Decode("", &target)
	if got, want := message(err, dir), "app-config.yaml:1:6: max: more than 10"; got != want {
		t.Errorf("got %s", got)
	}
}
