package lighthouse_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// TestREADME keeps what the README shows true: its Go is in example_test.go word for word, where it is compiled and run, and its configuration starts a portal.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		seen[block[1]]++
		switch block[1] {
		case "go":
			if !strings.Contains(string(example), block[2]) {
				t.Errorf("example_test.go does not contain:\n%s", block[2])
			}
		case "yaml":
			if !strings.HasPrefix(block[2], "lighthouse:") {
				continue // a descriptor
			}
			for _, fault := range plugintest.Faults(t, plugintest.Options{Config: block[2]}, catalog.Plugin(), lighthouse.Plugin()) {
				t.Errorf("%s\nin:\n%s", fault, block[2])
			}
		}
	}
	if seen["go"] < 5 || seen["yaml"] < 2 {
		t.Errorf("the README has %v", seen)
	}
}
