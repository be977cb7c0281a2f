package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxFileSize is what is read of any file at most: a configuration of that size is a mistake, such as a log or an image given by the wrong name.
const maxFileSize = 8 << 20

// origin is a file that configuration may come from: on disk, or in the defaults that are built into the program.
type origin struct {
	fsys fs.FS // nil: on disk
	path string
}

// String returns the name that people see.
func (o origin) String() string {
	if o.fsys != nil {
		return "embedded:" + o.path
	}
	return o.path
}

// key identifies the file, however its path was written.
func (o origin) key() string {
	if o.fsys != nil {
		return o.String()
	}
	if absolute, err := filepath.Abs(o.path); err == nil {
		return absolute
	}
	return o.path
}

// sibling resolves a path written in this file.
func (o origin) sibling(target string) (origin, error) {
	if o.fsys == nil {
		if filepath.IsAbs(target) {
			return origin{path: filepath.Clean(target)}, nil
		}
		return origin{path: filepath.Join(filepath.Dir(o.path), target)}, nil
	}
	inside := path.Join(path.Dir(o.path), target)
	if path.IsAbs(target) || !fs.ValidPath(inside) {
		return origin{}, fmt.Errorf("%s is outside the defaults that are built into this program", target)
	}
	return origin{o.fsys, inside}, nil
}

// read returns the text of the file, without a byte order mark. The error is a sentence about the file that does not repeat its name.
func (o origin) read() ([]byte, error) {
	file, err := o.open()
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, fileError(err)
	}
	if len(data) > maxFileSize {
		return nil, errTooLarge
	}
	return checkText(data)
}

var errMissing = errors.New("there is no such file")

var errTooLarge = fmt.Errorf("this file is larger than %d MiB, which no configuration is; is it the right file?", maxFileSize>>20)

func (o origin) open() (fs.File, error) {
	// Stat comes first because opening a named pipe would wait for its writer.
	if o.fsys != nil {
		info, err := fs.Stat(o.fsys, o.path)
		if err := regular(info, err); err != nil {
			return nil, err
		}
		return o.fsys.Open(o.path)
	}
	info, err := os.Stat(o.path)
	if err := regular(info, err); err != nil {
		return nil, err
	}
	return os.Open(o.path)
}

func regular(info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("this is a folder, not a file")
	case !info.Mode().IsRegular():
		return errors.New("this is not a regular file")
	case info.Size() > maxFileSize:
		return errTooLarge
	}
	return nil
}

// fileError says what the system said, without the name of the call and the path around it.
func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errMissing
	case errors.Is(err, fs.ErrPermission):
		return errors.New("this file may not be read by the user that runs the portal (permission denied)")
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// checkText refuses what is not text, and says where, before a parser stumbles over it.
func checkText(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil, errors.New("this file is UTF-16; save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, fmt.Errorf("this is a binary file (line %d holds a NUL byte)", lineOf(data, i))
	}
	if !utf8.Valid(data) {
		i := 0
		for i < len(data) {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			i += size
		}
		return nil, fmt.Errorf("line %d is not valid UTF-8; save the file as UTF-8", lineOf(data, i))
	}
	return data, nil
}

func lineOf(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// parse reads data by the extension of the file: JSON with the strictness of JSON, everything else as YAML.
func (o origin) parse(data []byte) (*node, Faults) {
	if strings.EqualFold(path.Ext(filepath.ToSlash(o.path)), ".json") {
		return parseJSON(o.String(), data)
	}
	return parseYAML(o.String(), data)
}
