// Package radar reads technology radars in the JSON form of Backstage's Tech Radar.
package radar

import "time"

// Radar is a technology radar that fits together: every index leads somewhere. It is read-only once parsed.
type Radar struct {
	Title     string     // "" when the document has none
	Quadrants []Quadrant // clockwise from the bottom right; at least one
	Rings     []Ring     // from the centre; at least one
	Entries   []Entry    // by quadrant, then ring, then title: the order in which they are numbered
}

// Quadrant is an area of technology.
type Quadrant struct{ ID, Name string }

// Ring is a recommendation.
type Ring struct {
	ID, Name    string
	Color       string // of CSS: a name, #hex or a function; "" when the document's is none
	Description string // plain text
}

// Entry is a technology.
type Entry struct {
	ID          string // not empty, and different from all others'
	Title       string
	Tag         string // of the catalog's entities that use it; "" when there is none
	Quadrant    int    // index
	Description string // Markdown
	Links       []Link
	Timeline    []Snapshot // newest first, at least one
}

// Link leads to more about an entry. The address is as somebody wrote it.
type Link struct{ Title, URL string }

// Snapshot is what a radar said about an entry from a day on.
type Snapshot struct {
	Date        time.Time // UTC
	Ring        int       // index
	Moved       Move
	Description string // Markdown
}

// Move is a direction in which an entry went.
type Move int

// The directions; up is towards the centre.
const (
	Down   Move = -1
	Stayed Move = 0
	Up     Move = 1
)

// String is the direction in words, "" for none.
func (m Move) String() string {
	switch m {
	case Up:
		return "moved up"
	case Down:
		return "moved down"
	}
	return ""
}

// Now is the entry's newest snapshot.
func (e Entry) Now() Snapshot { return e.Timeline[0] }

// About is what is to say about the entry, in Markdown: its own description, or else what was said last.
func (e Entry) About() string {
	if e.Description != "" {
		return e.Description
	}
	return e.Now().Description
}

// Changed is the date of the newest snapshot of all, zero without entries.
func (r *Radar) Changed() time.Time {
	var newest time.Time
	for _, e := range r.Entries {
		if at := e.Now().Date; at.After(newest) {
			newest = at
		}
	}
	return newest
}
