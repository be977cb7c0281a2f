package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const mainFile = "app-config.yaml"

// Options say where configuration comes from. The zero value reads the app-config files of the current folder and no variables.
type Options struct {
	// Dir is the folder of app-config.yaml and its companions; empty means the current one. Not used when Files is set.
	Dir string
	// Files, when there are any, are read instead of the files in Dir: the values of --config, the last one wins.
	Files []string
	// Defaults may hold an app-config.yaml that is built into the program. It is read in place of Dir's when there is none,
	// beneath the other files of Dir; never together with Files.
	Defaults fs.FS
	// Environ is the environment as NAME=value, as [os.Environ] returns it. No other variables are seen.
	Environ []string
}

// Load reads every layer and returns the merged tree. The error is a [Faults] with everything that is wrong with the files as such;
// what is wrong with their content, and variables and includes that are missing, is found by decoding.
func Load(opts Options) (*Snapshot, error) {
	files := newReader()
	r := &resolver{variables: variablesOf(opts.Environ), files: files}
	layers, warnings, faults := opts.layers(r.variables, files)
	s := &Snapshot{warnings: warnings}
	var root *node
	for _, layer := range layers {
		tree, problems := files.tree(layer)
		if faults = append(faults, problems...); tree.absent() {
			continue
		}
		s.files = append(s.files, layer.String())
		s.builtIn = s.builtIn || layer.fsys != nil
		tree = r.resolve(tree, place{layer, []link{linkTo(layer, "")}})
		if tree != nil && tree.kind != kindObject && tree.kind != kindBroken {
			faults = append(faults, Fault{tree.pos, "", "expected keys with values at the top of the file but found " + tree.describe()})
			continue
		}
		root = merge(root, tree)
	}
	variables, problems := envLayer(r.variables, root)
	faults = append(faults, problems...)
	s.watched, s.digest = files.watched, [sha256.Size]byte(files.digest.Sum(nil))
	if len(faults) > 0 {
		return nil, &loadError{Faults: sorted(faults), attempt: s}
	}
	if s.root = merge(root, variables); s.root == nil {
		s.root = object(Position{}, nil)
	}
	return s, nil
}

// loadError carries what was read besides what was wrong with it, so that a watcher knows what to wait for.
type loadError struct {
	Faults

	attempt *Snapshot
}

// Unwrap gives errors.As the report.
func (e *loadError) Unwrap() error { return e.Faults }

// layers lists the files to read, lowest first. Only the main one must exist.
func (opts Options) layers(variables map[string]string, files *reader) (layers []origin, warnings, faults Faults) {
	if len(opts.Files) > 0 {
		for _, file := range opts.Files {
			if strings.HasPrefix(file, "http://") || strings.HasPrefix(file, "https://") {
				faults = append(faults, Fault{Position{File: file}, "", "configuration cannot be read from a URL; download it and name the file"})
				continue
			}
			layers = append(layers, origin{path: file})
		}
		return layers, nil, faults
	}
	main := origin{path: filepath.Join(opts.Dir, mainFile)}
	if opts.Defaults != nil && !files.exists(main) {
		main = origin{opts.Defaults, mainFile}
	}
	layers = append(layers, main)
	optional := func(name string) bool {
		file := origin{path: filepath.Join(opts.Dir, name)}
		found := files.exists(file)
		if found {
			layers = append(layers, file)
		}
		return found
	}
	var environments []string
	for name := range strings.SplitSeq(variables["BACKSTAGE_ENV"], ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if strings.ContainsAny(name, `/\`) {
			faults = append(faults, Fault{Position{File: "BACKSTAGE_ENV"}, "", fmt.Sprintf("%q cannot be part of a file name", name)})
			continue
		}
		environments = append(environments, name)
	}
	found := make([]bool, len(environments))
	for i, name := range environments {
		found[i] = optional("app-config." + name + ".yaml")
	}
	optional("app-config.local.yaml")
	for i, name := range environments {
		found[i] = optional("app-config."+name+".local.yaml") || found[i]
	}
	for i, name := range environments {
		if !found[i] {
			warnings = append(warnings, Fault{Position{File: "BACKSTAGE_ENV"}, "", fmt.Sprintf("there is no app-config.%s.yaml, so %q changes nothing", name, name)})
		}
	}
	return layers, warnings, faults
}

// reader reads each file once in a load, and remembers all that was looked for: that is what to watch.
type reader struct {
	texts   map[string]readResult
	trees   map[string]parseResult
	watched []string  // absolute paths on disk, also of files that do not exist
	digest  hash.Hash // over names and contents, to tell a change from an event
}

type readResult struct {
	data []byte
	err  error
}

type parseResult struct {
	root   *node
	faults Faults
}

func newReader() *reader {
	return &reader{texts: map[string]readResult{}, trees: map[string]parseResult{}, digest: sha256.New()}
}

func (r *reader) watch(o origin) {
	if key := o.key(); o.fsys == nil && !slices.Contains(r.watched, key) {
		r.watched = append(r.watched, key)
	}
}

// exists is false only when there is certainly no file; any other trouble is met, and explained, by reading.
func (r *reader) exists(o origin) bool {
	r.watch(o)
	_, err := os.Stat(o.path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (r *reader) text(o origin) ([]byte, error) {
	key := o.key()
	if result, ok := r.texts[key]; ok {
		return result.data, result.err
	}
	r.watch(o)
	data, err := o.read()
	r.texts[key] = readResult{data, err}
	if err != nil {
		_, _ = fmt.Fprintf(r.digest, "%q fails: %v\n", key, err)
	} else {
		_, _ = fmt.Fprintf(r.digest, "%q has %d bytes\n", key, len(data))
		_, _ = r.digest.Write(data)
	}
	return data, err
}

// tree returns the parsed file, nil when it is empty or faulty.
func (r *reader) tree(o origin) (*node, Faults) {
	key := o.key()
	if result, ok := r.trees[key]; ok {
		return result.root, result.faults
	}
	var result parseResult
	data, err := r.text(o)
	if err != nil {
		message := err.Error()
		if errors.Is(err, errMissing) && filepath.Base(o.path) == mainFile {
			message += "; create it, or name another with --config"
		}
		result.faults = Faults{{Position: Position{File: o.String()}, Message: message}}
	} else if result.root, result.faults = o.parse(data); len(result.faults) > 0 {
		result.root = nil
	}
	r.trees[key] = result
	return result.root, result.faults
}
