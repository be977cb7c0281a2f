// Package ingest runs the catalog's ingestion as part of a portal: it makes a pipeline of what plugins contribute, starts it, follows the configuration, and runs the providers.
package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// version stands for what this code makes of an entity. Raise it with a change after which every entity should be processed again.
const version = "2"

// Contributions is what plugins add to ingestion.
type Contributions struct {
	Providers    []pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc]
	Processors   []pluginapi.Extended[catalognode.Processor, catalognode.Stages]
	Kinds        []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour]
	Readers      []pluginapi.Extended[catalognode.LocationReader, catalognode.ReadFunc]
	Placeholders []pluginapi.Extended[catalognode.Placeholder, catalognode.PlaceholderFunc]
	Analyzers    []pluginapi.Extended[catalognode.Analyzer, catalognode.AnalyzerFunc]
}

// NewContributions gathers them.
func NewContributions(
	providers []pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc],
	processors []pluginapi.Extended[catalognode.Processor, catalognode.Stages],
	kinds []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour],
	readers []pluginapi.Extended[catalognode.LocationReader, catalognode.ReadFunc],
	placeholders []pluginapi.Extended[catalognode.Placeholder, catalognode.PlaceholderFunc],
	analyzers []pluginapi.Extended[catalognode.Analyzer, catalognode.AnalyzerFunc],
) Contributions {
	return Contributions{providers, processors, kinds, readers, placeholders, analyzers}
}

// Parts is what ingestion is made of.
type Parts struct {
	Config  *pluginapi.Live[Config]
	Hosts   *pluginapi.Live[location.Hosts]
	Reading *pluginapi.Live[location.Reading]
	URLs    *location.URLs // reads locations of type url; ingestion keeps it in line with Hosts and Reading, and closes it
	Store   *store.Store
	Index   *index.Index
	Catalog *access.Catalog
	Signals pluginapi.Signals
	Logger  *slog.Logger
	Readers location.Readers // by type; that of URLs and the plugins' are added
	Metrics *metrics.Ingestion
	Contributions
}

// Ingest is the catalog's ingestion. Make one with [New].
type Ingest struct {
	Parts
	pipeline    *pipeline.Pipeline
	settings    atomic.Pointer[pipeline.Settings]
	fingerprint string
	sources     []string
	types       []string // of locations that can be read
	kinds       []string // that entities can have
	replaced    []string // which of the catalog's own kinds are described by plugins instead
	registrable []string // types of locations that anybody may register
}

// New makes the pipeline. It does no I/O; the error names what contributions say that cannot be.
func New(parts Parts) (*Ingest, error) {
	in := &Ingest{Parts: parts}
	kinds, replaced, err := kindsOf(parts.Kinds)
	if err != nil {
		return nil, err
	}
	in.replaced = replaced
	known, err := model.New(kinds...)
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		in.kinds = append(in.kinds, kind.Name)
	}
	slices.Sort(in.kinds)
	in.kinds = slices.Compact(in.kinds)
	config := parts.Config.Get()
	settings, err := config.settings()
	if err != nil {
		return nil, err
	}
	in.settings.Store(&settings)
	in.configureURLs()
	readers := maps.Clone(parts.Readers)
	readers[catalogcommon.LocationTypeURL] = parts.URLs
	in.registrable = []string{catalogcommon.LocationTypeURL} // not files, since then a request could make the portal read its own disk
	for _, extension := range parts.Contributions.Readers {
		readers[extension.Spec.Type] = contributedReader{extension}
		if extension.Spec.Registrable && !slices.Contains(in.registrable, extension.Spec.Type) {
			in.registrable = append(in.registrable, extension.Spec.Type)
		}
	}
	in.types = slices.Sorted(maps.Keys(readers))
	references := location.References{Readers: readers, URL: parts.URLs}
	processors, described := in.processors(config)
	in.fingerprint = fingerprint(kinds, described, parts.Placeholders)
	var providers []string
	for _, provider := range in.providers(config) {
		providers = append(providers, providerName(provider))
	}
	in.sources = append([]string{configSource, access.LocationSource, access.ManagedSource}, providers...)
	names := make([]string, len(processors))
	for i, p := range processors {
		names[i] = p.Name
	}
	in.Metrics.Expect(names, providers)
	in.pipeline = pipeline.New(pipeline.Options{
		Store: parts.Store, Index: parts.Index, Logger: parts.Logger, Metrics: parts.Metrics,
		Model: known, Readers: readers, References: references, Resolver: location.TargetResolver{URL: parts.URLs, AllowedTypes: in.registrable},
		Placeholders: placeholders(parts.Placeholders), Processors: processors,
		Settings:    func() pipeline.Settings { return *in.settings.Load() },
		Fingerprint: in.fingerprint,
		Changed:     parts.Catalog.Changed,
		Announce:    in.announce,
	})
	return in, nil
}

// configureURLs takes over what the configuration says of web servers at present.
func (in *Ingest) configureURLs() {
	in.URLs.Configure(location.URLConfig{Hosts: in.Hosts.Get(), Allow: in.Reading.Get().Allow})
}

// again has everything processed again that can have another outcome than when it was processed: what decides about that are code, contributions and configuration. Of tokens only whether they are there counts.
func (in *Ingest) again(ctx context.Context, settings pipeline.Settings) error {
	web, err := json.Marshal([]any{in.Hosts.Get(), in.Reading.Get()})
	if err != nil {
		return fmt.Errorf("describe the configuration of web servers: %w", err)
	}
	return in.Store.ProcessAgain(ctx, in.fingerprint+string(web), settings.RulesText)
}

// fingerprint changes when what becomes of an entity can.
func fingerprint(kinds []model.Kind, processors []string, placeholders []pluginapi.Extended[catalognode.Placeholder, catalognode.PlaceholderFunc]) string {
	text, err := json.Marshal(kinds)
	if err != nil {
		text = nil // cannot be: kinds are plain data
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n%q\n", version, text, processors)
	for _, placeholder := range placeholders {
		fmt.Fprintf(sum, "%s %s\n", placeholder.ID, placeholder.Spec.Key)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// processors are the contributed processors in their order, and a description of each for the fingerprint.
func (in *Ingest) processors(config Config) ([]pipeline.Processor, []string) {
	type ordered struct {
		pipeline.Processor
		priority int
	}
	var all []ordered
	for _, extension := range in.Processors {
		options := optionsOf(config.ProcessorOptions, extension.ID)
		if options.Disabled {
			continue
		}
		p := ordered{priority: cmp.Or(extension.Spec.Priority, 20)}
		if options.Priority != nil {
			p.priority = *options.Priority
		}
		p.Name, p.Pure = shortID(extension.ID), extension.Spec.Pure
		p.Use = extension.Use
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b ordered) int { return cmp.Compare(a.priority, b.priority) })
	processors, described := make([]pipeline.Processor, len(all)), make([]string, len(all))
	for i, p := range all {
		processors[i], described[i] = p.Processor, p.Name+" "+strconv.Itoa(p.priority)
	}
	return processors, described
}

func (in *Ingest) providers(config Config) []pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc] {
	return slices.DeleteFunc(slices.Clone(in.Providers), func(p pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc]) bool {
		return optionsOf(config.ProviderOptions, p.ID).Disabled
	})
}

func providerName(p pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc]) string {
	return cmp.Or(p.Spec.Name, shortID(p.ID))
}

// changeTopic is the signal that says that the change log has grown.
const changeTopic = "changes"

func (in *Ingest) announce(ctx context.Context, seq int64) {
	if err := in.Signals.Publish(ctx, changeTopic, strconv.FormatInt(seq, 10)); err != nil && ctx.Err() == nil {
		in.Logger.Debug("other replicas are not told of a change; they will look by themselves", "error", err)
	}
}

// firstIngestion bounds how long the start waits for what the configuration names.
const firstIngestion = 10 * time.Second

// Start loads the index, takes over what the configuration says, and, when there was nothing before, waits a while for it to be ingested, so that a new portal opens on its catalog.
func (in *Ingest) Start(ctx context.Context) error {
	start := time.Now()
	if err := in.Store.Alone(ctx); err != nil {
		return err
	}
	loaded, err := in.pipeline.Load(ctx)
	if err != nil {
		return err
	}
	if err := in.again(ctx, *in.settings.Load()); err != nil {
		return err
	}
	config := in.Config.Get()
	in.reportOptions(config)
	in.reportUnknown(config)
	for _, replaced := range in.replaced {
		in.Logger.Info("a plugin describes a kind in the catalog's place", "kind", replaced)
	}
	gone, changes, err := in.Store.RemoveSources(ctx, in.sources, config.OrphanProviderStrategy == "keep")
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		in.Logger.Info("providers are gone since the last start", "providers", gone, "removed", len(changes), "strategy", cmp.Or(config.OrphanProviderStrategy, "delete"))
	}
	in.pipeline.Published(changes)
	mutation, err := config.locations()
	if err != nil {
		return err
	}
	if err := in.pipeline.Mutate(ctx, mutation); err != nil {
		return err
	}
	in.Catalog.Connect(access.Ingestion{
		Published: in.pipeline.Published, Wake: in.pipeline.Wake,
		Readonly: func() bool { return in.Config.Get().Readonly },
		Conflict: func() string { return string(in.Config.Get().DefaultLocationConflictStrategy) },
		Validate: in.pipeline.Validate, Foreseen: in.pipeline.Foreseen, DryRun: in.pipeline.DryRun, Allowed: in.allowed, Analyze: in.analyze,
	})
	if err := in.reportProblems(ctx); err != nil {
		return err
	}
	if loaded == 0 && in.settings.Load().Interval > 0 && len(mutation.Added) > 0 {
		if err := in.first(ctx); err != nil {
			return err
		}
	}
	if err := in.Catalog.Warm(); err != nil {
		return err
	}
	in.Logger.Info("the catalog is loaded", "entities", in.Index.Len(), "took", time.Since(start).Round(time.Millisecond))
	return nil
}

// allowed is nil for types of locations that anybody may register.
func (in *Ingest) allowed(locationType string) error {
	if slices.Contains(in.registrable, locationType) {
		return nil
	}
	return catalogcommon.InputError("locations of type %q cannot be registered; allowed: %q", locationType, in.registrable)
}

// first runs the pipeline until it has nothing more to do.
func (in *Ingest) first(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- in.pipeline.Run(running) }()
	wait, cancel := context.WithTimeout(running, firstIngestion)
	defer cancel()
	settled := make(chan error, 1)
	go func() { settled <- in.pipeline.Settle(wait) }()
	var err error
	select {
	case err = <-settled:
		stop()
		<-ended
	case err = <-ended: // it failed
		stop()
		<-settled
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		in.Logger.Info("the catalog is large: ingestion goes on while the portal serves", "entities", in.Index.Len())
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// reportProblems writes what is known to be wrong from before, so that a log is complete by itself. What could not be read is tried again at once: somebody may have started the portal anew to mend that.
func (in *Ingest) reportProblems(ctx context.Context) error {
	problems, err := in.Store.Problems(ctx, 100)
	if err != nil {
		return err
	}
	for _, problem := range problems {
		in.pipeline.Report(problem)
	}
	return in.retry(ctx)
}

// retry has the locations read again that could not be read.
func (in *Ingest) retry(ctx context.Context) error {
	problems, err := in.Store.Problems(ctx, 1000)
	if err != nil {
		return err
	}
	var places []string
	for _, problem := range problems {
		if problem.Place != "" {
			places = append(places, problem.Place)
		}
	}
	if len(places) == 0 {
		return nil
	}
	return in.Store.RefreshKeys(ctx, places)
}

// Work runs the pipeline until ctx ends.
func (in *Ingest) Work(ctx context.Context) error { return in.pipeline.Run(ctx) }

// Follow keeps up with what changes outside: the configuration, and other replicas.
func (in *Ingest) Follow(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		// A listener that ends early is no loss: the pipeline looks by itself each second.
		_ = in.Signals.Listen(ctx, changeTopic, func(string) { in.pipeline.Wake() })
	})
	started := in.Config.Get()
	for {
		changed, hosts, reading := in.Config.Changed(), in.Hosts.Changed(), in.Reading.Changed()
		if err := in.apply(ctx); err != nil {
			return err
		}
		select {
		case <-changed:
			in.reportFixed(started, in.Config.Get())
			in.reportUnknown(in.Config.Get())
			continue
		case <-hosts:
		case <-reading:
		case <-ctx.Done():
			return ctx.Err()
		}
		in.configureURLs()
		if err := in.retry(ctx); err != nil { // a new token is nothing that apply would notice
			return err
		}
	}
}

// apply takes over the present configuration.
func (in *Ingest) apply(ctx context.Context) error {
	config := in.Config.Get()
	settings, err := config.settings()
	if err != nil {
		return err
	}
	in.settings.Store(&settings)
	in.configureURLs()
	mutation, err := config.locations()
	if err != nil {
		return err
	}
	if err := in.pipeline.Mutate(ctx, mutation); err != nil {
		return err
	}
	err = in.again(ctx, settings)
	in.pipeline.Wake()
	return err
}

// Stop ends what ingestion holds of other servers.
func (in *Ingest) Stop(context.Context) error {
	in.URLs.Close()
	return nil
}

// Provide runs the contributed providers until ctx ends. One that fails is called again, with growing pauses, and holds up no other.
func (in *Ingest) Provide(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	for _, provider := range in.providers(in.Config.Get()) {
		group.Go(func() { in.provide(ctx, provider) })
	}
	<-ctx.Done()
	return ctx.Err()
}

func (in *Ingest) provide(ctx context.Context, provider pluginapi.Extended[catalognode.Provider, catalognode.ProviderFunc]) {
	const shortest, longest = 200 * time.Millisecond, time.Minute
	pause := shortest
	to := in.pipeline.Connection(providerName(provider))
	for ctx.Err() == nil {
		began := time.Now()
		err := provider.Use(ctx, func(ctx context.Context, provide catalognode.ProviderFunc) error { return provide(ctx, to) })
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Since(began) > longest {
			pause = shortest
		}
		if errors.Is(err, pluginapi.ErrUnavailable) {
			in.Logger.Debug("a provider's plugin does not run yet", "provider", provider.ID, "error", err)
		} else {
			in.Metrics.ProviderFailed(providerName(provider))
			in.Logger.Warn("a provider failed; it is called again", "provider", provider.ID, "error", err, "after", pause)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, longest)
		case <-ctx.Done():
		}
	}
}
