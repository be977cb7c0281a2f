package ui_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source, selector, text string
	}{
		"heading moves below the card's": {"# Payments", "h3#md-payments", "Payments"},
		"second heading of the name":     {"# A b!\n\n## A b?", "h4#md-a-b-2", "A b?"},
		"heading of no letters":          {"# 支付", "h3#md-section", "支付"},
		"deepest heading":                {"###### x", "h6", "x"},
		"link":                           {"[x](https://example.com)", "a[href='https://example.com'][rel~=noreferrer]:not([target])", "x"},
		"relative link":                  {"[x](./runbook.md)", "a[href='./runbook.md']", "x"},
		"bare address":                   {"see https://example.com/a", "a[href='https://example.com/a']", "https://example.com/a"},
		"image":                          {"![alt text](https://example.com/a.png)", "img[alt='alt text'][src='https://example.com/a.png']", ""},
		"table":                          {"|a|b|\n|-|-:|\n|1|2|", "td[align=right]", "2"},
		"task":                           {"- [x] done", "li input[type=checkbox][checked][disabled][aria-label=done]", ""},
		"open task":                      {"- [ ] later", "li input[disabled][aria-label='not done']", ""},
		"crossed out":                    {"~~no~~", "del", "no"},
		"code":                           {"```go\nif a < b {}\n```", "pre code", "if a < b {}"},
		"html is left out":               {"a <b onclick=x>b</b>", "p", "a b"},
	} {
		root := parse(t, draw(t, ui.Markdown(test.source, ui.MarkdownOptions{})))
		if found := find(root, ".ui-markdown "+test.selector); len(found) != 1 {
			t.Errorf("%s: %d of %s", name, len(found), test.selector)
		} else if got := textOf(found[0]); got != test.text {
			t.Errorf("%s: %q, want %q", name, got, test.text)
		}
	}
}

func TestMarkdownOptions(t *testing.T) {
	t.Parallel()
	text := draw(t, ui.Markdown("# a\n\n[x](./x.md) ![y](./y.png) [z](/z)", ui.MarkdownOptions{Shift: 1, Resolve: func(address string, image bool) string {
		if image {
			return "https://raw.example.com/" + address
		}
		if address == "/z" {
			return "javascript:alert(1)"
		}
		return "https://git.example.com/" + address
	}}))
	root := parse(t, text)
	for _, selector := range []string{"h2", "a[href='https://git.example.com/./x.md']", "img[src='https://raw.example.com/./y.png']"} {
		if len(find(root, selector)) != 1 {
			t.Errorf("no %s in %s", selector, text)
		}
	}
	if strings.Contains(text, "javascript") {
		t.Errorf("the resolver's address was not checked: %s", text)
	}
}

// FuzzMarkdown looks for anything in the result that could run, load from elsewhere without leave, or take over the page's ids.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{
		"# x", "[a](javascript:alert(1))", "![a](data:image/svg+xml,x)", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](  java\tscript:x)", "[a]: javascript:x\n[a]", "<javascript:alert(1)>",
		"<https://example.com>", "```\n</pre><script>\n```", "# main {#main onclick=x}", "|a|\n|-|\n|<b>|", "&#106;avascript:x", "[a](&#106;avascript&colon;x)", "- [ ] <input type=text>", "<input disabled=\"\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		root := parse(t, draw(t, ui.Markdown(source, ui.MarkdownOptions{})))
		elements(find(root, ".ui-markdown")[0], func(n *html.Node) {
			switch n.Data {
			case "script", "style", "iframe", "object", "form", "svg", "math", "base", "link", "meta", "button", "textarea":
				t.Errorf("%q gave <%s>", source, n.Data)
			case "input":
				if kind, _ := attribute(n, "type"); kind != "checkbox" {
					t.Errorf("%q gave an input of type %q", source, kind)
				}
			}
			for _, a := range n.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "class", a.Key == "id" && !strings.HasPrefix(a.Val, "md-"):
					t.Errorf("%q gave %s=%q", source, a.Key, a.Val)
				case a.Key == "href", a.Key == "src":
					if _, ok := ui.SafeURL(a.Val); !ok && a.Val != "" {
						t.Errorf("%q gave %s=%q", source, a.Key, a.Val)
					}
				}
			}
		})
	})
}
