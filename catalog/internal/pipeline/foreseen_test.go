package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

// provided is what a provider hands over as an entity.
func provided(t *testing.T, kind, name string, spec map[string]any) store.Child {
	t.Helper()
	child, err := pipeline.ProvidedChild("config", catalognode.Deferred{Entity: &catalogcommon.Entity{
		APIVersion: "backstage.io/v1alpha1", Kind: kind, Metadata: catalogcommon.Metadata{Name: name}, Spec: spec,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func service(owner string) map[string]any {
	return map[string]any{"type": "service", "lifecycle": "production", "owner": owner}
}

// TestForeseenEntitiesBecomeTheSame stores entities with their outcome and without, new ones and changed ones.
func TestForeseenEntitiesBecomeTheSame(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		for _, owner := range []string{"sea", "land", "land"} {
			foreseen := c.pipeline.Foreseen(t.Context(), provided(t, "Component", "foreseen", service(owner)))
			if foreseen.Outcome == nil {
				t.Fatal("nothing is foreseen of an entity that decides about itself alone")
			}
			if err := c.pipeline.Mutate(t.Context(), mutation(foreseen, provided(t, "Component", "processed", service(owner)))); err != nil {
				t.Fatal(err)
			}
			c.settle()
			got, want := c.must("component:default/foreseen"), c.must("component:default/processed")
			if len(got.Relations) != 1 || got.Relations[0].TargetRef != "group:default/"+owner {
				t.Errorf("relations: %+v", got.Relations)
			}
			want.Metadata.Name, want.Metadata.UID, want.Metadata.ETag = got.Metadata.Name, got.Metadata.UID, got.Metadata.ETag
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with owner %s (-processed +foreseen):\n%s", owner, diff)
			}
		}
	})
}

// TestNothingIsForeseenOfWhatOthersDecide hands over what has to be stored first, or is wrong.
func TestNothingIsForeseenOfWhatOthersDecide(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		for name, child := range map[string]store.Child{
			"a location":      provided(t, "Location", "place", map[string]any{"type": "file", "target": "/nowhere"}),
			"a placeholder":   provided(t, "API", "text", map[string]any{"type": "openapi", "lifecycle": "production", "owner": "sea", "definition": map[string]any{"$text": "./api.yaml"}}),
			"a faulty entity": provided(t, "Component", "ownerless", map[string]any{"type": "service"}),
		} {
			if c.pipeline.Foreseen(t.Context(), child).Outcome != nil {
				t.Errorf("an outcome of %s", name)
			}
		}
		options := c.options
		options.Processors = []pipeline.Processor{processor("test/any", true, catalognode.Stages{})}
		if pipeline.New(options).Foreseen(t.Context(), provided(t, "Component", "shop", service("sea"))).Outcome != nil {
			t.Error("an outcome although a processor has a say")
		}
	})
}
