package location

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Rule says which kinds of entities some locations may bring. It is an item of catalog.rules in the configuration.
type Rule struct {
	Allow     []AllowedKind   `yaml:"allow" json:"allow"`
	Locations []RuleLocations `yaml:"locations" json:"locations"` // nil means all
}

// AllowedKind is a kind, or the part of a kind with a certain spec.type. Both are compared without regard to case. In configuration it may be a plain text, which is the kind.
type AllowedKind struct {
	Kind     string `yaml:"kind" json:"kind"`
	SpecType string `yaml:"spec.type" json:"spec.type"` // empty means all
}

// Validate checks that there is one.
func (a AllowedKind) Validate() error {
	if a.Kind == "" {
		return errors.New("name a kind")
	}
	return nil
}

// UnmarshalText reads the plain form.
func (a *AllowedKind) UnmarshalText(text []byte) error {
	*a = AllowedKind{Kind: string(text)}
	return nil
}

// UnmarshalJSON reads both forms.
func (a *AllowedKind) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*a = AllowedKind{}
		return json.Unmarshal(text, &a.Kind)
	}
	type plain AllowedKind // without this method
	return json.Unmarshal(text, (*plain)(a))
}

// RuleLocations selects locations by their type and, in addition, by their exact target or a pattern for it.
type RuleLocations struct {
	Type    string `yaml:"type" json:"type"`
	Exact   string `yaml:"exact" json:"exact"`
	Pattern string `yaml:"pattern" json:"pattern"` // with *, **, ?, [] and {}; case does not count
}

// Validate checks what the fields say together.
func (l RuleLocations) Validate() error {
	switch {
	case l.Type == "" && l.Exact == "" && l.Pattern == "":
		return errors.New("give a type, and perhaps exact or pattern")
	case l.Exact != "" && l.Pattern != "":
		return errors.New("exact and pattern exclude each other; leave one out")
	}
	if _, err := compileMatcher(l.Pattern); err != nil {
		return pluginapi.BadConfig("pattern", "%w", err)
	}
	return nil
}

// Rules decide which entities may come in. The zero value allows nothing.
type Rules struct{ rules []rule }

type rule struct {
	allow     []AllowedKind
	locations []ruleLocations // nil means all
}

type ruleLocations struct {
	kind  string
	exact string
	match func(string) bool // nil if there is no pattern
}

// DefaultRules are those without any configuration: Component, API and Location, from anywhere.
func DefaultRules() []Rule {
	return []Rule{{Allow: []AllowedKind{{Kind: catalogcommon.KindComponent}, {Kind: catalogcommon.KindAPI}, {Kind: catalogcommon.KindLocation}}}}
}

// NewRules compiles rules. An entity may come in if any of them allows it. The error lists every fault.
func NewRules(rules ...Rule) (Rules, error) {
	var compiled Rules
	var faults []error
	for _, r := range rules {
		c := rule{allow: slices.Clone(r.Allow)}
		for _, kind := range r.Allow {
			faults = append(faults, kind.Validate())
		}
		if r.Locations != nil {
			c.locations = []ruleLocations{} // an empty list matches nothing, no list everything
		}
		for _, l := range r.Locations {
			faults = append(faults, l.Validate())
			place := ruleLocations{kind: l.Type, exact: l.Exact}
			if l.Pattern != "" {
				place.match, _ = compileMatcher(l.Pattern) // Validate says what is wrong with it
			}
			c.locations = append(c.locations, place)
		}
		compiled.rules = append(compiled.rules, c)
	}
	return compiled, errors.Join(faults...)
}

// Allow reports whether an entity of the kind, with that spec.type (empty if it has none), may come from the registered location that started its reading.
func (r Rules) Allow(kind, specType string, origin catalogcommon.LocationRef) bool {
	for _, rule := range r.rules {
		if rule.from(origin) && rule.lists(kind, specType) {
			return true
		}
	}
	return false
}

func (r rule) from(origin catalogcommon.LocationRef) bool {
	if r.locations == nil {
		return true
	}
	for _, l := range r.locations {
		if (l.kind == "" || l.kind == origin.Type) && (l.exact == "" || l.exact == origin.Target) && (l.match == nil || l.match(origin.Target)) {
			return true
		}
	}
	return false
}

func (r rule) lists(kind, specType string) bool {
	for _, allowed := range r.allow {
		if strings.EqualFold(allowed.Kind, kind) && (allowed.SpecType == "" || strings.EqualFold(allowed.SpecType, specType)) {
			return true
		}
	}
	return false
}
