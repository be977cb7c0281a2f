// Package model knows what an entity is: which fields it must have and in what form, which kinds there are, and which fields of them become relations.
//
// Kinds are data (see [Kind]), so that others can add theirs. The checks run on the JSON objects that descriptors hold: map[string]any, []any, string, float64, bool and nil, and no other types.
// Every complaint is a [Problem] with the JSON pointer of its place, from which the position in the file follows.
package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Kind describes one kind of entity, or one variant of it, as plain data.
type Kind struct {
	Name        string         // as entities write it, such as Component; case counts
	APIVersions []string       // those that the description is for
	SpecTypes   []string       // the values of spec.type that this variant is for; empty means all that no other variant of the kind takes
	Description string         // for people
	Schema      *Schema        // of the whole entity, beyond what every entity must have; nil accepts anything
	Relations   []RelationSpec // which fields become relations
}

// RelationSpec says that a field holds references, and which pair of relations each of them makes.
type RelationSpec struct {
	Path        string   // of a string or an array of strings, with dots: spec.owner
	Type        string   // from the entity to the target: ownedBy
	Reverse     string   // from the target to the entity: ownerOf
	DefaultKind string   // of references that say none; empty makes the kind mandatory
	TargetKinds []string // if any, references to entities of other kinds make no relations
	// DefaultNamespace says what a reference without a namespace means.
	DefaultNamespace NamespaceRule
}

// NamespaceRule is where a reference without a namespace points to.
type NamespaceRule string

// Rules for namespaces.
const (
	InheritNamespace  NamespaceRule = "inherit" // into the namespace of the entity that has the reference; the zero value means the same
	StandardNamespace NamespaceRule = "default" // into the namespace default
)

// Model is a set of kinds. It does not change after [New], so that any number of goroutines may use it.
type Model struct {
	kinds map[kindKey][]*kind
	names map[string]string // kind in lower case to its name, for advice
}

type kindKey struct{ apiVersion, name string }

type kind struct {
	Kind
	relations []relationField
}

type relationField struct {
	RelationSpec
	path    []string
	pointer string
}

// New makes a model of kinds, usually those of [Builtin] and some more. All faults of the descriptions are reported together: two variants that claim the same entities, relations without a type, schemas that make no sense.
func New(kinds ...Kind) (*Model, error) {
	m := &Model{kinds: map[kindKey][]*kind{}, names: map[string]string{}}
	var faults []error
	for i := range kinds {
		k := &kind{Kind: kinds[i]}
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("describe kind %q: "+format, append([]any{k.Name}, args...)...))
		}
		if !isKind(k.Name) {
			fault("the name must be a letter and up to 62 letters and digits")
		}
		if len(k.APIVersions) == 0 {
			fault("list at least one of APIVersions")
		}
		if err := k.Schema.check("schema"); err != nil {
			fault("%w", err)
		}
		for _, spec := range k.Relations {
			if spec.Path == "" || spec.Type == "" || spec.Reverse == "" {
				fault("a relation needs Path, Type and Reverse; got %q, %q and %q", spec.Path, spec.Type, spec.Reverse)
			}
			path := strings.Split(spec.Path, ".")
			k.relations = append(k.relations, relationField{spec, path, "/" + strings.Join(path, "/")})
		}
		for _, version := range k.APIVersions {
			key := kindKey{version, k.Name}
			for _, other := range m.kinds[key] {
				if claimsSame(other.SpecTypes, k.SpecTypes) {
					fault("another description claims the same entities of %s", version)
				}
			}
			m.kinds[key] = append(m.kinds[key], k)
		}
		m.names[strings.ToLower(k.Name)] = k.Name
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return m, nil
}

func claimsSame(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

// kindOf returns the description that fits the entity, or nil.
func (m *Model) kindOf(entity map[string]any) *kind {
	apiVersion, _ := entity["apiVersion"].(string)
	name, _ := entity["kind"].(string)
	var fallback *kind
	for _, k := range m.kinds[kindKey{apiVersion, name}] {
		if len(k.SpecTypes) == 0 {
			fallback = k
			continue
		}
		spec, _ := entity["spec"].(map[string]any)
		if specType, ok := spec["type"].(string); ok && slices.Contains(k.SpecTypes, specType) {
			return k
		}
	}
	return fallback
}

// unrecognized explains why no description fits.
func (m *Model) unrecognized(entity map[string]any) Problem {
	apiVersion, _ := entity["apiVersion"].(string)
	name, _ := entity["kind"].(string)
	advice := ""
	if known, ok := m.names[strings.ToLower(name)]; ok {
		if known != name {
			advice = fmt.Sprintf("; did you mean kind %s?", known)
		} else {
			var versions []string
			for key := range m.kinds {
				if key.name == name {
					versions = append(versions, key.apiVersion)
				}
			}
			slices.Sort(versions)
			advice = fmt.Sprintf("; %s is known with apiVersion %s", name, strings.Join(versions, " and "))
		}
	}
	pointer := "/kind"
	if advice != "" && m.names[strings.ToLower(name)] == name {
		pointer = "/apiVersion"
	}
	return Problem{pointer, fmt.Sprintf("No processor recognized the entity %s as valid, possibly caused by a foreign kind or apiVersion (%s, %s)%s", refOf(entity), name, apiVersion, advice)}
}

// refOf returns the entity's reference; the envelope must have been checked.
func refOf(entity map[string]any) catalogcommon.Ref {
	name, _ := entity["kind"].(string)
	metadata, _ := entity["metadata"].(map[string]any)
	ref := catalogcommon.Ref{Kind: name, Namespace: catalogcommon.DefaultNamespace}
	ref.Name, _ = metadata["name"].(string)
	if namespace, ok := metadata["namespace"].(string); ok && namespace != "" {
		ref.Namespace = namespace
	}
	return ref
}
