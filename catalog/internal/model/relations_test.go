package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/model"

	"github.com/google/go-cmp/cmp"
)

func TestRelationPairs(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	const v, tv = "backstage.io/v1alpha1", "scaffolder.backstage.io/v1beta3"
	tests := []struct {
		version, kind, field, value string
		target, forward, reverse    string
	}{
		{v, "Component", "owner", "t", "group:ns/t", "ownedBy", "ownerOf"},
		{v, "API", "owner", "user:t", "user:ns/t", "ownedBy", "ownerOf"},
		{v, "Resource", "owner", "other/t", "group:other/t", "ownedBy", "ownerOf"},
		{v, "System", "owner", "t", "group:ns/t", "ownedBy", "ownerOf"},
		{v, "Domain", "owner", "t", "group:ns/t", "ownedBy", "ownerOf"},
		{tv, "Template", "owner", "t", "group:ns/t", "ownedBy", "ownerOf"},
		{v, "Component", "system", "t", "system:ns/t", "partOf", "hasPart"},
		{v, "API", "system", "t", "system:ns/t", "partOf", "hasPart"},
		{v, "Resource", "system", "t", "system:ns/t", "partOf", "hasPart"},
		{v, "Component", "subcomponentOf", "t", "component:ns/t", "partOf", "hasPart"},
		{v, "Component", "providesApis", "[T]", "api:ns/t", "providesApi", "apiProvidedBy"},
		{v, "Component", "consumesApis", "[t]", "api:ns/t", "consumesApi", "apiConsumedBy"},
		{v, "Component", "dependsOn", "['resource:t']", "resource:ns/t", "dependsOn", "dependencyOf"},
		{v, "Resource", "dependsOn", "['Component:Other/t']", "component:other/t", "dependsOn", "dependencyOf"},
		{v, "Component", "dependencyOf", "['component:t']", "component:ns/t", "dependencyOf", "dependsOn"},
		{v, "Resource", "dependencyOf", "['component:t']", "component:ns/t", "dependencyOf", "dependsOn"},
		{v, "System", "domain", "t", "domain:ns/t", "partOf", "hasPart"},
		{v, "Domain", "subdomainOf", "t", "domain:ns/t", "partOf", "hasPart"},
		{v, "Group", "parent", "t", "group:ns/t", "childOf", "parentOf"},
		{v, "Group", "children", "[t]", "group:ns/t", "parentOf", "childOf"},
		{v, "Group", "members", "[t]", "user:ns/t", "hasMember", "memberOf"},
		{v, "User", "memberOf", "[t]", "group:ns/t", "memberOf", "hasMember"},
	}
	for _, tt := range tests {
		e := entity(t, fmt.Sprintf("{apiVersion: %s, kind: %s, metadata: {name: Me, namespace: ns}, spec: {%s: %s}}", tt.version, tt.kind, tt.field, tt.value))
		self := strings.ToLower(tt.kind) + ":ns/me"
		want := []model.Edge{{Source: self, Type: tt.forward, Target: tt.target}, {Source: tt.target, Type: tt.reverse, Target: self}}
		if want[0].Compare(want[1]) > 0 {
			want[0], want[1] = want[1], want[0]
		}
		got, problems := m.Relations(e)
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("%s.%s: %v (-want +got):\n%s", tt.kind, tt.field, problems, diff)
		}
	}
}

func TestRelationsOfManyAndBadReferences(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	e := entity(t, `{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: me}, spec: {owner: 'a:', providesApis: [b, a, B, 'default/a'], dependsOn: [nokind, 'resource:db', 5, ''], dependencyOf: 'component:x'}}`)
	edges, problems := m.Relations(e)
	const me = "component:default/me"
	want := []model.Edge{
		{Source: "api:default/a", Type: "apiProvidedBy", Target: me}, {Source: "api:default/b", Type: "apiProvidedBy", Target: me},
		{Source: me, Type: "dependencyOf", Target: "component:default/x"}, {Source: me, Type: "dependsOn", Target: "resource:default/db"},
		{Source: me, Type: "providesApi", Target: "api:default/a"}, {Source: me, Type: "providesApi", Target: "api:default/b"},
		{Source: "component:default/x", Type: "dependsOn", Target: me}, {Source: "resource:default/db", Type: "dependencyOf", Target: me},
	}
	if diff := cmp.Diff(want, edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	var pointers []string
	for _, problem := range problems {
		pointers = append(pointers, problem.Pointer)
	}
	if diff := cmp.Diff([]string{"/spec/owner", "/spec/dependsOn/0", "/spec/dependsOn/2"}, pointers); diff != "" {
		t.Errorf("problems (-want +got):\n%s%v", diff, problems)
	}
	if !strings.Contains(problems[1].Message, `"nokind"`) || !strings.Contains(problems[1].Message, "kind is missing") {
		t.Errorf("a reference without kind: %s", problems[1].Message)
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	m := builtin(t)
	e := entity(t, `{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: me, tags: [b, a]}, spec: {providesApis: [b, a], dependsOn: [b, 5, a], other: [b, a]}}`)
	m.Normalize(e)
	want := entity(t, `{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: me, namespace: default, tags: [b, a]}, spec: {providesApis: [a, b], dependsOn: [b, 5, a], other: [b, a]}}`)
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCustomKinds(t *testing.T) {
	t.Parallel()
	robot := model.Kind{
		Name: "Robot", APIVersions: []string{"acme.com/v1"},
		Schema: &model.Schema{Type: model.TypeObject, Required: []string{"spec"}, Properties: map[string]*model.Schema{
			"spec": {Type: model.TypeObject, Required: []string{"arms"}, Properties: map[string]*model.Schema{"arms": {Type: model.TypeNumber}}},
		}},
		Relations: []model.RelationSpec{{Path: "spec.master.ref", Type: "obeys", Reverse: "commands", DefaultKind: "User", DefaultNamespace: model.StandardNamespace, TargetKinds: []string{"User"}}},
	}
	m, err := model.New(append(model.Builtin(), robot)...)
	if err != nil {
		t.Fatal(err)
	}
	e := entity(t, `{apiVersion: acme.com/v1, kind: Robot, metadata: {name: r2, namespace: ns}, spec: {arms: 2, master: {ref: Luke}}}`)
	if problems := m.Validate(e); len(problems) > 0 {
		t.Errorf("a robot is refused: %v", problems)
	}
	edges, _ := m.Relations(e)
	if want := []model.Edge{{Source: "robot:ns/r2", Type: "obeys", Target: "user:default/luke"}, {Source: "user:default/luke", Type: "commands", Target: "robot:ns/r2"}}; !cmp.Equal(want, edges) {
		t.Errorf("edges are %v, want %v", edges, want)
	}
	e = entity(t, `{apiVersion: acme.com/v1, kind: Robot, metadata: {name: r2}, spec: {arms: two, master: {ref: 'group:x'}}}`)
	if problems := m.Validate(e); len(problems) != 1 || problems[0].Pointer != "/spec/arms" {
		t.Errorf("a robot with two arms in words: %v", problems)
	}
	if edges, problems := m.Relations(e); len(edges)+len(problems) > 0 {
		t.Errorf("a target of another kind is not left out: %v, %v", edges, problems)
	}

	_, err = model.New(robot, robot, model.Kind{Name: "9", Relations: []model.RelationSpec{{Path: "x"}}, Schema: &model.Schema{Type: "text"}})
	for _, want := range []string{"another description claims the same entities of acme.com/v1", `kind "9": the name must be`, "at least one of APIVersions", `type "text"`, "needs Path, Type and Reverse"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
