package catalog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func reading(name, file string) string {
	return strings.Replace(component(name), "owner: sea", "owner: sea, readme: {$text: "+file+"}", 1)
}

// In places of the type file, what descriptors name is within the folder of the place: of its pattern, that is what stands before the first part with a star.
func TestPlaceholdersInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"README.md":           "of all",
		"secret.yaml":         "token",
		"shop/docs/README.md": "of the shop",
		"shop/info.yaml":      reading("near", "./docs/README.md"),
		"shop/up.yaml":        reading("up", "../README.md"),
		"till/far.yaml":       reading("far", "../README.md"),
		"till/out.yaml":       reading("out", "../../README.md"),
	} {
		file := filepath.Join(dir, "root", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(working, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := plugintest.StartWith(t, plugintest.Options{Config: "catalog:\n  locations:\n    - {type: file, target: " + relative + "/root/shop/*.yaml}\n    - {type: file, target: '" + relative + "/root/*/{far,out}.yaml'}\n"}, catalog.Plugin())
	readme := func(name string) string {
		var e catalogcommon.Entity
		r := p.Get(api + "/entities/by-name/component/default/" + name)
		if r.Status != 200 {
			return "none"
		}
		r.JSON(&e)
		return e.SpecString("readme")
	}
	p.Eventually("what can be read is there", func() bool { return readme("near") == "of the shop" && readme("far") == "of all" })
	for _, name := range []string{"up", "out"} {
		if got := readme(name); got != "none" {
			t.Errorf("%s reads what is outside: %q", name, got)
		}
	}
	for _, want := range []string{"shop/up.yaml:4:58", "till/out.yaml:4:58", "leads out of the folder"} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.Log())
		}
	}
}
