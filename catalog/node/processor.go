package catalognode

import (
	"context"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Processor is the spec of a processor.
type Processor struct {
	// Priority orders processors, lower first; those of the same priority keep the order in which they were added. The default, 0, means 20.
	Priority int `yaml:"priority"`

	// Pure says that what the processor makes depends on the entity alone, and not on the time, a network or anything else. The catalog then runs it only when the entity has changed.
	Pure bool `yaml:"pure"`
}

// Stages is what a processor does, at up to four points on an entity's way. A nil stage is left out. Stages run for several entities at a time.
//
// An error of a stage fails the entity: its last good version stays, with the error shown on it.
type Stages struct {
	// PreProcess changes an entity as it was read, before it is checked. It may change the entity it is given and return it, or return another one; name, namespace and kind must stay.
	PreProcess func(ctx context.Context, run Run, entity *catalogcommon.Entity) (*catalogcommon.Entity, error)

	// Recognizes tells whether the processor knows the entity's kind and apiVersion, and fails if the entity is not a valid one of them. An entity that nobody recognizes is not accepted.
	// It is not asked about kinds that the catalog knows: for more checks of those, see PostProcess and [Run.Fault]. For kinds that a schema can describe, add a [Kind] instead.
	Recognizes func(ctx context.Context, entity *catalogcommon.Entity) (bool, error)

	// ReadLocation reads one target of a Location entity and hands over what is there, by [Run.Entity]; or returns false, and the next processor, and at last the catalog's readers, are asked.
	// A target that does not exist is an error that matches fs.ErrNotExist.
	ReadLocation func(ctx context.Context, run Run, target catalogcommon.LocationRef) (bool, error)

	// PostProcess looks at an entity that was checked. It may find more wrong with it (see [Run.Fault]), and change it as PreProcess does, but what it changes is not checked again.
	PostProcess func(ctx context.Context, run Run, entity *catalogcommon.Entity) (*catalogcommon.Entity, error)
}

// Processors is where plugins take part in processing.
var Processors = &pluginapi.Point[Processor, Stages]{Kind: "entity-processor", Timeout: time.Minute}

// Run is one processor's view of one run over one entity. It is safe for concurrent use until the stage returns; what is handed over later is ignored.
type Run interface {
	// Location is where the entity was read from, and Origin the registration that led there.
	Location() catalogcommon.LocationRef
	Origin() catalogcommon.LocationRef

	// Entity hands over an entity that this one brings along; it belongs to the catalog from then on. It exists as long as each run hands it over.
	// The catalog writes its location annotations, and checks that catalog.rules allow its kind.
	Entity(entity *catalogcommon.Entity)

	// Place hands over a location to read: a Location entity for it.
	Place(location catalogcommon.LocationRef, presence string)

	// Relation hands over a relation from source to target, and, unless reverse is empty, the one back. It exists as long as each run hands it over. Neither end needs to exist, nor to be the entity itself.
	Relation(source catalogcommon.Ref, relationType, reverse string, target catalogcommon.Ref)

	// Fault fails the entity, like an error that the stage returns, but lets the others go on. Use [At] to say where.
	Fault(err error)

	// RefreshKey says that the outcome depends on something that the key names, such as a file: when a provider says that it changed, the entity is processed again.
	RefreshKey(key string)

	// Remembered returns what this processor remembered under the key in an earlier run for this entity; nil if nothing.
	Remembered(key string) []byte
	// Remember keeps a value for later runs. It replaces everything that earlier runs remembered; a run that remembers nothing changes nothing. The limit is 1 MiB in total.
	Remember(key string, value []byte)
}

// At says where in an entity err is, as a JSON pointer such as /spec/owner, so that people are shown the place in the file.
func At(pointer string, err error) error {
	if err == nil {
		return nil
	}
	return &PlacedError{Pointer: pointer, Err: err}
}

// PlacedError is an error with its place in an entity.
type PlacedError struct {
	Pointer string // JSON pointer
	Err     error
}

// Error is the error's own text.
func (e *PlacedError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *PlacedError) Unwrap() error { return e.Err }
