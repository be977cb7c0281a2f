package catalognode

import (
	"context"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Rule is the spec of a rule that conditions about entities may use, beside the catalog's own.
type Rule struct {
	Name        string // such as IS_CRITICAL. The catalog's own rules cannot be replaced
	Description string
	Params      []RuleParam
}

// RuleParam is a parameter of a rule: a text, or a list of texts.
type RuleParam struct {
	Name        string
	Description string
	List        bool
	Optional    bool
}

// RuleFunc says what a rule means: a predicate in the form of the Query of a catalogcommon.QueryRequest. The catalog asks its index, about one entity or about all of them, so the two cannot disagree.
// The parameters are as the spec describes them: one value for those that are no lists, nothing for one that was left out. An error denies.
type RuleFunc func(ctx context.Context, params map[string][]string) (map[string]any, error)

// Rules is where plugins add rules.
//
//	catalognode.Rules.From("critical", catalognode.Rule{Name: "IS_CRITICAL", Description: "Allow what must not fail"}, func(context.Context, map[string][]string) (map[string]any, error) {
//		return map[string]any{"metadata.labels.example.com/tier": "1"}, nil
//	})
var Rules = &pluginapi.Point[Rule, RuleFunc]{Kind: "entity-rule", Timeout: 5 * time.Second}
