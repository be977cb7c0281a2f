package radar

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a document. Whatever Backstage's Tech Radar takes is taken, with any number of quadrants and rings and timelines in any order; what it would crash at or leave out is a problem here.
// Members that are not known are ignored. The error is a *[Problems].
func Parse(document []byte) (*Radar, error) {
	problems := &Problems{}
	value, err := decode(document)
	if err != nil {
		problems.add("radar", "%s", err)
		return nil, problems
	}
	if list, ok := value.([]any); ok && len(list) > 0 {
		problems.add("radar", "expected an object with quadrants, rings and entries, found a list; is it the list of entries alone?")
		return nil, problems
	}
	top, ok := problems.object("radar", value)
	if !ok {
		return nil, problems
	}
	top.at = ""
	r := &Radar{Title: top.text("title")}
	for i, value := range top.needed("quadrants") {
		if o, ok := problems.object(fmt.Sprintf("quadrants[%d]", i), value); ok {
			r.Quadrants = append(r.Quadrants, Quadrant{ID: o.required("id"), Name: o.required("name")})
		}
	}
	for i, value := range top.needed("rings") {
		if o, ok := problems.object(fmt.Sprintf("rings[%d]", i), value); ok {
			r.Rings = append(r.Rings, Ring{ID: o.required("id"), Name: o.required("name"), Color: color(o.text("color")), Description: o.text("description")})
		}
	}
	if _, ok := top.members["entries"]; !ok {
		top.problem("entries", "is missing")
	}
	taken := map[string]bool{}
	for i, value := range top.list("entries") {
		if o, ok := problems.object(fmt.Sprintf("entries[%d]", i), value); ok {
			r.Entries = append(r.Entries, r.entry(o, i, taken))
		}
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Entries, func(a, b Entry) int {
		return cmp.Or(a.Quadrant-b.Quadrant, a.Now().Ring-b.Now().Ring, strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)))
	})
	return r, nil
}

// needed is a list that cannot be empty.
func (o object) needed(field string) []any {
	list := o.list(field)
	if value := o.members[field]; value == nil {
		o.problem(field, "is missing")
	} else if _, is := value.([]any); is && len(list) == 0 {
		o.problem(field, "is empty")
	}
	return list
}

// entry reads one entry.
func (r *Radar) entry(o object, i int, taken map[string]bool) Entry {
	title := o.required("title")
	if title != "" { // from here on people can look for it by name
		o.at = fmt.Sprintf("entries[%d] (%s)", i, title)
	}
	key, id := o.text("key"), o.text("id")
	e := Entry{
		ID:          cmp.Or(id, key, slug(title), "entry"),
		Title:       title,
		Quadrant:    lookup(o, "quadrant", "quadrant", r.Quadrants, func(q Quadrant) string { return q.ID }),
		Description: o.text("description"),
	}
	e.Tag = slug(cmp.Or(id, key, title))
	if _, given := o.members["tag"]; given {
		e.Tag = o.text("tag")
	}
	if !tagForm.MatchString(e.Tag) {
		e.Tag = ""
	}
	for n, base := 2, e.ID; taken[e.ID]; n++ { // Backstage takes two of the same id, so it is no problem here
		e.ID = base + "-" + strconv.Itoa(n)
	}
	taken[e.ID] = true
	if url := o.text("url"); url != "" && url != "#" {
		e.Links = append(e.Links, Link{Title: "Website", URL: url})
	}
	for n, value := range o.list("links") {
		if link, ok := o.problems.object(fmt.Sprintf("%s.links[%d]", o.at, n), value); ok {
			url := link.required("url")
			e.Links = append(e.Links, Link{Title: cmp.Or(link.text("title"), url), URL: url})
		}
	}
	for n, value := range o.needed("timeline") {
		if s, ok := o.problems.object(fmt.Sprintf("%s.timeline[%d]", o.at, n), value); ok {
			e.Timeline = append(e.Timeline, Snapshot{
				Date:        s.date("date"),
				Ring:        lookup(s, "ringId", "ring", r.Rings, func(r Ring) string { return r.ID }),
				Moved:       s.move("moved"),
				Description: s.text("description"),
			})
		}
	}
	slices.SortStableFunc(e.Timeline, func(a, b Snapshot) int { return b.Date.Compare(a.Date) })
	return e
}

// lookup returns the index of the thing that a member names by its id.
func lookup[T any](o object, field, what string, things []T, id func(T) string) int {
	name := o.required(field)
	if name == "" || len(things) == 0 {
		return 0
	}
	for i, thing := range things {
		if id(thing) == name {
			return i
		}
	}
	ids := make([]string, 0, len(things))
	for _, thing := range things {
		if id(thing) != "" {
			ids = append(ids, id(thing))
		}
	}
	o.problem(field, "there is no %s %q; there are %s", what, name, strings.Join(ids, ", "))
	return 0
}

// decode reads JSON of any shape. The error says in which line it is wrong.
func decode(document []byte) (any, error) {
	document = bytes.TrimPrefix(document, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(document)) == 0 {
		return nil, errors.New("the document is empty")
	}
	if first := bytes.TrimSpace(document)[0]; first == '<' {
		return nil, errors.New("the document is a web page, not JSON; name the address of the file itself")
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	var value any
	if err := decoder.Decode(&value); err != nil {
		at := decoder.InputOffset()
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			at = syntax.Offset
		case errors.Is(err, io.ErrUnexpectedEOF):
			at = int64(len(document))
		}
		before := document[:min(max(at, 0), int64(len(document)))]
		return nil, fmt.Errorf("line %d, column %d is not JSON: %w", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n'), err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the JSON document")
	}
	return value, nil
}

// colorForm matches colours that stand for themselves. Others, such as url(…) and var(…), would make the browser look elsewhere.
var colorForm = regexp.MustCompile(`^(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(rgb|rgba|hsl|hsla|hwb|lab|lch|oklab|oklch|color)\([-+0-9a-zA-Z.,%/ ]{1,60}\))$`)

// color returns a CSS colour, or "": a radar with a colour that is none is drawn in another.
func color(text string) string {
	if text = strings.TrimSpace(text); colorForm.MatchString(text) {
		return text
	}
	return ""
}

// tagForm is what the catalog takes as a tag.
var tagForm = regexp.MustCompile(`^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$`)

// slug makes text a tag: lower-case letters, digits, + and #, with dashes for all else.
func slug(text string) string {
	var b strings.Builder
	dash := false
	for _, c := range strings.ToLower(text) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '#' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(c)
			dash = false
		} else {
			dash = true
		}
	}
	return b.String()[:min(b.Len(), 63)]
}
