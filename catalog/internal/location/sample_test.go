package location_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
)

// TestSampleCatalog reads the catalog of examples/minimal from its root file, as the portal does: all is valid and related, but for the one document that is broken on purpose.
func TestSampleCatalog(t *testing.T) {
	t.Parallel()
	m, err := model.New(model.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../../../examples/minimal/catalog/catalog-info.yaml")
	if err != nil {
		t.Fatal(err)
	}
	readers := location.Readers{catalogcommon.LocationTypeFile: location.Files{}}
	entities, kinds := map[string]bool{}, map[string]int{}
	var edges []model.Edge
	var broken []*descriptor.Error
	annotated := map[string]int{}
	queue := []location.Target{{Location: catalogcommon.LocationRef{Type: "file", Target: root}}}
	for ; len(queue) > 0; queue = queue[1:] {
		result, err := readers.Read(t.Context(), queue[0].Location, "")
		if queue[0].Optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range result.Files {
			documents, err := descriptor.Parse(file.Text, descriptor.Limits{})
			if err != nil || file.Err != nil {
				t.Fatal(file.Target, err, file.Err)
			}
			for _, document := range documents {
				if document.Err != nil {
					broken = append(broken, document.Err)
					continue
				}
				m.Normalize(document.Object)
				for _, problem := range m.Validate(document.Object) {
					line, column := document.Position(problem.Pointer)
					t.Errorf("%s:%d:%d: %s", file.Target, line, column, problem.Message)
				}
				found, problems := m.Relations(document.Object)
				if len(problems) > 0 {
					t.Errorf("%s: %v", file.Target, problems)
				}
				edges = append(edges, found...)
				entity := catalogcommon.EntityOf(document.Object)
				if ref := entity.Ref().String(); entities[ref] {
					t.Errorf("%s is there twice", ref)
				}
				entities[entity.Ref().String()] = true
				kinds[entity.Kind]++
				for key := range entity.Metadata.Annotations {
					annotated[key]++
				}
				if entity.Kind == catalogcommon.KindLocation {
					from := catalogcommon.LocationRef{Type: "file", Target: file.Target}
					queue = append(queue, location.TargetResolver{}.Targets(entity.Spec, from)...)
				}
			}
		}
	}
	ticketing, err := os.ReadFile(filepath.Join(filepath.Dir(root), "systems", "ticketing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(ticketing), "Foghorn: ")
	if len(broken) != 1 || broken[0].Line != strings.Count(before, "\n")+1 {
		t.Errorf("broken documents: %v, want the one that is broken on purpose", broken)
	}
	for _, edge := range edges {
		if !entities[edge.Source] || !entities[edge.Target] {
			t.Errorf("%s %s %s leads nowhere", edge.Source, edge.Type, edge.Target)
		}
	}
	if len(entities) < 40 || len(kinds) != 9 || annotated[catalogcommon.AnnotationCircleCI] < 3 || annotated[catalogcommon.AnnotationLighthouse] < 2 {
		t.Errorf("%d entities, kinds %v, annotations %v", len(entities), kinds, annotated)
	}
	t.Logf("%d entities, kinds %v, broken: %v", len(entities), kinds, broken)
}
