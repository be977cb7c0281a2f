package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Rule is something that conditions about entities may demand. Its one meaning is a question to the index, which is asked about one entity or about all.
type Rule struct {
	Name        string
	Description string
	Params      []RuleParam
	where       func(args) query.Predicate
}

// RuleParam is a parameter of a rule: a text, or a list of texts.
type RuleParam struct {
	Name        string
	Description string
	List        bool
	Optional    bool
}

// args are the parameters of a call of a rule: one value for those that are no lists, none for one that is left out.
type args map[string][]string

// EntityRules are the rules that the catalog knows.
func EntityRules() []Rule {
	under := func(prefix, key string) func(args) query.Predicate {
		return func(given args) query.Predicate {
			path := prefix + given[key][0]
			if value := given["value"]; value != nil {
				return query.In{Key: path, Values: value}
			}
			return query.Exists{Key: path}
		}
	}
	among := func(path, list string) func(args) query.Predicate {
		return func(given args) query.Predicate { return query.In{Key: path, Values: given[list]} }
	}
	value := func(of string) RuleParam {
		return RuleParam{Name: "value", Description: "Value of the " + of + ". Without it any will do.", Optional: true}
	}
	return []Rule{
		{catalogcommon.RuleHasAnnotation, "Allow entities with the annotation", []RuleParam{{Name: "annotation", Description: "Name of the annotation."}, value("annotation")}, under("metadata.annotations.", "annotation")},
		{catalogcommon.RuleHasLabel, "Allow entities with the label", []RuleParam{{Name: "label", Description: "Name of the label."}, value("label")}, under("metadata.labels.", "label")},
		{catalogcommon.RuleHasMetadata, "Allow entities whose metadata has the field", []RuleParam{{Name: "key", Description: "Path below metadata."}, value("field")}, under("metadata.", "key")},
		{catalogcommon.RuleHasSpec, "Allow entities whose spec has the field", []RuleParam{{Name: "key", Description: "Path below spec."}, value("field")}, under("spec.", "key")},
		{catalogcommon.RuleIsEntityKind, "Allow entities of the kinds", []RuleParam{{Name: "kinds", Description: "Kinds, in any case.", List: true}}, among("kind", "kinds")},
		{catalogcommon.RuleIsEntityOwner, "Allow entities that one of the claims owns", []RuleParam{{Name: "claims", Description: "Full references, such as group:default/payments.", List: true}}, among("relations.ownedBy", "claims")},
	}
}

// Rules are the same as extensions: an authorizer can decide about one entity with them.
func Rules() []pluginapi.Extension {
	var extensions []pluginapi.Extension
	for _, known := range EntityRules() {
		spec := pluginapi.PermissionRule{Name: known.Name, Resource: catalogcommon.ResourceTypeEntity, Description: known.Description}
		extensions = append(extensions, pluginapi.PermissionRules.From(strings.ReplaceAll(strings.ToLower(known.Name), "_", "-"), spec, func(c *Catalog) pluginapi.RuleFunc {
			return func(_ context.Context, resource string, params map[string]any) (bool, error) {
				where, err := rule(pluginapi.RuleCall{Name: known.Name, Params: params})
				if err != nil {
					return false, err
				}
				return c.index.Matches(strings.ToLower(resource), where)
			}
		}))
	}
	return extensions
}

// maxConditions bounds what a decision can be made of.
const maxConditions = 1000

// predicate turns the conditions of a decision into a question to the index.
func predicate(c pluginapi.Condition) (query.Predicate, error) {
	left := maxConditions
	return conditions(c, 1, &left)
}

func conditions(c pluginapi.Condition, depth int, left *int) (query.Predicate, error) {
	if *left--; *left < 0 || depth > query.MaxDepth {
		return nil, fmt.Errorf("there are more than %d conditions, or they are nested more than %d deep", maxConditions, query.MaxDepth)
	}
	set := 0
	for _, is := range []bool{c.AllOf != nil, c.AnyOf != nil, c.Not != nil, c.Rule != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return nil, errors.New("a condition is one of allOf, anyOf, not and a rule")
	}
	switch {
	case c.Rule != nil:
		return rule(*c.Rule)
	case c.Not != nil:
		of, err := conditions(*c.Not, depth+1, left)
		return query.Not{Of: of}, err
	}
	parts := make([]query.Predicate, 0, len(c.AllOf)+len(c.AnyOf))
	for _, part := range slices.Concat(c.AllOf, c.AnyOf) {
		where, err := conditions(part, depth+1, left)
		if err != nil {
			return nil, err
		}
		parts = append(parts, where)
	}
	if c.AllOf != nil {
		return query.All(parts), nil
	}
	return query.Any(parts), nil
}

// rule turns one rule into a question to the index. A parameter that is missing, unknown or of another type is an error: it must not widen what is allowed.
func rule(call pluginapi.RuleCall) (query.Predicate, error) {
	for _, known := range EntityRules() {
		if known.Name != call.Name {
			continue
		}
		given, err := known.args(call.Params)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", call.Name, err)
		}
		return known.where(given), nil
	}
	return nil, fmt.Errorf("there is no rule %q about entities", call.Name)
}

func (r Rule) args(params map[string]any) (args, error) {
	given := args{}
	for _, param := range r.Params {
		value, ok := params[param.Name]
		if !ok || value == nil {
			if !param.Optional {
				return nil, fmt.Errorf("parameter %s is missing", param.Name)
			}
			continue
		}
		list, ok := texts(value)
		if !param.List {
			var text string
			text, ok = value.(string)
			ok = ok && (text != "" || param.Optional)
			list = []string{text}
		}
		if !ok {
			return nil, fmt.Errorf("parameter %s is %v, which it cannot be", param.Name, value)
		}
		given[param.Name] = list
	}
	for name := range params {
		if !slices.ContainsFunc(r.Params, func(p RuleParam) bool { return p.Name == name }) {
			return nil, fmt.Errorf("there is no parameter %s", name)
		}
	}
	return given, nil
}

// texts reads a list of texts, as Go code or JSON give it.
func texts(value any) ([]string, bool) {
	switch list := value.(type) {
	case []string:
		return slices.Clone(list), true
	case []any:
		all := make([]string, 0, len(list))
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			all = append(all, text)
		}
		return all, true
	}
	return nil, false
}

// Decide tells for each entity whether the conditions hold for it. They do not for one that is not there, or that the caller may not read, so that asking tells nothing about what is hidden.
func (c *Catalog) Decide(ctx context.Context, refs []string, conditions pluginapi.Condition) ([]bool, error) {
	where, err := predicate(conditions)
	if err != nil {
		return nil, query.Errorf("conditions: %v", err)
	}
	holds := make([]bool, len(refs))
	readable, ok, err := c.readable(ctx)
	if err != nil || !ok {
		return holds, err
	}
	lower := make([]string, len(refs))
	for i, ref := range refs {
		lower[i] = strings.ToLower(ref)
	}
	docs, err := c.index.ByRefs(lower, query.And(where, readable))
	if err != nil {
		return nil, err
	}
	for i := range docs {
		holds[i] = docs[i].Ref != ""
	}
	return holds, nil
}
