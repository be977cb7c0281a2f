package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// kindsOf are the catalog's own kinds and those of plugins, which can replace them. replaced says which do, for the log.
func kindsOf(contributed []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour]) (kinds []model.Kind, replaced []string, err error) {
	kinds = model.Builtin()
	var added []model.Kind
	for _, extension := range contributed {
		kind, err := kindOf(extension.Spec)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", extension.ID, err)
		}
		added = append(added, kind)
		if !extension.Spec.Replaces {
			continue
		}
		left := without(kinds, kind)
		if len(left) == len(kinds) && slices.EqualFunc(left, kinds, func(a, b model.Kind) bool { return len(a.APIVersions) == len(b.APIVersions) }) {
			return nil, nil, fmt.Errorf("%s: kind %s of %q is none of the catalog's own that could be replaced; leave Replaces out, or mend the name or the API versions", extension.ID, kind.Name, kind.APIVersions)
		}
		kinds, replaced = left, append(replaced, extension.ID+" replaces "+kind.Name+" of "+strings.Join(kind.APIVersions, " and "))
	}
	return append(kinds, added...), replaced, nil
}

// without returns kinds that leave to another what it replaces.
func without(kinds []model.Kind, by model.Kind) []model.Kind {
	var left []model.Kind
	for _, kind := range kinds {
		shared := len(by.SpecTypes) == 0 || slices.ContainsFunc(by.SpecTypes, func(t string) bool { return slices.Contains(kind.SpecTypes, t) })
		if kind.Name == by.Name && shared {
			kind.APIVersions = slices.DeleteFunc(slices.Clone(kind.APIVersions), func(version string) bool { return slices.Contains(by.APIVersions, version) })
		}
		if len(kind.APIVersions) > 0 {
			left = append(left, kind)
		}
	}
	return left
}

// kindOf turns a contributed kind into one of the model.
func kindOf(kind catalognode.Kind) (model.Kind, error) {
	made := model.Kind{Name: kind.Name, APIVersions: kind.APIVersions, SpecTypes: kind.SpecTypes, Description: kind.Description}
	if len(kind.Schema) > 0 {
		made.Schema = &model.Schema{}
		if err := json.Unmarshal(kind.Schema, made.Schema); err != nil {
			return made, fmt.Errorf("read the schema of kind %s: %w", kind.Name, err)
		}
	}
	for _, field := range kind.Relations {
		made.Relations = append(made.Relations, model.RelationSpec{
			Path: field.Path, Type: field.Type, Reverse: field.Reverse, DefaultKind: field.DefaultKind,
			DefaultNamespace: model.NamespaceRule(field.DefaultNamespace), TargetKinds: field.TargetKinds,
		})
	}
	return made, nil
}

// contributedReader makes a reader of a plugin's.
type contributedReader struct {
	extension pluginapi.Extended[catalognode.LocationReader, catalognode.ReadFunc]
}

var _ location.Reader = contributedReader{}

// Read implements location.Reader.
func (c contributedReader) Read(ctx context.Context, request location.Request) (location.Result, error) {
	read, err := pluginapi.Ask(ctx, c.extension, func(ctx context.Context, read catalognode.ReadFunc) (catalognode.ReadResult, error) {
		return read(ctx, catalognode.ReadRequest{Location: catalogcommon.LocationRef{Type: c.extension.Spec.Type, Target: request.Target}, ETag: request.ETag})
	})
	if err != nil {
		return location.Result{}, err
	}
	if !read.NotModified && len(read.Files) == 0 {
		return location.Result{}, fmt.Errorf("%s: it read no files and said nothing of why: %w", c.extension.ID, fs.ErrNotExist)
	}
	result := location.Result{ETag: read.ETag, NotModified: read.NotModified}
	for _, file := range read.Files {
		sum := sha256.Sum256(file.Text)
		result.Files = append(result.Files, location.File{Target: file.Target, Text: file.Text, Hash: hex.EncodeToString(sum[:]), Err: file.Err})
	}
	return result, nil
}

// placeholders are the catalog's own and those of plugins, which can replace them.
func placeholders(contributed []pluginapi.Extended[catalognode.Placeholder, catalognode.PlaceholderFunc]) map[string]location.PlaceholderResolver {
	resolvers := location.BuiltinPlaceholders(descriptor.Limits{})
	for _, extension := range contributed {
		resolvers[extension.Spec.Key] = func(ctx context.Context, p location.Placeholder) (any, error) {
			return pluginapi.Ask(ctx, extension, func(ctx context.Context, resolve catalognode.PlaceholderFunc) (any, error) {
				return resolve(ctx, catalognode.PlaceholderRequest{
					Key: extension.Spec.Key, Value: p.Value, Base: p.Base,
					Read: func(ctx context.Context, target string) ([]byte, catalogcommon.LocationRef, error) {
						text, from, err := p.Read(ctx, location.Reference{Target: target})
						if err != nil {
							return nil, catalogcommon.LocationRef{}, err
						}
						place, err := catalogcommon.ParseLocationRef(from)
						return text, place, err
					},
				})
			})
		}
	}
	return resolvers
}

// analyze asks contributed analyzers about a repository; nil if none knows it.
func (in *Ingest) analyze(ctx context.Context, request catalogcommon.AnalyzeLocationRequest) (*catalogcommon.AnalyzeLocationResponse, error) {
	for _, analyzer := range in.Analyzers {
		answer, err := pluginapi.Ask(ctx, analyzer, func(ctx context.Context, analyze catalognode.AnalyzerFunc) (*catalogcommon.AnalyzeLocationResponse, error) {
			return analyze(ctx, request)
		})
		if err != nil || answer != nil {
			return answer, err
		}
	}
	return nil, nil
}
