package ui_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// TestPagesAreSound checks on whole pages what no single component can promise: references between elements, names of controls, the outline, and that nothing needs an inline script or style.
func TestPagesAreSound(t *testing.T) {
	t.Parallel()
	for name, page := range galleryPages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := parse(t, draw(t, page))
			ids := map[string]bool{}
			elements(root, func(n *html.Node) {
				if id, ok := attribute(n, "id"); ok {
					if ids[id] {
						t.Errorf("id %q twice", id)
					}
					ids[id] = true
				}
			})
			elements(root, func(n *html.Node) {
				for _, a := range n.Attr {
					switch a.Key {
					case "for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget", "commandfor":
						for id := range strings.FieldsSeq(a.Val) {
							if !ids[id] {
								t.Errorf("<%s %s=%q> names nothing", n.Data, a.Key, id)
							}
						}
					case "style":
						t.Errorf("<%s> has a style attribute", n.Data)
					}
					if strings.HasPrefix(a.Key, "on") {
						t.Errorf("<%s> has %s", n.Data, a.Key)
					}
				}
				switch n.Data {
				case "script":
					if _, ok := attribute(n, "src"); !ok {
						t.Error("inline script")
					}
				case "style":
					t.Error("inline style sheet")
				case "a", "button", "summary":
					if nameOf(n) == "" {
						t.Errorf("<%s> without a name", n.Data)
					}
				case "input", "select", "textarea":
					if kind, _ := attribute(n, "type"); kind != "hidden" && !labelled(root, n) {
						t.Errorf("<%s> without a label: %v", n.Data, n.Attr)
					}
				case "img":
					if _, ok := attribute(n, "alt"); !ok {
						t.Error("img without alt")
					}
				case "svg":
					_, label := attribute(n, "aria-label")
					if hidden, _ := attribute(n, "aria-hidden"); label == (hidden == "true") {
						t.Errorf("svg is neither named nor hidden, or both: %v", n.Attr)
					}
				}
			})
			for selector, want := range map[string]int{"h1": 1, "main": 1, "body > .ui-skip[href='#main']": 1, "nav[aria-label=Main]": 1, "header.ui-topbar": 1, "html[lang]": 1, "head > title": 1} {
				if got := len(find(root, selector)); got != want {
					t.Errorf("%s: %d, want %d", selector, got, want)
				}
			}
			level := 0
			elements(root, func(n *html.Node) {
				if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
					if next := int(n.Data[1] - '0'); next > level+1 {
						t.Errorf("h%d %q after h%d", next, textOf(n), level)
					} else {
						level = next
					}
				}
			})
		})
	}
}

// nameOf returns what assistive technology would call a control, roughly.
func nameOf(n *html.Node) string {
	if label, ok := attribute(n, "aria-label"); ok {
		return label
	}
	name := textOf(n)
	elements(n, func(child *html.Node) {
		if label, ok := attribute(child, "aria-label"); ok {
			name += label
		}
	})
	return name
}

func labelled(root, field *html.Node) bool {
	if label, _ := attribute(field, "aria-label"); label != "" {
		return true
	}
	for parent := field.Parent; parent != nil; parent = parent.Parent {
		if parent.Data == "label" {
			return true
		}
	}
	id, ok := attribute(field, "id")
	return ok && len(find(root, `label[for="`+id+`"]`)) == 1
}

// TestStylesFitTheMarkup finds classes that no rule styles and rules whose class nothing draws: both are left-overs.
func TestStylesFitTheMarkup(t *testing.T) {
	t.Parallel()
	styles, err := fs.ReadFile(ui.Assets(), "styles.css")
	if err != nil {
		t.Fatal(err)
	}
	class := regexp.MustCompile(`\.(ui-[a-z-]+)`)
	styled := map[string]bool{}
	for _, match := range class.FindAllStringSubmatch(regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(styles), ""), -1) {
		styled[match[1]] = true
	}
	drawn := map[string]bool{}
	add := func(text string) {
		elements(parse(t, text), func(n *html.Node) {
			names, _ := attribute(n, "class")
			for name := range strings.FieldsSeq(names) {
				drawn[name] = true
			}
		})
	}
	for _, page := range galleryPages() {
		add(draw(t, page))
	}
	for _, component := range moreStates() {
		add(draw(t, component))
	}
	for name := range drawn {
		if strings.HasPrefix(name, "ui-") && !styled[name] {
			t.Errorf("class %s is drawn but has no rule", name)
		}
	}
	for name := range styled {
		if !drawn[name] {
			t.Errorf("class %s has a rule but nothing draws it", name)
		}
	}
}
