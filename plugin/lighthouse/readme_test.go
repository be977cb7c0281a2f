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

// TestREADME keeps what the README shows true: its configuration starts a portal.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		if block[1] != "yaml" || !strings.HasPrefix(block[2], "lighthouse:") {
			continue // a descriptor, or no configuration
		}
		found++
		for _, fault := range plugintest.Faults(t, plugintest.Options{Config: block[2]}, catalog.Plugin(), lighthouse.Plugin()) {
			t.Errorf("%s\nin:\n%s", fault, block[2])
		}
	}
	if found == 0 {
		t.Error("the README has no configuration")
	}
}
