package radar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/radar"
)

// small is a radar in Backstage's form, with its older and newer members and an entry whose timeline is oldest first.
const small = `{
  "title": "Our radar",
  "quadrants": [{"id": "languages", "name": "Languages"}, {"id": "tools", "name": "Tools"}],
  "rings": [
    {"id": "adopt", "name": "Adopt", "color": "#5BA300", "description": "Use it"},
    {"id": "hold", "name": "Hold", "color": "url(https://elsewhere.example)"}
  ],
  "entries": [
    {"key": "make", "id": "make", "title": "make", "quadrant": "tools", "url": "https://make.example",
     "links": [{"url": "https://docs.example", "title": "Docs"}], "timeline": [{"date": "2020-08-06", "ringId": "hold", "moved": 0}]},
    {"key": "go", "id": "go", "title": "Go", "quadrant": "languages", "url": "#", "description": "A *language*", "unknown": 1, "timeline": [
      {"date": "2019-01-01", "ringId": "hold", "description": "looks nice"},
      {"date": "2024-03-05T10:00:00.000Z", "ringId": "adopt", "moved": 1, "description": "the default"}
    ]},
    {"id": "f1c3 9", "title": "C#", "tag": "csharp", "quadrant": "languages", "timeline": [{"date": 1577836800000, "ringId": "hold", "moved": -1, "description": "was"}]}
  ]
}`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := radar.Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	day := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, time.UTC) }
	want := &radar.Radar{
		Title:     "Our radar",
		Quadrants: []radar.Quadrant{{"languages", "Languages"}, {"tools", "Tools"}},
		Rings:     []radar.Ring{{ID: "adopt", Name: "Adopt", Color: "#5BA300", Description: "Use it"}, {ID: "hold", Name: "Hold"}},
		Entries: []radar.Entry{
			{ID: "go", Title: "Go", Tag: "go", Description: "A *language*", Timeline: []radar.Snapshot{
				{Date: day(2024, 3, 5, 10), Moved: radar.Up, Description: "the default"},
				{Date: day(2019, 1, 1, 0), Ring: 1, Description: "looks nice"},
			}},
			{ID: "f1c3 9", Title: "C#", Tag: "csharp", Timeline: []radar.Snapshot{{Date: day(2020, 1, 1, 0), Ring: 1, Moved: radar.Down, Description: "was"}}},
			{ID: "make", Title: "make", Tag: "make", Quadrant: 1, Links: []radar.Link{{"Website", "https://make.example"}, {"Docs", "https://docs.example"}},
				Timeline: []radar.Snapshot{{Date: day(2020, 8, 6, 0), Ring: 1}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Entries[0].About() != "A *language*" || got.Entries[1].About() != "was" || !got.Changed().Equal(day(2024, 3, 5, 10)) {
		t.Errorf("about: %q, %q; changed %v", got.Entries[0].About(), got.Entries[1].About(), got.Changed())
	}
}

func TestParseNamesEveryProblem(t *testing.T) {
	t.Parallel()
	const frame = `{"quadrants": [{"id": "q", "name": "Q"}], "rings": [{"id": "r", "name": "R", "color": "red"}], "entries": [`
	tests := map[string]struct {
		document string
		want     []string
	}{
		"nothing":       {" ", []string{"radar: the document is empty"}},
		"a page":        {"<!doctype html>", []string{"radar: the document is a web page, not JSON; name the address of the file itself"}},
		"syntax":        {"{\n  \"quadrants\": [,]\n}", []string{"radar: line 2, column 18 is not JSON: invalid character ',' looking for beginning of value"}},
		"cut off":       {`{"quadrants": [`, []string{"radar: line 1, column 16 is not JSON: unexpected EOF"}},
		"two":           {"{}{}", []string{"radar: something follows the end of the JSON document"}},
		"a list":        {`[{"id": "x"}]`, []string{"radar: expected an object with quadrants, rings and entries, found a list; is it the list of entries alone?"}},
		"a text":        {`"x"`, []string{"radar: expected an object, found a text"}},
		"empty":         {"{}", []string{"quadrants: is missing", "rings: is missing", "entries: is missing"}},
		"no quadrants":  {`{"quadrants": [], "rings": {}, "entries": []}`, []string{"quadrants: is empty", "rings: expected a list, found an object"}},
		"quadrant":      {`{"quadrants": [{"id": 1}, 7], "rings": [{"id": "r", "name": ""}], "entries": []}`, []string{"quadrants[0].id: expected a text, found the number 1; put it in quotes", "quadrants[0].name: is missing", "quadrants[1]: expected an object, found the number 7", "rings[0].name: is empty"}},
		"no title":      {frame + `{"id": "x", "quadrant": "q", "timeline": [{"date": "2020-01-01", "ringId": "r"}]}]}`, []string{"entries[0].title: is missing"}},
		"wrong ids":     {frame + `{"title": "X", "quadrant": "Q", "timeline": [{"date": "2020-01-01", "ringId": "adopt"}]}]}`, []string{`entries[0] (X).quadrant: there is no quadrant "Q"; there are q`, `entries[0] (X).timeline[0].ringId: there is no ring "adopt"; there are r`}},
		"no timeline":   {frame + `{"title": "X", "quadrant": "q", "timeline": []}, {"title": "Y", "quadrant": "q"}]}`, []string{"entries[0] (X).timeline: is empty", "entries[1] (Y).timeline: is missing"}},
		"snapshot":      {frame + `{"title": "X", "quadrant": "q", "timeline": [{"date": "yesterday", "ringId": "r", "moved": 2}, {"moved": "up", "ringId": null, "date": true}]}]}`, []string{`entries[0] (X).timeline[0].date: "yesterday" is no date; write it as 2026-11-22`, "entries[0] (X).timeline[0].moved: is 2; it is 1 (up), 0 or -1 (down)", `entries[0] (X).timeline[1].date: expected a date such as "2026-11-22", found true`, "entries[0] (X).timeline[1].ringId: is missing", "entries[0] (X).timeline[1].moved: expected 1 (up), 0 or -1 (down), found a text"}},
		"links":         {frame + `{"title": "X", "quadrant": "q", "links": [{"title": "t"}, "x"], "timeline": [{"date": "2020-01-01", "ringId": "r"}]}]}`, []string{"entries[0] (X).links[0].url: is missing", "entries[0] (X).links[1]: expected an object, found a text"}},
		"far too many":  {frame + strings.Repeat("1,", 59) + "1]}", nil},
		"wrong entries": {`{"quadrants": [{"id": "q", "name": "Q"}], "rings": [{"id": "r", "name": "R"}], "entries": "none"}`, []string{"entries: expected a list, found a text"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := radar.Parse([]byte(test.document))
			var problems *radar.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v", err)
			}
			if test.want == nil {
				if len(problems.List) != 50 || problems.More != 10 || !strings.HasSuffix(err.Error(), "\nand 10 more") {
					t.Errorf("%d listed, %d more", len(problems.List), problems.More)
				}
				return
			}
			if diff := cmp.Diff(test.want, problems.List); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseForms(t *testing.T) {
	t.Parallel()
	parse := func(t *testing.T, entry string) radar.Entry {
		t.Helper()
		r, err := radar.Parse([]byte("\ufeff" + `{"quadrants": [{"id": "q", "name": "Q"}], "rings": [{"id": "r", "name": "R"}], "entries": [` + entry + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return r.Entries[len(r.Entries)-1]
	}
	for _, date := range []string{`"2020-08-06"`, `"2020-08-06T00:00:00Z"`, `"2020-08-06T02:00:00+02:00"`, `"2020/08/06"`, `"2020-8-6"`, `"8/6/2020"`, `"Aug 6, 2020"`, `"6 August 2020"`, `"Thu Aug 06 2020"`, `1596672000000`} {
		e := parse(t, `{"title": "X", "quadrant": "q", "timeline": [{"ringId": "r", "date": `+date+`}]}`)
		if got := e.Now().Date.Format(time.DateOnly); got != "2020-08-06" {
			t.Errorf("%s is %s", date, got)
		}
	}
	for title, tag := range map[string]string{"Node.js": "node-js", " C++ ": "c++", "日本": "", "GitHub Actions": "github-actions"} {
		if e := parse(t, `{"title": "`+title+`", "quadrant": "q", "timeline": [{"ringId": "r", "date": "2020"}]}`); e.Tag != tag || e.ID == "" {
			t.Errorf("%s: tag %q, want %q; id %q", title, e.Tag, tag, e.ID)
		}
	}
	const twice = `{"id": "x", "title": "X", "quadrant": "q", "timeline": [{"ringId": "r", "date": "2020"}]}`
	if e := parse(t, twice+","+twice); e.ID != "x-2" {
		t.Errorf("the second entry of the same id has id %q", e.ID)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{small, "{}", `{"quadrants":[{"id":"q","name":"Q"}],"rings":[{"id":"r","name":"R"}],"entries":[{"title":"X","quadrant":"q","timeline":[{"date":0,"ringId":"r"}]}]}`, "[", `"x"`, "\ufeff{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		r, err := radar.Parse(document)
		if err != nil {
			var problems *radar.Problems
			if !errors.As(err, &problems) || len(problems.List) == 0 {
				t.Fatalf("error without a problem: %v", err)
			}
			return
		}
		ids := map[string]bool{}
		for _, e := range r.Entries {
			if e.ID == "" || e.Title == "" || ids[e.ID] {
				t.Errorf("entry id %q, title %q", e.ID, e.Title)
			}
			ids[e.ID] = true
			_ = r.Quadrants[e.Quadrant]
			for _, s := range e.Timeline {
				_ = r.Rings[s.Ring]
			}
			if !slices.IsSortedFunc(e.Timeline, func(a, b radar.Snapshot) int { return b.Date.Compare(a.Date) }) {
				t.Errorf("%s: timeline %v", e.ID, e.Timeline)
			}
			e.Now()
		}
	})
}
