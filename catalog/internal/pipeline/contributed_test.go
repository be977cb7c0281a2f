package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

func processor(name string, pure bool, stages catalognode.Stages) pipeline.Processor {
	return pipeline.Processor{Name: name, Pure: pure, Use: func(ctx context.Context, fn func(context.Context, catalognode.Stages) error) error {
		return fn(ctx, stages)
	}}
}

func TestProcessorStages(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		var runs atomic.Int64
		var fail atomic.Bool
		c.more = func(o *pipeline.Options) {
			o.Processors = []pipeline.Processor{processor("test/all", false, catalognode.Stages{
				PreProcess: func(_ context.Context, run catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					if e.Kind == "Component" {
						e.Metadata.Labels = map[string]string{"remembered": string(run.Remembered("runs"))}
						run.Remember("runs", append(run.Remembered("runs"), 'x'))
					}
					return e, nil
				},
				Recognizes: func(_ context.Context, e *catalogcommon.Entity) (bool, error) {
					if e.Kind != "Robot" {
						return false, nil
					}
					if e.SpecString("arms") == "" {
						return true, catalognode.At("/spec/arms", errors.New("a robot needs arms"))
					}
					return true, nil
				},
				ReadLocation: func(_ context.Context, run catalognode.Run, target catalogcommon.LocationRef) (bool, error) {
					if !strings.HasSuffix(target.Target, ".robots") {
						return false, nil
					}
					run.Entity(&catalogcommon.Entity{APIVersion: "example.com/v1", Kind: "Robot", Metadata: catalogcommon.Metadata{Name: "robby"}, Spec: map[string]any{"arms": "two"}})
					run.Entity(&catalogcommon.Entity{APIVersion: "example.com/v1", Kind: "Robot", Metadata: catalogcommon.Metadata{Name: "stump"}, Spec: map[string]any{}})
					return true, nil
				},
				PostProcess: func(_ context.Context, run catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					if fail.Load() {
						return nil, errors.New("out of order")
					}
					if e.Kind != "Component" {
						return e, nil
					}
					runs.Add(1)
					run.Relation(e.Ref(), "watchedBy", "watches", catalogcommon.Ref{Kind: "User", Name: "ann"})
					run.RefreshKey("weather")
					run.Entity(&catalogcommon.Entity{APIVersion: catalogcommon.APIVersionAlpha1, Kind: "User", Metadata: catalogcommon.Metadata{Name: "ann"}, Spec: map[string]any{"memberOf": []any{}}})
					return e, nil
				},
			})}
		}
		rules, err := location.NewRules(location.Rule{Allow: []location.AllowedKind{{Kind: "Component"}, {Kind: "User"}, {Kind: "Location"}, {Kind: "Robot"}}})
		if err != nil {
			t.Fatal(err)
		}
		c.set(func(s *pipeline.Settings) { s.Rules = rules })
		c.start()
		a := c.write("a.yaml", component("shop", "x"))
		c.register(a, c.dir+"/fleet.robots")
		shop := c.must("component:default/shop")
		if got := shop.Targets("watchedBy"); len(got) != 1 || got[0].String() != "user:default/ann" {
			t.Errorf("watchedBy = %v", got)
		}
		ann := c.must("user:default/ann")
		if got := ann.Targets("watches"); len(got) != 1 || ann.Annotation(catalogcommon.AnnotationOriginLocation) != "file:"+a {
			t.Errorf("ann = %+v", ann)
		}
		c.must("robot:default/robby")
		if c.entity("robot:default/stump") != nil || !strings.Contains(c.log.String(), "a robot needs arms") {
			t.Errorf("stump came through:\n%s", c.log)
		}

		// A refresh key brings another run, which remembers the first.
		before := runs.Load()
		if err := c.pipeline.Connection("any").Refresh(t.Context(), "weather"); err != nil {
			t.Fatal(err)
		}
		c.settle()
		if runs.Load() != before+1 {
			t.Errorf("%d runs, then %d", before, runs.Load())
		}
		if got := c.must("component:default/shop").Metadata.Labels["remembered"]; got != "x" {
			t.Errorf("remembered %q", got)
		}

		// A processor that fails costs nothing but its own error.
		fail.Store(true)
		if err := c.pipeline.Connection("any").Refresh(t.Context(), "weather"); err != nil {
			t.Fatal(err)
		}
		c.settle()
		shop = c.must("component:default/shop")
		if shop.Status == nil || !strings.Contains(shop.Status.Items[0].Message, "processor test/all: out of order") || len(shop.Targets("watchedBy")) != 1 {
			t.Errorf("shop = %+v, status %+v", shop.Relations, shop.Status)
		}
		c.must("user:default/ann")
	})
}

func TestPureEntitiesAreLeftAlone(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		var runs atomic.Int64
		c.more = func(o *pipeline.Options) {
			o.Processors = []pipeline.Processor{processor("test/pure", true, catalognode.Stages{
				PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
					if e.Kind == "Component" {
						runs.Add(1)
					}
					return e, nil
				},
			})}
		}
		c.set(func(s *pipeline.Settings) { s.Interval = time.Millisecond })
		c.start()
		a := c.write("a.yaml", component("shop", "x"))
		if err := c.pipeline.Connection("config").Full(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		child, err := pipeline.LocationChild(catalogcommon.LocationRef{Type: "file", Target: a}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.pipeline.Mutate(t.Context(), mutation(child)); err != nil {
			t.Fatal(err)
		}
		there := func(owner string) func() bool {
			return func() bool {
				if _, ok := c.index.ByRef("component:default/shop"); !ok {
					return false
				}
				return c.must("component:default/shop").SpecString("owner") == owner
			}
		}
		c.eventually(there("x"))
		before := runs.Load()
		c.write("a.yaml", component("shop", "y")) // the file is looked at again and again
		c.eventually(there("y"))
		if runs.Load() != before+1 {
			t.Errorf("%d runs for one change", runs.Load()-before)
		}
	})
}

// allow sets rules under which kinds, perhaps with types after a slash, may come in.
func (c *catalog) allow(kinds ...string) {
	c.t.Helper()
	rule := location.Rule{}
	for _, kind := range kinds {
		kind, specType, _ := strings.Cut(kind, "/")
		rule.Allow = append(rule.Allow, location.AllowedKind{Kind: kind, SpecType: specType})
	}
	rules, err := location.NewRules(rule)
	if err != nil {
		c.t.Fatal(err)
	}
	c.set(func(s *pipeline.Settings) { s.Rules, s.RulesText = rules, strings.Join(kinds, " ") })
	if c.store != nil {
		if err := c.store.ProcessAgain(c.t.Context(), "", strings.Join(kinds, " ")); err != nil {
			c.t.Fatal(err)
		}
		c.pipeline.Wake()
		c.settle()
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.allow("Component", "Location")
		c.start()
		a := c.write("a.yaml", component("shop", "x")+"---\n"+group("sea"))
		c.register(a)
		c.wantRefs(locationRef(a), "component:default/shop")
		place := c.must(locationRef(a))
		if place.Status == nil || !strings.Contains(place.Status.Items[0].Message, "NotAllowedError: entity group:default/sea at file:"+a) || place.Status.Items[0].Error.At.Line != 11 {
			t.Errorf("status = %+v", place.Status)
		}
		// The file does not change; what is allowed does.
		c.allow("Component", "Location", "Group/squad")
		c.wantRefs(locationRef(a), "component:default/shop")
		c.allow("Component", "Location", "Group/team")
		c.wantRefs(locationRef(a), "component:default/shop", "group:default/sea")
		c.allow("Component/service", "Group", "Location")
		c.wantRefs(locationRef(a), "component:default/shop", "group:default/sea")
		c.set(func(s *pipeline.Settings) { s.OrphanGrace = 0 })
		c.allow("Component/library", "Location", "Group")
		c.eventually(func() bool {
			_, there := c.index.ByRef("component:default/shop")
			return !there
		})
		c.wantRefs(locationRef(a), "group:default/sea")
	})
}

// TestRulesThatSayTheSame changes rules that then say the same about a file: it is not read anew, and its entities are not processed. One of very many types is read anew, since not all of them are noted.
func TestRulesThatSayTheSame(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.allow("Component", "Location")
		c.start()
		few := c.write("few.yaml", component("shop", "x")+"---\n"+group("sea"))
		text := ""
		for i := range 100 {
			text += strings.ReplaceAll(component(fmt.Sprint("c", i), "x"), "type: service", fmt.Sprint("type: t", i)) + "---\n"
		}
		many := c.write("many.yaml", text)
		c.register(few, many)
		read := func(path string) time.Time {
			record, found, err := c.store.Record(t.Context(), locationRef(path))
			if err != nil || !found {
				t.Fatal(found, err)
			}
			return record.Targets[0].Files[0].Read
		}
		processed := func(ref string) time.Time {
			record, found, err := c.store.Record(t.Context(), ref)
			if err != nil || !found {
				t.Fatal(found, err)
			}
			return record.Attempted
		}
		fewRead, manyRead, shop, place := read(few), read(many), processed("component:default/shop"), processed(locationRef(few))
		time.Sleep(2 * time.Millisecond) // times are stored in milliseconds
		c.allow("Location", "Component", "API")
		if !processed(locationRef(few)).After(place) {
			t.Fatal("the location is not looked at, although it might bring others")
		}
		if !read(few).Equal(fewRead) || !processed("component:default/shop").Equal(shop) {
			t.Error("a file is read anew, or its entity processed, although nothing about them can change")
		}
		if read(many).Equal(manyRead) {
			t.Error("a file is not read anew although not all is known that rules were asked about it")
		}
	})
}

// TestRulesForWhatProcessorsBring changes rules about entities that a processor hands over.
func TestRulesForWhatProcessorsBring(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.more = func(o *pipeline.Options) {
			o.Processors = []pipeline.Processor{processor("test/apis", true, catalognode.Stages{PostProcess: func(_ context.Context, run catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				if e.Kind == "Component" {
					run.Entity(&catalogcommon.Entity{APIVersion: e.APIVersion, Kind: "API", Metadata: catalogcommon.Metadata{Name: e.Metadata.Name}, Spec: map[string]any{"type": "openapi", "lifecycle": "production", "owner": "x", "definition": "none"}})
				}
				return e, nil
			}})}
		}
		c.set(func(s *pipeline.Settings) { s.OrphanGrace = 0 })
		c.allow("Component", "Location")
		c.start()
		a := c.write("a.yaml", component("shop", "x"))
		c.register(a)
		c.wantRefs(locationRef(a))
		c.allow("Component", "Location", "API")
		c.wantRefs(locationRef(a), "component:default/shop", "api:default/shop")
		c.allow("Component", "Location", "Group")
		if c.must("component:default/shop").Status == nil {
			t.Error("the entity does not say that it may no longer bring another")
		}
	})
}

func TestPlaceholder(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		c.write("api.txt", "the definition")
		a := c.write("a.yaml", "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: fares\nspec:\n  type: text\n  lifecycle: production\n  owner: x\n  definition:\n    $text: ./api.txt\n")
		c.register(a)
		if got := c.must("api:default/fares").SpecString("definition"); got != "the definition" {
			t.Errorf("definition = %q", got)
		}
		c.write("api.txt", "another")
		c.reread("api:default/fares")
		if got := c.must("api:default/fares").SpecString("definition"); got != "another" {
			t.Errorf("definition = %q", got)
		}
	})
}
