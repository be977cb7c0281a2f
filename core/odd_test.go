package core_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// TestOddConfiguration gives a portal what people write by mistake, and expects all of it to be explained where it stands.
func TestOddConfiguration(t *testing.T) {
	t.Parallel()
	type config struct {
		Text  string           `yaml:"text"`
		Token pluginapi.Secret `yaml:"token"`
	}
	one := func(id string, c *pluginapi.ConfigSection) pluginapi.Plugin {
		return pluginapi.Plugin{ID: id, Config: c, Extensions: []pluginapi.Extension{page("/"+id, id, "x")}}
	}
	for name, test := range map[string]struct {
		plugins []pluginapi.Plugin
		config  string
		want    []string // none: it starts
	}{
		"extensions are a text":      {config: "app: {extensions: page:a/page}", want: []string{"app.extensions: expected a list"}},
		"extensions are an object":   {config: "app:\n  extensions:\n    page:a/page: false", want: []string{"app.extensions: expected a list"}},
		"an item is a list":          {config: "app: {extensions: [[page:a/page]]}", want: []string{"app.extensions[0]"}},
		"an item is null":            {config: "app: {extensions: [null]}", want: []string{"app.extensions: item 1 is empty"}},
		"an item names two":          {config: "app:\n  extensions:\n    - page:a/page: false\n      page:a/other: false", want: []string{"test.yaml:3:7: app.extensions: an item names one extension, here are 2"}},
		"a text where a word stands": {config: "app: {extensions: [{page:a/page: never}]}", want: []string{"app.extensions[0].page:a/page: expected true or false"}},
		"a misspelt key":             {config: "app: {extensions: [{page:a/page: {disable: true}}]}", want: []string{`unknown key; did you mean "disabled"?`}},
		"a misspelt setting":         {config: "app: {extensions: [{page:a/page: {config: {pth: /x}}}]}", want: []string{`test.yaml:1:49: app.extensions[0].page:a/page.config.pth: unknown key; did you mean "path"?`}},
		"a setting of another type":  {config: "app: {extensions: [{page:a/page: {config: {hidden: perhaps}}}]}", want: []string{"config.hidden: expected true or false"}},
		"settings are a text":        {config: "app: {extensions: [{page:a/page: {config: /x}}]}", want: []string{"config: expected an object"}},
		"an empty item":              {config: "app: {extensions: [{page:a/page: {}}, ]}"},
		"twice":                      {config: "app: {extensions: [page:a/page, {page:a/page: false}]}", want: []string{"page:a/page is configured at"}},
		"a plugin that is not there": {config: "app: {plugins: {b: {enabled: false}}}", want: []string{"app.plugins.b: this portal has no such plugin; it has a"}},
		"a plugin without a word":    {config: "app: {plugins: {a: {}}}"},
		"a plugin switched by text":  {config: "app: {plugins: {a: off}}", want: []string{"app.plugins.a"}},
		"two own one section":        {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(config{}).At("x")), one("b", pluginapi.ConfigOf(3).At("x"))}, want: []string{"both plugin a and plugin b own this section"}},
		"a plugin owns the portal's": {plugins: []pluginapi.Plugin{one("app", pluginapi.ConfigOf(config{}))}, want: []string{"both the portal and plugin app own this section", "app.title: unknown key"}},
		"configuration is a pointer": {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(&config{}))}, config: "a: {text: x}"},
		"configuration is a nil":     {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf[*config](nil))}},
		"configuration is a map":     {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(map[string]int(nil)))}, config: "a: {x: 3}"},
		"configuration is a number":  {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(3))}, config: "a: 4"},
		"a secret of another type":   {plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(config{}))}, config: "a: {token: {sesame: open}}", want: []string{"a.token"}},
		"a base that is no address":  {config: "app: {baseUrl: 'localhost:7007/portal'}", want: []string{`"localhost:7007/portal" is no address`}},
		"a key that a plugin finds fault with": {
			plugins: []pluginapi.Plugin{one("a", pluginapi.ConfigOf(picky{}))}, config: "a:\n  from: 3\n  list: [{}, {to: -1}]",
			want: []string{"test.yaml:2:9: a.from: 3 is more than 2", "test.yaml:3:19: a.list[1].to: -1 is too little"},
		},
		"a key that a store finds fault with": {config: "backend: {database: {maxConnections: 1}}", want: []string{"test.yaml:1:38: backend.database.maxConnections: 1 is too few"}},
		"several settings": {
			config: "app:\n  extensions:\n    - page:a/page:\n        config:\n          pth: /x\n          hidden: perhaps\n          title: ''",
			want: []string{
				`test.yaml:5:16: app.extensions[0].page:a/page.config.pth: unknown key; did you mean "path"?`,
				`test.yaml:6:19: app.extensions[0].page:a/page.config.hidden: expected true or false but found the text "perhaps"`,
			},
		},
		"no title":             {config: "app: {extensions: [{page:a/page: {config: {title: ''}}}]}", want: []string{"test.yaml:1:51: page:a/page: a page needs a title"}},
		"an icon that is none": {config: "app: {extensions: [{page:a/page: {config: {icon: bel}}}]}", want: []string{`test.yaml:1:50: page:a/page: there is no icon "bel"; the documentation of package pluginapi/ui lists`}},
		"a group for nobody":   {config: "app: {extensions: [{page:a/page: {config: {path: '/{x}', group: Tools}}}]}", want: []string{"test.yaml:1:50: page:a/page: a page with parameters is not in the navigation"}},
		"a page on another": {
			plugins: []pluginapi.Plugin{one("a", nil), one("b", nil)}, config: "app: {extensions: [{page:b/page: {config: {path: /a}}}]}",
			want: []string{"test.yaml:1:50: page:b/page and page:a/page are both at /a; move one with app.extensions"},
		},
		"two pages on a third place": {
			plugins: []pluginapi.Plugin{one("a", nil), one("b", nil)}, config: "app:\n  extensions:\n    - page:a/page: {config: {path: /c}}\n    - page:b/page: {config: {path: /c}}",
			want: []string{"test.yaml:3:36: page:a/page and page:b/page (test.yaml:4:36) are both at /c; move one with app.extensions"},
		},
		"two tabs on one path": {
			plugins: []pluginapi.Plugin{catalog.Plugin(), tabbed("a", "notes"), tabbed("b", "notes")},
			want:    []string{"b: entity-tab:a/tab and entity-tab:b/tab are both at /catalog/{namespace}/{kind}/{name}/notes; move one with app.extensions"},
		},
		"a tab on another": {
			plugins: []pluginapi.Plugin{catalog.Plugin(), tabbed("a", "notes"), tabbed("b", "other")}, config: "app:\n  extensions:\n    - entity-tab:a/tab: {config: {path: other}}",
			want: []string{"test.yaml:3:7: entity-tab:a/tab and entity-tab:b/tab are both at /catalog/{namespace}/{kind}/{name}/other; move one with app.extensions"},
		},
		"a tab where a page is": {
			plugins: []pluginapi.Plugin{catalog.Plugin(), tabbed("a", "notes"), one("b", nil)}, config: "app: {extensions: [{page:b/page: {config: {path: '/catalog/{x}/{y}/{z}/notes'}}}]}",
			want: []string{"test.yaml:1:50: page:b/page and entity-tab:a/tab are both at"},
		},
		"a filter that is none": {
			plugins: []pluginapi.Plugin{catalog.Plugin(), tabbed("a", "notes")}, config: "app: {extensions: [{entity-tab:a/tab: {config: {filter: 'kin:user'}}}]}",
			want: []string{`test.yaml:1:57: app.extensions[0].entity-tab:a/tab.config.filter: condition "kin:user": there is no key "kin"`},
		},
		"two permission rules of one name": {
			plugins: []pluginapi.Plugin{ruling("a", "IS_IT", "thing"), ruling("b", "IS_IT", "thing"), ruling("c", "", "thing"), ruling("d", "IS_IT", "other")},
			want:    []string{"b: permission-rule:a/rule and permission-rule:b/rule both say what IS_IT means for thing; give one another name"},
		},
		"two that answer for all others": {
			plugins: []pluginapi.Plugin{ruling("a", "", "thing"), ruling("b", "", "thing")},
			want:    []string{"b: permission-rule:a/rule and permission-rule:b/rule both answer for all other rules about thing; give one a name"},
		},
		"a permission rule about nothing": {plugins: []pluginapi.Plugin{ruling("a", "IS_IT", "")}, want: []string{"a: permission-rule:a/rule: it is about no type of resource; name one, such as catalog-entity"}},
		"a kind left out":                 {config: "app: {extensions: [a/page]}", want: []string{"test.yaml:1:20: app.extensions: this portal has no extension a/page; did you mean page:a/page?"}},
		"a base of odd letters":           {config: `app: {baseUrl: 'http://localhost/a"><script>'}`, want: []string{"has a path that is not made of plain words"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugins := test.plugins
			if plugins == nil {
				plugins = []pluginapi.Plugin{one("a", nil)}
			}
			faults := plugintest.Faults(t, plugintest.Options{Config: test.config}, plugins...)
			text := regexp.MustCompile(`/\S*/test\.yaml`).ReplaceAllString(strings.Join(faults, "\n"), "test.yaml")
			if len(faults) != len(test.want) {
				t.Errorf("%d faults:\n%s", len(faults), text)
			}
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("missing %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, "sesame: open") || strings.Contains(text, "open") && name == "a secret of another type" {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
}

// picky is configuration that says which of its keys it does not like.
type picky struct {
	From int `yaml:"from"`
	List []struct {
		To int `yaml:"to"`
	} `yaml:"list"`
}

func (p picky) Validate() error {
	var wrong []error
	if p.From > 2 {
		wrong = append(wrong, pluginapi.BadConfig("from", "%d is more than 2", p.From))
	}
	for i, item := range p.List {
		if item.To < 0 {
			wrong = append(wrong, pluginapi.BadConfig(fmt.Sprintf("list[%d].to", i), "%d is too little", item.To))
		}
	}
	return errors.Join(wrong...)
}

// ruling is a plugin with one permission rule.
func ruling(id, name, resource string) pluginapi.Plugin {
	return pluginapi.Plugin{ID: id, Extensions: []pluginapi.Extension{
		pluginapi.PermissionRules.From("rule", pluginapi.PermissionRule{Name: name, Resource: resource}, func(context.Context, string, pluginapi.RuleCall) (bool, error) { return false, nil }),
	}}
}

func tabbed(id, path string) pluginapi.Plugin {
	return pluginapi.Plugin{ID: id, Extensions: []pluginapi.Extension{
		catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: path, Title: "Tab"}, func(*http.Request, *catalogcommon.Entity) (pluginapi.Component, error) { return nil, nil }),
	}}
}

// TestWhatIsNotForThisPortalIsPlaced names extensions of plugins that are not there: that is no fault, and the log says where.
func TestWhatIsNotForThisPortalIsPlaced(t *testing.T) {
	t.Parallel()
	p := plugintest.StartWith(t, plugintest.Options{Config: "app:\n  extensions:\n    - page:elsewhere\n    - nonsense"})
	if log := p.Log(); !strings.Contains(log, "test.yaml:3:7)") || !strings.Contains(log, "test.yaml:4:7)") {
		t.Errorf("the log does not say where:\n%s", log)
	}
}

func TestAnAppsAuthorizerThatIsNil(t *testing.T) {
	t.Parallel()
	o, _, _ := options(t, inMemory)
	o.Authorizer = func(pluginapi.Authorizer) pluginapi.Authorizer { return nil }
	if _, err := core.New(o); err == nil || !strings.Contains(err.Error(), "core.Options.Authorizer returned nil") {
		t.Error(err)
	}
}

// TestWhatPluginsSayIsEscaped has hostile text wherever a plugin, or who asks, can put some.
func TestWhatPluginsSayIsEscaped(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert('x')</script>`
	p := plugintest.StartWith(t, plugintest.Options{Config: "app: {title: '\"><script>alert(1)</script>'}"}, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/ill", Title: hostile, Group: hostile}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{
				Title: hostile, Kicker: hostile, Subtitle: hostile, Breadcrumbs: []pluginapi.Link{{Text: hostile, Href: "javascript:alert(1)"}},
				Facts: []pluginapi.Fact{{Label: hostile, Value: ui.Text(hostile)}}, Tabs: []pluginapi.Tab{{Link: pluginapi.Link{Text: hostile, Href: `/"><script>`}}}, Body: ui.Icon(hostile, hostile),
			}, nil
		}),
		pluginapi.Pages.From("wrong", pluginapi.Page{Path: "/wrong/{what...}", Title: "Wrong"}, func(r *http.Request) (pluginapi.View, error) {
			return pluginapi.View{}, pluginapi.Unavailable("no %s", r.PathValue("what"))
		}),
		pluginapi.Pages.From("foreign", pluginapi.Page{Path: "/foreign", Title: "Foreign"}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{}, pluginapi.Unavailable("éclair is missing; is the oven on?")
		}),
	}})
	for path, status := range map[string]int{"/ill": 200, "/ill?a=" + url.QueryEscape(hostile): 200, "/wrong/" + url.PathEscape(hostile): 503, "/none/" + url.PathEscape(hostile): 404} {
		r := p.Get(path).Want(status)
		for _, script := range r.Find("script") {
			if script.Attr("nonce") == "" {
				t.Errorf("%s: a script came in: %s", path, script.Text())
			}
		}
		r.HasNot(`[href^="javascript:"]`)
	}
	p.Get("/foreign").Want(503).HasText("main", "Éclair is missing; is the oven on?").HasNot("nope")
	if text := string(p.Get("/foreign").Body); strings.Contains(text, "on?.") || strings.Contains(text, "\uFFFD") {
		t.Errorf("the sentence is broken:\n%s", text)
	}
}

// TestALinkToTryAgainStaysInThePortal asks for a page whose address, taken as a link, would lead to another host.
func TestALinkToTryAgainStaysInThePortal(t *testing.T) {
	t.Parallel()
	o, _, _ := options(t, inMemory)
	p := newPortal(t, o, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/{all...}", Title: "Ill"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, errors.New("no") }),
	}})
	p.Start(t.Context())
	<-p.Settled()
	if status, body := get(p, "//elsewhere.example/x"); status == 200 || strings.Contains(body, `href="//`) {
		t.Errorf("status %d\n%s", status, body)
	}
}

// TestPagesThatShareWhatTheyShow returns the same facts to everybody, as a plugin may.
func TestPagesThatShareWhatTheyShow(t *testing.T) {
	t.Parallel()
	facts := []pluginapi.Fact{{Label: "Answer", Value: ui.Text("42")}}
	o, _, _ := options(t, inMemory)
	p := newPortal(t, o, pluginapi.Plugin{ID: "sharing", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/sharing", Title: "Sharing"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{Facts: facts}, nil }),
	}})
	p.Start(t.Context())
	<-p.Settled()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 5 {
				if status, body := get(p, "/sharing"); status != 200 || !strings.Contains(body, "42") {
					t.Errorf("status %d\n%s", status, body)
				}
			}
		})
	}
	asking.Wait()
}

func TestReadinessDoesNotTellCauses(t *testing.T) {
	t.Parallel()
	p := plugintest.Launch(t, plugintest.Options{Config: "backend: {startup: {default: {onPluginBootFailure: abort}}}"}, pluginapi.Plugin{ID: "ill", Extensions: []pluginapi.Extension{
		start(func(context.Context) error { return errors.New("connect to postgres://user:password@host") }, 0),
	}})
	r := p.Get("/.backstage/health/v1/readiness").Want(503)
	if text := string(r.Body); strings.Contains(text, "password") || !strings.Contains(text, "plugin ill is degraded") {
		t.Errorf("readiness says %s", text)
	}
	if !strings.Contains(p.Log(), "password") {
		t.Error("nor does the log")
	}
}

// deciding decides by the name of the permission.
type deciding struct{}

func (deciding) Authorize(_ context.Context, p pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	switch p.Name {
	case "conditional":
		return pluginapi.Decision{Effect: pluginapi.Conditional, Conditions: pluginapi.Condition{Rule: &pluginapi.RuleCall{Name: "IS_IT"}}}, nil
	case "otherwise":
		return pluginapi.Decision{Effect: pluginapi.Conditional, Conditions: pluginapi.Condition{Rule: &pluginapi.RuleCall{Name: "IS_OTHER"}}}, nil
	case "undecided":
		return pluginapi.Decision{Effect: pluginapi.Allow}, errors.New("the policy is away")
	}
	return pluginapi.Decision{Effect: pluginapi.Allow}, nil
}

func TestPagesNeedADefinitePermission(t *testing.T) {
	t.Parallel()
	plugin := pluginapi.Plugin{ID: "guarded"}
	statuses := map[string]int{"allowed": 200, "conditional": 403, "undecided": 403}
	for name := range statuses {
		e := page("/"+name, name, "in")
		e.Name = name
		spec := e.Spec.(pluginapi.Page)
		spec.Permission = &pluginapi.Permission{Name: name, Resource: "thing"}
		e.Spec = spec
		plugin.Extensions = append(plugin.Extensions, e)
	}
	plugin.Extensions = append(plugin.Extensions, pluginapi.PermissionRules.From("it", pluginapi.PermissionRule{Name: "IS_IT", Resource: "thing"}, func(_ context.Context, resource string, _ pluginapi.RuleCall) (bool, error) {
		return resource == "it", nil
	}), pluginapi.PermissionRules.From("others", pluginapi.PermissionRule{Resource: "thing"}, func(_ context.Context, resource string, call pluginapi.RuleCall) (bool, error) {
		return resource == "other" && call.Name == "IS_OTHER", nil
	}), pluginapi.Routes.From("one", pluginapi.Route{Pattern: "GET /one/{ref}"}, func(a pluginapi.Authorizer, w http.ResponseWriter, r *http.Request) error {
		decision, err := a.Authorize(r.Context(), pluginapi.Permission{Name: r.FormValue("permission"), Resource: "thing"}, r.PathValue("ref"))
		_, _ = fmt.Fprint(w, decision.Effect == pluginapi.Allow)
		return err
	}))
	p := plugintest.StartWith(t, plugintest.Options{Authorizer: deciding{}}, plugin)
	for name, status := range statuses {
		r := p.Get("/" + name).Want(status)
		if link := `nav a[href="/` + name + `"]`; status == 200 {
			r.Has(link)
		} else {
			r.HasNot(link)
		}
	}
	for ref, want := range map[string]string{"it?permission=conditional": "true", "other?permission=conditional": "false", "it?permission=otherwise": "false", "other?permission=otherwise": "true"} {
		if got := string(p.Get("/api/guarded/one/" + ref).Want(200).Body); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
}

// TestLinksToTheRootOfAPlugin links to a route whose pattern ends in {$}, which is no parameter.
func TestLinksToTheRootOfAPlugin(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, pluginapi.Plugin{ID: "root", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("all", pluginapi.Route{Pattern: "GET /{$}"}, func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprint(w, pluginapi.RouteRef("route:root/all").URL(r.Context()))
			return err
		}),
	}})
	if got := string(p.Get("/api/root/").Want(200).Body); got != "/api/root/" {
		t.Errorf("the link is %q", got)
	}
}
