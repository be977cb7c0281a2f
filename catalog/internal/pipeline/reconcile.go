package pipeline

import (
	"context"
	"time"
)

// reconcileEvery is the time between two looks for what was lost.
const reconcileEvery = 10 * time.Minute

// keepChanges is how long the change log reaches back. Who reads it less often has to read everything.
const keepChanges = 7 * 24 * time.Hour

// reconcile looks for what was lost between stages, and removes what is old from the change log, once at the start and then now and again.
func (p *Pipeline) reconcile(ctx context.Context) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		found, err := p.Store.Reconcile(ctx)
		if err != nil {
			return err
		}
		if found > 0 {
			p.Logger.Error("entities were lost between stages of ingestion, and are found again", "count", found)
			p.Wake()
		}
		if _, err := p.Store.TrimChanges(ctx, time.Now().Add(-keepChanges)); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
