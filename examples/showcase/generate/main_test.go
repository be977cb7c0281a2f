package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTheCatalogIsWhatTheProgramWrites: a change of one without the other would be lost with the next run.
func TestTheCatalogIsWhatTheProgramWrites(t *testing.T) {
	t.Parallel()
	const folder = "../catalog"
	want := files()
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != text {
			t.Errorf("%s is not what the generator writes (%v); run: go run ./examples/showcase/generate examples/showcase/catalog", name, err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(want) {
		t.Errorf("%s has %d files (%v), the generator writes %d", folder, len(entries), err, len(want))
	}
}
