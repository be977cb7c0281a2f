package access

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// Bounds of looking for the descriptors of a repository.
const (
	findPatience = 10 * time.Second
	maxFound     = 50    // files
	maxDescribed = 1_000 // entities
)

// defaultFilename is what descriptors are called.
const defaultFilename = "catalog-info.yaml"

// Analyze tells which descriptors a repository has, or proposes one. Contributed analyzers are asked first.
func (c *Catalog) Analyze(ctx context.Context, request catalogcommon.AnalyzeLocationRequest) (catalogcommon.AnalyzeLocationResponse, error) {
	none := catalogcommon.AnalyzeLocationResponse{}
	ingestion, err := c.connected()
	if err != nil {
		return none, err
	}
	if err := c.require(ctx, catalogcommon.PermissionLocationAnalyze); err != nil {
		return none, err
	}
	repository, err := c.urls.Repository(request.Location.Target)
	if err != nil {
		return none, err
	}
	if ingestion.Analyze != nil {
		answer, err := ingestion.Analyze(ctx, request)
		if err != nil {
			return none, err
		}
		if answer != nil {
			return *answer, nil
		}
	}
	existing, err := c.described(ctx, repository, cmp.Or(request.CatalogFilename, defaultFilename))
	if err != nil {
		return none, err
	}
	if len(existing) > 0 {
		return catalogcommon.AnalyzeLocationResponse{ExistingEntityFiles: existing, GenerateEntities: []catalogcommon.GeneratedEntity{}}, nil
	}
	return catalogcommon.AnalyzeLocationResponse{
		ExistingEntityFiles: []catalogcommon.ExistingEntityFile{},
		GenerateEntities:    []catalogcommon.GeneratedEntity{{Entity: proposal(repository), Fields: []catalogcommon.GeneratedFields{}}},
	}, nil
}

// described returns the entities of a repository's descriptors. If these cannot be looked for, a proposal is still worth something; of a repository that does not exist it is not.
func (c *Catalog) described(ctx context.Context, repository location.Repository, filename string) ([]catalogcommon.ExistingEntityFile, error) {
	patience, cancel := context.WithTimeout(ctx, findPatience)
	defer cancel()
	files, err := c.urls.Find(patience, repository, filename, maxFound)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return nil, catalogcommon.NotFoundError("repository %s/%s cannot be read, %v", repository.Owner, repository.Name, err)
	case err != nil:
		c.logger.WarnContext(ctx, "descriptors cannot be looked for in a repository", "repository", repository.Owner+"/"+repository.Name, "error", err)
		return nil, nil
	}
	var found []catalogcommon.ExistingEntityFile
	for _, file := range files {
		place := catalogcommon.LocationRef{Type: catalogcommon.LocationTypeURL, Target: file.Target}
		entities := entitiesOf(file)
		if len(entities) == 0 {
			continue
		}
		_, err := c.store.LocationByTarget(ctx, place)
		if err != nil && !errors.Is(err, store.ErrNoLocation) {
			return nil, err
		}
		for _, entity := range entities {
			if len(found) == maxDescribed {
				return found, nil
			}
			found = append(found, catalogcommon.ExistingEntityFile{Location: place, IsRegistered: err == nil, Entity: entity})
		}
	}
	return found, nil
}

// entitiesOf reads the entities of a file. What is none is left out: registering the file will tell what is wrong.
func entitiesOf(file location.File) []*catalogcommon.Entity {
	if file.Err != nil {
		return nil
	}
	documents, err := descriptor.Documents(file.Text, descriptor.Limits{})
	if err != nil {
		return nil
	}
	var entities []*catalogcommon.Entity
	for document := range documents {
		if document.Err == nil && len(model.Envelope(document.Object)) == 0 {
			entities = append(entities, catalogcommon.EntityOf(document.Object))
		}
	}
	return entities
}

// proposal is a component named as the repository is, as far as entities can be.
func proposal(repository location.Repository) *catalogcommon.Entity {
	entity := &catalogcommon.Entity{
		APIVersion: catalogcommon.APIVersionAlpha1, Kind: catalogcommon.KindComponent,
		Metadata: catalogcommon.Metadata{Name: cmp.Or(nameFrom(repository.Name), "component")},
		Spec:     map[string]any{"type": "other", "lifecycle": "unknown"},
	}
	if repository.Slug != "" {
		entity.Metadata.Annotations = map[string]string{repository.Slug: repository.Owner + "/" + repository.Name}
	}
	return entity
}

// nameFrom makes the name of an entity of a text, with a dash for what cannot be in one; it is empty if nothing can.
func nameFrom(text string) string {
	const longest, between = 63, "-_."
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(between, r) {
			return r
		}
		return '-'
	}, text)
	name = strings.Trim(name, between)
	return strings.TrimRight(name[:min(len(name), longest)], between)
}
