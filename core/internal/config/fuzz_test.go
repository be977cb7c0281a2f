package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

// FuzzLoad looks for files that panic, hang, or are refused without a reason and a place.
func FuzzLoad(f *testing.F) {
	stock, err := filepath.Glob("testdata/backstage/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range stock {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{
		"", "a: &x [*x]", "? [a]\n: b", "a: ${A:-${B}} $${C} ${}", "{$include: app-config.yaml#a.b}", "a: {$env: HOME}", "a: {$file: app-config.yaml}",
		"backend: {listen: {port: 1e3}}", "\ufeffa: 0x1F", "--- \na: !!binary x\n...", "a: 'b\n\n  c'", "<<: {}", "catalog: {rules: [{allow: x}]}", "a: 1\na: 2",
		"x: [" + strings.Repeat("[", 200), "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "proxy: {endpoints: {*: {target: null}}}", "\x00", "a: \xff",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := os.CreateTemp(dir, "*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		path := file.Name()
		defer func() { _ = os.Remove(path) }()
		if _, err := file.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		snapshot, err := config.Load(config.Options{Files: []string{path}, Environ: []string{"APP_CONFIG_backend_listen_port=1"}})
		if err != nil {
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) == 0 || faults[0].Position.File == "" || faults[0].Message == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		report := stockSchema().Check(snapshot)
		for _, fault := range report.Faults {
			if fault.Message == "" {
				t.Fatalf("a fault without a message: %+v", fault)
			}
		}
		if !snapshot.Root().Equal(snapshot.Root()) {
			t.Fatal("not equal to itself")
		}
		if report.Err() == nil {
			if _, err := report.Frontend(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkLoadAndCheckStockConfig(b *testing.B) {
	opts := config.Options{Dir: "testdata/backstage", Environ: []string{"APP_CONFIG_backend_listen=127.0.0.1:7317", "GITHUB_TOKEN=x"}}
	schema := stockSchema()
	for b.Loop() {
		snapshot, err := config.Load(opts)
		if err != nil {
			b.Fatal(err)
		}
		if err := schema.Check(snapshot).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckStockConfig(b *testing.B) {
	snapshot, err := config.Load(config.Options{Dir: "testdata/backstage"})
	if err != nil {
		b.Fatal(err)
	}
	schema := stockSchema()
	for b.Loop() {
		if err := schema.Check(snapshot).Err(); err != nil {
			b.Fatal(err)
		}
	}
}
