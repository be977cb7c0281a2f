// Package feed brings radars in: from the app, from files and from URLs, of which it keeps the last good copy.
package feed

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/radar"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// retryAfter is how long a radar of which there is no copy is left alone after a failure, when people look at it.
const retryAfter = 30 * time.Second

// Embedded is a radar that the app brings along.
type Embedded struct {
	ID    string // default: [DefaultID]
	Title string
	JSON  []byte
}

// Feed is the portal's radars. It is safe for concurrent use.
type Feed struct {
	embedded []Copy
	config   *pluginapi.Live[Config]
	copies   copies
	log      *slog.Logger
	client   *http.Client
	turn     chan struct{} // held by who fetches on behalf of a reader

	mu     sync.Mutex
	parsed map[string]Copy // by id; derived from the database
}

// Name is what a radar is called.
type Name struct{ ID, Title string }

// Copy is a radar as it can be shown. Its Radar and JSON are read-only.
type Copy struct {
	Name
	Radar   *radar.Radar // nil: there was never a good one
	JSON    []byte       // the document that Radar was made of
	Version string       // changes with the document; "" for those of the app
	AsOf    time.Time    // when it was last known to be the latest; zero for those of the app
	Failure []string     // why the latest could not be had or used; empty: this is it
}

// New checks the radars of the app. The error says everything that is wrong with them.
func New(embedded []Embedded, config *pluginapi.Live[Config], db *sqlx.DB, log *slog.Logger) (*Feed, error) {
	f := &Feed{config: config, copies: copies{db}, log: log, client: newClient(), turn: make(chan struct{}, 1), parsed: map[string]Copy{}}
	var wrong []error
	for _, e := range embedded {
		id := cmp.Or(e.ID, DefaultID)
		r, err := radar.Parse(e.JSON)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("embedded radar %s cannot be used:\n%w", id, err))
			continue
		}
		if !idForm.MatchString(id) || slices.ContainsFunc(f.embedded, func(c Copy) bool { return c.ID == id }) {
			wrong = append(wrong, fmt.Errorf("embedded radar %q: an id is of lower-case letters, digits and dashes, and each is different", id))
		}
		f.embedded = append(f.embedded, Copy{Name: Name{id, cmp.Or(e.Title, r.Title, title(id))}, Radar: r, JSON: e.JSON})
	}
	return f, errors.Join(wrong...)
}

// title makes an id one; the default radar has none.
func title(id string) string {
	if id == DefaultID {
		return ""
	}
	return strings.ToUpper(id[:1]) + strings.ReplaceAll(id[1:], "-", " ")
}

// sources lists the radars that are read from elsewhere. Those of the app win where ids are the same.
func (f *Feed) sources() []Radar {
	return slices.DeleteFunc(f.config.Get().all(), func(r Radar) bool {
		return slices.ContainsFunc(f.embedded, func(c Copy) bool { return c.ID == r.ID })
	})
}

// Names lists the radars, those of the app first. A title that only the document knows is there once it was read.
func (f *Feed) Names() []Name {
	var names []Name
	for _, c := range f.embedded {
		names = append(names, c.Name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.sources() {
		names = append(names, Name{r.ID, cmp.Or(r.Title, f.parsed[r.ID].Title, title(r.ID))})
	}
	return names
}

// Load returns a radar. One whose only copy would be an older one is returned as that, with the reasons. An unknown id is a 404.
func (f *Feed) Load(ctx context.Context, id string) (Copy, error) {
	for _, c := range f.embedded {
		if c.ID == id {
			return c, nil
		}
	}
	for _, r := range f.sources() {
		if r.ID == id {
			known, err := f.current(ctx, r)
			if err != nil {
				return Copy{}, err
			}
			return f.copy(ctx, r, known)
		}
	}
	return Copy{}, pluginapi.NotFound("there is no radar %q", id)
}

// current returns what is known of a radar, after a look at its source if that is called for: a file is near; a URL is only waited for when there is nothing to show.
func (f *Feed) current(ctx context.Context, r Radar) (row, error) {
	known, err := f.copies.row(ctx, r.ID, r.where())
	if err != nil || !due(r, known) {
		return known, err
	}
	select { // one reader fetches, the others find what it found
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return row{}, ctx.Err()
	}
	if known, err = f.copies.row(ctx, r.ID, r.where()); err != nil || !due(r, known) {
		return known, err
	}
	return f.check(ctx, r, known)
}

func due(r Radar, known row) bool {
	return r.File != "" || known.Version == "" && time.Since(known.CheckedAt) > retryAfter
}

// maxRenewals is how often a copy may be replaced while it is being read.
const maxRenewals = 5

// copy turns what is known of a radar into the radar.
func (f *Feed) copy(ctx context.Context, r Radar, known row) (Copy, error) {
	c := Copy{Name: Name{r.ID, cmp.Or(r.Title, title(r.ID))}}
	if known.Version != "" {
		f.mu.Lock()
		have := f.parsed[r.ID]
		f.mu.Unlock()
		if have.Version != known.Version {
			document, err := f.copies.document(ctx, r.ID, known.Version)
			for tries := 1; err == nil && document == nil; tries++ { // there is a newer one since the look at what is known
				if tries == maxRenewals {
					return Copy{}, pluginapi.Unavailable("radar %s is being renewed; try again", r.ID)
				}
				if known, err = f.copies.row(ctx, r.ID, r.where()); err == nil && known.Version != "" {
					document, err = f.copies.document(ctx, r.ID, known.Version)
				}
			}
			if err != nil {
				return Copy{}, err
			}
			have = Copy{JSON: document, Version: known.Version}
			if have.Radar, err = radar.Parse(document); err != nil {
				return Copy{}, fmt.Errorf("read the copy of radar %s: %w", r.ID, err)
			}
			have.Title = have.Radar.Title
			f.mu.Lock()
			f.parsed[r.ID] = have
			f.mu.Unlock()
		}
		c.Radar, c.JSON, c.Version, c.AsOf = have.Radar, have.JSON, have.Version, known.FetchedAt.Time
		c.Title = cmp.Or(r.Title, have.Radar.Title, c.Title)
	}
	if known.Failure != "" {
		c.Failure = strings.Split(known.Failure, "\n")
	}
	return c, nil
}

// check looks at a radar's source and stores what it finds. That the source fails is stored, too, and is no error.
func (f *Feed) check(ctx context.Context, r Radar, known row) (row, error) {
	found := known
	found.Radar, found.Source, found.CheckedAt, found.Failure = r.ID, r.where(), time.Now().UTC(), ""
	got, err := r.fetch(ctx, f.client, known.ETag)
	var document []byte
	switch {
	case err != nil && ctx.Err() != nil:
		return known, ctx.Err() // who asked has left: that says nothing about the source
	case err == nil && got.unchanged:
	case err == nil:
		if _, err = radar.Parse(got.document); err == nil {
			sum := sha256.Sum256(got.document)
			document, found.ETag, found.Version = got.document, got.etag, hex.EncodeToString(sum[:8])
		}
	}
	if err == nil {
		found.FetchedAt = sql.NullTime{Time: found.CheckedAt, Valid: true}
	} else {
		found.Failure = readable(err)
		if found.Failure != known.Failure {
			f.log.WarnContext(ctx, "radar cannot be renewed; the last good copy stays", "radar", r.ID, "error", err)
		}
	}
	if found.Failure == "" && got.unchanged && r.File != "" && known.Failure == "" {
		return found, nil // every view of a file's radar would be a write
	}
	return found, f.copies.store(ctx, found, document)
}

// readable is what people may read of an error, in lines.
func readable(err error) string {
	var problems *radar.Problems
	if errors.As(err, &problems) {
		return problems.Error()
	}
	var told *failure
	if errors.As(err, &told) {
		return told.text
	}
	return "it cannot be read"
}

// Refresh looks at all sources, and forgets radars that are not configured any more. The error joins those of the sources that failed.
func (f *Feed) Refresh(ctx context.Context) error {
	all := f.sources()
	failed := []error{f.copies.forget(ctx, all)}
	for _, r := range all {
		known, err := f.copies.row(ctx, r.ID, r.where())
		if err == nil {
			known, err = f.check(ctx, r, known)
		}
		if err == nil && known.Failure != "" {
			err = errors.New(known.Failure)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("radar %s: %w", r.ID, err))
		}
	}
	return errors.Join(failed...)
}

// Healthy is nil unless a radar could not be renewed at the last attempt.
func (f *Feed) Healthy(ctx context.Context) error {
	var failed []error
	for _, r := range f.sources() {
		known, err := f.copies.row(ctx, r.ID, r.where())
		if err == nil && known.Failure != "" {
			first, _, _ := strings.Cut(known.Failure, "\n")
			err = fmt.Errorf("radar %s: %s", r.ID, first)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
