package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

// outcome gathers what comes of processing one entity.
type outcome struct {
	ref              string
	location, origin catalogcommon.LocationRef
	places           positions
	faults           []catalogcommon.ErrorInfo
	relations        []store.Relation
	keys             []string
	children         []store.Child
	targets          []string
	pure             bool // the same entity always gives the same outcome
	dry              bool // nothing is stored, and locations are not read
}

func (o *outcome) fail(err error) { o.faults = append(o.faults, faultOf(err, o.places)) }

func (o *outcome) relate(source catalogcommon.Ref, relationType, reverse string, target catalogcommon.Ref) {
	from, to := source.String(), target.String()
	o.relations = append(o.relations, store.Relation{Source: from, Type: relationType, Target: to})
	if reverse != "" {
		o.relations = append(o.relations, store.Relation{Source: to, Type: reverse, Target: from})
	}
}

// maxKey bounds a refresh key, which has an index in the database; longer ones are cut and made unique by a hash.
const maxKey = 255

func (o *outcome) key(key string) {
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		key = strings.ToValidUTF8(key[:180], "") + "#sha256:" + hex.EncodeToString(sum[:])
	}
	o.keys = append(o.keys, key)
}

// one processes an entity and queues the outcome.
func (p *Pipeline) one(ctx context.Context, work store.Work) {
	if ctx.Err() != nil {
		p.leave(work.ID)
		return
	}
	start := time.Now()
	settings := p.Settings()
	o := &outcome{ref: work.Ref, pure: true, places: readPositions(work.Positions)}
	result := &store.Result{ID: work.ID, Revision: work.Revision}
	body, memories, err := p.entity(ctx, work, o, settings)
	if ctx.Err() != nil {
		p.leave(work.ID)
		return
	}
	if err != nil {
		o.fail(err)
	}
	if err := p.complete(work, o, result, body, memories); err != nil {
		o.fail(err)
		result.Errors = listText(o.faults)
	}
	result.Took = time.Since(start)
	result.Next = next(o, settings, work.Failures)
	p.writer.submit(ctx, handOver{op: store.Finished{result}, size: 4 + len(result.Relations) + len(result.Children), done: func(err error) {
		if err != nil {
			p.leave(work.ID)
		} else {
			p.done(work.ID)
		}
		p.finished(ctx, work, o, result, err)
	}})
}

// finished reports what became of an outcome.
func (p *Pipeline) finished(ctx context.Context, work store.Work, o *outcome, result *store.Result, err error) {
	switch {
	case err != nil && ctx.Err() == nil:
		p.Logger.Error("the outcome of processing cannot be stored; it is tried again", "entity", work.Ref, "error", err)
		return
	case err != nil:
		return
	}
	p.Metrics.Processed(came(result), result.Took)
	if result.NewErrors {
		p.reportFaults("an entity cannot be processed", o.faults, "entity", work.Ref)
	}
	p.reportConflicts(result.Conflicts)
	if !result.Unchanged {
		p.stitch.set()
	}
	if p.inFlight.Load() < maxInFlight/4 || len(result.Children) > 0 {
		p.wake.set()
	}
}

// came is what came of processing, for those who count.
func came(result *store.Result) metrics.Result {
	switch {
	case result.Errors != "":
		return metrics.Failed
	case result.Unchanged:
		return metrics.Unchanged
	}
	return metrics.Changed
}

func (p *Pipeline) reportConflicts(conflicts []store.Conflict) {
	for _, c := range conflicts {
		p.Logger.Warn("an entity is described in two places; the first keeps it", "entity", c.Ref, "first", c.Owner, "ignored", c.LocationKey)
	}
}

// next is when to look again: never, if nothing but the entity itself decides about the outcome; sooner than usual, if only what should have looked at it could not.
func next(o *outcome, settings Settings, failures int) time.Time {
	wait := settings.Interval
	switch unavailable := func(fault catalogcommon.ErrorInfo) bool { return fault.Name == NameUnavailable }; {
	case slices.ContainsFunc(o.faults, unavailable):
		const first, doublings = 5 * time.Second, 10
		wait = min(wait, first<<min(failures, doublings))
	case o.pure && len(o.keys) == 0:
		return time.Time{}
	}
	return time.Now().Add(wait + rand.N(wait/2+1))
}

// complete writes the outcome into the result.
func (p *Pipeline) complete(work store.Work, o *outcome, result *store.Result, body map[string]any, memories memory) error {
	slices.SortFunc(o.relations, func(a, b store.Relation) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Type, b.Type), strings.Compare(a.Target, b.Target))
	})
	o.relations = slices.Compact(o.relations)
	slices.Sort(o.keys)
	o.keys = slices.Compact(o.keys)
	result.Errors = listText(o.faults)
	digest := append([]byte(result.Errors), '\n')
	if result.Errors == "" {
		text, err := catalogcommon.AppendJSON(nil, body)
		if err != nil {
			return fmt.Errorf("write the entity: %w", err)
		}
		result.Body = string(text)
		result.Cache = memories.text()
		result.AsIs = result.Body == work.Body
		result.Kept = result.AsIs && work.Bare && result.Cache == work.Cache
		result.Relations, result.Keys, result.Children, result.Targets = o.relations, o.keys, o.children, o.targets
		digest = append(append(digest, result.Body...), '\n')
		for _, r := range o.relations {
			digest = fmt.Appendf(digest, "%s\x1f%s\x1f%s\n", r.Source, r.Type, r.Target)
		}
		digest = fmt.Appendf(digest, "%q\n%q\n%s\n", o.keys, o.targets, result.Cache)
		for _, child := range o.children {
			digest = fmt.Appendf(digest, "%s %s %s\n", child.Ref, child.Hash, child.LocationKey)
		}
	}
	sum := sha256.Sum256(digest)
	result.Hash = hex.EncodeToString(sum[:20])
	result.Unchanged = result.Hash == work.ResultHash
	return nil
}

// entity takes an entity through all stages and returns what it has become.
func (p *Pipeline) entity(ctx context.Context, work store.Work, o *outcome, settings Settings) (map[string]any, memory, error) {
	body, err := objectOf(work.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("read the stored entity: %w", err)
	}
	return p.become(ctx, work, body, o, settings)
}

// become is entity for a body that is at hand, which it may change.
func (p *Pipeline) become(ctx context.Context, work store.Work, body map[string]any, o *outcome, settings Settings) (map[string]any, memory, error) {
	o.location, o.origin = locationsOf(body)
	memories := readMemory(work.Cache)

	if mayHavePlaceholders(work.Body) {
		substitution := location.Substitute(ctx, body, p.Placeholders, p.References.From(o.location, o.origin))
		body = substitution.Entity
		for _, read := range substitution.Reads {
			o.key(read)
			o.pure = false
		}
		for _, err := range substitution.Errors {
			o.fail(err)
		}
	}
	annotate(body, p.References.URL.Annotations(o.location))

	body, memories, err := p.stage(ctx, o, body, memories, func(s catalognode.Stages) entityStage { return s.PreProcess })
	if err != nil || len(o.faults) > 0 {
		return body, memories, err
	}
	if err := p.check(ctx, o, body, work.Ref); err != nil || len(o.faults) > 0 {
		return body, memories, err
	}
	if body["kind"] == catalogcommon.KindLocation {
		o.pure = false
	}
	if body["kind"] == catalogcommon.KindLocation && !o.dry {
		if memories, err = p.readTargets(ctx, work, o, body, memories, settings); err != nil {
			return body, memories, err
		}
	}
	body, memories, err = p.stage(ctx, o, body, memories, func(s catalognode.Stages) entityStage { return s.PostProcess })
	return body, memories, err
}

// mayHavePlaceholders tells of an entity as canonical JSON whether it can have any: most do not, and need not be searched.
func mayHavePlaceholders(body string) bool { return strings.Contains(body, `{"$`) }

// entityStage is a stage that returns what the entity has become.
type entityStage func(context.Context, catalognode.Run, *catalogcommon.Entity) (*catalogcommon.Entity, error)

// stage takes the entity through one stage of every contributed processor that has it.
func (p *Pipeline) stage(ctx context.Context, o *outcome, body map[string]any, memories memory, of func(catalognode.Stages) entityStage) (map[string]any, memory, error) {
	if len(p.Processors) == 0 {
		return body, memories, nil
	}
	entity := catalogcommon.EntityOf(body)
	for _, processor := range p.Processors {
		o.pure = o.pure && processor.Pure
		r := &run{outcome: o, name: processor.Name, memories: memories[processor.Name]}
		err := processor.use(ctx, func(ctx context.Context, s catalognode.Stages) error {
			call := of(s)
			if call == nil {
				return nil
			}
			begun := time.Now()
			changed, err := call(ctx, r, entity)
			p.Metrics.Called(processor.Name, time.Since(begun))
			switch {
			case err != nil:
				return err
			case changed == nil:
				return misbehaved("a stage returned no entity and no error")
			case changed.Ref().String() != o.ref:
				return misbehaved("a stage made %s of %s; kind, namespace and name must stay", changed.Ref(), o.ref)
			}
			entity = changed
			return nil
		})
		r.end()
		memories = memories.with(r)
		if err != nil {
			// Not knowing what a processor would have said is a reason to ask again.
			o.pure = false
			return plainObject(entity), memories, fmt.Errorf("processor %s: %w", processor.Name, err)
		}
		for _, child := range r.children {
			p.adopt(o, child, "")
		}
	}
	return plainObject(entity), memories, nil
}

// copyOf returns a deep copy of a tree.
func copyOf(object map[string]any) map[string]any {
	text, err := catalogcommon.AppendJSON(nil, object)
	if err != nil {
		return object // it holds what JSON does not have, which the checks complain about
	}
	copied, err := objectOf(string(text))
	if err != nil {
		return object
	}
	return copied
}

// objectOf reads an object that was written as canonical JSON.
func objectOf(text string) (map[string]any, error) {
	value, err := rawjson.Decode(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return object, nil
}

// plainObject returns an entity as a tree of nothing but what encoding/json makes, which is what the model checks.
func plainObject(entity *catalogcommon.Entity) map[string]any {
	return copyOf(entity.Object())
}

// check validates the entity and derives its relations.
func (p *Pipeline) check(ctx context.Context, o *outcome, body map[string]any, ref string) error {
	if problems := model.Envelope(body); len(problems) > 0 {
		for _, problem := range problems {
			o.fail(problem)
		}
		return nil
	}
	p.Model.Normalize(body)
	problems := p.Model.Validate(body)
	if !p.Model.Recognizes(body) {
		recognized, err := p.recognize(ctx, body)
		if err != nil {
			return err
		}
		if recognized {
			problems = slices.DeleteFunc(problems, func(problem model.Problem) bool { return strings.HasPrefix(problem.Message, "No processor recognized") })
		}
		o.pure = o.pure && !recognized
	}
	for _, problem := range problems {
		o.fail(problem)
	}
	if len(problems) > 0 {
		return nil
	}
	edges, problems := p.Model.Relations(body)
	for _, problem := range problems {
		o.fail(problem)
	}
	for _, edge := range edges {
		o.relations = append(o.relations, store.Relation(edge))
	}
	return nil
}

// recognize asks contributed processors about a kind that the model does not have.
func (p *Pipeline) recognize(ctx context.Context, body map[string]any) (bool, error) {
	recognized := false
	for _, processor := range p.Processors {
		err := processor.use(ctx, func(ctx context.Context, s catalognode.Stages) error {
			if s.Recognizes == nil {
				return nil
			}
			begun := time.Now()
			knows, err := s.Recognizes(ctx, catalogcommon.EntityOf(copyOf(body)))
			p.Metrics.Called(processor.Name, time.Since(begun))
			recognized = recognized || knows
			return err
		})
		if err != nil {
			return false, fmt.Errorf("processor %s: %w", processor.Name, err)
		}
	}
	return recognized, nil
}

// adopt makes a child of an entity that a processor handed over. via is where it was read, or empty.
func (p *Pipeline) adopt(o *outcome, entity *catalogcommon.Entity, via string) {
	child, err := p.child(entity.Object(), o, via)
	if err != nil {
		o.fail(err)
		return
	}
	if child.Ref == o.ref {
		p.Logger.Warn("a processor handed an entity over to itself; that is ignored", "entity", o.ref)
		return
	}
	o.children = append(o.children, child)
}

// child makes what is stored of an entity that another one brings.
func (p *Pipeline) child(object map[string]any, o *outcome, via string) (store.Child, error) {
	object = copyOf(object)
	if problems := model.Envelope(object); len(problems) > 0 {
		return store.Child{}, fmt.Errorf("an entity was handed over that is none: %w", problems[0])
	}
	from := o.location.String()
	if via != "" {
		from = via
	}
	setLocations(object, from, o.origin.String())
	if !allows(p.Settings().Rules, object, o.origin) {
		return store.Child{}, refused(object, from, o.origin)
	}
	return makeChild(object, from, "", 0)
}

// makeChild writes the entity down.
func makeChild(object map[string]any, key, places string, line int) (store.Child, error) {
	text, err := catalogcommon.AppendJSON(nil, object)
	if err != nil {
		return store.Child{}, fmt.Errorf("write the entity: %w", err)
	}
	sum := sha256.Sum256(text)
	return store.Child{Ref: refOf(object).String(), Body: string(text), Hash: hex.EncodeToString(sum[:20]), LocationKey: key, Positions: places, Line: line}, nil
}

func refOf(object map[string]any) catalogcommon.Ref {
	metadata, _ := object["metadata"].(map[string]any)
	ref := catalogcommon.Ref{}
	ref.Kind, _ = object["kind"].(string)
	ref.Name, _ = metadata["name"].(string)
	ref.Namespace, _ = metadata["namespace"].(string)
	return ref
}

// locationsOf returns what the location annotations say.
func locationsOf(object map[string]any) (from, origin catalogcommon.LocationRef) {
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	read := func(key string) catalogcommon.LocationRef {
		text, _ := annotations[key].(string)
		ref, err := catalogcommon.ParseLocationRef(text)
		if err != nil {
			return catalogcommon.LocationRef{}
		}
		return ref
	}
	return read(catalogcommon.AnnotationLocation), read(catalogcommon.AnnotationOriginLocation)
}

func annotationsOf(object map[string]any) map[string]any {
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return nil
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		if metadata["annotations"] != nil {
			return nil // a fault that validation names
		}
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	return annotations
}

// setLocations writes the location annotations, whatever the entity said.
func setLocations(object map[string]any, from, origin string) {
	if annotations := annotationsOf(object); annotations != nil {
		annotations[catalogcommon.AnnotationLocation] = from
		annotations[catalogcommon.AnnotationOriginLocation] = origin
	}
}

// annotate adds what the entity does not say itself, and defuses links that would run as scripts.
func annotate(object map[string]any, defaults map[string]string) {
	annotations := annotationsOf(object)
	if annotations == nil {
		return
	}
	for key, value := range defaults {
		if _, ok := annotations[key]; !ok {
			annotations[key] = value
		}
	}
	for _, key := range []string{catalogcommon.AnnotationViewURL, catalogcommon.AnnotationEditURL} {
		if url, ok := annotations[key].(string); ok && catalogcommon.IsScriptURL(url) {
			annotations[key] = catalogcommon.RejectedURL
		}
	}
}
