package circleci_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// TestREADME has every block of configuration be one that a portal accepts.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range fence.FindAllStringSubmatch(string(readme), -1) {
		if block[1] == "yaml" && !strings.HasPrefix(block[2], "metadata:") {
			found++
			if faults := plugintest.Faults(t, plugintest.Options{Config: block[2], Environ: []string{"CIRCLECI_AUTH_TOKEN=" + circlecifake.Token}}, plugins()...); len(faults) > 0 {
				t.Errorf("%s\n%s", faults, block[2])
			}
		}
	}
	if found < 3 {
		t.Errorf("README.md has %d blocks of configuration", found)
	}
}
