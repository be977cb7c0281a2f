package catalognode

import (
	"context"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Placeholder is the spec of a placeholder.
type Placeholder struct {
	Key string // without the dollar sign: text for {$text: ./README.md}
}

// PlaceholderFunc makes the value that stands in for a placeholder: a tree of the types that encoding/json makes. An error fails the entity.
type PlaceholderFunc func(ctx context.Context, request PlaceholderRequest) (any, error)

// PlaceholderRequest is one placeholder in one entity.
type PlaceholderRequest struct {
	Key   string
	Value any                       // what the placeholder says, usually a path or a URL
	Base  catalogcommon.LocationRef // where the entity was read from

	// Read reads a file, by a URL or path that may be relative to Base, within what the catalog may read. It also returns where that was, and makes the entity depend on it.
	Read func(ctx context.Context, target string) (content []byte, from catalogcommon.LocationRef, err error)
}

// Placeholders is where plugins add placeholders. One with the key of another replaces it.
var Placeholders = &pluginapi.Point[Placeholder, PlaceholderFunc]{Kind: "placeholder", Timeout: time.Minute}

// Analyzer is the spec of an analyzer.
type Analyzer struct{}

// AnalyzerFunc looks at a repository that somebody wants to register, and proposes descriptors. It returns nil for one that it does not know.
type AnalyzerFunc func(ctx context.Context, request catalogcommon.AnalyzeLocationRequest) (*catalogcommon.AnalyzeLocationResponse, error)

// Analyzers is where plugins propose descriptors. The first that knows a location answers.
var Analyzers = &pluginapi.Point[Analyzer, AnalyzerFunc]{Kind: "location-analyzer", Timeout: time.Minute}

// Points returns all points of this package, for the catalog's list.
func Points() []pluginapi.AnyPoint {
	return []pluginapi.AnyPoint{Providers, Processors, Kinds, LocationReaders, Placeholders, Analyzers, Rules}
}
