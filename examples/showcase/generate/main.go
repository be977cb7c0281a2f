// Command generate writes the catalog of Kestrel Parcels, the company of the showcase, into the folder that it is given. The same program writes the same files each time:
//
//	go run ./examples/showcase/generate examples/showcase/catalog
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER")
		os.Exit(2)
	}
	for name, text := range files() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

// files returns the catalog: descriptor files by name.
func files() map[string]string {
	out := map[string]string{}
	all := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: kestrel\n  title: Kestrel Parcels\n  description: Everything that Kestrel Parcels builds, runs and answers for.\nspec:\n  targets:\n    - ./people.yaml\n"
	for _, d := range domains() {
		name := d.name + ".yaml"
		all += "    - ./" + name + "\n"
		out[name] = d.document()
	}
	out["people.yaml"] = people()
	out["catalog-info.yaml"] = all
	return out
}

// descriptors joins documents of one file.
func descriptors(documents []string) string { return strings.Join(documents, "---\n") }

// document is one descriptor: name, title and description of its metadata, further lines of metadata, and those of its spec. Lines of extra and spec are indented here; empty ones are left out.
func document(kind, name, title, description string, extra, spec []string) string {
	lines := []string{"apiVersion: backstage.io/v1alpha1", "kind: " + kind, "metadata:", "  name: " + name}
	if title != "" {
		lines = append(lines, "  title: "+title)
	}
	if description != "" {
		lines = append(lines, fmt.Sprintf("  description: %q", description))
	}
	for _, line := range extra {
		if line != "" {
			lines = append(lines, "  "+line)
		}
	}
	lines = append(lines, "spec:")
	for _, line := range spec {
		if line != "" {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
