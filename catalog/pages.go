package catalog

import (
	"context"
	"log/slog"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/pages"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func newPages(
	c *access.Catalog,
	cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]],
	tabs *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]],
	logger *slog.Logger,
) *pages.Pages {
	return pages.New(access.NewClient(c), cards, tabs, problems{c}, logger)
}

// problems tells pages what could not be ingested.
type problems struct{ catalog *access.Catalog }

var _ pages.Problems = problems{}

// Problems implements pages.Problems.
func (p problems) Problems(ctx context.Context) ([]pages.Problem, error) {
	known, err := p.catalog.Problems(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]pages.Problem, len(known))
	for i, problem := range known {
		list[i] = pages.Problem{Entity: problem.Entity, Location: problem.Place, Message: problem.Message}
		if at := problem.At; at != nil {
			list[i].Line, list[i].Column = at.Line, at.Column
		}
	}
	return list, nil
}
