package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// rule is something that conditions about entities may demand. Its one meaning is a question to the index, which is asked about one entity or about all.
type rule struct {
	catalognode.Rule
	where func(args) query.Predicate
}

// args are the parameters of a call of a rule: one value for those that are no lists, none for one that is left out.
type args = map[string][]string

// ownRules are the rules that the catalog brings.
func ownRules() []rule {
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
	value := func(of string) catalognode.RuleParam {
		return catalognode.RuleParam{Name: "value", Description: "Value of the " + of + ". Without it any will do.", Optional: true}
	}
	return []rule{
		{catalognode.Rule{Name: catalogcommon.RuleHasAnnotation, Description: "Allow entities with the annotation", Params: []catalognode.RuleParam{{Name: "annotation", Description: "Name of the annotation."}, value("annotation")}}, under("metadata.annotations.", "annotation")},
		{catalognode.Rule{Name: catalogcommon.RuleHasLabel, Description: "Allow entities with the label", Params: []catalognode.RuleParam{{Name: "label", Description: "Name of the label."}, value("label")}}, under("metadata.labels.", "label")},
		{catalognode.Rule{Name: catalogcommon.RuleHasMetadata, Description: "Allow entities whose metadata has the field", Params: []catalognode.RuleParam{{Name: "key", Description: "Path below metadata."}, value("field")}}, under("metadata.", "key")},
		{catalognode.Rule{Name: catalogcommon.RuleHasSpec, Description: "Allow entities whose spec has the field", Params: []catalognode.RuleParam{{Name: "key", Description: "Path below spec."}, value("field")}}, under("spec.", "key")},
		{catalognode.Rule{Name: catalogcommon.RuleIsEntityKind, Description: "Allow entities of the kinds", Params: []catalognode.RuleParam{{Name: "kinds", Description: "Kinds, in any case.", List: true}}}, among("kind", "kinds")},
		{catalognode.Rule{Name: catalogcommon.RuleIsEntityOwner, Description: "Allow entities that one of the claims owns", Params: []catalognode.RuleParam{{Name: "claims", Description: "Full references, such as group:default/payments.", List: true}}}, among("relations.ownedBy", "claims")},
	}
}

// Rules tells which rules conditions may use: the catalog's own, then those that plugins add.
func (c *Catalog) Rules() []catalognode.Rule {
	var all []catalognode.Rule
	for _, own := range c.own {
		all = append(all, own.Rule)
	}
	for _, added := range c.added.Get() {
		if !slices.ContainsFunc(all, func(r catalognode.Rule) bool { return r.Name == added.Spec.Name }) {
			all = append(all, added.Spec)
		}
	}
	return all
}

// PermissionRules answer for all rules about entities, those that plugins add included: an authorizer can decide about one entity with them, for any plugin that asks it.
func PermissionRules() pluginapi.Extension {
	spec := pluginapi.PermissionRule{Resource: catalogcommon.ResourceTypeEntity, Description: "Rules about entities"}
	return pluginapi.PermissionRules.From("entities", spec, func(c *Catalog) pluginapi.RuleFunc {
		return func(ctx context.Context, resource string, call pluginapi.RuleCall) (bool, error) {
			where, err := c.rule(ctx, call)
			if err != nil {
				return false, err
			}
			return c.index.Matches(strings.ToLower(resource), where)
		}
	})
}

// maxConditions bounds what a decision can be made of.
const maxConditions = 1000

// conditions turns the conditions of a decision into a question to the index.
func (c *Catalog) conditions(ctx context.Context, condition pluginapi.Condition) (query.Predicate, error) {
	left := maxConditions
	return c.condition(ctx, condition, 1, &left)
}

func (c *Catalog) condition(ctx context.Context, of pluginapi.Condition, depth int, left *int) (query.Predicate, error) {
	if *left--; *left < 0 || depth > query.MaxDepth {
		return nil, fmt.Errorf("there are more than %d conditions, or they are nested more than %d deep", maxConditions, query.MaxDepth)
	}
	set := 0
	for _, is := range []bool{of.AllOf != nil, of.AnyOf != nil, of.Not != nil, of.Rule != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return nil, errors.New("a condition is one of allOf, anyOf, not and a rule")
	}
	switch {
	case of.Rule != nil:
		return c.rule(ctx, *of.Rule)
	case of.Not != nil:
		not, err := c.condition(ctx, *of.Not, depth+1, left)
		return query.Not{Of: not}, err
	}
	parts := make([]query.Predicate, 0, len(of.AllOf)+len(of.AnyOf))
	for _, part := range slices.Concat(of.AllOf, of.AnyOf) {
		where, err := c.condition(ctx, part, depth+1, left)
		if err != nil {
			return nil, err
		}
		parts = append(parts, where)
	}
	if of.AllOf != nil {
		return query.All(parts), nil
	}
	return query.Any(parts), nil
}

// rule turns one rule into a question to the index. A parameter that is missing, unknown or of another type is an error: it must not widen what is allowed.
func (c *Catalog) rule(ctx context.Context, call pluginapi.RuleCall) (query.Predicate, error) {
	for _, own := range c.own {
		if own.Name != call.Name {
			continue
		}
		given, err := argsOf(own.Rule, call.Params)
		if err != nil {
			return nil, err
		}
		return own.where(given), nil
	}
	for _, added := range c.added.Get() {
		if added.Spec.Name != call.Name {
			continue
		}
		given, err := argsOf(added.Spec, call.Params)
		if err != nil {
			return nil, err
		}
		meant, err := pluginapi.Ask(ctx, added, func(ctx context.Context, rule catalognode.RuleFunc) (map[string]any, error) { return rule(ctx, given) })
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", call.Name, err)
		}
		text, err := json.Marshal(meant)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", call.Name, err)
		}
		return query.ParsePredicate(text)
	}
	return nil, fmt.Errorf("there is no rule %q about entities", call.Name)
}

func argsOf(r catalognode.Rule, params map[string]any) (args, error) {
	given := args{}
	for _, param := range r.Params {
		value, ok := params[param.Name]
		if !ok || value == nil {
			if !param.Optional {
				return nil, fmt.Errorf("rule %s: parameter %s is missing", r.Name, param.Name)
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
			what := "a text that is not empty"
			if param.List {
				what = "a list of texts"
			}
			return nil, fmt.Errorf("rule %s: parameter %s must be %s", r.Name, param.Name, what)
		}
		given[param.Name] = list
	}
	for name := range params {
		if !slices.ContainsFunc(r.Params, func(p catalognode.RuleParam) bool { return p.Name == name }) {
			return nil, fmt.Errorf("rule %s: there is no parameter %s", r.Name, name)
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
	where, err := c.conditions(ctx, conditions)
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
