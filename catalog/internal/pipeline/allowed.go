package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
)

// asked is all that catalog.rules look at in an entity.
type asked struct{ Kind, Type string }

func askedOf(object map[string]any) asked {
	var a asked
	a.Kind, _ = object["kind"].(string)
	spec, _ := object["spec"].(map[string]any)
	a.Type, _ = spec["type"].(string)
	return a
}

// allows reports whether rules let an entity in that comes from origin.
func allows(rules location.Rules, object map[string]any, origin catalogcommon.LocationRef) bool {
	a := askedOf(object)
	return rules.Allow(a.Kind, a.Type, origin)
}

func refused(object map[string]any, from string, origin catalogcommon.LocationRef) error {
	return catalogcommon.NotAllowedError("entity %s at %s, originated at %s, is not of an allowed kind for that location; add %s to catalog.rules", refOf(object), from, origin, askedOf(object).Kind)
}

// verdicts are what rules said about the entities of a file. They are stored with the file: as long as other rules say the same, the file means the same.
type verdicts map[asked]bool

// note asks the rules about an entity.
func (v verdicts) note(rules location.Rules, object map[string]any, origin catalogcommon.LocationRef) (allowed bool) {
	a := askedOf(object)
	allowed, known := v[a]
	if !known {
		allowed = rules.Allow(a.Kind, a.Type, origin)
		v[a] = allowed
	}
	return allowed
}

// mostVerdicts bounds what is stored of a file. One of more kinds and types is read again when anything about the rules changes.
const mostVerdicts = 64

// text is what is stored: the entities asked about by what was said.
func (v verdicts) text(rules string) string {
	if len(v) > mostVerdicts {
		return digest(rules)
	}
	said := map[bool][]asked{}
	for a, allowed := range v {
		said[allowed] = append(said[allowed], a)
	}
	for _, list := range said {
		slices.SortFunc(list, func(a, b asked) int { return slices.Compare([]string{a.Kind, a.Type}, []string{b.Kind, b.Type}) })
	}
	text, err := json.Marshal([2][]asked{said[true], said[false]})
	if err != nil {
		return "" // cannot be: texts
	}
	return string(text)
}

// stand reports whether what was said once, as text, would be said again.
func stand(text string, settings Settings, origin catalogcommon.LocationRef) bool {
	var said [2][]asked
	if json.Unmarshal([]byte(text), &said) != nil {
		return text == digest(settings.RulesText)
	}
	for i, expected := range []bool{true, false} {
		if slices.ContainsFunc(said[i], func(a asked) bool { return settings.Rules.Allow(a.Kind, a.Type, origin) != expected }) {
			return false
		}
	}
	return true
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
