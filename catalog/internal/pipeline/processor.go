package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Processor is a processor that somebody contributed.
type Processor struct {
	Name string // unique; what it remembers is kept under it
	Pure bool

	// Use calls fn with the processor's stages, or returns an error when its plugin does not run.
	Use func(ctx context.Context, fn func(context.Context, catalognode.Stages) error) error
}

// startPatience is how long an entity waits for a processor whose plugin is starting, as all do while the portal starts.
const startPatience = 5 * time.Second

// use is Use, but waits for a plugin that is starting.
func (p Processor) use(ctx context.Context, fn func(context.Context, catalognode.Stages) error) error {
	called := false
	for end := time.Now().Add(startPatience); ; {
		err := p.Use(ctx, func(ctx context.Context, s catalognode.Stages) error {
			called = true
			return fn(ctx, s)
		})
		var down *pluginapi.UnavailableError
		if called || !errors.As(err, &down) || down.State != "starting" || time.Now().After(end) {
			return err
		}
		const pause = 20 * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// run is one processor's view of one run.
type run struct {
	outcome *outcome
	name    string

	mu       sync.Mutex
	over     bool
	memories map[string][]byte // of earlier runs
	remember map[string][]byte // of this run; nil: nothing new
	size     int
	children []*catalogcommon.Entity // handed over while a location is read
}

var _ catalognode.Run = (*run)(nil)

const maxRemembered = 1 << 20

func (r *run) Location() catalogcommon.LocationRef { return r.outcome.location }
func (r *run) Origin() catalogcommon.LocationRef   { return r.outcome.origin }

// during runs fn unless the stage is over.
func (r *run) during(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		fn()
	}
}

func (r *run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

func (r *run) Entity(entity *catalogcommon.Entity) {
	r.during(func() { r.children = append(r.children, entity) })
}

func (r *run) Place(place catalogcommon.LocationRef, presence string) {
	r.Entity(locationEntity(place, presence, r.outcome.location, r.outcome.origin))
}

func (r *run) Relation(source catalogcommon.Ref, relationType, reverse string, target catalogcommon.Ref) {
	r.during(func() {
		for _, part := range []string{relationType, reverse, source.String(), target.String()} {
			if strings.ContainsFunc(part, unicode.IsControl) { // they are stored with control characters between them
				r.outcome.fail(fmt.Errorf("processor %s: %q has a control character, which a relation cannot have", r.name, part))
				return
			}
		}
		r.outcome.relate(source, relationType, reverse, target)
	})
}

func (r *run) Fault(err error) {
	r.during(func() { r.outcome.fail(fmt.Errorf("processor %s: %w", r.name, err)) })
}

func (r *run) RefreshKey(key string) {
	r.during(func() {
		if strings.IndexByte(key, 0) >= 0 {
			r.outcome.fail(fmt.Errorf("processor %s: refresh key %q has a zero character", r.name, key))
			return
		}
		r.outcome.key(key)
	})
}

func (r *run) Remembered(key string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]byte(nil), r.memories[key]...)
}

func (r *run) Remember(key string, value []byte) {
	r.during(func() {
		if r.remember == nil {
			r.remember = map[string][]byte{}
		}
		if r.size += len(key) + len(value); r.size > maxRemembered {
			r.outcome.fail(fmt.Errorf("processor %s: it remembers more than %d bytes", r.name, maxRemembered))
			return
		}
		r.remember[key] = append([]byte(nil), value...)
	})
}

// memory is what all processors remember about an entity, by processor and key.
type memory map[string]map[string][]byte

func readMemory(text string) memory {
	var m memory
	if text == "" || json.Unmarshal([]byte(text), &m) != nil {
		return nil
	}
	return m
}

// with returns the memory after a run.
func (m memory) with(r *run) memory {
	if r.remember == nil {
		return m
	}
	m = maps.Clone(m)
	if m == nil {
		m = memory{}
	}
	m[r.name] = r.remember
	return m
}

func (m memory) text() string {
	if len(m) == 0 {
		return ""
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "" // cannot be: texts and bytes
	}
	return string(text)
}

// locationEntity is the Location entity that stands for a place.
func locationEntity(place catalogcommon.LocationRef, presence string, from, origin catalogcommon.LocationRef) *catalogcommon.Entity {
	spec := map[string]any{"type": place.Type, "target": place.Target}
	if presence != "" {
		spec["presence"] = presence
	}
	return &catalogcommon.Entity{
		APIVersion: catalogcommon.APIVersionAlpha1,
		Kind:       catalogcommon.KindLocation,
		Metadata: catalogcommon.Metadata{
			Name: place.EntityName(),
			Annotations: map[string]string{
				catalogcommon.AnnotationLocation:       from.String(),
				catalogcommon.AnnotationOriginLocation: origin.String(),
			},
		},
		Spec: spec,
	}
}
