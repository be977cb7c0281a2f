package catalog_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// stamps is a plugin with two processors, which write their names on each component, and a provider of one component.
func stamps() pluginapi.Plugin {
	stamp := func(name string) pluginapi.Extension {
		return catalognode.Processors.From(name, catalognode.Processor{Pure: true}, func() catalognode.Stages {
			return catalognode.Stages{PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				if e.Kind == "Component" {
					e.Metadata.Title += name
				}
				return e, nil
			}}
		})
	}
	return pluginapi.Plugin{ID: "stamps", Extensions: []pluginapi.Extension{
		stamp("a"), stamp("b"),
		catalognode.Providers.From("one", catalognode.Provider{}, func(ctx context.Context, to catalognode.Connection) error {
			return to.Full(ctx, []catalognode.Deferred{{Entity: &catalogcommon.Entity{
				APIVersion: "backstage.io/v1alpha1", Kind: "Component", Metadata: catalogcommon.Metadata{Name: "provided"}, Spec: map[string]any{"type": "x", "lifecycle": "y", "owner": "sea"},
			}}})
		}),
	}}
}

func TestProcessorOptions(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		"{}":                        "ab",
		"{a: {disabled: true}}":     "b",
		"{stamps/b: {priority: 5}}": "ba",
		"{entity-processor:stamps/a: {priority: 30}}":              "ba",
		"{a: {priority: 20}}":                                      "ab",
		"{UrlReaderProcessor: {disabled: true}, c: {priority: 1}}": "ab",
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			p := start(t, plugintest.Options{Config: "  processorOptions: " + options + "\n"}, stamps())
			var till catalogcommon.Entity
			p.Get(api + "/entities/by-name/component/default/till").Want(200).JSON(&till)
			if till.Metadata.Title != want {
				t.Errorf("stamped %q, want %q", till.Metadata.Title, want)
			}
			if unknown := strings.Contains(p.Log(), `unknown="[UrlReaderProcessor c]" known="[entity-processor:stamps/a entity-processor:stamps/b]"`); unknown != strings.Contains(options, "Url") {
				t.Errorf("unknown names are reported: %v\n%s", unknown, p.Log())
			}
		})
	}
}

// TestProvidersThatAreGone starts a portal on the data of one that had a provider: what it brought stays or goes, as configuration says, whether the provider is gone from the list or switched off.
func TestProvidersThatAreGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config string
		more   []pluginapi.Plugin
		stays  bool
	}{
		"deleted":               {"", nil, false},
		"deleted, in words":     {"  orphanProviderStrategy: delete\n", nil, false},
		"kept":                  {"  orphanProviderStrategy: keep\n", nil, true},
		"there":                 {"", []pluginapi.Plugin{stamps()}, true},
		"switched off":          {"  providerOptions: {one: {disabled: true}}\n", []pluginapi.Plugin{stamps()}, false},
		"switched off and kept": {"  providerOptions: {stamps/one: {disabled: true}}\n  orphanProviderStrategy: keep\n", []pluginapi.Plugin{stamps()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := "backend: {database: {client: better-sqlite3, connection: {directory: '" + t.TempDir() + "'}}}\n"
			const path = api + "/entities/by-name/component/default/provided"
			before := start(t, plugintest.Options{Config: database}, stamps())
			before.Eventually("the provider brings its entity", func() bool { return before.Get(path).Status == http.StatusOK })
			if err := before.Stop(); err != nil {
				t.Fatal(err)
			}
			after := start(t, plugintest.Options{Config: test.config + database}, test.more...)
			if stays := after.Get(path).Status == http.StatusOK; stays != test.stays {
				t.Errorf("it is there: %v, want %v\n%s", stays, test.stays, after.Log())
			}
		})
	}
}

// TestProcessingInterval changes a file that a location reads, and an entity in it that goes away.
func TestProcessingInterval(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"keep", "delete"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "catalog-info.yaml")
			write := func(text string) {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(component("shop") + "---\n" + component("till"))
			p := plugintest.StartWith(t, plugintest.Options{Config: "catalog: {processingInterval: 1 second, orphanStrategy: " + strategy + ", locations: [{type: file, target: " + file + "}]}"}, catalog.Plugin())
			p.Get(api + "/entities/by-name/component/default/till").Want(200)
			write(component("shop") + "---\n" + component("desk"))
			p.Eventually("a new document is read", func() bool { return p.Get(api+"/entities/by-name/component/default/desk").Status == http.StatusOK })
			var till catalogcommon.Entity
			p.Eventually("what is gone is an orphan", func() bool {
				p.Get(api + "/entities/by-name/component/default/till").Want(200).JSON(&till) // also with delete: an entity has half a minute to turn up elsewhere
				return till.Annotation(catalogcommon.AnnotationOrphan) == "true"
			})
		})
	}
}

func TestProcessingSwitchedOff(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Config: "  processingInterval: false\n"})
	var list []*catalogcommon.Entity
	p.Get(api + "/entities").Want(200).JSON(&list)
	var pending struct {
		Entities []struct {
			Ref string `json:"entity_ref"`
		}
	}
	p.Get(api + "/entities/unprocessed/pending").Want(200).JSON(&pending)
	place := catalogcommon.LocationRef{Type: "embedded", Target: "all.yaml"}.EntityRef().String()
	if len(list) != 0 || len(pending.Entities) != 1 || pending.Entities[0].Ref != place {
		t.Errorf("entities %q, pending %+v", names(list), pending)
	}
}

// TestRules has two locations of the same entities, of which one may bring more kinds than what is allowed for all.
func TestRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rules string
		want  []string
	}{
		"default":       {"", []string{"Shop", "till"}},
		"none":          {"rules: []", nil},
		"more for one":  {"rules: [{allow: [resource]}]", []string{"db"}},
		"of a type":     {"rules: [{allow: [{kind: Component, spec.type: Website}]}]", []string{"till"}},
		"of a place":    {"rules: [{allow: [Group, Component], locations: [{type: file, pattern: '**/CATALOG-*.yaml'}]}]", []string{"Shop", "sea", "till"}},
		"of another":    {"rules: [{allow: [Group], locations: [{type: url}]}]", nil},
		"of all others": {"rules: [{allow: [Group], locations: []}]", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "catalog-info.yaml")
			if err := os.WriteFile(file, []byte(descriptors), 0o600); err != nil {
				t.Fatal(err)
			}
			p := plugintest.StartWith(t, plugintest.Options{Config: "catalog:\n  locations: [{type: file, target: " + file + ", rules: [{allow: [Location]}]}]\n  " + test.rules + "\n"}, catalog.Plugin())
			var list []*catalogcommon.Entity
			p.Get(api + "/entities?filter=kind%3Dcomponent&filter=kind%3Dresource&filter=kind%3Dgroup&order=asc:metadata.name").Want(200).JSON(&list)
			got := names(list)
			slices.Sort(got)
			want(t, "let in", got, test.want...)
		})
	}
}

// TestSettingsWithoutAMeaning has keys of Backstage that nothing here obeys: the log says so, with the reason.
func TestSettingsWithoutAMeaning(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Config: "  disableDefaultProcessors: true\n  stitchingStrategy: {pollingInterval: 1s}\n  scmEvents: {move: false}\n  actions: {experimentalCatalogLayersDescriptions: {enabled: true}}\n"})
	for _, want := range []string{"catalog.disableDefaultProcessors (files and URLs are read by the catalog itself", "catalog.stitchingStrategy (entities are stitched at once)", "catalog.scmEvents (the portal receives no events", "catalog.actions ("} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.Log())
		}
	}
	p.Get(api + "/entities/by-name/component/default/shop").Want(200)
}

// TestFaultsOfLocationsHavePlaces has several, of which each is named with its place.
func TestFaultsOfLocationsHavePlaces(t *testing.T) {
	t.Parallel()
	const config = `catalog:
  rules:
    - allow: ['']
      locations:
        - {type: url, exact: a, pattern: b}
        - type: url
          pattern: '!(a)'
  locations:
    - type: https
      target: //git.invalid/catalog-info.yaml
    - {target: a.yaml}
    - type: file
      target: b.yaml
      presence: perhaps
    - {type: file, target: c.yaml, rules: [{allow: [{kind: User, spec.type: x}, {}]}]}
  orphanStrategy: burn
  defaultLocationConflictStrategy: ignore
`
	faults := plugintest.Faults(t, plugintest.Options{Config: config}, catalog.Plugin())
	for _, want := range []string{
		":3:15: catalog.rules[0].allow[0]: name a kind", ":5:11: catalog.rules[0].locations[0]: exact and pattern exclude each other", ":7:20: catalog.rules[0].locations[1].pattern: read pattern",
		":9:7: catalog.locations[0]: parse location reference", "a web address needs the type url", ":11:7: catalog.locations[1]: parse location reference", ":14:17: catalog.locations[2].presence: \"perhaps\" is not known",
		":15:81: catalog.locations[3].rules[0].allow[1]: name a kind", ":16:19: catalog.orphanStrategy: \"burn\" is not known; write delete or keep", ":17:36: catalog.defaultLocationConflictStrategy: \"ignore\" is not known",
	} {
		if !slices.ContainsFunc(faults, func(fault string) bool { return strings.Contains(fault, want) }) {
			t.Errorf("no fault says %s:\n%s", want, strings.Join(faults, "\n"))
		}
	}
	if len(faults) != 9 {
		t.Errorf("faults:\n%s", strings.Join(faults, "\n"))
	}
}

// TestUnknownWords has slips in types of locations and in kinds: no faults, because plugins add to both, but said with their places and what was probably meant.
func TestUnknownWords(t *testing.T) {
	t.Parallel()
	const config = `catalog:
  rules:
    - allow: [Component, api, Compoment, Robot]
      locations: [{type: vault}, {type: Url}, {type: embedded}]
    - allow: [{kind: Spaceship, spec.type: x}]
  locations:
    - {type: fil, target: a.yaml}
    - {type: vault, target: b}
    - {type: s3-bucket, target: c, rules: [{allow: [Usr]}]}
    - {type: embedded, target: all.yaml}
`
	more := pluginapi.Plugin{ID: "more", Extensions: []pluginapi.Extension{
		catalognode.AddKind("robot", catalognode.Kind{Name: "Robot", APIVersions: []string{"example.com/v1"}}),
		catalognode.LocationReaders.From("vault", catalognode.LocationReader{Type: "vault"}, func(context.Context, catalognode.ReadRequest) (catalognode.ReadResult, error) {
			return catalognode.ReadResult{Files: []catalognode.File{{Target: "b", Text: []byte(component("desk"))}}}, nil
		}),
	}}
	files := fstest.MapFS{"all.yaml": {Data: []byte(component("shop"))}}
	p := plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin(catalog.Options{Embedded: files}), more)
	for _, name := range []string{"shop", "desk"} { // all else comes in
		p.Eventually(name+" is there", func() bool { return p.Get(api+"/entities/by-name/component/default/"+name).Status == http.StatusOK })
	}
	for _, want := range []string{
		"key=catalog.rules[0].allow[2] kind=Compoment suggestion=Component", "key=catalog.rules[0].locations[1] type=Url suggestion=url", "key=catalog.rules[1].allow[0] kind=Spaceship known=\"API, AiResource, Component,",
		"key=catalog.locations[0] type=fil suggestion=file", "key=catalog.locations[2] type=s3-bucket known=\"embedded, file, url, vault\"", "key=catalog.locations[2].rules[0].allow[0] kind=Usr suggestion=User",
	} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("the log does not say %s\n%s", want, p.Log())
		}
	}
	if n := strings.Count(p.Log(), "that nothing in this portal"); n != 6 {
		t.Errorf("%d warnings:\n%s", n, p.Log())
	}
}
