package ui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

func asset(t testing.TB, name string) []byte {
	t.Helper()
	content, err := fs.ReadFile(ui.Assets(), name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestAssetBudgets keeps what every first visit loads small, and shows the figures with -v.
func TestAssetBudgets(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]int{"styles.css": 12 << 10, "ui.js": 4 << 10, "module.js": 2 << 10, "refresh.js": 2 << 10, "early.js": 1 << 10, "icons.svg": 8 << 10, "favicon.svg": 1 << 10} {
		content := asset(t, name)
		var packed bytes.Buffer
		writer, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		_, _ = writer.Write(content)
		_ = writer.Close()
		t.Logf("%s: %d bytes, %d compressed", name, len(content), packed.Len())
		if packed.Len() > budget {
			t.Errorf("%s is %d bytes compressed, more than %d", name, packed.Len(), budget)
		}
	}
}

// TestIconNames compares the names in the code with those in the sprite.
func TestIconNames(t *testing.T) {
	t.Parallel()
	names := func(text string, pattern string) []string {
		var found []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return found
	}
	code, err := os.ReadFile("icon.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(code), "switch name {")
	list, _, _ = strings.Cut(list, "return true")
	if diff := cmp.Diff(names(string(asset(t, "icons.svg")), `<symbol id="([^"]+)"`), names(list, `"([^"]+)"`)); diff != "" {
		t.Errorf("icons.svg and HasIcon differ (-sprite +code):\n%s", diff)
	}
	if diff := cmp.Diff(names(string(asset(t, "icons.svg")), `<symbol id="([^"]+)"`), names(section(t, "Icons", "\n//\n//"), `([a-z0-9-]+)(?:,|$|\n)`)); diff != "" {
		t.Errorf("icons.svg and doc.go differ (-sprite +doc):\n%s", diff)
	}
	if !ui.HasIcon("bell") || ui.HasIcon("no-such-icon") {
		t.Error("HasIcon is wrong about bell or no-such-icon")
	}
	if !strings.Contains(string(asset(t, "LICENSE-lucide.txt")), "ISC License") {
		t.Error("the icons' licence notice is missing")
	}
}

// section returns a section of the package's documentation, from the last place in it where a text stands.
func section(t *testing.T, heading, from string) string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(doc), "// # "+heading+"\n")
	text, _, more := strings.Cut(text, "\n//\n// # ")
	if !found || !more {
		t.Fatalf("doc.go has no section %s before another", heading)
	}
	return text[max(0, strings.LastIndex(text, from)):]
}

// TestTokensAreDocumented compares the custom properties in the style sheet with those that the documentation lists.
func TestTokensAreDocumented(t *testing.T) {
	t.Parallel()
	list := section(t, "Styles", "These are the properties")
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile(`[a-z][a-z-]*`).FindAllString(list, -1) {
		documented[name] = true
	}
	sheet, _, _ := strings.Cut(string(asset(t, "styles.css")), "@layer base {")
	for _, match := range regexp.MustCompile(`--ui-([a-z-]+):`).FindAllStringSubmatch(sheet, -1) {
		name := match[1]
		if base, isBackground := strings.CutSuffix(name, "-bg"); isBackground {
			name = base
		}
		if !documented[name] && !strings.HasPrefix(name, "rail") {
			t.Errorf("doc.go does not list %s", name)
		}
	}
	for _, line := range strings.Split(list, "\n//   - ")[1:] {
		_, names, _ := strings.Cut(strings.SplitN(line, "\n", 2)[0], ": ")
		names = regexp.MustCompile(` ?\([^)]*\)`).ReplaceAllString(names, "")
		for _, name := range regexp.MustCompile(`[,;] (?:and )?`).Split(names, -1) {
			name, _, _ = strings.Cut(name, " ") // what goes with it may follow
			if !strings.Contains(sheet, "--ui-"+name+":") {
				t.Errorf("doc.go lists %q, which styles.css does not have", name)
			}
		}
	}
}

func TestWhereAssetsAre(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if html, err := pluginapi.Draw(ctx, ui.Icon("check", "")); err != nil || !strings.Contains(html, `href="/assets/ui/icons.svg#check"`) {
		t.Errorf("without WithAssets: %q, %v", html, err)
	}
	ctx = ui.WithAssets(ctx, func(name string) string { return "/a/" + name + "?v=1" })
	if html, err := pluginapi.Draw(ctx, ui.Icon("check", "")); err != nil || !strings.Contains(html, `href="/a/icons.svg?v=1#check"`) {
		t.Errorf("with WithAssets: %q, %v", html, err)
	}
}

// TestNoRequestsElsewhere looks for addresses of other hosts, and for what a strict Content-Security-Policy forbids, in the files that pages load.
func TestNoRequestsElsewhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"styles.css", "ui.js", "module.js", "refresh.js", "early.js"} {
		content := string(asset(t, name))
		forbidden := []string{"http://", "https://", "eval(", "new Function", "document.write"}
		if strings.HasSuffix(name, ".css") {
			forbidden = []string{"http://", "https://", "@import", "url("}
		}
		for _, forbidden := range forbidden {
			if strings.Contains(content, forbidden) {
				t.Errorf("%s has %q", name, forbidden)
			}
		}
	}
}
