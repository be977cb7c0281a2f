package ui_test

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// The least contrasts of WCAG 2.2 level AA: of text with its background, and of what has to be seen to use a page (focus rings, edges of fields, icons that tell a state).
const (
	textContrast    = 4.5
	graphicContrast = 3.0
)

// TestContrast computes the contrast of every pair of colours that stand on each other, in both themes.
func TestContrast(t *testing.T) {
	t.Parallel()
	light, dark := tokens(t)
	type pair struct {
		least          float64
		fronts, behind []string
	}
	pages := []string{"canvas", "surface", "sunken", "hover", "overlay", "selected"}
	pairs := []pair{
		{textContrast, []string{"text", "muted", "link"}, pages},
		{textContrast, []string{"success", "warning", "danger", "info", "neutral"}, []string{"canvas", "surface", "sunken", "hover", "overlay"}},
		{textContrast, []string{"on-accent"}, []string{"accent", "accent-hover", "danger-strong"}},
		{textContrast, []string{"text"}, []string{"success-bg", "warning-bg", "danger-bg", "info-bg", "neutral-bg"}},
		{textContrast, []string{"muted", "link"}, []string{"danger-bg", "warning-bg", "info-bg", "success-bg"}},
		{textContrast, []string{"rail-text", "rail-label", "rail-strong", "rail-warning"}, []string{"rail", "rail-hover", "rail-active"}},
		{textContrast, []string{"rail"}, []string{"rail-mark"}},
		{graphicContrast, []string{"rail-mark"}, []string{"rail", "rail-hover", "rail-active"}},
		{graphicContrast, []string{"focus", "border-strong"}, []string{"canvas", "surface", "sunken", "overlay"}},
		{graphicContrast, []string{"accent"}, []string{"canvas", "surface", "neutral-bg"}},
	}
	for _, name := range []string{"success", "warning", "danger", "info", "neutral", "tint-gray", "tint-blue", "tint-teal", "tint-green", "tint-amber", "tint-red", "tint-pink", "tint-violet"} {
		pairs = append(pairs, pair{textContrast, []string{name}, []string{name + "-bg"}})
	}
	for _, name := range []string{"red", "green", "yellow", "blue", "magenta", "cyan", "black", "white"} {
		pairs = append(pairs, pair{textContrast, []string{"ansi-" + name}, []string{"sunken", "hover", "selected"}})
	}
	used := map[string]bool{"border": true, "border-button": true, "rail-line": true} // lines that only decorate
	worst := math.Inf(1)
	for theme, colors := range map[string]map[string][3]float64{"light": light, "dark": dark} {
		for _, pair := range pairs {
			for _, front := range pair.fronts {
				for _, behind := range pair.behind {
					used[front], used[behind] = true, true
					a, ok := colors[front]
					b, known := colors[behind]
					if !ok || !known {
						t.Fatalf("no token %s or %s", front, behind)
					}
					got := contrast(a, b)
					if got < pair.least {
						t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", theme, front, behind, got, pair.least)
					}
					if pair.least == textContrast {
						worst = min(worst, got)
					}
				}
			}
		}
	}
	t.Logf("the faintest text has %.2f:1", worst)
	for name := range light {
		if !used[name] {
			t.Errorf("token %s is in no pair", name)
		}
	}
}

// tokens reads the colours of both themes from the style sheet.
func tokens(t *testing.T) (light, dark map[string][3]float64) {
	t.Helper()
	light, dark = map[string][3]float64{}, map[string][3]float64{}
	for _, match := range regexp.MustCompile(`--ui-([a-z-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\);`).FindAllStringSubmatch(string(asset(t, "styles.css")), -1) {
		light[match[1]], dark[match[1]] = channels(t, match[2]), channels(t, match[3])
	}
	if len(light) < 40 {
		t.Fatalf("only %d colours found", len(light))
	}
	return light, dark
}

func channels(t *testing.T, hex string) (rgb [3]float64) {
	t.Helper()
	for i := range rgb {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		rgb[i] = float64(n) / 255
	}
	return rgb
}

// contrast is the ratio that WCAG defines.
func contrast(a, b [3]float64) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

func luminance(rgb [3]float64) float64 {
	for i, c := range rgb {
		if c <= 0.04045 {
			rgb[i] = c / 12.92
		} else {
			rgb[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2]
}
