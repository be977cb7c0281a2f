package catalogapi

import (
	"fmt"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Condition says for which entities something is shown. The empty Condition holds for all.
//
// It is a list of terms separated by blanks, all of which must hold: kind:component,api (one of these kinds), type:service, lifecycle:production, namespace:default, tag:java,
// annotation:circleci.com/project-slug (the entity has it), has:links (has:tags, has:labels, has:relations), is:orphan. A minus in front turns a term around: -kind:user. Case does not matter.
type Condition string

// UnmarshalText reads a condition from configuration.
func (c *Condition) UnmarshalText(text []byte) error {
	*c = Condition(text)
	return c.Validate()
}

// Validate tells which term is not understood.
func (c Condition) Validate() error {
	for term := range strings.FieldsSeq(string(c)) {
		if _, err := holds(term, &catalogcommon.Entity{}); err != nil {
			return err
		}
	}
	return nil
}

// Holds reports whether every term holds for the entity. A term that is not understood holds for none.
func (c Condition) Holds(entity *catalogcommon.Entity) bool {
	for term := range strings.FieldsSeq(string(c)) {
		if ok, err := holds(term, entity); err != nil || !ok {
			return false
		}
	}
	return true
}

func holds(term string, e *catalogcommon.Entity) (bool, error) {
	positive, negated := strings.CutPrefix(term, "-")
	if !negated {
		positive = term
	}
	key, value, found := strings.Cut(positive, ":")
	if !found || value == "" {
		return false, fmt.Errorf("condition %q: a term is a key, a colon and a value, such as kind:component", term)
	}
	values := strings.Split(value, ",")
	is := func(actual string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, actual) })
	}
	var ok bool
	switch strings.ToLower(key) {
	case "kind":
		ok = is(e.Kind)
	case "type":
		ok = is(e.SpecString("type"))
	case "lifecycle":
		ok = is(e.SpecString("lifecycle"))
	case "namespace":
		ok = is(e.Ref().Namespace)
	case "tag":
		ok = slices.ContainsFunc(e.Metadata.Tags, is)
	case "annotation":
		ok = slices.ContainsFunc(values, func(v string) bool { return e.Annotation(v) != "" })
	case "has":
		has := map[string]bool{
			"links": len(e.Metadata.Links) > 0, "tags": len(e.Metadata.Tags) > 0,
			"labels": len(e.Metadata.Labels) > 0, "relations": len(e.Relations) > 0,
		}
		for _, v := range values {
			there, known := has[strings.ToLower(v)]
			if !known {
				return false, fmt.Errorf("condition %q: has: knows links, tags, labels and relations", term)
			}
			ok = ok || there
		}
	case "is":
		if !slices.Equal(values, []string{"orphan"}) {
			return false, fmt.Errorf("condition %q: is: knows orphan", term)
		}
		ok = e.Annotation(catalogcommon.AnnotationOrphan) == "true"
	default:
		return false, fmt.Errorf("condition %q: there is no key %q; there are kind, type, lifecycle, namespace, tag, annotation, has and is", term, key)
	}
	return ok != negated, nil
}
