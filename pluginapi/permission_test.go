package pluginapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

func rule(name string) pluginapi.Condition {
	return pluginapi.Condition{Rule: &pluginapi.RuleCall{Name: name}}
}

func TestConditionMatch(t *testing.T) {
	t.Parallel()
	yes, no, bad := rule("yes"), rule("no"), rule("bad")
	for name, test := range map[string]struct {
		condition pluginapi.Condition
		want      bool
		fails     bool
	}{
		"rule":           {yes, true, false},
		"not":            {pluginapi.Condition{Not: &yes}, false, false},
		"all":            {pluginapi.Condition{AllOf: []pluginapi.Condition{yes, no}}, false, false},
		"all of none":    {pluginapi.Condition{AllOf: []pluginapi.Condition{}}, true, false},
		"any":            {pluginapi.Condition{AnyOf: []pluginapi.Condition{no, yes, bad}}, true, false},
		"any of none":    {pluginapi.Condition{AnyOf: []pluginapi.Condition{}}, false, false},
		"nested":         {pluginapi.Condition{AnyOf: []pluginapi.Condition{no, {AllOf: []pluginapi.Condition{yes, {Not: &no}}}}}, true, false},
		"nothing":        {pluginapi.Condition{}, false, true},
		"two at once":    {pluginapi.Condition{Not: &yes, Rule: yes.Rule}, false, true},
		"failing rule":   {bad, false, true},
		"failing in not": {pluginapi.Condition{Not: &bad}, false, true},
	} {
		got, err := test.condition.Match(func(call pluginapi.RuleCall) (bool, error) {
			if call.Name == "bad" {
				return true, errors.New("bad")
			}
			return call.Name == "yes", nil
		})
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

type deciding pluginapi.Decision

func (d deciding) Authorize(context.Context, pluginapi.Permission, string) (pluginapi.Decision, error) {
	return pluginapi.Decision(d), nil
}

func TestRequire(t *testing.T) {
	t.Parallel()
	guest := pluginapi.WithPrincipal(t.Context(), pluginapi.Guest())
	for name, test := range map[string]struct {
		ctx    context.Context
		effect pluginapi.Effect
		status int
	}{
		"allowed":     {guest, pluginapi.Allow, 0},
		"denied":      {guest, pluginapi.Deny, 403},
		"conditional": {guest, pluginapi.Conditional, 403},
		"nobody":      {t.Context(), pluginapi.Deny, 401},
	} {
		err := pluginapi.Require(test.ctx, deciding{Effect: test.effect}, pluginapi.Permission{Name: "p"}, "")
		status := 0
		if err != nil {
			status, _, _ = pluginapi.Describe(err)
		}
		if status != test.status {
			t.Errorf("%s: %v", name, err)
		}
	}
}
