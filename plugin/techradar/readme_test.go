package techradar_test

import (
	"os"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestReadme holds what the README shows against what runs: Go and JavaScript stand in files that are compiled and tested, and a portal takes the configuration.
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
	sources := map[string]string{"go": read("example_test.go"), "js": read("testdata/shares/shares.js")}
	found := map[string]int{}
	for _, block := range strings.Split(read("README.md"), "\n```")[1:] {
		language, text, ok := strings.Cut(block, "\n")
		if !ok || language == "" || strings.HasPrefix(language, " ") {
			continue // the end of a block
		}
		found[language]++
		switch language {
		case "go", "js":
			if !strings.Contains(sources[language], text) {
				t.Errorf("this stands in no file that is tested:\n%s", text)
			}
		case "yaml":
			for _, fault := range plugintest.Faults(t, plugintest.Options{Config: text}, techradar.Plugin()) {
				t.Errorf("%s\nin\n%s", fault, text)
			}
		}
	}
	if found["go"] != 3 || found["js"] != 1 || found["yaml"] != 3 {
		t.Errorf("found blocks %v", found)
	}
}
