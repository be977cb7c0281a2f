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

// TestREADME has every block of Go come from example_test.go, which is compiled and run, and every block of configuration be one that a portal accepts.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err1 := os.ReadFile("README.md")
	example, err2 := os.ReadFile("example_test.go")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	counts := map[string]int{}
	for _, block := range fence.FindAllStringSubmatch(string(readme), -1) {
		counts[block[1]]++
		switch {
		case block[1] == "go" && !strings.Contains(string(example), block[2]):
			t.Errorf("this block is not in example_test.go:\n%s", block[2])
		case block[1] == "yaml" && !strings.HasPrefix(block[2], "metadata:"):
			if faults := plugintest.Faults(t, plugintest.Options{Config: block[2], Environ: []string{"CIRCLECI_AUTH_TOKEN=" + circlecifake.Token}}, plugins()...); len(faults) > 0 {
				t.Errorf("%s\n%s", faults, block[2])
			}
		}
	}
	if counts["go"] < 4 || counts["yaml"] < 4 {
		t.Errorf("README.md has blocks %v", counts)
	}
}
