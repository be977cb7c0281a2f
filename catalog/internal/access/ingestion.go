package access

import (
	"context"
	"encoding/json"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Problem is something that should be in the catalog and is not, or not as its file says.
type Problem struct {
	Entity string // reference of what is concerned: of the entity, or of the Location entity that read the place
	Place  string // location that was read; empty if that is not known
	catalogcommon.ErrorInfo
}

// maxProblems bounds a list that nobody reads to its end.
const maxProblems = 1000

// Problems lists what is wrong at present. Who may not read about ingestion sees none.
func (c *Catalog) Problems(ctx context.Context) ([]Problem, error) {
	if err := c.require(ctx, catalogcommon.PermissionIngestionRead); err != nil {
		if self := c.self.Available(); self != nil {
			return nil, self
		}
		return nil, nil
	}
	stored, err := c.store.Problems(ctx, maxProblems)
	if err != nil {
		return nil, err
	}
	var problems []Problem
	for _, s := range stored {
		if s.Errors == "" {
			problems = append(problems, Problem{Entity: s.Ref, Place: s.Place, ErrorInfo: catalogcommon.ErrorInfo{Name: "ConflictError", Message: "this entity is described elsewhere already; remove one of the two"}})
			continue
		}
		var infos []catalogcommon.ErrorInfo
		if json.Unmarshal([]byte(s.Errors), &infos) != nil {
			continue
		}
		for _, info := range infos {
			problem := Problem{Entity: s.Ref, Place: s.Place, ErrorInfo: info}
			if info.At != nil && info.At.Source != "" {
				problem.Place = info.At.Source
			}
			problems = append(problems, problem)
		}
	}
	return problems, nil
}
