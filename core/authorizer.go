package core

import (
	"context"
	"fmt"
	"slices"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// allowAll is the default authorizer: everybody who is somebody may do everything.
type allowAll struct{}

var _ pluginapi.Authorizer = allowAll{}

// Authorize implements pluginapi.Authorizer.
func (allowAll) Authorize(ctx context.Context, _ pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	if pluginapi.PrincipalFrom(ctx).IsZero() {
		return pluginapi.Decision{}, nil
	}
	return pluginapi.Decision{Effect: pluginapi.Allow}, nil
}

// authorizer keeps the promises of pluginapi.Authorizer whatever the app's own one does: nobody is denied, and a question about one resource gets a definite answer.
type authorizer struct {
	policy pluginapi.Authorizer
	rules  func() []pluginapi.Extended[pluginapi.PermissionRule, pluginapi.RuleFunc]
}

var _ pluginapi.Authorizer = (*authorizer)(nil)

// Authorize implements pluginapi.Authorizer.
func (a *authorizer) Authorize(ctx context.Context, p pluginapi.Permission, resource string) (pluginapi.Decision, error) {
	if pluginapi.PrincipalFrom(ctx).IsZero() {
		return pluginapi.Decision{}, nil
	}
	decision, err := a.policy.Authorize(ctx, p, resource)
	if err != nil {
		return pluginapi.Decision{}, fmt.Errorf("decide %s: %w", p.Name, err)
	}
	if decision.Effect != pluginapi.Conditional {
		return decision, nil
	}
	if p.Resource == "" {
		return pluginapi.Decision{}, fmt.Errorf("decide %s: a conditional decision about a permission without a resource", p.Name)
	}
	if resource == "" {
		return decision, nil
	}
	ok, err := decision.Conditions.Match(func(call pluginapi.RuleCall) (bool, error) { return a.rule(ctx, p.Resource, call, resource) })
	if err != nil || !ok {
		return pluginapi.Decision{}, err
	}
	return pluginapi.Decision{Effect: pluginapi.Allow}, nil
}

func (a *authorizer) rule(ctx context.Context, resourceType string, call pluginapi.RuleCall, resource string) (holds bool, err error) {
	rules := a.rules()
	named := func(name string) int {
		return slices.IndexFunc(rules, func(rule pluginapi.Extended[pluginapi.PermissionRule, pluginapi.RuleFunc]) bool {
			return rule.Spec.Name == name && rule.Spec.Resource == resourceType
		})
	}
	i := named(call.Name)
	if i < 0 {
		i = named("") // of whoever answers for all others
	}
	if i < 0 {
		return false, fmt.Errorf("evaluate condition: no plugin has a rule %s for %s", call.Name, resourceType)
	}
	err = rules[i].Use(ctx, func(ctx context.Context, check pluginapi.RuleFunc) (err error) {
		holds, err = check(ctx, resource, call)
		return err
	})
	return holds, err
}
