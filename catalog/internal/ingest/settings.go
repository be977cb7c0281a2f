package ingest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// orphanGrace is how long an orphan is kept, so that an entity can move from one file to another.
const orphanGrace = 30 * time.Second

// ref is the location as it is read.
func (l Location) ref() (catalogcommon.LocationRef, error) {
	ref, err := catalogcommon.ParseLocationRef(l.Type + ":" + l.Target)
	if err != nil {
		return ref, err
	}
	if ref.Type == catalogcommon.LocationTypeFile {
		if ref.Target, err = filepath.Abs(ref.Target); err != nil {
			return ref, fmt.Errorf("find the folder of %s: %w", l.Target, err)
		}
	}
	return ref, nil
}

// allRules are the rules of the whole configuration: those for all, and those that locations add for themselves.
func (c Config) allRules() []location.Rule {
	rules := c.Rules
	if rules == nil {
		rules = location.DefaultRules()
	}
	all := append([]location.Rule{}, rules...)
	for _, l := range c.Locations {
		ref, err := l.ref()
		if err != nil {
			continue // Validate says so
		}
		for _, rule := range l.Rules {
			all = append(all, location.Rule{Allow: rule.Allow, Locations: []location.RuleLocations{{Type: ref.Type, Exact: ref.Target}}})
		}
	}
	return all
}

// settings compiles what the pipeline needs.
func (c Config) settings() (pipeline.Settings, error) {
	all := c.allRules()
	rules, err := location.NewRules(all...)
	if err != nil {
		return pipeline.Settings{}, err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return pipeline.Settings{}, err
	}
	return pipeline.Settings{
		Rules: rules, RulesText: string(text), Interval: c.ProcessingInterval.Duration(),
		KeepOrphans: c.OrphanStrategy == "keep", OrphanGrace: orphanGrace,
	}, nil
}

// configSource is the name under which configured locations bring their entities.
const configSource = "config"

// locations is what the configured locations hand over.
func (c Config) locations() (store.Mutation, error) {
	m := store.Mutation{Source: configSource, Full: true}
	for _, l := range c.Locations {
		ref, err := l.ref()
		if err != nil {
			return m, err
		}
		child, err := pipeline.LocationChild(ref, l.Presence)
		if err != nil {
			return m, err
		}
		m.Added = append(m.Added, child)
	}
	return m, nil
}
