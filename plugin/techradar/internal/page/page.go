// Package page draws radars: in the browser as a picture, and on the server as the table that says the same.
package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/feed"
	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/radar"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

const (
	// Plugin is the plugin's id.
	Plugin = "tech-radar"
	// Ref is the page's id.
	Ref pluginapi.RouteRef = "page:tech-radar"
)

// Config is what configuration can say about the page, beside its path, title and icon.
type Config struct {
	Subtitle  string `yaml:"subtitle"`
	PageTitle string `yaml:"pageTitle"` // default: the page's title
	Width     any    `yaml:"width"`     // as in Backstage, but without effect: the picture fits the page
	Height    any    `yaml:"height"`    // as above
}

// Pages draws the page. It is safe for concurrent use.
type Pages struct {
	feed *feed.Feed

	mu    sync.Mutex
	texts map[string]texts // by radar id
}

// texts are a radar's Markdown, converted.
type texts struct {
	of      *radar.Radar
	entries []entryText
}

type entryText struct {
	about    pluginapi.Component
	timeline []pluginapi.Component
}

// New returns Pages of a feed's radars.
func New(f *feed.Feed) *Pages { return &Pages{feed: f, texts: map[string]texts{}} }

// Show answers a request for the page.
func (p *Pages) Show(c Config, r *http.Request) (pluginapi.View, error) {
	names := p.feed.Names()
	view := pluginapi.View{Title: c.PageTitle, Subtitle: c.Subtitle}
	if len(names) == 0 {
		view.Body = unconfigured()
		return view, nil
	}
	id := cmp.Or(r.URL.Query().Get("radar"), names[0].ID)
	shown, err := p.feed.Load(r.Context(), id)
	if err != nil {
		return view, err
	}
	if len(names) > 1 {
		for i, name := range names {
			params := []string{"radar", name.ID}
			if i == 0 {
				params = nil
			}
			view.Tabs = append(view.Tabs, pluginapi.Tab{Link: pluginapi.Link{Text: cmp.Or(name.Title, "Radar"), Href: Ref.URL(r.Context(), params...)}, Active: name.ID == id})
		}
	} else if view.Subtitle == "" {
		view.Subtitle = shown.Title
	}
	if shown.Radar == nil {
		view.Body = failed(shown.Failure)
		return view, nil
	}
	view.Facts = []pluginapi.Fact{{Label: "Entries", Value: ui.Number(int64(len(shown.Radar.Entries)))}}
	if changed := shown.Radar.Changed(); !changed.IsZero() {
		view.Facts = append(view.Facts, pluginapi.Fact{Label: "Last change", Value: ui.Date(changed)})
	}
	t := twin{Radar: shown.Radar, texts: p.text(shown), filter: filterOf(r.URL.Query(), shown.Radar), action: Ref.URL(r.Context())}
	if id != names[0].ID {
		t.id = id
	}
	drawn, err := t.data(r.Context())
	if err != nil {
		return view, err
	}
	view.Body = ui.Group(files(), stale(shown), ui.Module{Plugin: Plugin, Script: "radar.js", Data: drawn, Body: t.view()})
	return view, nil
}

// text converts a radar's Markdown, once per version.
func (p *Pages) text(c feed.Copy) []entryText {
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.texts[c.ID]; have.of == c.Radar {
		return have.entries
	}
	entries := make([]entryText, len(c.Radar.Entries))
	markdown := func(source string) pluginapi.Component {
		if source == "" {
			return nil
		}
		return ui.Markdown(source, ui.MarkdownOptions{})
	}
	for i, e := range c.Radar.Entries {
		entries[i].about = markdown(e.Description)
		for _, s := range e.Timeline {
			entries[i].timeline = append(entries[i].timeline, markdown(s.Description))
		}
	}
	p.texts[c.ID] = texts{c.Radar, entries}
	return entries
}

// filter is what the page's address asks for.
type filter struct {
	text     string
	words    []string
	quadrant int // -1: all
	rings    []int
	entry    string // the one to look at
}

func filterOf(q url.Values, r *radar.Radar) filter {
	f := filter{text: q.Get("q"), words: strings.Fields(strings.ToLower(q.Get("q"))), entry: q.Get("entry")}
	f.quadrant = slices.IndexFunc(r.Quadrants, func(quadrant radar.Quadrant) bool { return quadrant.ID == q.Get("quadrant") })
	for i, ring := range r.Rings {
		if slices.Contains(q["ring"], ring.ID) {
			f.rings = append(f.rings, i)
		}
	}
	return f
}

// matches reports whether an entry is asked for: each word occurs in its title or in what is to say about it.
func (f filter) matches(e radar.Entry) bool {
	if f.quadrant >= 0 && e.Quadrant != f.quadrant || len(f.rings) > 0 && !slices.Contains(f.rings, e.Now().Ring) {
		return false
	}
	text := strings.ToLower(e.Title + " " + e.About())
	return !slices.ContainsFunc(f.words, func(word string) bool { return !strings.Contains(text, word) })
}

// palette colours the rings of radars that have no colours.
var palette = [...]string{"#2e7d32", "#1565c0", "#b26a00", "#b3261e", "#6a1b9a", "#00695c", "#ad1457", "#455a64"}

func ringColor(r *radar.Radar, i int) string {
	return cmp.Or(r.Rings[i].Color, palette[i%len(palette)])
}

// data is what radar.js draws.
type data struct {
	Quadrants []named `json:"quadrants"`
	Rings     []named `json:"rings"`
	Entries   []blip  `json:"entries"` // in the order of the table's rows
}

type named struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color,omitempty"`
}

// blip is an entry. About, Links and Text are HTML, which costs the browser next to nothing until somebody wants to read it.
type blip struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Quadrant int        `json:"quadrant"`
	Ring     int        `json:"ring"`
	Moved    radar.Move `json:"moved,omitempty"`
	About    string     `json:"about,omitempty"`
	Links    string     `json:"links,omitempty"`
	Timeline []step     `json:"timeline"`
}

type step struct {
	Date  string     `json:"date"`
	Ring  int        `json:"ring"`
	Moved radar.Move `json:"moved,omitempty"`
	Text  string     `json:"text,omitempty"`
}

func (t twin) data(ctx context.Context) (data, error) {
	d := data{Entries: make([]blip, 0, len(t.Entries))}
	for _, q := range t.Quadrants {
		d.Quadrants = append(d.Quadrants, named{ID: q.ID, Name: q.Name})
	}
	for i, ring := range t.Rings {
		d.Rings = append(d.Rings, named{ID: ring.ID, Name: ring.Name, Color: ringColor(t.Radar, i)})
	}
	for i, e := range t.Entries {
		drawn := blip{ID: e.ID, Title: e.Title, Quadrant: e.Quadrant, Ring: e.Now().Ring, Moved: e.Now().Moved}
		var err1, err2 error
		drawn.About, err1 = pluginapi.Draw(ctx, t.texts[i].about)
		drawn.Links, err2 = pluginapi.Draw(ctx, t.links(e))
		if err := errors.Join(err1, err2); err != nil {
			return d, err
		}
		for n, s := range e.Timeline {
			text, err := pluginapi.Draw(ctx, t.texts[i].timeline[n])
			if err != nil {
				return d, err
			}
			drawn.Timeline = append(drawn.Timeline, step{day(s.Date), s.Ring, s.Moved, text})
		}
		d.Entries = append(d.Entries, drawn)
	}
	return d, nil
}

// chosen is the entry that the address names, -1 for none.
func (t twin) chosen() int {
	return slices.IndexFunc(t.Entries, func(e radar.Entry) bool { return e.ID == t.filter.entry })
}

// href leads to an entry in the page without scripts.
func (t twin) href(e radar.Entry) string {
	query := url.Values{"entry": {e.ID}}
	if t.id != "" {
		query.Set("radar", t.id)
	}
	return t.action + "?" + query.Encode()
}

// place says where an entry is, in words.
func (t twin) place(e radar.Entry) string {
	place := t.Quadrants[e.Quadrant].Name + " · " + t.Rings[e.Now().Ring].Name
	if moved := e.Now().Moved.String(); moved != "" {
		place += " · " + moved
	}
	return place
}

// count is how many entries the filter leaves.
func (t twin) count() string {
	return strconv.Itoa(t.left()) + " of " + strconv.Itoa(len(t.Entries)) + " entries"
}

func (t twin) left() (n int) {
	for _, e := range t.Entries {
		if t.filter.matches(e) {
			n++
		}
	}
	return n
}

// unfiltered is the address of the page without filters.
func (t twin) unfiltered() string {
	if t.id == "" {
		return t.action
	}
	return t.action + "?" + url.Values{"radar": {t.id}}.Encode()
}

func (t twin) inRing(ring int) string {
	n := 0
	for _, e := range t.Entries {
		if e.Now().Ring == ring {
			n++
		}
	}
	return strconv.Itoa(n)
}

// JSON answers with a radar's document, as Backstage's back end for the Tech Radar does. Several radars are told apart by the query parameter radar.
func (p *Pages) JSON(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("radar")
	if names := p.feed.Names(); id == "" && len(names) > 0 {
		id = names[0].ID
	}
	shown, err := p.feed.Load(r.Context(), id)
	if err != nil {
		return err
	}
	if shown.Radar == nil {
		return &pluginapi.Error{Status: http.StatusBadGateway, Name: "Error", Message: "the radar cannot be had: " + strings.Join(shown.Failure, "; ")}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(shown.JSON) // the client may have left
	return nil
}
