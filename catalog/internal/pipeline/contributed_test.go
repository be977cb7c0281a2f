package pipeline_test

import (
	"context"
	"errors"
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

func TestRules(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		rules, err := location.NewRules(location.Rule{Allow: []location.AllowedKind{{Kind: "Component"}, {Kind: "Location"}}})
		if err != nil {
			t.Fatal(err)
		}
		c.set(func(s *pipeline.Settings) { s.Rules, s.RulesText = rules, "components" })
		c.start()
		a := c.write("a.yaml", component("shop", "x")+"---\n"+group("sea"))
		c.register(a)
		c.wantRefs(locationRef(a), "component:default/shop")
		place := c.must(locationRef(a))
		if place.Status == nil || !strings.Contains(place.Status.Items[0].Message, "NotAllowedError: entity group:default/sea at file:"+a) || place.Status.Items[0].Error.At.Line != 11 {
			t.Errorf("status = %+v", place.Status)
		}

		rules, err = location.NewRules(location.Rule{Allow: []location.AllowedKind{{Kind: "Component"}, {Kind: "Location"}, {Kind: "Group"}}})
		if err != nil {
			t.Fatal(err)
		}
		c.set(func(s *pipeline.Settings) { s.Rules, s.RulesText = rules, "components and groups" })
		c.reread("component:default/shop") // the file did not change; what is allowed did
		c.wantRefs(locationRef(a), "component:default/shop", "group:default/sea")
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
