// Command report reads what "go test -json" writes and prints what "go test" would have: a line per package and the output of what failed. Unlike go test it also tells
// which tests were skipped and why, and ends with a line that counts: "N passed, N failed, N skipped", subtests included.
//
// It exits with 1 when something failed, when nothing ran, or when a test was skipped because a program it needs is not installed: such a run proves less than it seems to.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// event is the part of test2json's and the build's events that is used.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// missing recognises a skip that an installation would have avoided.
var missing = regexp.MustCompile(`(?i)\binstall|not found|no such (program|binary|executable)`)

func main() {
	ok, err := report(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func report(r io.Reader, w io.Writer) (ok bool, err error) {
	var passed, failed, skipped, faults int
	output := make(map[string]*strings.Builder) // of tests under way, by package and name
	var skips strings.Builder

	lines := bufio.NewReader(r)
	for {
		line, readErr := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(w, "%s\n", bytes.TrimSpace(line)) // the go command's own words
				continue
			}
			key := e.Package + " " + e.Test
			switch {
			case e.Action == "build-output":
				fmt.Fprint(w, e.Output)
			case e.Action == "output" && e.Test == "":
				if noise := strings.HasPrefix(e.Output, "=== ") || e.Output == "PASS\n" || strings.HasPrefix(e.Output, "coverage:"); !noise {
					fmt.Fprint(w, e.Output)
				}
			case e.Action == "output":
				if output[key] == nil {
					output[key] = new(strings.Builder)
				}
				output[key].WriteString(e.Output)
			case e.Action == "fail" && e.Test == "":
				faults++ // also when the package does not build, or its TestMain fails
			case e.Action == "fail":
				failed++
				fmt.Fprint(w, text(output, key))
			case e.Action == "pass" && e.Test != "":
				passed++
				delete(output, key)
			case e.Action == "skip" && e.Test != "":
				skipped++
				why := text(output, key)
				if missing.MatchString(why) {
					faults++
					fmt.Fprintf(w, "FAIL: skipped for something that is not installed: %s %s\n%s", e.Package, e.Test, why)
				} else {
					fmt.Fprintf(&skips, "skipped: %s %s\n%s", e.Package, e.Test, why)
				}
			}
		}
		if readErr != nil {
			if readErr != io.EOF {
				return false, fmt.Errorf("read events: %w", readErr)
			}
			break
		}
	}
	for key := range output { // a test that began and never ended: the process died in it
		fmt.Fprintf(w, "unfinished: %s\n%s", key, text(output, key))
	}
	fmt.Fprint(w, skips.String())
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed+faults == 0 && passed > 0, nil
}

// text returns what a test has printed, less the lines that only follow its progress, and forgets it.
func text(output map[string]*strings.Builder, key string) string {
	if output[key] == nil {
		return ""
	}
	var kept strings.Builder
	for line := range strings.Lines(output[key].String()) {
		if !strings.HasPrefix(line, "=== ") {
			kept.WriteString(line)
		}
	}
	delete(output, key)
	return kept.String()
}
