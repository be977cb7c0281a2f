// Package location reads what the catalog's locations point to: files of the machine, files that are built into the portal, and files on web servers. It also knows where the targets of a Location entity lead, which kinds a location
// may bring, and how placeholders in entities are filled in.
package location

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Reader reads the files of one type of location. It may be used by any number of goroutines.
type Reader interface {
	// Read returns what a target stands for, which is several files when the reader understands patterns. A target that does not exist is an error that matches [fs.ErrNotExist].
	// Of several files each may fail by itself; see [File].
	Read(ctx context.Context, request Request) (Result, error)
}

// Request says what to read.
type Request struct {
	Target string
	ETag   string // from an earlier Result for the same target; empty to read in any case
}

// Result is what was read.
type Result struct {
	Files       []File // in the order of their targets; at least one unless NotModified
	ETag        string // of the whole; empty if the source has none
	NotModified bool   // the whole is the same as when the request's ETag was given; Files is then empty
}

// File is one file.
type File struct {
	Target string // where it is, in the form of a location's target
	Text   []byte
	Hash   string // SHA-256 of Text in hexadecimal
	Err    error  // why it could not be read; Text is then nil
}

func newFile(target string, text []byte) File {
	sum := sha256.Sum256(text)
	return File{Target: target, Text: text, Hash: hex.EncodeToString(sum[:])}
}

// Readers are readers by the type of location that they read. Do not change the map while it is in use.
type Readers map[string]Reader

// Read reads a location with the reader of its type.
func (r Readers) Read(ctx context.Context, location catalogcommon.LocationRef, etag string) (Result, error) {
	reader, ok := r[location.Type]
	if !ok {
		return Result{}, catalogcommon.InputError("No processor was able to handle reading of %s; known types are %s", location, strings.Join(slices.Sorted(maps.Keys(r)), ", "))
	}
	return reader.Read(ctx, Request{Target: location.Target, ETag: etag})
}

// Limits of reading from file systems.
const (
	defaultMaxBytes = 32 << 20
	maxEntries      = 500_000 // directory entries looked at for one pattern
)

// Files reads locations of type file: paths and patterns on this machine.
type Files struct {
	Dir      string // where relative targets start; empty means the working directory
	MaxBytes int64  // of one file; 0 means 32 MiB
}

var (
	_ Reader = Files{}
	_ Reader = Embedded{}
)

// Read reads the file at a path, or all files that fit a pattern. Their targets are absolute paths.
func (f Files) Read(ctx context.Context, request Request) (Result, error) {
	if err := checkFileTarget(request.Target); err != nil {
		return Result{}, err
	}
	full := request.Target
	if !filepath.IsAbs(full) {
		full = filepath.Join(f.Dir, full)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		return Result{}, fmt.Errorf("file %s could not be read, %w", request.Target, err)
	}
	root := filepath.VolumeName(full) + string(filepath.Separator)
	source := tree{files: os.DirFS(root), kind: catalogcommon.LocationTypeFile, maxBytes: f.MaxBytes, target: func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }}
	return source.read(ctx, request, filepath.ToSlash(full[len(root):]))
}

// Embedded reads locations of type embedded: paths and patterns within the files that are built into the portal.
type Embedded struct {
	FS       fs.FS
	MaxBytes int64 // of one file; 0 means 32 MiB
}

// Read reads the file at a path, or all files that fit a pattern. Targets are paths from the root of the file system, with slashes.
func (e Embedded) Read(ctx context.Context, request Request) (Result, error) {
	if err := checkFileTarget(request.Target); err != nil {
		return Result{}, err
	}
	name := strings.TrimPrefix(path.Clean("/"+request.Target), "/") // so that no .. leads out
	source := tree{files: e.FS, kind: catalogcommon.LocationTypeEmbedded, maxBytes: e.MaxBytes, target: func(name string) string { return name }}
	return source.read(ctx, request, name)
}

func checkFileTarget(target string) error {
	if target == "" || strings.HasSuffix(target, "/") || strings.HasSuffix(target, string(filepath.Separator)) {
		return catalogcommon.InputError("target %q is not a file: name a file or a pattern such as %s*.yaml", target, target)
	}
	return nil
}

// tree is a file system to read from.
type tree struct {
	files    fs.FS
	kind     string // of location, for messages
	maxBytes int64
	target   func(name string) string // a file's name as a location's target
}

func (t tree) read(ctx context.Context, request Request, name string) (Result, error) {
	names, failed := []string{name}, map[string]error(nil)
	if _, err := fs.Stat(t.files, name); isGlob(name) && err != nil { // a file whose name looks like a pattern is read as it is
		names, failed, err = findFiles(ctx, t.files, name, maxEntries)
		if err != nil {
			return Result{}, fmt.Errorf("%s %s could not be read, %w", t.kind, request.Target, err)
		}
	}
	var result Result
	whole := sha256.New()
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		text, err := t.readFile(name)
		file := newFile(t.target(name), text)
		if err != nil {
			if len(names) == 1 && len(failed) == 0 && errors.Is(err, fs.ErrNotExist) {
				break
			}
			file = File{Target: file.Target, Err: fmt.Errorf("%s %s could not be read, %w", t.kind, file.Target, err)}
		}
		fmt.Fprintf(whole, "%q %s %v\n", file.Target, file.Hash, file.Err)
		result.Files = append(result.Files, file)
	}
	for _, dir := range slices.Sorted(maps.Keys(failed)) {
		target := t.target(dir)
		result.Files = append(result.Files, File{Target: target, Err: fmt.Errorf("folder %s could not be searched, %w", target, withoutPath(failed[dir]))})
		fmt.Fprintf(whole, "%q %v\n", target, failed[dir])
	}
	if len(result.Files) == 0 {
		return Result{}, &missing{fmt.Sprintf("%s %s does not exist", t.kind, request.Target)}
	}
	result.ETag = hex.EncodeToString(whole.Sum(nil))
	if result.ETag == request.ETag {
		return Result{ETag: result.ETag, NotModified: true}, nil
	}
	return result, nil
}

func (t tree) readFile(name string) ([]byte, error) {
	limit := t.maxBytes
	if limit <= 0 {
		limit = defaultMaxBytes
	}
	info, err := fs.Stat(t.files, name)
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, fmt.Errorf("it is a folder; name a file or a pattern such as %s", path.Join(name, "*.yaml"))
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file") // reading a pipe could wait for ever
	case info.Size() > limit:
		return nil, fmt.Errorf("it has %d bytes, more than the limit of %d", info.Size(), limit)
	}
	file, err := t.files.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, withoutPath(err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("it has more than the limit of %d bytes", limit)
	}
	return text, nil
}

// withoutPath leaves out the path, which messages here have already.
func withoutPath(err error) error {
	var detail *fs.PathError
	if errors.As(err, &detail) {
		return detail.Err
	}
	return err
}

// missing is an error for what does not exist. It matches [fs.ErrNotExist] and has status 404.
type missing struct{ message string }

func (m *missing) Error() string        { return m.message }
func (m *missing) Is(target error) bool { return target == fs.ErrNotExist }
func (m *missing) StatusCode() int      { return 404 }
