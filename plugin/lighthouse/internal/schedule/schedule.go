// Package schedule has the websites of annotated entities audited again and again: one at a time with a pause in between, and no more in a day than are allowed, so that neither the audit service
// nor the websites meet a rush.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/ledger"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Settings say how often.
type Settings struct {
	Frequency    time.Duration // from one audit of a website to the next; 0: no schedule
	InitialDelay time.Duration // before the first audit of a website that is new to the schedule
	Spread       time.Duration // pause between two audits, of whatever websites
	Budget       int           // audits in 24 hours; 0: no bound
}

// Schedule asks for audits. It is safe for concurrent use.
type Schedule struct {
	settings Settings
	audits   *auditclient.Client
	catalog  catalogcommon.Client
	ledger   *ledger.Ledger
	now      func() time.Time
	log      *slog.Logger
}

// New returns a Schedule. now is the clock.
func New(s Settings, audits *auditclient.Client, catalog catalogcommon.Client, l *ledger.Ledger, now func() time.Time, log *slog.Logger) *Schedule {
	return &Schedule{s, audits, catalog, l, now, log}
}

const (
	day      = 24 * time.Hour
	remember = 400 * day // who asked for an audit
)

// Tick asks for the audit that is due, if one is and the pause and the budget allow it. It is meant to be called several times a minute, as the plugin.
func (s *Schedule) Tick(ctx context.Context) error {
	if s.settings.Frequency <= 0 || !s.audits.Configured() {
		return nil
	}
	now := s.now()
	asked, last, err := s.ledger.Asked(ctx, pluginapi.PrincipalFrom(ctx).Ref, now.Add(-day))
	if err != nil {
		return err
	}
	if now.Before(last.Add(s.settings.Spread)) || s.settings.Budget > 0 && asked >= s.settings.Budget {
		return nil
	}
	if err := s.follow(ctx, now); err != nil {
		return err
	}
	for {
		site, err := s.ledger.Due(ctx, now)
		if err != nil || site == "" {
			return err
		}
		if done, err := s.audit(ctx, site, now); done || err != nil {
			return err
		}
	}
}

// follow takes over which websites the catalog's entities name.
func (s *Schedule) follow(ctx context.Context, now time.Time) error {
	var sites []string
	request := catalogcommon.QueryRequest{
		Filter: catalogcommon.Filter{{"metadata.annotations." + catalogcommon.AnnotationLighthouse: nil}},
		Fields: []string{"kind", "metadata"},
	}
	for entity, err := range catalogcommon.Entities(ctx, s.catalog, request) {
		if err != nil {
			return fmt.Errorf("ask the catalog for annotated entities: %w", err)
		}
		if url := strings.TrimSpace(entity.Annotation(catalogcommon.AnnotationLighthouse)); strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
			sites = append(sites, auditapi.Site(url))
		}
	}
	slices.Sort(sites)
	return s.ledger.SetSites(ctx, slices.Compact(sites), now.Add(s.settings.InitialDelay))
}

// audit asks for an audit of a website that is due. It returns false when there was no need to, and another website may have its turn.
func (s *Schedule) audit(ctx context.Context, site string, now time.Time) (done bool, err error) {
	var fault *auditclient.Fault
	if known, err := s.audits.Website(ctx, site); err == nil {
		if fresh := known.LastAudit.TimeCreated.Add(s.settings.Frequency); fresh.After(now) {
			return false, s.ledger.Postpone(ctx, site, fresh, "") // somebody had it audited
		}
	} else if !errors.As(err, &fault) || fault.Kind != auditclient.NotFound {
		return true, fmt.Errorf("look for the last audit of %s: %w", site, err)
	}
	audit, err := s.audits.Create(ctx, site, auditapi.Mobile)
	if errors.As(err, &fault) && fault.Kind == auditclient.Refused {
		s.log.WarnContext(ctx, "the audit service refuses a website that an entity names", "url", site, "reason", fault.Message)
		return false, s.ledger.Postpone(ctx, site, now.Add(s.settings.Frequency), fault.SafeMessage())
	}
	if err != nil {
		return true, fmt.Errorf("ask for an audit of %s: %w", site, err)
	}
	return true, errors.Join(s.ledger.Record(ctx, audit.ID, now), s.ledger.Postpone(ctx, site, now.Add(s.settings.Frequency), ""), s.ledger.Forget(ctx, now.Add(-remember)))
}
