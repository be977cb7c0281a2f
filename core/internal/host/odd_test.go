package host_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

type shower interface{ show() string }

type text string

func (t text) show() string { return string(t) }

var (
	texts    = &pluginapi.Point[struct{}, shower]{Kind: "text"}
	generics = &pluginapi.Point[struct{}, func(map[string][]int) (int, error)]{Kind: "generic"}
	variadic = &pluginapi.Point[struct{}, func(...int) int]{Kind: "variadic"}
)

// TestWhatOddListsGet gives the host what no careful author would. It must say what is wrong, and never panic.
func TestWhatOddListsGet(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context) error { return nil }
	var nilPoint *pluginapi.Point[struct{}, func()]
	var nilConstructor func() *a1
	var nilBehaviour pluginapi.RunFunc
	one := func(p pluginapi.Plugin) []pluginapi.Plugin { p.ID = "a"; return []pluginapi.Plugin{p} }
	for name, test := range map[string]struct {
		plugins []pluginapi.Plugin
		want    string // "" for no fault
	}{
		"nil constructors":     {one(pluginapi.Plugin{Provide: []any{nil}}), "a: <nil> is not a constructor"},
		"nil function":         {one(pluginapi.Plugin{Provide: []any{nilConstructor}}), "a: func() *host_test.a1 is not a constructor"},
		"variadic constructor": {one(pluginapi.Plugin{Provide: []any{func(...int) *a1 { return nil }}}), "a constructor cannot be variadic"},
		"nothing returned":     {one(pluginapi.Plugin{Provide: []any{func() {}}}), "a constructor returns one value"},
		"only an error":        {one(pluginapi.Plugin{Provide: []any{func() error { return nil }}}), "a constructor returns one value"},
		"nil export":           {one(pluginapi.Plugin{Exports: []pluginapi.Export{pluginapi.ExportOf[catalogcommon.Client](nil, nil)}}), "a: <nil> is not a constructor"},
		"empty export":         {one(pluginapi.Plugin{Exports: []pluginapi.Export{{}}}), "an export names no interface"},
		"nil point":            {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{nil}}), "a: one of its points is nil"},
		"typed nil point":      {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{nilPoint}}), "a: one of its points is nil"},
		"point without a kind": {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{&pluginapi.Point[int, func()]{}}}), `a: point "": a kind has`},
		"portal's point":       {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{pluginapi.Pages}}), `point "page" is listed by the portal already`},
		"portal's kind":        {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{&pluginapi.Point[int, func()]{Kind: "page"}}}), `the portal has a point of the kind "page" too`},
		"empty extension":      {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{{}}}), "has no point; make extensions with a point's From"},
		"extension at nil":     {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{nilPoint.From("x", struct{}{}, func() {})}}), "has no point"},
		"no spec":              {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{{Point: pluginapi.Starts, Behaviour: nothing}}}), "start:a: its spec is a <nil> and must be a pluginapi.Start"},
		"another point's spec": {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{{Point: pluginapi.Starts, Spec: pluginapi.Stop{}, Behaviour: nothing}}}), "its spec is a pluginapi.Stop and must be a pluginapi.Start"},
		"nil behaviour":        {one(pluginapi.Plugin{Extensions: starts(nilBehaviour)}), "or a constructor of it"},
		"constructor of nil":   {one(pluginapi.Plugin{Extensions: starts(func() pluginapi.RunFunc { return nil })}), "a: start:a/x failed: its constructor returned nil"},
		"name of a path":       {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{pluginapi.Starts.From("x/", pluginapi.Start{}, nothing)}}), "a name has 1 to 80"},
		"no pattern":           {one(pluginapi.Plugin{Extensions: []pluginapi.Extension{pluginapi.Routes.From("x", pluginapi.Route{}, func(http.ResponseWriter, *http.Request) error { return nil })}}), `path "": must start with a slash`},
		"a parameter twice": {
			one(pluginapi.Plugin{Extensions: []pluginapi.Extension{pluginapi.Routes.From("x", pluginapi.Route{Pattern: "GET /{id}/{id...}"}, func(http.ResponseWriter, *http.Request) error { return nil })}}),
			`two parameters have the name "id"`,
		},
		"the id of the components' files": {[]pluginapi.Plugin{{ID: "ui"}}, "ui: the portal keeps the components' files under this id"},
		"another's list": {
			[]pluginapi.Plugin{hello(), catalog(new(*directory)), {ID: "a", Provide: []any{func([]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]) *a1 { return nil }}}},
			"which only catalog can ask for, since the point is its own",
		},
		"a plain function as constructor's result": {one(pluginapi.Plugin{Extensions: starts(func() func(context.Context) error { return nothing })}), ""},
		"an interface as behaviour": {one(pluginapi.Plugin{Points: []pluginapi.AnyPoint{texts}, Extensions: []pluginapi.Extension{
			texts.From("value", struct{}{}, text("x")), texts.From("made", struct{}{}, func() text { return "y" }), texts.From("pointer", struct{}{}, new(text)),
		}}), ""},
		"a function of odd types": {one(pluginapi.Plugin{Provide: []any{newA, func() *b1 { return nil }}, Points: []pluginapi.AnyPoint{generics, variadic}, Extensions: []pluginapi.Extension{
			generics.From("bound", struct{}{}, func(_ *a1, m map[string][]int) (int, error) { return len(m), nil }),
			variadic.From("value", struct{}{}, func(n ...int) int { return len(n) }),
			variadic.From("bound", struct{}{}, func(_ *a1, n ...int) int { return len(n) }),
		}}), ""},
		"configuration that is a pointer": {one(pluginapi.Plugin{Config: pluginapi.ConfigOf(&greetingConfig{}), Provide: []any{func(c *greetingConfig) *a1 { return &a1{} }}}), ""},
		"configuration that is a number":  {one(pluginapi.Plugin{Config: pluginapi.ConfigOf(3), Provide: []any{func(int, *pluginapi.Live[int]) *a1 { return &a1{} }}}), ""},
		"an export and a private one of its type": {
			[]pluginapi.Plugin{catalog(new(*directory)), {ID: "a", Provide: []any{func() catalogcommon.Client { return &directory{} }}, Extensions: starts(func(catalogcommon.Client) pluginapi.RunFunc { return nothing })}}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			graph, blueprint, err := assemble(test.plugins)
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Fatalf("missing:\n%s\nin:\n%v", test.want, err)
			case err != nil:
				return
			}
			for _, e := range blueprint.Extensions {
				if e.Point() == pluginapi.AnyPoint(pluginapi.Starts) {
					if err := graph.Run(t.Context(), e.ID); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestBehavioursOfOddTypesCanBeCalled(t *testing.T) {
	t.Parallel()
	var got *directoryOf
	plugin := pluginapi.Plugin{
		ID: "a", Provide: []any{func() *b1 { return &b1{} }, newA}, Points: []pluginapi.AnyPoint{texts, generics, variadic},
		Extensions: []pluginapi.Extension{
			texts.From("made", struct{}{}, func() text { return "y" }),
			generics.From("bound", struct{}{}, func(_ *a1, m map[string][]int) (int, error) { return len(m), nil }),
			variadic.From("bound", struct{}{}, func(_ *a1, n ...int) int { return len(n) }),
			pluginapi.Starts.From("keep", pluginapi.Start{}, func(texts []pluginapi.Extended[struct{}, shower], generics []pluginapi.Extended[struct{}, func(map[string][]int) (int, error)], variadic []pluginapi.Extended[struct{}, func(...int) int]) pluginapi.RunFunc {
				got = &directoryOf{texts[0], generics[0], variadic[0]}
				return func(context.Context) error { return nil }
			}),
		},
	}
	if _, _, err := assemble([]pluginapi.Plugin{plugin}); err != nil {
		t.Fatal(err)
	}
	var said string
	var counted, summed int
	err := got.text.Use(t.Context(), func(_ context.Context, s shower) error { said = s.show(); return nil })
	err2 := got.generic.Use(t.Context(), func(_ context.Context, f func(map[string][]int) (int, error)) (err error) {
		counted, err = f(map[string][]int{"a": nil})
		return err
	})
	err3 := got.variadic.Use(t.Context(), func(_ context.Context, f func(...int) int) error { summed = f(1, 2, 3); return nil })
	if said != "y" || counted != 1 || summed != 3 || err != nil || err2 != nil || err3 != nil {
		t.Errorf("%q, %d, %d, %v, %v, %v", said, counted, summed, err, err2, err3)
	}
}

type directoryOf struct {
	text     pluginapi.Extended[struct{}, shower]
	generic  pluginapi.Extended[struct{}, func(map[string][]int) (int, error)]
	variadic pluginapi.Extended[struct{}, func(...int) int]
}

// TestOverridesOfWhatIsOffAreNoFault names extensions that lost their owner, or their plugin, to app.plugins.
func TestOverridesOfWhatIsOffAreNoFault(t *testing.T) {
	t.Parallel()
	plugins := []pluginapi.Plugin{hello(), catalog(new(*directory))}
	overrides := []host.Override{{ID: "entity-card:hello/greeting", Where: "f:1:1"}, {ID: "start:catalog/keep", Where: "f:2:1"}}
	if _, err := host.Plan(plugins, map[string]string{"catalog": "f:3:1"}, overrides); err != nil {
		t.Error(err)
	}
}

type demanding struct {
	Text string `yaml:"text"`
}

func (d *demanding) Validate() error {
	if d.Text == "" {
		return fmt.Errorf("text is missing: %w and %w", errors.New("a word"), errors.New("its end"))
	}
	return nil
}

// TestConfigurationOfExtensionsIsValidated leaves out, gives and spoils what an extension needs.
func TestConfigurationOfExtensionsIsValidated(t *testing.T) {
	t.Parallel()
	e := pluginapi.Starts.From("x", pluginapi.Start{}, func(demanding, *pluginapi.Live[demanding]) pluginapi.RunFunc {
		return func(context.Context) error { return nil }
	}).Configured(pluginapi.ConfigOf(demanding{}))
	plugins := func(e pluginapi.Extension) []pluginapi.Plugin {
		return []pluginapi.Plugin{{ID: "a", Extensions: []pluginapi.Extension{e}}}
	}
	if _, _, err := assemble(plugins(e)); err == nil || err.Error() != "a: start:a/x needs configuration under app.extensions: text is missing: a word and its end" {
		t.Error(err)
	}
	if _, _, err := assemble(plugins(e.SwitchedOff()), host.Override{ID: "start:a/x"}); err == nil {
		t.Error("switched on without what it needs")
	}
	if _, _, err := assemble(plugins(e.SwitchedOff())); err != nil {
		t.Errorf("switched off: %v", err)
	}
	if _, _, err := assemble(plugins(e), host.Override{ID: "start:a/x", Config: fakeValues{"text": "y"}}); err != nil {
		t.Errorf("given: %v", err)
	}
	if _, _, err := assemble(plugins(e), host.Override{ID: "start:a/x", Where: "f:1:1", Config: fakeValues{"text": ""}}); err == nil || err.Error() != "f:1:1: text is missing: a word and its end" {
		t.Errorf("spoilt: %v", err)
	}
}
