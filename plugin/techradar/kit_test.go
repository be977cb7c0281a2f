package techradar_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
)

// object is JSON to be.
type object map[string]any

// sample is a radar of so many entries in the form that Backstage takes: four quadrants and rings, unevenly filled, with moves, texts and links.
func sample(t testing.TB, entries int) []byte {
	t.Helper()
	return sampleOf(t, entries, []string{"Languages & Frameworks", "Platforms", "Tools", "Techniques"}, []string{"Adopt", "Trial", "Assess", "Hold"})
}

func sampleOf(t testing.TB, entries int, quadrants, rings []string) []byte {
	t.Helper()
	colors := []string{"#5BA300", "#009EB0", "rgb(198, 170, 0)", "#E09B96"}
	document := object{"title": "Technology at Example"}
	id := func(name string) string { return strings.ToLower(strings.Fields(name)[0]) }
	var quadrantList, ringList, entryList []object
	for _, name := range quadrants {
		quadrantList = append(quadrantList, object{"id": id(name), "name": name})
	}
	for i, name := range rings {
		ringList = append(ringList, object{"id": id(name), "name": name, "color": colors[i%len(colors)], "description": "What it means that something is in the ring " + name + " is said here in a sentence."})
	}
	words := strings.Fields("Amber Basalt Cobalt Delta Ember Fjord Granite Harbor Indigo Juniper Krypton Lantern Marble Nimbus Onyx Prism Quartz Raven Saffron Tundra Umbra Vertex Willow Xenon Yarrow Zephyr")
	kinds := strings.Fields("DB JS CI Kit Flow Mesh Script Cloud")
	for i := range entries {
		h := fnv.New32a()
		_, _ = fmt.Fprint(h, i)
		n := int(h.Sum32() >> 8)
		title := words[i%len(words)] + " " + kinds[(i/len(words))%len(kinds)]
		ring := min(n%7, n/7%len(rings)) % len(rings)
		timeline := []object{{"date": fmt.Sprintf("%d-%02d-15", 2020+i%6, 1+i%12), "ringId": id(rings[ring]), "moved": []int{0, 0, 1, -1}[n%4], "description": "It did **well** in two teams."}}
		if i%3 == 0 {
			timeline = append([]object{{"date": "2019-03-01", "ringId": id(rings[len(rings)-1]), "description": "First seen."}}, timeline...) // oldest first
		}
		entry := object{
			"key": fmt.Sprintf("entry-%d", i), "id": fmt.Sprintf("entry-%d", i), "title": title, "quadrant": id(quadrants[n/31%len(quadrants)]), "url": "#", "timeline": timeline,
			"description": "Something for *developers*, with a [page](https://example.com/" + fmt.Sprint(i) + ") and words such as word" + fmt.Sprint(i) + ".",
		}
		if i%4 == 0 {
			entry["links"] = []object{{"url": "https://docs.example.com", "title": "Documentation"}}
		}
		entryList = append(entryList, entry)
	}
	document["quadrants"], document["rings"], document["entries"] = quadrantList, ringList, entryList
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
