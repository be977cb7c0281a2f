package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Edge is a directed relation between two entities, either of which may not exist. References are written as [catalogcommon.Ref.String] does.
type Edge struct {
	Source, Type, Target string
}

// Compare orders edges by source, type and target.
func (e Edge) Compare(other Edge) int {
	return cmp.Or(cmp.Compare(e.Source, other.Source), cmp.Compare(e.Type, other.Type), cmp.Compare(e.Target, other.Target))
}

// Relations returns the relations that the entity's fields make: for each reference one edge there and one back, sorted and without duplicates. References that make no sense are returned as problems; they do not keep the
// others from counting. The entity should be valid; of an unknown kind it has no relations.
func (m *Model) Relations(entity map[string]any) ([]Edge, []Problem) {
	k := m.kindOf(entity)
	if k == nil || len(k.relations) == 0 {
		return nil, nil
	}
	self := refOf(entity)
	source := self.String()
	var edges []Edge
	var problems []Problem
	for i := range k.relations {
		field := &k.relations[i]
		add := func(value any, pointer string) {
			target, problem := field.target(value, self, pointer)
			if problem != nil {
				problems = append(problems, *problem)
			}
			if target != "" {
				edges = append(edges, Edge{source, field.Type, target}, Edge{target, field.Reverse, source})
			}
		}
		switch value := lookup(entity, field.path).(type) {
		case nil:
		case []any:
			for n, item := range value {
				add(item, field.pointer+"/"+strconv.Itoa(n))
			}
		default:
			add(value, field.pointer)
		}
	}
	slices.SortFunc(edges, Edge.Compare)
	return slices.Compact(edges), problems
}

// target returns the reference that value is, or nothing for one that the field leaves out.
func (f *relationField) target(value any, self catalogcommon.Ref, pointer string) (string, *Problem) {
	reference, isText := value.(string)
	if !isText {
		return "", &Problem{pointer, fmt.Sprintf("%s must be string - type: string", pointer)}
	}
	if reference == "" {
		return "", nil
	}
	namespace := self.Namespace
	if f.DefaultNamespace == StandardNamespace {
		namespace = catalogcommon.DefaultNamespace
	}
	ref, err := catalogcommon.ParseRef(reference, catalogcommon.RefDefaults{Kind: f.DefaultKind, Namespace: namespace})
	if err != nil {
		return "", &Problem{pointer, fmt.Sprintf("%s: %v", pointer, err)}
	}
	ref = ref.Normal()
	if len(f.TargetKinds) > 0 && !slices.ContainsFunc(f.TargetKinds, func(kind string) bool { return catalogcommon.Ref{Kind: kind}.Normal().Kind == ref.Kind }) {
		return "", nil
	}
	return ref.Kind + ":" + ref.Namespace + "/" + ref.Name, nil
}
