package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Install is a copy of Lighthouse as npm installs it. Make one with [FindInstall].
type Install struct {
	Dir     string // of the package
	Version string
}

func (i Install) module() string { return filepath.Join(i.Dir, "core", "index.js") }

// FindInstall finds Lighthouse: place is the folder of the npm package, a folder in whose node_modules it is, or its program; empty means the program lighthouse on the PATH.
func FindInstall(place string) (Install, error) {
	if place == "" {
		program, err := exec.LookPath("lighthouse")
		if err != nil {
			return Install{}, errors.New("find Lighthouse: there is no program lighthouse; install it with npm install -g lighthouse, or say where it is")
		}
		place = program
	}
	real, err := filepath.EvalSymlinks(place)
	if err != nil {
		return Install{}, fmt.Errorf("find Lighthouse: %w", err)
	}
	for dir := real; ; dir = filepath.Dir(dir) {
		for _, candidate := range []string{dir, filepath.Join(dir, "node_modules", "lighthouse")} {
			if install, ok := read(candidate); ok {
				return install, install.usable()
			}
		}
		if dir == filepath.Dir(dir) {
			return Install{}, fmt.Errorf("find Lighthouse: %s is not within npm's package lighthouse", place)
		}
	}
}

func read(dir string) (Install, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return Install{}, false
	}
	var manifest struct{ Name, Version string }
	if json.Unmarshal(text, &manifest) != nil || manifest.Name != "lighthouse" {
		return Install{}, false
	}
	return Install{dir, manifest.Version}, true
}

func (i Install) usable() error {
	if _, err := os.Stat(i.module()); err != nil {
		return fmt.Errorf("use Lighthouse %s: it has no core/index.js; install version 10 or newer", i.Version)
	}
	return nil
}

// Renderer turns reports into pages, with the template and the script that are part of Lighthouse.
type Renderer struct{ before, between, after, script string }

const (
	jsonMark   = "%%LIGHTHOUSE_JSON%%"
	scriptMark = "%%LIGHTHOUSE_JAVASCRIPT%%"
)

// NewRenderer reads template and script.
func NewRenderer(i Install) (*Renderer, error) {
	template, err := os.ReadFile(filepath.Join(i.Dir, "report", "assets", "standalone-template.html"))
	if err != nil {
		return nil, fmt.Errorf("read the template of Lighthouse's reports: %w", err)
	}
	script, err := os.ReadFile(filepath.Join(i.Dir, "dist", "report", "standalone.js"))
	if err != nil {
		return nil, fmt.Errorf("read the script of Lighthouse's reports: %w", err)
	}
	before, rest, ok := strings.Cut(string(template), jsonMark)
	between, after, also := strings.Cut(rest, scriptMark)
	if !ok || !also {
		return nil, fmt.Errorf("read the template of Lighthouse's reports: version %s has another form; install version 12", i.Version)
	}
	return &Renderer{before, between, after, strings.ReplaceAll(string(script), "</", `\u003c/`)}, nil
}

// inScript writes what could end a script, or a line of one, in another way. All of it can only stand in strings.
var inScript = strings.NewReplacer("<", `\u003c`, "\u2028", `\u2028`, "\u2029", `\u2029`)

// Render returns the page of a report.
func (r *Renderer) Render(report json.RawMessage) string {
	return r.before + inScript.Replace(string(report)) + r.between + r.script + r.after
}
