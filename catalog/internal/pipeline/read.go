package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
)

// readTargets reads what a Location entity points to. Each file is handed over by itself, as soon as it is read, so that one that fails takes nothing from the others.
// The error is only of what keeps all from being read; what is wrong with a target is stored with it.
func (p *Pipeline) readTargets(ctx context.Context, work store.Work, o *outcome, body map[string]any, memories memory, settings Settings) (memory, error) {
	spec, _ := body["spec"].(map[string]any)
	before, err := p.Store.Reading(ctx, work.ID)
	if err != nil {
		return memories, err
	}
	r := &reader{pipeline: p, work: work, outcome: o, before: before, settings: settings, decides: p.decides(o.origin)}
	var group sync.WaitGroup
	seen := map[string]bool{}
	for _, target := range p.Resolver.Targets(spec, o.location) {
		name := target.Location.String()
		if seen[name] {
			continue
		}
		seen[name] = true
		o.targets = append(o.targets, name)
		o.key(name)
		if target.Err == nil {
			entities, taken, remembered, err := p.contributedRead(ctx, o, target, memories)
			memories = remembered
			switch {
			case err != nil:
				target.Err = err
			case taken:
				r.handed(ctx, target, entities)
				continue
			}
		}
		select {
		case p.reading <- struct{}{}:
			group.Go(func() {
				defer func() { <-p.reading }()
				r.target(ctx, target)
			})
		case <-ctx.Done():
		}
	}
	group.Wait()
	slices.Sort(o.targets)
	return memories, errors.Join(ctx.Err(), r.err)
}

// contributedRead asks contributed processors to read a target, and returns what the one that did has read.
func (p *Pipeline) contributedRead(ctx context.Context, o *outcome, target location.Target, memories memory) (entities []*catalogcommon.Entity, taken bool, _ memory, err error) {
	for _, processor := range p.Processors {
		run := &run{outcome: o, name: processor.Name, memories: memories[processor.Name]}
		err := processor.use(ctx, func(ctx context.Context, s catalognode.Stages) (err error) {
			if s.ReadLocation == nil {
				return nil
			}
			begun := time.Now()
			taken, err = s.ReadLocation(ctx, run, target.Location)
			p.Metrics.Called(processor.Name, time.Since(begun))
			return err
		})
		run.end()
		memories = memories.with(run)
		if err != nil {
			return nil, false, memories, fmt.Errorf("processor %s: %w", processor.Name, err)
		}
		if taken {
			return run.children, true, memories, nil
		}
	}
	return nil, false, memories, nil
}

// reader reads the targets of one Location entity.
type reader struct {
	pipeline *Pipeline
	work     store.Work
	outcome  *outcome
	before   store.Reading
	settings Settings
	decides  string

	mu  sync.Mutex
	err error // of storing
}

func (r *reader) failed(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// target reads one target and hands over what it stands for.
func (r *reader) target(ctx context.Context, target location.Target) {
	start := time.Now()
	name := target.Location.String()
	if target.Err != nil {
		r.failTarget(ctx, target, target.Err, start)
		return
	}
	etag, known := strings.CutPrefix(r.before.ETags[name], r.decides+":")
	if !known || !r.stands(name) {
		etag = ""
	}
	read, err := r.pipeline.Readers.Read(ctx, target.Location, etag)
	switch {
	case ctx.Err() != nil:
		r.failed(ctx.Err())
		return
	case errors.Is(err, fs.ErrNotExist) && target.Optional:
		read = location.Result{}
	case err != nil:
		r.failTarget(ctx, target, err, start)
		return
	case read.NotModified:
		r.pipeline.Metrics.Read(metrics.Unchanged)
		return
	}
	done := store.ReadTarget{SourceID: r.work.ID, Target: name, ETag: r.decides + ":" + read.ETag}
	if read.ETag == "" {
		done.ETag = ""
	}
	var files []*store.ReadFile
	var handed sync.WaitGroup
	for i := range read.Files {
		file := r.file(name, target.Location.Type, &read.Files[i])
		done.Files = append(done.Files, file.File)
		before, ok := r.before.Files[name][file.File]
		if said, same := strings.CutPrefix(before, file.Hash+":"); same && file.Hash != "" && stand(said, r.settings, r.outcome.origin) {
			continue
		}
		var stored map[string]string
		if ok {
			var err error
			if stored, err = r.pipeline.Store.Hashes(ctx, r.work.ID, file.File); err != nil {
				r.failed(err)
				break
			}
		}
		// Not on every processor at once: what is parsed must also be stored, and who waits for answers of a database would wait for a processor, too.
		r.pipeline.parsing <- struct{}{}
		r.parse(ctx, file, &read.Files[i], stored)
		<-r.pipeline.parsing
		files = append(files, file)
		handed.Add(1)
		r.hand(ctx, file, &handed)
	}
	handed.Wait()
	result := metrics.Unchanged
	for _, file := range files {
		if file.Unread || len(file.Conflicts) > 0 {
			done.ETag = "" // the same files can have another outcome next time
		}
		switch {
		case file.Unread:
			result = metrics.Failed
		case result == metrics.Unchanged:
			result = metrics.Changed
		}
	}
	r.mu.Lock()
	broken := r.err != nil
	r.mu.Unlock()
	if broken {
		return
	}
	done.Took = time.Since(start)
	r.complete(ctx, &done, result)
}

// stands reports whether the rules say about the files of a target what they said when those were read.
func (r *reader) stands(target string) bool {
	for _, hash := range r.before.Files[target] {
		if hash == "" {
			continue
		}
		rest, ok := strings.CutPrefix(hash, r.decides+":")
		_, said, more := strings.Cut(rest, ":")
		if !ok || !more || !stand(said, r.settings, r.outcome.origin) {
			return false
		}
	}
	return true
}

// hand queues what a file holds.
func (r *reader) hand(ctx context.Context, file *store.ReadFile, stored *sync.WaitGroup) {
	p := r.pipeline
	size := 0
	for i := range file.Children {
		size += 2
		if outcome := file.Children[i].Outcome; outcome != nil {
			size += 2 + len(outcome.Relations)
		}
	}
	p.writer.submit(ctx, handOver{op: file, size: size, done: func(err error) {
		defer stored.Done()
		if err != nil {
			r.failed(err)
			return
		}
		if file.NewFaults {
			p.reportFaults("a descriptor cannot be read completely", readList(file.Faults), "location", r.work.Ref)
		}
		p.reportConflicts(file.Conflicts)
		p.wake.set()
		p.stitch.set()
	}})
}

func (r *reader) complete(ctx context.Context, done *store.ReadTarget, result metrics.Result) {
	p := r.pipeline
	finished := make(chan error, 1)
	p.writer.submit(ctx, handOver{op: done, size: 1, done: func(err error) { finished <- err }})
	if err := <-finished; err != nil {
		r.failed(err)
		return
	}
	p.Metrics.Read(result)
	if done.NewFault {
		p.reportFaults("a location cannot be read", readList(done.Fault), "location", r.work.Ref)
	}
	p.stitch.set()
}

// failTarget notes that a target cannot be read. What it brought before stays.
func (r *reader) failTarget(ctx context.Context, target location.Target, err error, start time.Time) {
	const most = 5000 // characters of an answer that somebody else wrote
	fault := faultOf(catalognode.At(target.Pointer, err), r.outcome.places)
	if len(fault.Message) > most {
		fault.Message = strings.ToValidUTF8(fault.Message[:most], "") + "…"
	}
	var coded interface{ StatusCode() int }
	if fault.Name == "Error" && errors.As(err, &coded) {
		fault.Name = nameOf(coded.StatusCode())
	}
	r.complete(ctx, &store.ReadTarget{
		SourceID: r.work.ID, Target: target.Location.String(), Fault: listText([]catalogcommon.ErrorInfo{fault}),
		Missing: errors.Is(err, fs.ErrNotExist), Took: time.Since(start),
	}, metrics.Failed)
}

// nameOf is the name on the wire of an error with a status.
func nameOf(status int) string {
	switch {
	case status == 404:
		return "NotFoundError"
	case status == 403:
		return "NotAllowedError"
	case status >= 400 && status < 500:
		return "InputError"
	}
	return "Error"
}

// handed hands over what a contributed processor read of a target.
func (r *reader) handed(ctx context.Context, target location.Target, entities []*catalogcommon.Entity) {
	name := target.Location.String()
	file := &store.ReadFile{SourceID: r.work.ID, Target: name, File: name, Documents: len(entities)}
	var faults []catalogcommon.ErrorInfo
	file.Children, faults = r.pipeline.childrenOf(r.outcome, name, entities)
	file.Faults = listText(faults)
	var handed sync.WaitGroup
	handed.Add(1)
	r.hand(ctx, file, &handed)
	handed.Wait()
	r.complete(ctx, &store.ReadTarget{SourceID: r.work.ID, Target: name, Files: []string{name}}, metrics.Changed)
}

// childrenOf makes children of what a contributed processor read of a place. One that is none is a fault by itself.
func (p *Pipeline) childrenOf(o *outcome, place string, entities []*catalogcommon.Entity) (children []store.Child, faults []catalogcommon.ErrorInfo) {
	for _, entity := range entities {
		child, err := p.child(entity.Object(), o, place)
		if err != nil {
			faults = append(faults, faultOf(err, positions{Source: place}))
			continue
		}
		children = append(children, child)
	}
	return children, faults
}
