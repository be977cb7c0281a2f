package catalognode

import (
	"encoding/json"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Kind describes a kind of entity as data. Add it with [AddKind].
type Kind struct {
	Name        string          // as entities write it, such as Robot; case counts
	APIVersions []string        // those that the description is for, such as example.com/v1
	SpecTypes   []string        // the values of spec.type that it is for; empty: all that no other description of the kind takes
	Description string          // for people
	Schema      json.RawMessage // JSON Schema of the whole entity: type, required, properties, items, minItems, minLength, maxLength, enum and anyOf. Empty accepts anything
	Relations   []RelationField // which fields become relations

	// Replaces says that the description takes the place of the catalog's own of that name for these API versions, and, if there are SpecTypes, for those only. Without it, one that claims the same entities as another is a fault.
	Replaces bool
}

// RelationField says that a field holds references to entities, and which pair of relations each of them makes.
type RelationField struct {
	Path             string   // of a string or an array of strings, with dots: spec.owner
	Type             string   // from the entity to the target, such as ownedBy
	Reverse          string   // from the target to the entity, such as ownerOf
	DefaultKind      string   // of references that name none; empty makes the kind mandatory
	DefaultNamespace string   // of references that name none: inherit (the entity's own; the default) or default
	TargetKinds      []string // if any, references to other kinds make no relations
}

// NoBehaviour is the behaviour of extensions that are data only.
type NoBehaviour struct{}

// Kinds is where plugins add kinds. Two descriptions of the same entities are a fault that stops the catalog from starting, unless one [Kind.Replaces] the catalog's own.
var Kinds = &pluginapi.Point[Kind, NoBehaviour]{Kind: "entity-kind"}

// AddKind is an extension that adds a kind.
func AddKind(name string, kind Kind) pluginapi.Extension {
	return Kinds.From(name, kind, NoBehaviour{})
}
