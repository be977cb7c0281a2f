package proscenium_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/proxy"
)

// fence finds the code blocks of a Markdown file.
var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// blocks returns the code blocks of one language in a page.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range fence.FindAllStringSubmatch(string(text), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s block", page, language)
	}
	return found
}

// TestAPortalOutsideThisTree does what the README tells a company to do: a module of its own, with a main and a plugin, both as the README has them. It builds, passes its test, and serves.
func TestAPortalOutsideThisTree(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a module")
	}
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, block := range blocks(t, "README.md", "go") {
		clause, _, _ := strings.Cut(block, "\n")
		switch clause {
		case "package main":
			// The README shows the plugin after the main; the portal of this test has both.
			block = strings.Replace(block, "import (\n", "import (\n\t\"example.com/portal/greet\"\n", 1)
			block = strings.Replace(block, "\t\tproxy.Plugin(),\n", "\t\tproxy.Plugin(),\n\t\tgreet.Plugin(),\n", 1)
			write("main.go", block)
		case "package greet":
			write("greet/greet.go", block)
		case "package greet_test":
			write("greet/greet_test.go", block)
		default:
			t.Errorf("README.md has a block that no test compiles: %s", clause)
		}
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	// The versions are this module's own, since the test must not depend on which newer ones there are by now.
	write("go.mod", strings.Replace(string(ours), "module github.com/proscenium-dev/proscenium\n", "module example.com/portal\n", 1)+
		"\nrequire github.com/proscenium-dev/proscenium v0.0.0\n\nreplace github.com/proscenium-dev/proscenium => "+root+"\n")
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums))
	write("app-config.yaml", blocks(t, "README.md", "yaml")[0])

	command := func(args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	command("build", "-o", "portal", ".")
	command("test", "./...")
	serves(t, dir, []string{filepath.Join(dir, "portal")}, map[string]string{"/api/greet/world": "Hello, world", "/greet": "Hello, everybody."})
}

// TestTheOperatorsConfigurations makes a portal of each configuration in the guide for operators. None is started: their databases are elsewhere.
func TestTheOperatorsConfigurations(t *testing.T) {
	t.Parallel()
	for i, block := range blocks(t, "core/README.md", "yaml") {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "app-config.yaml")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			portal, err := core.New(core.Options{
				ConfigFiles: []string{file},
				Environ:     []string{"DB_PASSWORD=x", "CACHE_PASSWORD=x", "UNIT_SECRET=" + strings.Repeat("x", 32), "DATABASE_URL=postgres://portal:x@db.example.com/portal"},
				Logger:      slog.New(slog.DiscardHandler),
			}, catalog.Plugin(), proxy.Plugin())
			if err != nil {
				t.Fatalf("%v\n%s", err, block)
			}
			if err := portal.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheRunCommand runs the command that the README gives.
func TestTheRunCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	t.Parallel()
	var run []string
	for _, block := range blocks(t, "README.md", "sh") {
		if line, _, _ := strings.Cut(block, "\n"); strings.HasPrefix(line, "go run ") {
			run = strings.Fields(line)
			break
		}
	}
	if run == nil {
		t.Fatal("README.md has no sh block that begins with go run")
	}
	serves(t, ".", run, map[string]string{"/catalog": "Catalog", "/hello": "Hello"})
}

// serves runs a command that is a portal and asks it for pages; each must contain a text.
func serves(t *testing.T, dir string, command []string, pages map[string]string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var output lockedBuffer
	c := exec.Command(command[0], command[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), fmt.Sprintf("APP_CONFIG_backend_listen=%q", address), fmt.Sprintf("APP_CONFIG_backend_database_connection_directory=%q", t.TempDir()))
	c.Stdout, c.Stderr = &output, &output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run has a child
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	})
	client := &http.Client{Timeout: 10 * time.Second}
	get := func(path string) (int, string) {
		res, err := client.Get("http://" + address + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		var text bytes.Buffer
		_, err = text.ReadFrom(res.Body)
		if err != nil {
			return 0, err.Error()
		}
		return res.StatusCode, text.String()
	}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if status, _ := get("/.backstage/health/v1/readiness"); status == http.StatusOK {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, &output)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("it did not become ready:\n%s", &output)
		}
	}
	for path, want := range pages {
		if status, text := get(path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: status %d, and it does not say %q:\n%s", path, status, want, text)
		}
	}
	if err := syscall.Kill(-c.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(40 * time.Second):
		t.Errorf("it did not stop:\n%s", &output)
	}
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
