package techradar_test

import (
	"os"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestReadme holds what the README shows against what runs: JavaScript stands in a file that is tested, and a portal takes the configuration.
func TestReadme(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	script := read("testdata/shares/shares.js")
	found := map[string]int{}
	for _, block := range strings.Split(read("README.md"), "\n```")[1:] {
		language, text, ok := strings.Cut(block, "\n")
		if !ok || language == "" || strings.HasPrefix(language, " ") {
			continue // the end of a block
		}
		found[language]++
		switch language {
		case "js":
			if !strings.Contains(script, text) {
				t.Errorf("this stands in no file that is tested:\n%s", text)
			}
		case "yaml":
			for _, fault := range plugintest.Faults(t, plugintest.Options{Config: text}, techradar.Plugin()) {
				t.Errorf("%s\nin\n%s", fault, text)
			}
		}
	}
	if found["js"] != 1 || found["yaml"] != 3 {
		t.Errorf("found blocks %v", found)
	}
}
