package catalog_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// The tests of this file bring about what Backstage's catalog has trouble with, each under the number of the issue there, and show what becomes of it here. Each is a whole portal that reads files, on both engines.

// There, what was processed is stored first and then, apart from that, queued to be put together: when the database fails in between, the entity stays stale for good, since the next processing finds nothing new.
func TestBackstage34686TheHandOverToStitchingFails(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea") + sea}, func(t *testing.T, p *troubled) {
		mend := p.refuse("stitch_queue")
		p.write("a.yaml", service("shop", "land")+sea)
		p.reread("a.yaml")
		p.Eventually("the failure is logged", func() bool { return strings.Contains(p.Log(), "the disk is full") })
		if got := owner(p.entity("component:shop")); got != "sea" {
			t.Errorf("the owner is %q", got)
		}
		mend()
		p.Eventually("the change is there", func() bool { return owner(p.entity("component:shop")) == "land" })
		p.Eventually("the other side follows", func() bool { return len(p.entity("group:sea").Targets("ownerOf")) == 0 })
	})
}

// There, the final entity and its search rows are stored one after the other: after a failure in between the entity is found by name, but in no list, for good.
func TestBackstage35734TheIndexFallsBehind(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea") + sea}, func(t *testing.T, p *troubled) {
		listed := func(owner string) int {
			var page catalogcommon.QueryResponse
			p.Get(api + "/entities/by-query?limit=0&filter=kind%3Dcomponent,spec.owner%3D" + owner).Want(200).JSON(&page)
			return page.TotalItems
		}
		mend := p.refuse("change_log") // which is what the index is fed from
		p.write("a.yaml", service("shop", "land")+sea)
		p.reread("a.yaml")
		p.Eventually("the failure is logged", func() bool { return strings.Contains(p.Log(), "the disk is full") })
		if owner(p.entity("component:shop")) != "sea" || listed("sea") != 1 || listed("land") != 0 {
			t.Errorf("the owner is %q, and lists have %d and %d", owner(p.entity("component:shop")), listed("sea"), listed("land"))
		}
		mend()
		p.Eventually("the change is there", func() bool { return owner(p.entity("component:shop")) == "land" })
		if listed("sea") != 0 || listed("land") != 1 {
			t.Errorf("lists have %d and %d", listed("sea"), listed("land"))
		}
	})
}

// Should something get lost between two stages after all, it is found and queued again. Here somebody deletes it.
func TestBackstage34686TheReconcilerFindsWhatIsLost(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea") + sea}, func(t *testing.T, p *troubled) {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		p.exec(`delete from final_entities where entity_ref = 'component:default/shop'`)
		if found, err := p.store.Reconcile(t.Context()); err != nil || found != 1 {
			t.Errorf("found %d, %v, want 1", found, err)
		}
	})
}

// There, one target that cannot be read, one document that cannot be parsed, or one entity of a kind that is not allowed there takes everything along that the same Location brings.
func TestBackstage33326And7884OneBadTargetOrChild(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"root.yaml":     "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: root}\nspec: {targets: [./sub/good.yaml, ./sub/none.yaml, ./sub/bad.yaml, ./sub/mixed.yaml]}\n",
		"sub/good.yaml": service("good", "sea"),
		"sub/bad.yaml":  "kind: [\n",
		"sub/mixed.yaml": service("before", "sea") + "---\napiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: {name: not-allowed}\nspec: {owner: sea}\n" +
			"---\nkind: Component\n" + service("after", "sea") + service("invalid", "{}") + service("missing", "sea", "  description: {$text: ./nothing.txt}\n"),
	}
	inTrouble(t, files, func(t *testing.T, p *troubled) {
		for _, name := range []string{"good", "before", "after"} {
			if p.entity("component:"+name) == nil {
				t.Errorf("%s is not there\n%s", name, p.Troubles())
			}
		}
		for _, name := range []string{"component:invalid", "component:missing", "domain:not-allowed"} {
			if p.entity(name) != nil {
				t.Errorf("%s is there", name)
			}
		}
		var said []string
		for _, item := range p.entity("location:root").Status.Items {
			at := ""
			if item.Error.At != nil {
				at = strings.TrimPrefix(item.Error.At.String(), "file:"+p.folder)
			}
			said = append(said, at+" "+item.Message)
		}
		text := strings.Join(said, "\n")
		for _, want := range []string{"none.yaml", "/sub/bad.yaml:", "/sub/mixed.yaml:12:", "not of an allowed kind", "/sub/mixed.yaml:1"} {
			if !strings.Contains(text, want) {
				t.Errorf("the Location does not tell of %s:\n%s", want, text)
			}
		}
		for name, want := range map[string]string{"invalid": "owner", "missing": "nothing.txt"} {
			var record struct {
				Known, Visible bool
				Errors         []catalogcommon.ErrorInfo
			}
			p.Get(api + "/ingestion/by-name/component/default/" + name).Want(200).JSON(&record)
			if !record.Known || record.Visible || len(record.Errors) != 1 || !strings.Contains(record.Errors[0].Message, want) || record.Errors[0].At == nil || record.Errors[0].At.Line < 30 {
				t.Errorf("record of %s: %+v", name, record)
			}
		}

		// The same when it was good before: what fails keeps its last good state, and nobody else notices.
		if err := os.Remove(p.path("sub/good.yaml")); err != nil {
			t.Fatal(err)
		}
		p.write("sub/mixed.yaml", service("before", "land")+"---\nkind: [\n"+service("after", "land"))
		p.Post(api+"/refresh", map[string]string{"entityRef": "location:default/root"}).Want(200)
		p.Eventually("neighbours change", func() bool {
			return owner(p.entity("component:before")) == "land" && owner(p.entity("component:after")) == "land"
		})
		if p.entity("component:good") == nil {
			t.Error("what cannot be read any more is gone")
		}
	})
}

// There, an entity whose file moves stays with the old file, which is gone: the new one is refused, and only a log says so.
func TestBackstage14042AFileMoves(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea"), "b.yaml": sea}, func(t *testing.T, p *troubled) {
		uid := p.entity("component:shop").Metadata.UID
		if err := os.Remove(p.path("a.yaml")); err != nil {
			t.Fatal(err)
		}
		p.write("b.yaml", sea+service("shop", "land"))
		p.reread("b.yaml") // the new place is read first, when nobody knows yet that the old one is gone
		p.reread("a.yaml")
		p.Eventually("the entity has moved", func() bool { return owner(p.entity("component:shop")) == "land" })
		shop := p.entity("component:shop")
		if shop.Metadata.UID != uid || shop.Status != nil || shop.Annotation(catalogcommon.AnnotationLocation) != "file:"+p.path("b.yaml") {
			t.Errorf("moved: %+v, status %+v", shop.Metadata, shop.Status)
		}
	})
}

// When two places describe one entity, and both are there, the first keeps it. There, only a log says so.
func TestBackstage14042ARealConflictIsData(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea"), "b.yaml": sea}, func(t *testing.T, p *troubled) {
		p.write("b.yaml", sea+service("shop", "land"))
		p.reread("b.yaml")
		p.Eventually("the entity tells of it", func() bool { return p.entity("component:shop").Status != nil })
		shop := p.entity("component:shop")
		item := shop.Status.Items[0]
		if owner(shop) != "sea" || item.Level != catalogcommon.LevelWarning || !strings.Contains(item.Message, "b.yaml") || !strings.Contains(item.Message, "a.yaml") {
			t.Errorf("owner %q, status %+v", owner(shop), item)
		}
		var record struct{ Conflicts []string }
		p.Get(api + "/ingestion/by-name/component/default/shop").Want(200).JSON(&record)
		want(t, "conflicts in the record", record.Conflicts, "file:"+p.path("b.yaml"))
		var problems struct {
			Items []struct{ EntityRef, Place string }
		}
		p.Get(api + "/ingestion/problems").Want(200).JSON(&problems)
		if len(problems.Items) != 1 || problems.Items[0].EntityRef != "component:default/shop" || problems.Items[0].Place != "file:"+p.path("b.yaml") {
			t.Errorf("problems: %+v", problems)
		}
		p.write("b.yaml", sea)
		p.reread("b.yaml")
		p.Eventually("it is solved", func() bool { return p.entity("component:shop").Status == nil })
	})
}

// There, two keys that differ only in case end the stitching of an entity: it stays as it was, and nobody is told.
func TestBackstage21522KeysThatDifferOnlyInCase(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea", "  annotations: {example.com/Maintainer: ann, example.com/maintainer: bob}\n  labels: {Tier: gold, tier: silver}\n")}, func(t *testing.T, p *troubled) {
		for _, filter := range []string{"metadata.annotations.example.com/maintainer=ann", "metadata.annotations.example.com/MAINTAINER=bob", "metadata.labels.tier=gold", "metadata.labels.tier=silver"} {
			var page catalogcommon.QueryResponse
			p.Get(api + "/entities/by-query?filter=" + strings.ReplaceAll(filter, "=", "%3D")).Want(200).JSON(&page)
			want(t, filter, names(page.Items), "shop")
		}
		if !strings.Contains(p.Log(), "keys that differ only in case") || !strings.Contains(p.Log(), "metadata.labels.tier") {
			t.Errorf("no warning\n%s", p.Troubles())
		}
		p.write("a.yaml", service("shop", "land", "  labels: {Tier: gold, tier: bronze}\n"))
		p.reread("a.yaml")
		p.Eventually("it goes on changing", func() bool { return owner(p.entity("component:shop")) == "land" })
	})
}

// There, a group is put together and stored as a whole for each of its members that comes, changes or goes. Here that happens a few times, however many come.
func TestBackstage14789AGroupWithManyMembers(t *testing.T) {
	t.Parallel()
	const before, added = 1500, 60
	text := strings.Builder{}
	text.WriteString(sea)
	for i := range before {
		text.WriteString(service(fmt.Sprint("service-", i), "sea"))
	}
	inTrouble(t, map[string]string{"a.yaml": text.String()}, func(t *testing.T, p *troubled) {
		owns := func() int {
			group := p.entity("group:sea")
			if group == nil { // not read yet
				return 0
			}
			return len(group.Targets("ownerOf"))
		}
		p.Eventually("all are there", func() bool { return owns() == before })
		first, err := p.store.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range added {
			name := fmt.Sprint("added-", i)
			p.Do(http.MethodPut, api+"/entities/by-name/component/default/"+name, nil, map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": name},
				"spec": map[string]any{"type": "service", "lifecycle": "production", "owner": "sea"}}).Want(201)
			if p.entity("component:"+name) == nil {
				t.Errorf("%s is not there at once", name)
			}
		}
		p.Eventually("the group has them all", func() bool { return owns() == before+added })
		changes, err := p.store.ChangesAfter(t.Context(), first, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		groups := 0
		for _, change := range changes {
			if change.Ref == "group:default/sea" {
				groups++
			}
		}
		// It rests for 200 µs for each of its members.
		if most := 2 + int(time.Since(began)/(before*200*time.Microsecond)); groups == 0 || groups > most {
			t.Errorf("the group was written %d times for %d members, want at most %d times", groups, added, most)
		}
		t.Logf("the group was written %d times for %d members", groups, added)
	})
}

// There, why an entity is not in the catalog is in a log, if anywhere.
func TestBackstage2876WhyIsItNotInTheCatalog(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"root.yaml":    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: root}\nspec: {targets: [./sub/a.yaml, ./sub/none.yaml]}\n",
		"sub/a.yaml":   service("shop", "sea") + strings.Replace(service("till", "sea"), "lifecycle: production", "lifecycle: 3", 1) + "---\nkind: Component\nmetadata:\n  name: broken\n  x: [\n",
		"another.yaml": sea,
	}
	inTrouble(t, files, func(t *testing.T, p *troubled) {
		type record struct {
			Known, Visible bool
			Sources        []struct {
				EntityRef, File string
				Line            int
			}
			Errors  []catalogcommon.ErrorInfo
			Hints   []catalogcommon.ErrorInfo
			Targets []struct {
				Target  string
				Missing bool
				Errors  []catalogcommon.ErrorInfo
				Files   []struct {
					File      string
					Documents int
					Errors    []catalogcommon.ErrorInfo
				}
			}
		}
		ask := func(path string) record {
			t.Helper()
			var r record
			p.Get(api + "/ingestion/by-name/" + path).Want(200).JSON(&r)
			return r
		}
		file := "file:" + p.path("sub/a.yaml")
		r := ask("component/default/till") // its file can be read, but it is not valid
		if !r.Known || r.Visible || len(r.Errors) != 1 || r.Errors[0].At == nil || r.Errors[0].At.String() != file+":17:3" || len(r.Sources) != 1 || r.Sources[0].File != file || r.Sources[0].EntityRef != "location:default/root" {
			t.Errorf("till: %+v", r)
		}
		r = ask("component/default/broken") // it can not even be read
		if r.Known || !slices.ContainsFunc(r.Hints, func(hint catalogcommon.ErrorInfo) bool {
			return hint.At != nil && hint.At.Source == file && hint.At.Line > 18
		}) {
			t.Errorf("broken: %+v", r)
		}
		if r = ask("component/default/shop"); !r.Known || !r.Visible || len(r.Errors) != 0 {
			t.Errorf("shop: %+v", r)
		}
		r = ask("location/default/root") // of a place, what became of all that it names
		if len(r.Targets) != 2 || len(r.Targets[0].Files) != 1 || r.Targets[0].Files[0].File != file || r.Targets[0].Files[0].Documents != 3 || len(r.Targets[0].Files[0].Errors) != 1 ||
			!r.Targets[1].Missing || len(r.Targets[1].Errors) != 1 || !strings.Contains(r.Targets[1].Errors[0].Message, "none.yaml") {
			t.Errorf("root: %+v", r)
		}
		// The page of an entity that is not there says why, too, or where to look.
		p.Get("/catalog/default/component/till").Want(404).HasText("main", "lifecycle").HasText("main", file+":17:3")
		p.Get("/catalog/default/component/broken").Want(404).HasText("main", "/catalog-problems")
		p.Get("/catalog-problems").Want(200).HasText("td", "lifecycle").HasText("td", "none.yaml").HasText("td", file+":17:3")
	})
}

// There, nobody hears of changes; whoever wants to know reads everything again and again.
func TestBackstage8162AChangeLog(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea")}, func(t *testing.T, p *troubled) {
		var page struct {
			Items      []struct{ Op, EntityRef string }
			Next, Last int64
		}
		p.Get(api + "/changes").Want(200).JSON(&page)
		token := page.Next
		if token != int64(len(page.Items)) || token == 0 {
			t.Fatalf("page: %+v", page)
		}
		put := func(name string) {
			p.Do(http.MethodPut, api+"/entities/by-name/component/default/"+name, nil, map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": map[string]any{"name": name},
				"spec": map[string]any{"type": "service", "lifecycle": "production", "owner": "sea"}}).Want(201)
		}
		put("one")
		p.Get(api + "/changes?after=" + itoa(token)).Want(200).JSON(&page)
		if len(page.Items) != 1 || page.Items[0].Op != "create" || page.Items[0].EntityRef != "component:default/one" {
			t.Errorf("after %d: %+v", token, page)
		}

		// A listener is told as it happens, and whoever was away hears first what was missed.
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+api+"/changes/stream?after="+itoa(token), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		lines := bufio.NewScanner(answer.Body)
		next := func() string {
			for lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return data
				}
			}
			return ""
		}
		if got := next(); !strings.Contains(got, "component:default/one") {
			t.Errorf("heard %s", got)
		}
		put("two")
		if got := next(); !strings.Contains(got, "component:default/two") {
			t.Errorf("heard %s", got)
		}
		p.Do(http.MethodDelete, api+"/entities/by-name/component/default/two", nil, nil).Want(204)
		if got := next(); !strings.Contains(got, `"delete"`) {
			t.Errorf("heard %s", got)
		}

		// The log does not grow for ever. Whoever was away for too long is told so, and where to go on.
		p.exec(`update change_log set at = 0`)
		if _, err := p.store.TrimChanges(t.Context(), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/changes?after=", "/changes/stream?after="} {
			for _, token := range []int64{0, token, 1 << 40} {
				var gone catalogcommon.ErrorBody
				p.Get(api + path + itoa(token)).Want(http.StatusGone).JSON(&gone)
				if gone.Error.Name != "ResyncError" || !strings.Contains(gone.Error.Message, "go on after number "+itoa(page.Last+2)) {
					t.Errorf("%s%d: %+v", path, token, gone.Error)
				}
			}
		}
		p.Get(api + "/changes").Want(200).JSON(&page)
		if len(page.Items) != 0 || page.Next != page.Last {
			t.Errorf("page: %+v", page)
		}
		put("three")
		p.Get(api + "/changes?after=" + itoa(page.Next)).Want(200).JSON(&page)
		if len(page.Items) != 1 {
			t.Errorf("page: %+v", page)
		}
	})
}

// There, the times at which an entity came and changed are stored, and never told.
func TestBackstage14181CreatedAndUpdated(t *testing.T) {
	t.Parallel()
	inTrouble(t, map[string]string{"a.yaml": service("shop", "sea")}, func(t *testing.T, p *troubled) {
		times := func() (created, updated time.Time) {
			var record struct{ CreatedAt, UpdatedAt time.Time }
			p.Get(api + "/ingestion/by-name/component/default/shop").Want(200).JSON(&record)
			return record.CreatedAt, record.UpdatedAt
		}
		created, updated := times()
		if age := time.Since(created); age < 0 || age > 10*time.Minute || updated.Before(created) {
			t.Errorf("created %s, updated %s", created, updated)
		}
		p.reread("a.yaml")
		p.write("a.yaml", service("shop", "land"))
		p.reread("a.yaml")
		p.Eventually("it has changed", func() bool { return owner(p.entity("component:shop")) == "land" })
		again, later := times()
		if !again.Equal(created) || !later.After(updated) {
			t.Errorf("created %s, then %s; updated %s, then %s", created, again, updated, later)
		}
	})
}
