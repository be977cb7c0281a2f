package api

import (
	"encoding/json"
	"net/http"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// What an outside permission service needs to know of the catalog, and to ask it, in the form of Backstage's permission framework.

// permissions tells which permissions the catalog asks for, and which rules conditions may use.
func (a *API) permissions(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	type permission struct {
		Type         string            `json:"type"`
		Name         string            `json:"name"`
		Attributes   map[string]string `json:"attributes"`
		ResourceType string            `json:"resourceType,omitempty"`
	}
	type rule struct {
		Name         string         `json:"name"`
		Description  string         `json:"description"`
		ResourceType string         `json:"resourceType"`
		ParamsSchema map[string]any `json:"paramsSchema"`
	}
	var answer struct {
		Permissions []permission `json:"permissions"`
		Rules       []rule       `json:"rules"`
	}
	for _, known := range catalogcommon.Permissions() {
		p := permission{"basic", known.Name, map[string]string{}, known.ResourceType}
		if known.ResourceType != "" {
			p.Type = "resource"
		}
		if known.Action != "" {
			p.Attributes["action"] = known.Action
		}
		answer.Permissions = append(answer.Permissions, p)
	}
	for _, known := range a.catalog.Rules() {
		answer.Rules = append(answer.Rules, rule{known.Name, known.Description, catalogcommon.ResourceTypeEntity, paramsSchema(known.Params)})
	}
	return respondWith(w, http.StatusOK, answer)
}

// paramsSchema describes the parameters of a rule as JSON Schema.
func paramsSchema(params []catalognode.RuleParam) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, param := range params {
		property := map[string]any{"type": "string", "description": param.Description}
		if param.List {
			property["type"], property["items"] = "array", map[string]string{"type": "string"}
		}
		properties[param.Name] = property
		if !param.Optional {
			required = append(required, param.Name)
		}
	}
	return map[string]any{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// Bounds of one question.
const (
	maxDecisions = 100    // conditions to apply
	maxDecided   = 10_000 // entities to apply them to
)

// applyConditions decides about single entities.
func (a *API) applyConditions(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	var body struct {
		Items []struct {
			ID           string           `json:"id"`
			ResourceRef  oneOrMany        `json:"resourceRef"`
			ResourceType string           `json:"resourceType"`
			Conditions   *json.RawMessage `json:"conditions"`
		} `json:"items"`
	}
	if err := readBody(r, &body, false, false); err != nil {
		return err
	}
	if body.Items == nil {
		return pluginapi.BadInput("request/body must have required property 'items'")
	}
	type item struct {
		ID     string `json:"id"`
		Result any    `json:"result"`
	}
	answer := struct {
		Items []item `json:"items"`
	}{[]item{}}
	decided := 0
	for i, asked := range body.Items {
		decided += len(asked.ResourceRef.refs)
		switch {
		case i == maxDecisions || decided > maxDecided:
			return pluginapi.BadInput("request/body/items: more than %d items, or more than %d references in them; ask in several requests", maxDecisions, maxDecided)
		case asked.ResourceType != catalogcommon.ResourceTypeEntity:
			return pluginapi.BadInput("Unexpected resource types: %s.", asked.ResourceType)
		case asked.Conditions == nil:
			return pluginapi.BadInput("request/body/items/%d must have required property 'conditions'", i)
		case len(asked.ResourceRef.refs) == 0:
			return pluginapi.BadInput("request/body/items/%d must have required property 'resourceRef'", i)
		}
		condition, err := readCondition(*asked.Conditions, 0)
		if err != nil {
			return err
		}
		holds, err := a.catalog.Decide(r.Context(), asked.ResourceRef.refs, condition)
		if err != nil {
			return err
		}
		results := make([]string, len(holds))
		for n, ok := range holds {
			if results[n] = "DENY"; ok {
				results[n] = "ALLOW"
			}
		}
		if asked.ResourceRef.many {
			answer.Items = append(answer.Items, item{asked.ID, results})
		} else {
			answer.Items = append(answer.Items, item{asked.ID, results[0]})
		}
	}
	return respondWith(w, http.StatusOK, answer)
}

// oneOrMany is a text or a list of texts.
type oneOrMany struct {
	refs []string
	many bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	if o.many = len(text) > 0 && text[0] == '['; o.many {
		return json.Unmarshal(text, &o.refs)
	}
	o.refs = make([]string, 1)
	return json.Unmarshal(text, &o.refs[0])
}

// maxConditionDepth keeps reading from costing more than deciding; what is as deep as that is refused there in any case.
const maxConditionDepth = 64

// readCondition reads a condition as Backstage writes it: in a leaf the rule's name, the resource's type and the parameters are side by side.
func readCondition(text []byte, depth int) (pluginapi.Condition, error) {
	var read struct {
		AllOf        []json.RawMessage `json:"allOf"`
		AnyOf        []json.RawMessage `json:"anyOf"`
		Not          json.RawMessage   `json:"not"`
		Rule         *string           `json:"rule"`
		ResourceType string            `json:"resourceType"`
		Params       map[string]any    `json:"params"`
	}
	none := pluginapi.Condition{}
	if depth == maxConditionDepth {
		return none, pluginapi.BadInput("conditions are nested more than %d deep", maxConditionDepth)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return none, pluginapi.BadInput("conditions: %s", bodyFault(err)).Because(err)
	}
	var condition pluginapi.Condition
	if read.Rule != nil {
		if read.ResourceType != catalogcommon.ResourceTypeEntity {
			return none, pluginapi.BadInput("conditions: rule %s is not about %s", *read.Rule, catalogcommon.ResourceTypeEntity)
		}
		condition.Rule = &pluginapi.RuleCall{Name: *read.Rule, Params: read.Params}
	}
	if len(read.Not) > 0 {
		not, err := readCondition(read.Not, depth+1)
		if err != nil {
			return none, err
		}
		condition.Not = &not
	}
	for _, group := range []struct {
		from []json.RawMessage
		to   *[]pluginapi.Condition
	}{{read.AllOf, &condition.AllOf}, {read.AnyOf, &condition.AnyOf}} {
		for _, part := range group.from {
			of, err := readCondition(part, depth+1)
			if err != nil {
				return none, err
			}
			*group.to = append(*group.to, of)
		}
	}
	return condition, nil
}
