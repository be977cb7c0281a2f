package catalog

import (
	"context"
	"log/slog"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/pages"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func newPages(
	c *access.Catalog,
	cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]],
	tabs *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]],
	columns *pluginapi.Live[[]pluginapi.Extended[catalogapi.Column, catalogapi.ColumnFunc]],
	kinds []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour],
	authorizer pluginapi.Authorizer,
	logger *slog.Logger,
) *pages.Pages {
	return pages.New(access.NewClient(c), cards, tabs, columns, kinds, ingestion{c}, authorizer, logger)
}

// ingestion tells pages what they cannot ask a client.
type ingestion struct{ catalog *access.Catalog }

var _ pages.Ingestion = ingestion{}

// Times implements pages.Ingestion.
func (i ingestion) Times(ctx context.Context, ref catalogcommon.Ref) (created, updated time.Time, err error) {
	return i.catalog.Times(ctx, ref)
}

// Problems implements pages.Ingestion.
func (i ingestion) Problems(ctx context.Context) ([]pages.Problem, error) {
	known, err := i.catalog.Problems(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]pages.Problem, len(known))
	for n, problem := range known {
		list[n] = pages.Problem{Entity: problem.Entity, Location: problem.Place, Message: problem.Message}
		if at := problem.At; at != nil {
			list[n].Line, list[n].Column = at.Line, at.Column
		}
	}
	return list, nil
}
