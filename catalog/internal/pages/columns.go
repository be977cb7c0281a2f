package pages

import (
	"context"
	"errors"
	"fmt"
	"sync"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// column is another plugin's column, drawn: a cell for each entity of a page of the list, nil for those that it is not for.
type column struct {
	title string
	cells []pluginapi.Component
}

// contributedColumns draws other plugins' columns, all at once, each within its own time. Those that are for none of the entities are left out.
func (p *Pages) contributedColumns(ctx context.Context, entities []*catalogcommon.Entity) []column {
	all := p.columns.Get()
	drawn := make([]column, len(all))
	var wait sync.WaitGroup
	for i, c := range all {
		var places []int
		for at, e := range entities {
			if c.Spec.For.Holds(e) && p.allowed(ctx, c.Spec.Permission, e) == nil {
				places = append(places, at)
			}
		}
		if len(places) > 0 {
			drawn[i] = column{c.Spec.Title, make([]pluginapi.Component, len(entities))}
			wait.Go(func() { p.fill(ctx, c, entities, places, drawn[i].cells) })
		}
	}
	wait.Wait()
	shown := drawn[:0]
	for _, c := range drawn {
		if c.cells != nil {
			shown = append(shown, c)
		}
	}
	return shown
}

// fill asks a column for the cells of the entities at these places.
func (p *Pages) fill(ctx context.Context, c pluginapi.Extended[catalogapi.Column, catalogapi.ColumnFunc], entities []*catalogcommon.Entity, places []int, cells []pluginapi.Component) {
	html, err := pluginapi.Ask(ctx, c, func(ctx context.Context, show catalogapi.ColumnFunc) ([]string, error) {
		asked := make([]*catalogcommon.Entity, len(places))
		for i, at := range places {
			asked[i] = entities[at].Clone()
		}
		made, err := show(ctx, asked)
		if err != nil {
			return nil, err
		}
		if len(made) != len(asked) {
			return nil, fmt.Errorf("it made %d cells for %d entities", len(made), len(asked))
		}
		html := make([]string, len(made))
		for i, cell := range made {
			if cell == nil {
				continue
			}
			if html[i], err = pluginapi.Draw(ctx, cell); err != nil {
				return nil, err
			}
		}
		return html, nil
	})
	if err != nil {
		p.log.WarnContext(ctx, "a column could not be shown", "extension", c.ID, "error", err)
	}
	for i, at := range places {
		if err != nil {
			cells[at] = unknown(err)
		} else {
			cells[at] = pluginapi.Drawn(html[i])
		}
	}
}

// unknown is what stands in place of a cell that could not be shown.
func unknown(err error) pluginapi.Component {
	if errors.Is(err, context.DeadlineExceeded) {
		return ui.Status{State: ui.StatePending, Text: "Not there yet", Hint: "This takes longer than usual. Reload the page to try again."}
	}
	_, _, message := pluginapi.Describe(err)
	return ui.Status{State: ui.StateUnknown, Text: "Not known", Hint: message}
}
