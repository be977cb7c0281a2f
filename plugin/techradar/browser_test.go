package techradar_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

const isDrawn = `performance.getEntriesByName("tech-radar-drawn").length === 1 && document.querySelector(".tr-item") !== null`

func openRadar(b *browsertest.Browser, address string) {
	b.Helper()
	b.Open(address)
	b.Wait(isDrawn)
}

// TestEmbeddedNeedsNothingElse reads the browser's network log: a page whose radar came with the app asks for the page and its own files, and for nothing else, also while it is used.
func TestEmbeddedNeedsNothingElse(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 60)}}}))
	b := browsertest.Start(t)
	openRadar(b, p.URL+"/tech-radar")
	b.Do(chromedp.SendKeys(chromedp.CSS(".tr-tools input[type=search]"), "amber"))
	b.Wait(`location.search === "?q=amber"`)
	b.Click(".tr-item:not([hidden] *)")
	b.Wait(`document.querySelector(".tr-dialog[open]") !== null`)
	seen := map[string]bool{}
	for _, address := range b.Requests() {
		at, err := url.Parse(address)
		if err != nil || p.URL != at.Scheme+"://"+at.Host {
			t.Errorf("asked for %s", address)
			continue
		}
		parts := strings.Split(at.Path, "/") // "", assets, hash, plugin, file
		switch {
		case at.Path == "/tech-radar":
		case len(parts) == 5 && parts[1] == "assets" && (parts[3] == "ui" || parts[3] == "tech-radar"):
			seen[parts[3]+"/"+parts[4]] = true
		default:
			t.Errorf("asked for %s", address)
		}
	}
	for _, file := range []string{"ui/module.js", "tech-radar/radar.js", "tech-radar/layout.js", "tech-radar/radar.css"} {
		if !seen[file] {
			t.Errorf("did not ask for %s; the log is not complete: %v", file, seen)
		}
	}
	b.WantNoComplaints()
}

// TestUse does with the page what people do, with the pointer and with the keyboard.
func TestUse(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 60)}, {ID: "other", JSON: sample(t, 5)}}}))
	b := browsertest.Start(t)
	address := p.URL + "/tech-radar"
	openRadar(b, address)
	text := func(selector string) string {
		t.Helper()
		return browsertest.Eval[string](b, fmt.Sprintf(`document.querySelector(%q).textContent`, selector))
	}
	count := func(selector string) int {
		t.Helper()
		return browsertest.Eval[int](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility()).length`, selector))
	}
	// Picture and legend say the same as the table, which waits out of sight.
	if blips, items, rows := count(".tr-blip"), count(".tr-item"), count(".tr-twin tr"); blips != 60 || items != 60 || rows != 0 {
		t.Errorf("%d blips, %d items in the legend, %d rows of the table in sight", blips, items, rows)
	}
	if wrong := browsertest.Eval[[]string](b, `[...document.querySelectorAll(".tr-twin tbody tr")].flatMap((row, i) => {
		const label = document.querySelector('.tr-blip[data-i="' + i + '"]').getAttribute("aria-label"), squeeze = (text) => text.replace(/\s+/g, " ").trim();
		const said = row.cells[0].textContent + ". " + row.cells[1].textContent + ": " + [2, 3, 4].map((n) => squeeze(row.cells[n].textContent)).filter(Boolean).join(", ");
		return label === said ? [] : [label + " / " + said];
	})`); len(wrong) > 0 {
		t.Errorf("labels and rows differ: %q", wrong)
	}

	// Filters become the address, without entries in the history, and act on everything.
	entries := browsertest.Eval[int](b, `history.length`)
	b.Do(chromedp.SendKeys(chromedp.CSS(".tr-tools input[type=search]"), "AMBER word0"))
	b.Wait(`location.search === "?q=AMBER+word0" && document.querySelector(".tr-count").textContent === "1 of 60 entries"`)
	if n := count(".tr-item"); n != 1 {
		t.Errorf("%d items in the legend after filtering", n)
	}
	if n := browsertest.Eval[int](b, `document.querySelectorAll(".tr-blip:not(.tr-off)").length`); n != 1 {
		t.Errorf("%d blips after filtering", n)
	}
	if count(".tr-none") != 0 {
		t.Error("it says that nothing is left when something is")
	}
	b.Do(chromedp.SendKeys(chromedp.CSS(".tr-tools input[type=search]"), " nonesuch"))
	b.Wait(`document.querySelector(".tr-none").checkVisibility() && document.querySelector(".tr-none a").getAttribute("href") === "/tech-radar"`)
	openRadar(b, address+"?q=amber")
	b.Click(".tr-ring:nth-of-type(1)")
	b.Wait(`location.search.includes("ring=adopt")`)
	b.Click(".tr-ring:nth-of-type(1)")
	b.Wait(`!location.search.includes("ring=")`)
	openRadar(b, address)
	b.Do(chromedp.SetValue(chromedp.CSS(".tr-quadrant"), "tools"))
	browsertest.Eval[any](b, `document.querySelector(".tr-quadrant").dispatchEvent(new Event("input", { bubbles: true }))`)
	b.Wait(`location.search === "?quadrant=tools" && document.querySelectorAll(".tr-rim").length === 1`)
	if others := browsertest.Eval[int](b, `[...document.querySelectorAll(".tr-blip")].filter((e) => !e.getAttribute("aria-label").includes("Tools")).length`); others != 0 {
		t.Errorf("%d blips of other quadrants in the picture of one", others)
	}
	b.Click(".tr-views :last-child")
	b.Wait(`location.search === "?quadrant=tools&view=table" && document.querySelector(".tr-stage").hidden && document.querySelector(".tr-twin").checkVisibility()`)
	if now := browsertest.Eval[int](b, `history.length`); now > entries+3 {
		t.Errorf("filters made entries in the history: %d, %d before", now, entries)
	}

	b.Click(".tr-twin tr:not([hidden]) .tr-name")
	b.Wait(`document.querySelector(".tr-dialog:modal") !== null && location.search.includes("entry=") && !document.querySelector(".tr-single")?.checkVisibility()`)

	// The keyboard: one stop for the picture, arrows in the order of quadrants and rings, Enter opens, Escape returns.
	openRadar(b, address)
	if stops := browsertest.Eval[int](b, `document.querySelectorAll('.tr-blip[tabindex="0"]').length`); stops != 1 {
		t.Errorf("%d tab stops in the picture", stops)
	}
	b.Do(chromedp.Focus(chromedp.CSS(`.tr-blip[tabindex="0"]`)))
	b.Wait(`document.activeElement.dataset.i === "0" && !document.querySelector(".tr-tip").hidden`)
	b.Keys(kb.ArrowRight)
	b.Wait(`document.activeElement.dataset.i === "1" && document.querySelector('.tr-item[data-i="1"]').classList.contains("tr-on")`)
	b.Keys(kb.ArrowUp + kb.ArrowUp)
	b.Wait(`document.activeElement.dataset.i === "59"`)
	b.Keys(kb.Home)
	b.Wait(`document.activeElement.dataset.i === "0"`)
	b.Keys(kb.PageDown)
	b.Wait(`document.activeElement.getAttribute("aria-label").includes("Platforms")`)
	title := browsertest.Eval[string](b, `document.querySelector('.tr-item[data-i="' + document.activeElement.dataset.i + '"] span:nth-child(2)').textContent`)
	b.Keys(kb.Enter)
	b.Wait(`document.querySelector(".tr-dialog:modal") !== null && location.search.startsWith("?entry=")`)
	if got := text("#tr-name"); got != title {
		t.Errorf("the dialog is about %q, not %q", got, title)
	}
	if n := count(".tr-dialog .tr-timeline > li"); n == 0 {
		t.Error("the dialog shows no timeline")
	}
	b.Click(".tr-dialog footer :last-child")
	b.Wait(fmt.Sprintf(`document.querySelector("#tr-name").textContent !== %q`, title))
	b.Keys(kb.Escape)
	b.Wait(`document.querySelector(".tr-dialog[open]") === null && location.search === "" && document.activeElement.matches(".tr-blip")`)

	// Back closes what Forward opens again, and an address opens what it names.
	b.Click(`.tr-item[data-i="4"]`)
	b.Wait(`document.querySelector(".tr-dialog:modal") !== null`)
	browsertest.Eval[any](b, `history.back()`)
	b.Wait(`document.querySelector(".tr-dialog[open]") === null && location.search === ""`)
	browsertest.Eval[any](b, `history.forward()`)
	b.Wait(`document.querySelector(".tr-dialog:modal") !== null && location.search.startsWith("?entry=")`)
	shared := browsertest.Eval[string](b, `location.href`)
	name := text("#tr-name")
	openRadar(b, shared)
	b.Wait(fmt.Sprintf(`document.querySelector(".tr-dialog:modal #tr-name")?.textContent === %q`, name))
	b.Keys(kb.Escape)
	b.Wait(`document.querySelector(".tr-dialog[open]") === null && location.search === ""`)

	// Another radar of the portal.
	openRadar(b, address+"?radar=other")
	if n := count(".tr-blip"); n != 5 {
		t.Errorf("%d blips in the other radar", n)
	}
	b.WantNoComplaints()
}

// TestColors measures every blip in both themes: digits at least 4.5 to 1 on their blip, blips at least 3 to 1 on the ground unless they have an outline that is.
func TestColors(t *testing.T) {
	t.Parallel()
	document := sampleOf(t, 40, []string{"One", "Two"}, []string{"Adopt", "Trial", "Assess", "Hold", "Gone"})
	for old, pale := range map[string]string{"#009EB0": "lightyellow", "#E09B96": "hsl(60 100% 97%)", "#5BA300": "#123"} {
		document = []byte(strings.ReplaceAll(string(document), old, pale))
	}
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: document}}}))
	b := browsertest.Start(t)
	openRadar(b, p.URL+"/tech-radar")
	for _, theme := range []string{"light", "dark"} {
		b.Media(map[string]string{"prefers-color-scheme": theme})
		b.Wait(fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches`, theme))
		type blip struct {
			Digits, Ground float64
			Fill           string
		}
		blips := browsertest.Eval[[]blip](b, `(async () => {
			const { parse, contrast } = await import(document.querySelector("ui-module").dataset.src.replace("radar.js", "color.js"));
			await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)));
			const style = (element, property) => parse(getComputedStyle(element)[property]), ground = style(document.querySelector(".tr-figure"), "backgroundColor");
			return [...document.querySelectorAll(".tr-blip")].map((blip) => {
				const shape = blip.querySelector(".tr-shape"), fill = style(shape, "fill");
				const edge = shape.classList.contains("tr-faint") ? style(shape, "stroke") : fill;
				return { digits: contrast(style(blip.querySelector(".tr-digits"), "fill"), fill), ground: contrast(edge, ground), fill: fill.join() };
			});
		})()`)
		fills := map[string]bool{}
		for i, blip := range blips {
			fills[blip.Fill] = true
			if blip.Digits < 4.5 || blip.Ground < 3 {
				t.Errorf("%s, blip %d (%s): digits %.2f, edge %.2f to 1", theme, i+1, blip.Fill, blip.Digits, blip.Ground)
			}
		}
		if len(blips) != 40 || len(fills) < 4 {
			t.Errorf("%d blips in %d colours", len(blips), len(fills))
		}
	}
}

// TestLayout places radars of many forms, in the browser's own JavaScript: no blip touches another one, a border of its segment, or is elsewhere the second time.
func TestLayout(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 1)}}}))
	b := browsertest.Start(t)
	openRadar(b, p.URL+"/tech-radar")
	type result struct {
		Form                 string
		Size, Near           float64
		Outside, Moved, Left int
	}
	results := browsertest.Eval[[]result](b, `(async () => {
		const { layout } = await import(document.querySelector("ui-module").dataset.src.replace("radar.js", "layout.js"));
		const results = [];
		for (const [quadrants, rings, count, radius, skew] of [
			[4, 4, 200, 320, 0], [4, 4, 200, 320, 1], [4, 4, 200, 157, 0], [4, 4, 200, 157, 1], [1, 1, 200, 320, 0], [1, 4, 200, 320, 1], [2, 3, 200, 320, 0], [3, 5, 200, 320, 0],
			[6, 4, 200, 320, 0], [8, 6, 200, 320, 0], [4, 7, 200, 320, 1], [12, 3, 100, 320, 0], [4, 4, 1, 320, 0], [4, 4, 0, 320, 0], [4, 4, 500, 320, 0], [5, 1, 30, 157, 0],
		]) {
			const entries = Array.from({ length: count }, (_, i) => {
				const n = Math.imul(i + 7, 0x9e3779b1) >>> 8, pick = (all, n) => skew ? Math.min(n % all, (n >> 5) % all) : n % all;
				return { id: "entry-" + i, quadrant: pick(quadrants, n), ring: pick(rings, n >> 9) };
			});
			const gap = 18, given = { quadrants, rings, entries, radius, gap, most: 13 };
			const { rings: outer, size, tip, places } = layout(given), again = layout({ ...given, entries: [...entries].reverse() }).places.reverse();
			let near = Infinity, outside = 0, moved = 0;
			places.forEach((a, i) => {
				for (let j = 0; j < i; j++) near = Math.min(near, Math.hypot(a.x - places[j].x, a.y - places[j].y));
				const { quadrant, ring } = entries[i], r = Math.hypot(a.x, a.y), angle = (Math.atan2(a.y, a.x) + 2 * Math.PI) % (2 * Math.PI), sector = 2 * Math.PI / quadrants;
				const within = angle - quadrant * sector, side = Math.min(Math.PI / 2, within, sector - within);
				if (r + size > outer[ring] || r - size < (outer[ring - 1] ?? 0) || (quadrants > 1 && (within < 0 || within > sector || r * Math.sin(side) < size + gap / 2 - 0.01))) outside++;
				if (again[i].x !== a.x || again[i].y !== a.y) moved++;
			});
			results.push({ form: [quadrants, rings, count, radius, skew].join(" "), size, near: Number.isFinite(near) ? near - 2 * (size + tip) : 1, outside, moved });
		}
		// An entry that comes moves few others.
		const entries = Array.from({ length: 60 }, (_, i) => ({ id: "entry-" + i, quadrant: i % 4, ring: (i >> 2) % 4 }));
		const given = { quadrants: 4, rings: 4, radius: 320, gap: 18, most: 13 }, before = layout({ ...given, entries: entries.slice(1) }).places, after = layout({ ...given, entries }).places.slice(1);
		results.push({ form: "one more", size: 10, near: 1, outside: 0, moved: 0, left: before.filter((a, i) => Math.hypot(a.x - after[i].x, a.y - after[i].y) > 30).length });
		return results;
	})()`)
	for _, r := range results {
		if r.Near < 0 || r.Outside > 0 || r.Moved > 0 || r.Size < 2 {
			told, _ := json.Marshal(r)
			t.Errorf("%s", told)
		}
		if strings.Contains(r.Form, " 200 320 ") && r.Size < 5 {
			t.Errorf("%s: blips of radius %v are too small", r.Form, r.Size)
		}
		if r.Left > 15 {
			t.Errorf("one more entry moved %d of 59 others", r.Left)
		}
		t.Logf("%s: radius %.1f, nearest %.1f", r.Form, r.Size, r.Near)
	}
}

// TestWithoutScripts shows that the page does not need its script: filters are a form, and texts unfold.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 60)}}}))
	b := browsertest.Start(t)
	b.Scripts(false)
	b.Open(p.URL + "/tech-radar")
	b.Wait(`document.querySelector(".tr-twin").checkVisibility() && document.querySelectorAll(".tr-twin tbody tr").length === 60 && document.querySelector("svg.tr-svg") === null`)
	b.Do(chromedp.SendKeys(chromedp.CSS(".tr-tools input[type=search]"), "amber"))
	b.Click(".tr-ring:nth-of-type(1)")
	b.Click(".tr-apply")
	b.Wait(`new URLSearchParams(location.search).get("q") === "amber" && [...document.querySelectorAll(".tr-twin tbody tr")].filter((row) => row.checkVisibility()).every((row) => row.textContent.includes("Amber") && row.textContent.includes("Adopt"))`)
	b.Click(".tr-twin tr:not([hidden]) .tr-name")
	b.Wait(`location.search.includes("entry=") && document.querySelector(".tr-single .tr-timeline")?.checkVisibility()`)
}

// TestFits looks for what is wider than its screen, and for motion where none is wanted.
func TestFits(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 60)}}}))
	b := browsertest.Start(t)
	b.Media(map[string]string{"prefers-reduced-motion": "reduce"})
	for _, width := range []int64{360, 390, 768, 1100, 1440, 2200} {
		b.Emulate(width, 900)
		for _, query := range []string{"", "?quadrant=tools", "?view=table"} {
			openRadar(b, p.URL+"/tech-radar"+query)
			if browsertest.Eval[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%q is wider than a screen of %d", query, width)
			}
			if query == "" && browsertest.Eval[bool](b, `parseFloat(getComputedStyle(document.querySelector(".tr-blip")).transitionDuration) > 0.001`) {
				t.Error("blips fade although no motion is wanted")
			}
		}
	}
	// A window that becomes smaller while the page is open takes the picture with it.
	openRadar(b, p.URL+"/tech-radar")
	for _, width := range []int64{700, 390, 1200} {
		b.Emulate(width, 900)
		b.Wait(fmt.Sprintf(`innerWidth === %d && document.documentElement.scrollWidth <= innerWidth && (([picture, figure]) => Math.abs(picture - figure) < 1 && figure <= innerWidth && Math.abs(document.querySelector(".tr-svg").viewBox.baseVal.width - figure) < 1)([".tr-svg", ".tr-figure"].map((part) => document.querySelector(part).getBoundingClientRect().width))`, width))
	}
	b.WantNoComplaints()
}
