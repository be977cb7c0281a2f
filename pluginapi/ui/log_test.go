package ui_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// logLine draws one line and returns the HTML of its text.
func logLine(t testing.TB, text string) string {
	t.Helper()
	_, line, found := strings.Cut(draw(t, ui.LogView{Text: text}), `>1</a><span>`)
	if !found {
		t.Fatalf("%q: no first line", text)
	}
	line, _, _ = strings.Cut(line, "</span></div>\n")
	return line
}

func TestLogColours(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain <b>":                      "plain &lt;b&gt;",
		"\x1b[31mred\x1b[0m not":         `<span class="ui-ansi-red">red</span> not`,
		"\x1b[1;91mbright\x1b[m":         `<span class="ui-ansi-red ui-bold">bright</span>`,
		"\x1b[30;41mon red\x1b[0m":       `<span class="ui-on-red">on red</span>`,
		"\x1b[7mturned":                  `<span class="ui-on-white">turned</span>`,
		"\x1b[38;5;196mred":              `<span class="ui-ansi-red">red</span>`,
		"\x1b[38;5;245mgray":             `<span class="ui-ansi-white">gray</span>`,
		"\x1b[38;2;0;200;0;4mgreen":      `<span class="ui-ansi-green ui-underline">green</span>`,
		"\x1b[38;5mbroken":               "broken",
		"\x1b[38;5;999mbroken":           "broken",
		"\x1b[2mfaint\x1b[22m":           `<span class="ui-muted">faint</span>`,
		"\x1b[3;9mboth\x1b[23;29m":       `<span class="ui-italic ui-crossed">both</span>`,
		"a\x1b[2K\x1b[1Gb":               "ab",
		"\x1b]0;title\x07a":              "a",
		"\x1b]8;;x\x1b\\a":               "a",
		"\x1b(Ba":                        "a",
		"10%\r100%":                      "100%",
		"\x1b[32m10%\rdone":              `<span class="ui-ansi-green">done</span>`,
		"windows\r":                      "windows",
		"\x1b":                           "",
		"\x1b[":                          "",
		"\x1b[31":                        "",
		"tab\tbell\x07":                  "tab\tbell",
		"bad \xff byte":                  "bad \uFFFD byte",
		"\x1b[34mblue\x1b[39m \x1b[49mx": `<span class="ui-ansi-blue">blue</span> x`,
	} {
		if got := logLine(t, text); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	text := draw(t, ui.LogView{ID: "build", Label: "go test", First: 41, Omitted: 40, Text: "\x1b[31mone\ntwo\x1b[0m\n\nfour\n", RawHref: "/log.txt"})
	root := parse(t, text)
	for selector, want := range map[string]int{
		"[role=group][tabindex='0'][aria-label='go test']": 1, ".ui-log-lines > div": 4, "#build-L41 a[href='#build-L41']": 1, "#build-L44": 1, "#build-L42 .ui-ansi-red": 1, "#build-L44 .ui-ansi-red": 0, "a[href='/log.txt']": 1,
	} {
		if got := len(find(root, selector)); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	if !strings.Contains(text, "40 earlier lines are left out") {
		t.Error("left-out lines are not mentioned")
	}
	if !strings.Contains(draw(t, ui.LogView{}), "No output") {
		t.Error("an empty log says nothing")
	}
}

func FuzzLog(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31mred\x1b[0m", "\x1b[38;5;1m", "\x1b]0;t\x07x", "a\rb", "\x1b[", "<b>\x1b[1m</b>", "\x1b[38;2;1;2;3mx", "\xff\x1b", "\x1bP\x1b\\x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\n", " ")
		html := logLine(t, "x"+text)
		if strings.Count(html, "<span") != strings.Count(html, "</span>") || strings.Count(html, "<") != strings.Count(html, ">") || strings.Count(html, "<") != 2*strings.Count(html, "<span") {
			t.Errorf("%q gave unbalanced or foreign tags: %s", text, html)
		}
		if i := strings.IndexFunc(html, func(r rune) bool { return r != '\t' && r < 0x80 && unicode.IsControl(r) }); i >= 0 {
			t.Errorf("%q left a control character: %q", text, html)
		}
	})
}
