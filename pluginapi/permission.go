package pluginapi

import (
	"context"
	"fmt"
)

// Permission names something that may be done. The variable belongs to the plugin; its name is a constant of the plugin's common layer (which cannot import this package), so that whoever decides
// can name it without importing the plugin.
type Permission struct {
	Name     string // such as catalog.entity.delete
	Action   string // create, read, update, delete, or empty
	Resource string // type of resource, such as catalog-entity; empty for a permission that is not about one thing
}

// Authorizer decides. It is safe for concurrent use.
type Authorizer interface {
	// Authorize decides whether ctx's principal has p. Without a principal the decision is to deny.
	//
	// resource is the reference of the one thing in question, and the answer is then Allow or Deny. It is empty for a permission that is not about one thing, and when
	// the caller will filter by itself: only then can the answer be conditional.
	//
	// An error means that no decision could be made, which callers treat as a denial.
	Authorize(ctx context.Context, p Permission, resource string) (Decision, error)
}

// Decision is an [Authorizer]'s answer. The zero value denies.
type Decision struct {
	Effect     Effect
	Conditions Condition // of a Conditional decision
}

// Effect is the kind of a [Decision].
type Effect int

// The effects. The zero value denies.
const (
	Deny Effect = iota
	Allow
	Conditional
)

// Condition is a tree over rules of a resource type; exactly one of its fields is set. Its owner turns it into a query, or asks [Condition.Match] about one resource.
type Condition struct {
	AllOf []Condition `json:"allOf,omitempty"`
	AnyOf []Condition `json:"anyOf,omitempty"`
	Not   *Condition  `json:"not,omitempty"`
	Rule  *RuleCall   `json:"rule,omitempty"`
}

// RuleCall names a rule and its parameters.
type RuleCall struct {
	Name   string         `json:"name"`
	Params map[string]any `json:"params,omitempty"`
}

// Match evaluates c, asking rule about each leaf until the outcome is certain. A condition that is not well-formed is an error.
func (c Condition) Match(rule func(RuleCall) (bool, error)) (bool, error) {
	set := 0
	for _, is := range []bool{c.AllOf != nil, c.AnyOf != nil, c.Not != nil, c.Rule != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return false, fmt.Errorf("evaluate condition: one of allOf, anyOf, not and rule must be set, found %d", set)
	}
	switch {
	case c.Rule != nil:
		ok, err := rule(*c.Rule)
		return err == nil && ok, err
	case c.Not != nil:
		ok, err := c.Not.Match(rule)
		return err == nil && !ok, err
	}
	all := c.AllOf != nil
	for _, child := range append(c.AllOf, c.AnyOf...) {
		if ok, err := child.Match(rule); err != nil || ok != all {
			return err == nil && ok, err
		}
	}
	return all, nil
}

// PermissionRule is the spec of a rule that conditions may use. Two of the same name and resource type are a fault when the portal starts.
type PermissionRule struct {
	Name        string // such as IS_ENTITY_OWNER; empty for all rules about the resource type that no other extension names, where only their owner knows which there are
	Resource    string // the resource type it is about; required
	Description string
}

// RuleFunc tells whether a rule, with its parameters, holds for the resource that a reference names. One that it does not know is an error.
type RuleFunc func(ctx context.Context, resource string, rule RuleCall) (bool, error)

// PermissionRules is where owners of resources say what conditions about them mean, so that an [Authorizer] can decide about one resource.
var PermissionRules = &Point[PermissionRule, RuleFunc]{Kind: "permission-rule"}

// Require returns nil when a allows p on resource, else an error to answer with: 401 for nobody, 403 for a denial. It is for permissions whose decision is not conditional.
func Require(ctx context.Context, a Authorizer, p Permission, resource string) error {
	decision, err := a.Authorize(ctx, p, resource)
	switch {
	case err != nil:
		return NotAllowed("permission %s could not be decided", p.Name).Because(err)
	case decision.Effect == Allow:
		return nil
	case PrincipalFrom(ctx).IsZero():
		return Unauthenticated("sign in first")
	}
	return NotAllowed("permission %s is denied", p.Name)
}
