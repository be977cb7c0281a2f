package config_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

// Each case is a mistake that people make with files, and the exact words they get.
func TestBadFilesAreExplained(t *testing.T) {
	t.Parallel()
	deep := func(open string, n int, end string) string { return "a: " + strings.Repeat(open, n) + end }
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	for name, c := range map[string]struct{ content, want string }{
		"tab":               {"a:\n\tb: 1\n", "app-config.yaml:2:1: not valid YAML: a tab cannot indent YAML; use spaces"},
		"two colons":        {"a: b: c\n", `app-config.yaml:1:5: not valid YAML: a ":" is not expected here; check the indentation, or put the text in quotes`},
		"reserved":          {"a: @x\n", "app-config.yaml:1:4: not valid YAML: '@' cannot start a value; put the text in quotes"},
		"open quote":        {"a: 'x\nb: 1\n", "app-config.yaml:1:4: not valid YAML: the quote that opens here is never closed"},
		"indentation":       {"a:\n    b: 1\n  c: 2\n", "app-config.yaml:3:3: not valid YAML: did not find expected key, while parsing a block mapping that starts at line 1"},
		"unknown alias":     {"a: *none\n", "app-config.yaml:1:4: not valid YAML: unknown anchor 'none' referenced"},
		"control character": {"a: \x01\n", "app-config.yaml: not valid YAML: control characters are not allowed (value: 1)"},
		"two documents":     {"a: 1\n---\nb: 2\n", `app-config.yaml:2:1: a second document starts here ("---"); a configuration file holds one`},
		"list":              {"- a\n", "app-config.yaml:1:1: expected keys with values at the top of the file but found a list"},
		"text":              {"hello\n", `app-config.yaml:1:1: expected keys with values at the top of the file but found the text "hello"`},
		"duplicate keys": {"a: {x: 1, x: 2}\nb: 1\nb: 2\nb: 3\n", "app-config.yaml:1:11: a.x: duplicate key; it is already set at line 1\n" +
			"app-config.yaml:3:1: b: duplicate key; it is already set at line 2\napp-config.yaml:4:1: b: duplicate key; it is already set at line 2"},
		"key is a list":       {"a:\n  ? [x]\n  : 1\n", "app-config.yaml:2:5: a: a key must be text, not a list or an object"},
		"alias of itself":     {"a: &x [*x]\n", "app-config.yaml:1:8: a[0][0]: the YAML alias *x stands inside the value it refers to"},
		"alias bomb":          {bomb, "app-config.yaml:4:45: YAML aliases (*name) in this file stand for more than 10000 values; write them out or use fewer"},
		"deep flow":           {deep("[", 150, strings.Repeat("]", 150)), "app-config.yaml:1:104: values are nested more than 100 deep"},
		"very deep flow":      {deep("[", 100_000, ""), "app-config.yaml:1:10004: values are nested more than 100 deep"},
		"very deep block":     {strings.Repeat("- ", 100_000) + "x", "app-config.yaml:1:20001: values are nested more than 100 deep"},
		"NUL":                 {"a: 1\nb: \x00\x01\x02", "app-config.yaml: this is a binary file (line 2 holds a NUL byte)"},
		"not UTF-8":           {"a: 1\nb: caf\xe9\n", "app-config.yaml: line 2 is not valid UTF-8; save the file as UTF-8"},
		"UTF-16":              {"\xff\xfea\x00", "app-config.yaml: this file is UTF-16; save it as UTF-8"},
		"directive misplaced": {"a: 1\n%YAML 1.2\n", "app-config.yaml:2:1: not valid YAML: did not find expected <document end> before directive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, files{"app-config.yaml": c.content})
			_, err := config.Load(config.Options{Dir: dir})
			if got := message(err, dir); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"folder.yaml/x": "", "huge.yaml": "", "bad.json": "{\"a\": 1,}", "twice.json": "{\"a\": 1,\n \"a\": 2}", "more.json": "{} {}", "short.json": "{\"a\": [1"})
	if err := os.Truncate(filepath.Join(dir, "huge.yaml"), 100<<20); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, want string }{
		{"app-config.yaml", "app-config.yaml: there is no such file; create it, or name another with --config"},
		{"missing.yaml", "missing.yaml: there is no such file"},
		{"folder.yaml", "folder.yaml: this is a folder, not a file"},
		{"huge.yaml", "huge.yaml: this file is larger than 8 MiB, which no configuration is; is it the right file?"},
		{"bad.json", "bad.json:1:9: not valid JSON: invalid character '}' looking for beginning of object key string"},
		{"twice.json", "twice.json:2:2: a: duplicate key; it is already set at line 1"},
		{"more.json", "more.json:1:5: not valid JSON: there is more after the end of the value"},
		{"short.json", "short.json:1:9: not valid JSON: it ends before the value does"},
	} {
		_, err := config.Load(config.Options{Files: []string{filepath.Join(dir, c.file)}})
		if got := message(err, dir); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.file, got, c.want)
		}
	}
	_, err := config.Load(config.Options{Files: []string{"https://example.com/app-config.yaml"}})
	if got, want := message(err, dir), "https://example.com/app-config.yaml: configuration cannot be read from a URL; download it and name the file"; got != want {
		t.Errorf("got %s", got)
	}
	_, err = config.Load(config.Options{Files: []string{os.DevNull}})
	if got, want := message(err, dir), os.DevNull+": this is not a regular file"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestAllFilesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{"app-config.yaml": "a: b: c\n", "app-config.local.yaml": "- list\n"})
	_, err := config.Load(config.Options{Dir: dir, Environ: []string{"APP_CONFIG_a=1", "APP_CONFIG_a_b=2", "BACKSTAGE_ENV=../x"}})
	want := `APP_CONFIG_a_b: this and APP_CONFIG_a set the same value or a part of it; keep one of them
BACKSTAGE_ENV: "../x" cannot be part of a file name
app-config.local.yaml:1:1: expected keys with values at the top of the file but found a list
app-config.yaml:1:5: not valid YAML: a ":" is not expected here; check the indentation, or put the text in quotes`
	// The temporary folder would sort elsewhere, so the files are named relative to it.
	if got := sortedLines(message(err, dir)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAReportIsBounded(t *testing.T) {
	t.Parallel()
	var keys, twice strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&keys, "key%d: 1\n", i)
		twice.WriteString("key: 1\n")
	}
	var target struct{ Known int }
	err := loadText(t, keys.String()).Decode("", &target)
	_, err2 := config.Load(config.Options{Dir: folder(t, files{"app-config.yaml": twice.String()})})
	for _, err := range []error{err, err2} {
		lines := strings.Split(err.Error(), "\n")
		if got := lines[len(lines)-1]; len(lines) != 501 || got != "there are more than 500 faults; the others are not listed" {
			t.Errorf("%d lines, the last is %s", len(lines), got)
		}
	}
}

// endless is a file system in which every file goes on for ever, though it claims to be small.
type endless struct {
	fstest.MapFS

	read *int
}

func (e endless) Open(name string) (fs.File, error) {
	file, err := e.MapFS.Open(name)
	return endlessFile{file, e.read}, err
}

type endlessFile struct {
	fs.File

	read *int
}

func (e endlessFile) Read(p []byte) (int, error) {
	*e.read += len(p)
	if *e.read > 64<<20 {
		return 0, io.ErrNoProgress
	}
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestNotMoreThanTheLimitIsRead(t *testing.T) {
	t.Parallel()
	var read int
	defaults := endless{fstest.MapFS{"app-config.yaml": {Data: []byte("a: 1"), ModTime: time.Unix(0, 0)}}, &read}
	_, err := config.Load(config.Options{Dir: t.TempDir(), Defaults: defaults})
	want := "embedded:app-config.yaml: this file is larger than 8 MiB, which no configuration is; is it the right file?"
	if got := message(err, ""); got != want {
		t.Errorf("got %s", got)
	}
	if read > 32<<20 {
		t.Errorf("%d bytes were read", read)
	}
}

// forbidden refuses to open anything, which root cannot arrange on disk.
type forbidden struct{}

func (forbidden) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestAFileThatMayNotBeOpened(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{Dir: t.TempDir(), Defaults: forbidden{}})
	want := "embedded:app-config.yaml: this file may not be read by the user that runs the portal (permission denied)"
	if got := message(err, ""); got != want {
		t.Errorf("got %s", got)
	}
}
