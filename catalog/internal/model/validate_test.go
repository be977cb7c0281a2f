package model_test

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor/descriptortest"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"

	"github.com/google/go-cmp/cmp"
)

func entity(t testing.TB, text string) map[string]any {
	t.Helper()
	documents, err := descriptor.Parse([]byte(text), descriptor.Limits{})
	if err != nil || len(documents) != 1 || documents[0].Err != nil {
		t.Fatalf("%s: %v, %v", text, documents, err)
	}
	return documents[0].Object
}

func TestValidEntities(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	for _, text := range []string{
		descriptortest.Good("shop"),
		"{apiVersion: backstage.io/v1beta1, kind: Component, metadata: {name: A--b..C_d}, spec: {type: a, lifecycle: b, owner: c, more: [1, {x: null}]}}",
		"{apiVersion: backstage.io/v1alpha1, kind: API, metadata: {name: x}, spec: {type: openapi, lifecycle: b, owner: c, definition: text}}",
		"{apiVersion: backstage.io/v1alpha1, kind: API, metadata: {name: x}, spec: {type: mcp-server, lifecycle: b, owner: c, remotes: [{type: streamable-http, url: 'https://x'}]}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Resource, metadata: {name: x}, spec: {type: db, owner: c, dependencyOf: ['component:y']}}",
		"{apiVersion: backstage.io/v1alpha1, kind: System, metadata: {name: x}, spec: {owner: c, domain: d, type: e}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Domain, metadata: {name: x}, spec: {owner: c, subdomainOf: d}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Group, metadata: {name: x}, spec: {type: team, children: [], profile: {displayName: X, zodiac: 3}}}",
		"{apiVersion: backstage.io/v1alpha1, kind: User, metadata: {name: x}, spec: {memberOf: []}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Location, metadata: {name: x}, spec: {}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Location, metadata: {name: x}, spec: {type: url, target: a, targets: [b], presence: optional}}",
		"{apiVersion: scaffolder.backstage.io/v1beta3, kind: Template, metadata: {name: x}, spec: {type: service, parameters: [{a: b}], steps: [{action: x, if: true}]}}",
		"{apiVersion: scaffolder.backstage.io/v1beta3, kind: Template, metadata: {name: x}, spec: {type: service, owner: o, parameters: {a: b}, steps: []}}",
		"{apiVersion: backstage.io/v1alpha1, kind: AiResource, metadata: {name: x}, spec: {type: other, lifecycle: a, owner: o}}",
		"{apiVersion: backstage.io/v1alpha1, kind: AiResource, metadata: {name: x}, spec: {type: plugin, lifecycle: a, owner: o, skills: [y]}}",
		"{apiVersion: backstage.io/v1alpha1, kind: Domain, metadata: {name: x, description: '', zone: 5, labels: {a: '', b.c/D: v_1}, annotations: {x/y: ''}, tags: ['c++', 'a:b#1', a-b], links: [{url: 'mailto:x@y', rank: 1}, {url: 'https://h/100%', type: t}]}, spec: {owner: o}}",
	} {
		if problems := m.Validate(entity(t, text)); len(problems) > 0 {
			t.Errorf("%s\nis refused: %v", text, problems)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	const rest = ", metadata: {name: x}, spec: {type: a, lifecycle: b, owner: c}}"
	tests := []struct {
		text string
		want []model.Problem // messages may be the beginning
	}{
		{"{kind: Component, metadata: {}}", []model.Problem{
			{Pointer: "", Message: "<root> must have required property 'apiVersion' - missingProperty: apiVersion"},
			{Pointer: "/metadata", Message: "/metadata must have required property 'name' - missingProperty: name"},
		}},
		{"{apiVersion: '', kind: 5, metadata: 5}", []model.Problem{
			{Pointer: "/apiVersion", Message: "/apiVersion must NOT have fewer than 1 characters - limit: 1"},
			{Pointer: "/kind", Message: "/kind must be string - type: string"},
			{Pointer: "/metadata", Message: "/metadata must be object - type: object"},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: x}, spec: {type: 5, lifecycle: b, providesApis: a, consumesApis: [a, 1, '']}}", []model.Problem{
			{Pointer: "/spec", Message: "/spec must have required property 'owner' - missingProperty: owner"},
			{Pointer: "/spec/consumesApis/1", Message: "/spec/consumesApis/1 must be string - type: string"},
			{Pointer: "/spec/consumesApis/2", Message: "/spec/consumesApis/2 must NOT have fewer than 1 characters - limit: 1"},
			{Pointer: "/spec/providesApis", Message: "/spec/providesApis must be array - type: array"},
			{Pointer: "/spec/type", Message: "/spec/type must be string - type: string"},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: Component, relations: [], a/b: 1" + rest, []model.Problem{
			{Pointer: "/a~1b", Message: "Unknown field a/b"}, {Pointer: "/relations", Message: "Unknown field relations"},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: Domain, metadata: {name: 'a b', namespace: Shop, labels: {Bad/key: ok, ok: b d}, tags: [A, a--b], links: [{url: x, title: ' '}]}, spec: {owner: o}}", []model.Problem{
			{Pointer: "/metadata/labels/Bad~1key", Message: `"labels.Bad/key" is not valid; expected a valid suffix, or a valid prefix and suffix with a / between them but found "Bad/key".`},
			{Pointer: "/metadata/labels/ok", Message: `"labels.ok" is not valid; expected a string of letters and digits with any of [-_.] between them, at most 63 characters in total but found "b d".`},
			{Pointer: "/metadata/links/0/title", Message: `"links.0.title" is not valid; expected a string that is not blank`},
			{Pointer: "/metadata/links/0/url", Message: `"links.0.url" is not valid; expected an absolute URL but found "x".`},
			{Pointer: "/metadata/name", Message: `"metadata.name" is not valid; expected a string of letters and digits with any of [-_.] between them, at most 63 characters in total but found "a b".`},
			{Pointer: "/metadata/namespace", Message: `"metadata.namespace" is not valid; expected a string of small letters and digits`},
			{Pointer: "/metadata/tags/0", Message: `"tags.0" is not valid; expected a string of any of [a-z0-9:+#]`},
			{Pointer: "/metadata/tags/1", Message: `"tags.1" is not valid;`},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: Domain, owner: o, metadata: {name: x, labels: {a: 5, b: 'c d'}, tags: ['', A, 1], links: [5, {title: ''}, {url: ' ', icon: ' '}]}, spec: {owner: o}}", []model.Problem{
			{Pointer: "/metadata/labels/a", Message: "/metadata/labels/a must be string"},
			{Pointer: "/metadata/tags/0", Message: "/metadata/tags/0 must NOT have fewer than 1 characters"},
			{Pointer: "/metadata/tags/2", Message: "/metadata/tags/2 must be string"},
			{Pointer: "/metadata/links/0", Message: "/metadata/links/0 must be object"},
			{Pointer: "/metadata/links/1", Message: "/metadata/links/1 must have required property 'url'"},
			{Pointer: "/metadata/links/1/title", Message: "/metadata/links/1/title must NOT have fewer than 1 characters"},
			{Pointer: "/owner", Message: "Unknown field owner"},
			{Pointer: "/metadata/labels/b", Message: `"labels.b" is not valid;`},
			{Pointer: "/metadata/links/2/icon", Message: `"links.2.icon" is not valid; expected a string that is not blank`},
			{Pointer: "/metadata/links/2/url", Message: `"links.2.url" is not valid; expected an absolute URL`},
			{Pointer: "/metadata/tags/1", Message: `"tags.1" is not valid;`},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: component" + rest, []model.Problem{
			{Pointer: "/kind", Message: "No processor recognized the entity component:default/x as valid, possibly caused by a foreign kind or apiVersion (component, backstage.io/v1alpha1); did you mean kind Component?"},
		}},
		{"{apiVersion: backstage.io/v1, kind: Component" + rest, []model.Problem{
			{Pointer: "/apiVersion", Message: "No processor recognized the entity component:default/x as valid, possibly caused by a foreign kind or apiVersion (Component, backstage.io/v1); Component is known with apiVersion backstage.io/v1alpha1 and backstage.io/v1beta1"},
		}},
		{"{apiVersion: acme.com/v1, kind: Robot" + rest, []model.Problem{{Pointer: "/kind", Message: "No processor recognized the entity robot:default/x as valid"}}},
		{"{apiVersion: backstage.io/v1alpha1, kind: Location, metadata: {name: x}, spec: {presence: maybe}}", []model.Problem{
			{Pointer: "/spec/presence", Message: "/spec/presence must be equal to one of the allowed values - allowedValues: required,optional"},
		}},
		{"{apiVersion: backstage.io/v1alpha1, kind: API, metadata: {name: x}, spec: {type: mcp-server, lifecycle: a, owner: b, remotes: []}}", []model.Problem{
			{Pointer: "/spec/remotes", Message: "/spec/remotes must NOT have fewer than 1 items - limit: 1"},
		}},
	}
	for _, tt := range tests {
		got := m.Validate(entity(t, tt.text))
		if len(got) == len(tt.want) {
			for i := range got {
				if strings.HasPrefix(got[i].Message, tt.want[i].Message) {
					got[i].Message = tt.want[i].Message
				}
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	long := strings.Repeat("a", 63)
	subdomain := strings.Repeat("a.", 126) + "b"
	tests := []struct {
		path       string
		good, evil []string
	}{
		{"name", []string{"a", "A", "0", "a-b", "a--b", "a..b", "a_b", long}, []string{"-a", "a-", "_a", "a.", "a b", "a/b", "é", long + "a"}},
		{"namespace", []string{"a", "0", "a-b", "a--b", long}, []string{"A", "-a", "a-", "a_b", "a.b", long + "a"}},
		{"tag", []string{"a", "0", ":", "c++", "c#", "a-b", "a:b", long}, []string{"A", "a--b", "-a", "a-", "a_b", "a.b", "é", long + "a"}},
		{"label", []string{"a", "a/b", "a.b/C_d", subdomain + "/x", "a-b.c/" + long}, []string{"/a", "a/", "a/b/c", "A/b", "a..b/c", "a_b/c", subdomain + "c/x", "-a", long + "a", "a b"}},
		{"value", []string{"", "a", "A.b_c-d", long}, []string{"-a", "a b", "a/b", long + "a"}},
	}
	for _, tt := range tests {
		try := func(value string) bool {
			e := entity(t, descriptortest.Good("x"))
			metadata := e["metadata"].(map[string]any)
			switch tt.path {
			case "name", "namespace":
				metadata[tt.path] = value
			case "tag":
				metadata["tags"] = []any{value}
			case "label":
				metadata["labels"], metadata["annotations"] = map[string]any{value: "v"}, map[string]any{value: "any value: at all"}
			case "value":
				metadata["labels"] = map[string]any{"k": value}
			}
			return len(m.Validate(e)) == 0
		}
		for _, value := range tt.good {
			if !try(value) {
				t.Errorf("%s %q is refused", tt.path, value)
			}
		}
		for _, value := range tt.evil {
			if try(value) {
				t.Errorf("%s %q is accepted", tt.path, value)
			}
		}
	}
	for version, want := range map[string]bool{"v1": true, "a.b/v1alpha1": true, "1.0": false, "a/1.0": false, "A/v1": false, "a/b/c": false, "/v1": false, "a/": false} {
		e := entity(t, descriptortest.Good("x"))
		e["apiVersion"] = version
		valid := true
		for _, problem := range m.Validate(e) {
			valid = valid && !strings.Contains(problem.Message, "apiVersion\" is not valid")
		}
		if valid != want {
			t.Errorf("apiVersion %q: valid is %v, want %v", version, valid, want)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	m := builtin(b)
	e := entity(b, descriptortest.Good("shop"))
	m.Normalize(e)
	b.ReportAllocs()
	for b.Loop() {
		if problems := m.Validate(e); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkRelations(b *testing.B) {
	m := builtin(b)
	e := entity(b, descriptortest.Good("shop"))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := m.Relations(e); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
