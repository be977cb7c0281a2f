package catalog_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/core"
)

// readmeBlocks returns the code blocks of one language in the README.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	if len(found) == 0 {
		t.Fatalf("README.md has no %s block", language)
	}
	return found
}

// TestTheREADMEsConfigurations makes a portal of each configuration, without starting it. No token is set, which is no fault.
func TestTheREADMEsConfigurations(t *testing.T) {
	t.Parallel()
	for i, block := range readmeBlocks(t, "yaml") {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "app-config.yaml")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			portal, err := core.New(core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.DiscardHandler)}, catalog.Plugin())
			if err != nil {
				t.Fatalf("%v\n%s", err, block)
			}
			if err := portal.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
