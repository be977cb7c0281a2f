package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// TestTryingWhatAProcessorReads tries locations that only a contributed processor can read, by themselves and as targets of an entity: what ingestion accepts a trial accepts, and what is wrong it finds.
func TestTryingWhatAProcessorReads(t *testing.T) {
	t.Parallel()
	c := newCatalog(t, databasetest.New(t, databasetest.SQLite))
	c.more = func(o *pipeline.Options) {
		o.Resolver = location.TargetResolver{AllowedTypes: []string{"fleet"}}
		o.Processors = []pipeline.Processor{processor("test/fleet", false, catalognode.Stages{
			ReadLocation: func(_ context.Context, run catalognode.Run, target catalogcommon.LocationRef) (bool, error) {
				if target.Type != "fleet" {
					return false, nil
				}
				switch target.Target {
				case "sunk":
					return false, errors.New("the fleet has sunk")
				case "odd":
					run.Fault(errors.New("the fleet is odd"))
				case "wrong":
					run.Entity(&catalogcommon.Entity{APIVersion: catalogcommon.APIVersionAlpha1, Metadata: catalogcommon.Metadata{Name: "no-kind"}})
				}
				run.Entity(&catalogcommon.Entity{APIVersion: catalogcommon.APIVersionAlpha1, Kind: "User", Metadata: catalogcommon.Metadata{Name: "captain-of-" + target.Target}, Spec: map[string]any{"memberOf": []any{}}})
				return true, nil
			},
		})}
	}
	c.start()
	place := func(target string) catalogcommon.LocationRef {
		return catalogcommon.LocationRef{Type: "fleet", Target: target}
	}
	entities, err := c.pipeline.DryRun(t.Context(), place("blue"), "")
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, entity := range entities {
		refs = append(refs, entity.Ref().String())
	}
	if want := []string{place("blue").EntityRef().String(), "user:default/captain-of-blue"}; !slices.Equal(refs, want) {
		t.Errorf("the trial brought %q, want %q", refs, want)
	}
	for target, want := range map[string]string{"sunk": "processor test/fleet: the fleet has sunk", "odd": "the fleet is odd", "wrong": "an entity was handed over that is none"} {
		if _, err := c.pipeline.DryRun(t.Context(), place(target), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
	entity := &catalogcommon.Entity{
		APIVersion: catalogcommon.APIVersionAlpha1, Kind: catalogcommon.KindLocation,
		Metadata: catalogcommon.Metadata{Name: "fleets"}, Spec: map[string]any{"type": "fleet", "targets": []any{"blue", "red"}},
	}
	from := catalogcommon.LocationRef{Type: "url", Target: "https://git.invalid/x.yaml"}
	if faults := c.pipeline.Validate(t.Context(), entity, from); len(faults) > 0 {
		t.Errorf("valid: %v", faults)
	}
	entity.Spec["targets"] = []any{"blue", "sunk"}
	if faults := c.pipeline.Validate(t.Context(), entity, from); len(faults) != 1 || faults[0].At == nil || faults[0].At.Pointer != "/spec/targets/1" {
		t.Errorf("a fleet has sunk: %v", faults)
	}
}
