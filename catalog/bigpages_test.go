package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// crowd describes a group with very many members, and some relations that another plugin knows: of a kind of its own, and made by a processor.
func crowd(members int) string {
	var text strings.Builder
	text.WriteString("apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: big, title: The Big Ones}\nspec: {type: team, children: []}\n")
	for i := range members {
		_, _ = fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: user-%04d}\nspec: {memberOf: [big]}\n", i)
	}
	for i := range 60 {
		_, _ = fmt.Fprintf(&text, "---\napiVersion: example.com/v1\nkind: Robot\nmetadata: {name: robot-%02d}\nspec: {crew: big}\n", i)
		_, _ = fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: part-%02d}\nspec: {type: service, lifecycle: production, owner: big}\n", i)
	}
	text.WriteString("---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: many}\nspec: {type: file, targets: [./none-0.yaml")
	for i := range 70 {
		_, _ = fmt.Fprintf(&text, ", ./none-%d.yaml", i+1)
	}
	text.WriteString("]}\n")
	return text.String()
}

// TestAPageOfVeryManyRelations has pages of entities that are related to more than anybody reads: each shows the first ones and leads to the list of all.
func TestAPageOfVeryManyRelations(t *testing.T) {
	t.Parallel()
	const members = 5000
	robots := pluginapi.Plugin{ID: "robots", Extensions: []pluginapi.Extension{catalognode.AddKind("robot", catalognode.Kind{
		Name: "Robot", APIVersions: []string{"example.com/v1"}, Schema: json.RawMessage(`{"type": "object"}`),
		Relations: []catalognode.RelationField{{Path: "spec.crew", Type: "crewedBy", Reverse: "crews", DefaultKind: catalogcommon.KindGroup}},
	})}}
	config := "catalog: {rules: [{allow: [Component, Group, User, Robot, Location]}], locations: [{type: embedded, target: all.yaml}]}"
	files := fstest.MapFS{"all.yaml": {Data: []byte(crowd(members))}}
	p := plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin(catalog.Options{Embedded: files}), robots)

	const group = "group%3Adefault%2Fbig"
	p.Eventually("all are there", func() bool {
		says := func(path, text string) bool { return strings.Contains(string(p.Get(path).Body), text) }
		return says("/catalog/default/group/big", "(5,000)") && says("/catalog?kind=user", "Users (5,000)") && says("/catalog?kind=all&relations.crewedBy="+group, "(60)") && p.Get("/catalog/default/location/many").Status == http.StatusOK
	})
	page := p.Get("/catalog/default/group/big").Want(200).HasText("dt", "Members (5,000)").
		HasText(`a[href="/catalog?kind=user&relations.memberOf=`+group+`"]`, "4,950 more").
		HasText(`a[href="/catalog?kind=component&owner=`+group+`"]`, "10 more").
		HasText(`a[href="/catalog?kind=robot&relations.crewedBy=`+group+`"]`, "10 more")
	if n := len(page.Find(`a[href^="/catalog/default/user/"]`)); n != 50 {
		t.Errorf("%d members are shown", n)
	}
	if n := len(page.Body); n > 64<<10 {
		t.Errorf("the page has %d bytes", n)
	}

	list := p.Get("/catalog?kind=user&relations.memberOf="+group).Want(200).HasText(".ui-subtitle", "Users (5,000)").
		HasText("legend", "Member of").Has(`input[type=checkbox][name="relations.memberOf"][value="group:default/big"][checked]`).HasText("label", "big")
	if next := list.Find("a[rel=next]"); len(next) != 1 || !strings.Contains(next[0].Attr("href"), "relations.memberOf="+group) {
		t.Errorf("the next page is %v", next)
	}
	p.Get("/catalog?kind=all&relations.crewedBy="+group).Want(200).HasText(".ui-subtitle", "All kinds (60)").HasText("legend", "crewedBy")
	p.Get("/catalog?kind=user&relations.memberOf=group:default/none").Want(200).HasText("main", "Nothing matches")
	p.Get("/catalog?kind=user&relations.memberOf=&relations.=x").Want(200).HasText(".ui-subtitle", "Users (5,000)")

	many := p.Get("/catalog/default/location/many").Want(200).HasText("dd", "and 21 more")
	if n := strings.Count(string(many.Body), "./none-"); n != 50 {
		t.Errorf("%d targets are shown", n)
	}
}

// TestAListWithVeryManyTags has a list whose choices are more than anybody reads: the most used ones are shown, and the chosen.
func TestAListWithVeryManyTags(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 300 {
		_, _ = fmt.Fprintf(&text, "---\n{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: c-%d, tags: [tag-%d, used-%d]}, spec: {type: x, lifecycle: y, owner: z}}\n", i, i, i%40)
	}
	files := fstest.MapFS{"all.yaml": {Data: []byte(text.String())}}
	p := plugintest.StartWith(t, plugintest.Options{Config: "catalog: {locations: [{type: embedded, target: all.yaml}]}"}, catalog.Plugin(catalog.Options{Embedded: files}))
	p.Eventually("all are there", func() bool { return strings.Contains(string(p.Get("/catalog").Body), "(300)") })
	page := p.Get("/catalog?kind=component").Want(200).HasText("p", "and 240 more")
	for i := range 40 {
		page.Has(fmt.Sprintf(`input[name=tag][value="used-%d"]`, i))
	}
	if n := len(page.Find("input[name=tag]")); n != 100 {
		t.Errorf("%d tags are shown", n)
	}
	for _, value := range []string{"tag-299", "tag-298"} {
		p.Get("/catalog?kind=component&tag=" + value).Want(200).Has(fmt.Sprintf(`input[name=tag][value=%q][checked]`, value))
	}
}
