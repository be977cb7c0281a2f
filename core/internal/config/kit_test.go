package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

// files are names and contents of files to make.
type files map[string]string

// folder makes a temporary folder with files.
func folder(t testing.TB, files files) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, opts config.Options) *config.Snapshot {
	t.Helper()
	snapshot, err := config.Load(opts)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return snapshot
}

// loadText loads one file with the given content.
func loadText(t testing.TB, content string, environ ...string) *config.Snapshot {
	t.Helper()
	return load(t, config.Options{Dir: folder(t, files{"app-config.yaml": content}), Environ: environ})
}

// equalJSON compares what is written at a value with JSON.
func equalJSON(t testing.TB, v config.Value, want string) {
	t.Helper()
	var got json.RawMessage
	if err := v.Decode(&got); err != nil {
		t.Fatalf("decode %s: %v", v.Path(), err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", v.Path(), diff)
	}
}

// message returns what a person sees, without the temporary folder.
func message(err error, dir string) string {
	if err == nil {
		return ""
	}
	if dir == "" {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
}

// sortedLines sorts a message by line.
func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// printed formats values in every way that a log might.
func printed(values ...any) []string {
	var texts []string
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		raw, _ := json.Marshal(v)
		texts = append(texts, string(raw))
	}
	return texts
}
