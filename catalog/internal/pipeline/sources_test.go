package pipeline_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

func deferred(kind, name string, spec map[string]any) catalognode.Deferred {
	return catalognode.Deferred{Entity: &catalogcommon.Entity{APIVersion: catalogcommon.APIVersionAlpha1, Kind: kind, Metadata: catalogcommon.Metadata{Name: name}, Spec: spec}}
}

func user(name string, groups ...any) catalognode.Deferred {
	return deferred("User", name, map[string]any{"memberOf": append([]any{}, groups...)})
}

func team(name string) catalognode.Deferred {
	return deferred("Group", name, map[string]any{"type": "team", "children": []any{}})
}

func (c *catalog) refs() []string {
	c.t.Helper()
	changes, err := c.store.ChangesAfter(c.t.Context(), 0, 100_000)
	if err != nil {
		c.t.Fatal(err)
	}
	there := map[string]bool{}
	for _, change := range changes {
		there[change.Ref] = change.Op != "delete"
	}
	var refs []string
	for ref, is := range there {
		if _, indexed := c.index.ByRef(ref); indexed != is {
			c.t.Errorf("the index has %s: %v, the change log: %v", ref, indexed, is)
		}
		if is {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

func (c *catalog) wantRefs(want ...string) {
	c.t.Helper()
	slices.Sort(want)
	if got := c.refs(); !slices.Equal(got, want) {
		c.t.Errorf("entities are\n%q, want\n%q\n%s", got, want, c.log)
	}
}

func TestProvider(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		people := c.pipeline.Connection("people")
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			c.settle()
		}
		check(people.Full(t.Context(), []catalognode.Deferred{user("ann", "sea"), user("bob", "sea"), team("sea")}))
		c.wantRefs("user:default/ann", "user:default/bob", "group:default/sea")
		ann := c.must("user:default/ann")
		if got := ann.Annotation(catalogcommon.AnnotationLocation); got != "provider:people" {
			t.Errorf("location = %q", got)
		}
		last, err := c.store.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		check(people.Full(t.Context(), []catalognode.Deferred{user("ann", "sea"), user("bob", "sea"), team("sea")}))
		if again, err := c.store.LastChange(t.Context()); err != nil || again != last {
			t.Errorf("the same again changes something: %d, %d, %v", last, again, err)
		}

		check(people.Full(t.Context(), []catalognode.Deferred{user("ann", "sea"), team("sea")}))
		c.wantRefs("user:default/ann", "group:default/sea")
		if got := c.must("group:default/sea").Targets("hasMember"); len(got) != 1 {
			t.Errorf("members after one has gone: %v", got)
		}

		check(people.Delta(t.Context(), []catalognode.Deferred{user("cleo", "sea"), user("ann", "land")}, []catalogcommon.Ref{{Kind: "Group", Name: "SEA"}, {Kind: "User", Name: "nobody"}}))
		c.wantRefs("user:default/ann", "user:default/cleo")
		if got := c.must("user:default/ann").Targets("memberOf"); len(got) != 1 || got[0].Name != "land" || c.must("user:default/ann").Metadata.UID != ann.Metadata.UID {
			t.Errorf("ann = %+v", c.must("user:default/ann"))
		}

		if err := people.Full(t.Context(), []catalognode.Deferred{{Entity: &catalogcommon.Entity{Kind: "User"}}}); err == nil || !strings.Contains(err.Error(), "malformed entity envelope") {
			t.Errorf("an entity that is none: %v", err)
		}
		c.wantRefs("user:default/ann", "user:default/cleo")

		// Another provider's entities are not this one's to remove, nor to change.
		other := c.pipeline.Connection("other")
		check(other.Delta(t.Context(), nil, []catalogcommon.Ref{{Kind: "User", Name: "ann"}}))
		check(other.Full(t.Context(), []catalognode.Deferred{user("ann", "sky"), user("dora")}))
		c.wantRefs("user:default/ann", "user:default/cleo", "user:default/dora")
		contested := c.must("user:default/ann")
		if got := contested.Targets("memberOf"); len(got) != 1 || got[0].Name != "land" {
			t.Errorf("memberOf = %v", got)
		}
		if contested.Status == nil || contested.Status.Items[0].Level != "warning" || !strings.Contains(contested.Status.Items[0].Message, "provider:other") {
			t.Errorf("status of a contested entity = %+v", contested.Status)
		}
	})
}

func TestOrphansAndRemoval(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		c.write("a.yaml", component("shop", "x")+"---\n"+component("till", "x"))
		c.write("b.yaml", component("kiosk", "x"))
		location := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  targets: [%s]\n"
		root := c.write("catalog-info.yaml", fmt.Sprintf(location, "./a.yaml, ./b.yaml"))
		c.register(root)
		c.wantRefs(locationRef(root), "location:default/root", "component:default/shop", "component:default/till", "component:default/kiosk")

		// A document is gone: its entity is an orphan for a while.
		c.write("a.yaml", component("shop", "x"))
		c.reread("component:default/shop")
		if till := c.must("component:default/till"); till.Annotation(catalogcommon.AnnotationOrphan) != "true" {
			t.Errorf("annotations = %v", till.Metadata.Annotations)
		}
		if shop := c.must("component:default/shop"); shop.Annotation(catalogcommon.AnnotationOrphan) != "" {
			t.Error("shop is an orphan")
		}
		c.write("a.yaml", component("shop", "x")+"---\n"+component("till", "x"))
		c.reread("component:default/shop")
		if till := c.must("component:default/till"); till.Annotation(catalogcommon.AnnotationOrphan) != "" {
			t.Error("till stays an orphan")
		}

		// A target is gone.
		c.write("catalog-info.yaml", fmt.Sprintf(location, "./a.yaml"))
		c.reread("location:default/root")
		c.reread("component:default/shop")
		c.set(func(s *pipeline.Settings) { s.OrphanGrace = 0 })
		c.eventually(func() bool {
			_, there := c.index.ByRef("component:default/kiosk")
			return !there
		})
		c.settle()
		c.wantRefs(locationRef(root), "location:default/root", "component:default/shop", "component:default/till")

		// The registration is gone, and all that only it brought.
		c.register()
		c.wantRefs()
	})
}

func (c *catalog) eventually(holds func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("it does not come\n%s", c.log)
		}
	}
}

func TestMovedFile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		a, b := c.write("a.yaml", component("shop", "x")+"---\n"+component("till", "x")), c.write("b.yaml", component("kiosk", "x"))
		c.register(a, b)
		uid := c.must("component:default/till").Metadata.UID

		// Two files describe one entity: the first keeps it, and both sides are told.
		c.write("b.yaml", component("kiosk", "x")+"---\n"+component("till", "y"))
		c.reread("component:default/kiosk")
		till := c.must("component:default/till")
		if till.SpecString("owner") != "x" || till.Status == nil || !strings.Contains(till.Status.Items[0].Message, "b.yaml") {
			t.Errorf("contested till = %+v, status %+v", till.Spec, till.Status)
		}

		// The first gives it up: it moves by itself.
		c.write("a.yaml", component("shop", "x"))
		c.reread("component:default/shop")
		till = c.must("component:default/till")
		if till.SpecString("owner") != "y" || till.Metadata.UID != uid || till.Status != nil || till.Annotation(catalogcommon.AnnotationOrphan) != "" {
			t.Errorf("moved till = %+v %+v, status %+v", till.Metadata, till.Spec, till.Status)
		}
		if got, want := till.Annotation(catalogcommon.AnnotationLocation), "file:"+b; got != want {
			t.Errorf("location = %q, want %q", got, want)
		}

		// A whole file is moved: the entity that it holds follows, whichever of the two is read first.
		if err := os.Rename(a, c.dir+"/c.yaml"); err != nil {
			t.Fatal(err)
		}
		c.register(a, b, c.dir+"/c.yaml")
		c.reread("component:default/shop")
		c.eventually(func() bool {
			return c.must("component:default/shop").Annotation(catalogcommon.AnnotationLocation) == "file:"+c.dir+"/c.yaml"
		})
	})
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		a, b := c.write("a.yaml", component("shop", "x")), c.write("b.yaml", component("kiosk", "x"))
		root := c.write("catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  targets: [./a.yaml, ./b.yaml, ./nowhere/*.yaml]\n")
		c.register(root)
		place := c.must("location:default/root")
		if place.Status == nil || len(place.Status.Items) != 1 || !strings.Contains(place.Status.Items[0].Message, "nowhere") || !strings.HasPrefix(place.Status.Items[0].Message, "NotFoundError: ") {
			t.Errorf("status = %+v", place.Status)
		}
		if at := place.Status.Items[0].Error.At; at == nil || at.Source != "file:"+root {
			t.Errorf("position = %+v", at)
		}
		if err := os.Remove(a); err != nil {
			t.Fatal(err)
		}
		c.write("b.yaml", component("kiosk", "z"))
		c.reread("component:default/kiosk")
		c.must("component:default/shop") // the last good outcome
		if kiosk := c.must("component:default/kiosk"); kiosk.SpecString("owner") != "z" {
			t.Errorf("a missing neighbour holds up %s: %v", b, kiosk.Spec)
		}
		if place := c.must("location:default/root"); place.Status == nil || len(place.Status.Items) != 2 {
			t.Errorf("status = %+v", place.Status)
		}
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		a := c.write("a.yaml", component("shop", "x")+"---\n"+component("till", "x"))
		c.register(a)
		before := c.must("component:default/till")
		last, err := c.store.LastChange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.stop()

		c.start()
		c.register(a)
		if after := c.must("component:default/till"); after.Metadata.UID != before.Metadata.UID || after.Metadata.ETag != before.Metadata.ETag {
			t.Errorf("after a restart: %+v, before: %+v", after.Metadata, before.Metadata)
		}
		if again, err := c.store.LastChange(t.Context()); err != nil || again != last {
			t.Errorf("a restart changes something: %d, %d, %v", last, again, err)
		}
		c.wantRefs(locationRef(a), "component:default/shop", "component:default/till")
	})
}

func TestInvalidEntity(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		bad := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: till\nspec:\n  type: service\n  lifecycle: 3\n  owner: x\n"
		a := c.write("a.yaml", component("shop", "x")+"---\n"+bad)
		c.register(a)
		c.wantRefs(locationRef(a), "component:default/shop")
		if want := "file:" + a + ":16:3"; !strings.Contains(c.log.String(), want) {
			t.Errorf("the log does not name %s:\n%s", want, c.log)
		}
		record, found, err := c.store.Record(t.Context(), "component:default/till")
		if err != nil || !found || record.Visible || !strings.Contains(record.Errors, "lifecycle") || len(record.Sources) != 1 || record.Sources[0].File != "file:"+a || record.Sources[0].Line != 10 {
			t.Errorf("record = %+v, %v, %v", record, found, err)
		}

		// Once it was good, the last good version stays.
		c.write("a.yaml", component("shop", "x")+"---\n"+component("till", "x"))
		c.reread("component:default/shop")
		c.must("component:default/till")
		c.write("a.yaml", component("shop", "x")+"---\n"+bad)
		c.reread("component:default/shop")
		till := c.must("component:default/till")
		if till.SpecString("lifecycle") != "production" || till.Status == nil || till.Status.Items[0].Error.At.String() != "file:"+a+":16:3" {
			t.Errorf("till = %v, status %+v", till.Spec, till.Status)
		}
	})
}
