// Package runner runs Lighthouse: one process of Node.js and one browser with a profile of its own per audit, both gone afterwards whatever happened.
package runner

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
)

// Settings are the operator's. Nothing in them comes from whoever asks for an audit.
type Settings struct {
	Node     string        // path of Node.js, 18.16 or newer
	Chromium string        // path of Chromium or Chrome
	Flags    []string      // further flags for the browser, such as --no-sandbox
	Install  Install       // Lighthouse
	Policy   *guard.Policy // what the browser may reach
	Timeout  time.Duration // of an audit from its begin to its end; required
	Scratch  string        // folder for profiles; empty means the system's for temporary files
}

// Runner runs audits. It is safe for concurrent use: runs share nothing.
type Runner struct{ s Settings }

// New returns a Runner.
func New(s Settings) *Runner { return &Runner{s} }

// Job is what to audit.
type Job struct {
	URL       string
	Config    json.RawMessage // Lighthouse's, checked before
	UpTimeout time.Duration   // how long to wait for the page to answer
}

// Outcome is what came of an audit.
type Outcome struct {
	Report     json.RawMessage
	Categories map[string]auditapi.Category
	Lighthouse time.Duration // of the whole, how long Lighthouse itself took
}

// FailedError says why an audit failed, in words for people.
type FailedError struct {
	Reason string
	Err    error // for the log; may be nil
}

// Error joins both.
func (e *FailedError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Reason + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *FailedError) Unwrap() error { return e.Err }

//go:embed driver.mjs
var driver string

// Run audits a page. Errors are a [*FailedError] unless ctx ended, whose cause they are then.
func (r *Runner) Run(ctx context.Context, job Job) (Outcome, error) {
	limited, cancel := context.WithTimeout(ctx, r.s.Timeout)
	defer cancel()
	outcome, err := r.run(limited, job)
	switch {
	case err == nil:
		return outcome, nil
	case ctx.Err() != nil:
		return Outcome{}, context.Cause(ctx)
	case limited.Err() != nil:
		return Outcome{}, &FailedError{fmt.Sprintf("the audit took more than %s", r.s.Timeout), err}
	}
	var failed *FailedError
	if !errors.As(err, &failed) {
		err = &FailedError{"the audit service could not run it", err}
	}
	return Outcome{}, err
}

func (r *Runner) run(ctx context.Context, job Job) (Outcome, error) {
	if _, err := r.s.Policy.Host(job.URL); err != nil {
		return Outcome{}, &FailedError{Reason: err.Error()}
	}
	if err := waitUntilUp(ctx, r.s.Policy, job.URL, job.UpTimeout); err != nil {
		return Outcome{}, err
	}
	dir, err := os.MkdirTemp(r.s.Scratch, "audit-")
	if err != nil {
		return Outcome{}, fmt.Errorf("make a folder for the profile: %w", err)
	}
	defer removeAll(dir)
	proxy, err := guard.StartProxy(ctx, r.s.Policy)
	if err != nil {
		return Outcome{}, err
	}
	defer proxy.Close()
	port, stop, err := r.startBrowser(ctx, dir, proxy.Addr())
	if err != nil {
		return Outcome{}, err
	}
	defer stop()
	answer, err := r.lighthouse(ctx, dir, port, job)
	if err == nil {
		var outcome Outcome
		if outcome, err = r.judge(answer); err == nil {
			return outcome, nil
		}
	}
	// That something was refused explains more than what the browser made of it.
	if refused := proxy.Refused(); refused != nil && ctx.Err() == nil {
		return Outcome{}, &FailedError{"the page led to an address that may not be reached: " + refused.Error(), err}
	}
	return Outcome{}, err
}

// removeAll removes a profile. The browser's last processes may still write to it for a moment.
func removeAll(dir string) {
	for range 20 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// environ is what child processes see: nothing of the service's own environment, which holds its secrets.
func environ(dir string) []string {
	env := []string{"HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8"}
	for _, name := range []string{"PATH", "TZ", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// command is a process in a group of its own, which is killed as a whole when ctx ends: browsers are many processes, and often started by a script.
func command(ctx context.Context, dir, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = dir, environ(dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	return c
}

// startBrowser returns the port of the browser's protocol, and a function that ends the browser and waits for it.
func (r *Runner) startBrowser(ctx context.Context, dir, proxy string) (port int, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	profile := filepath.Join(dir, "profile")
	args := []string{
		"--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--disable-default-apps", "--disable-dev-shm-usage", "--mute-audio", "--password-store=basic", "--use-mock-keychain", "--disable-breakpad",
		"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
		// The proxy is the only way out, for loopback addresses and WebRTC too.
		"--proxy-server=http://" + proxy, "--proxy-bypass-list=<-loopback>", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--user-data-dir=" + profile, "--remote-debugging-port=0",
		// Lighthouse speaks through the port. The pipe is for the browser to end with this process, however that ends.
		"--remote-debugging-pipe",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it does not start as root otherwise
	}
	args = append(append(args, r.s.Flags...), "about:blank")
	browser := command(ctx, dir, r.s.Chromium, args...)
	said := &tail{}
	browser.Stdout, browser.Stderr = said, said
	release, err := lifeline(browser)
	if err != nil {
		cancel()
		return 0, nil, fmt.Errorf("start the browser: %w", err)
	}
	ended := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_ = browser.Wait()
		close(ended)
	})
	stop = func() {
		_ = syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) // also what a start script left behind
		cancel()
		waiting.Wait()
		release()
	}
	if port, err = portOf(ctx, profile, ended); err != nil {
		stop()
		return 0, nil, fmt.Errorf("start the browser: %w; it said: %s", err, said)
	}
	return port, stop, nil
}

// lifeline starts a browser with the two pipes of --remote-debugging-pipe as its files 3 and 4. When this process is gone they are closed, and the browser ends. release closes them before.
func lifeline(browser *exec.Cmd) (release func(), err error) {
	toRead, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	read, toWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, toRead.Close(), write.Close())
	}
	browser.ExtraFiles = []*os.File{toRead, toWrite}
	err = browser.Start()
	_, _ = toRead.Close(), toWrite.Close() // the browser has its own by now
	release = func() { _, _ = write.Close(), read.Close() }
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// portOf waits for the file in which the browser says on which port it listens.
func portOf(ctx context.Context, profile string, ended <-chan struct{}) (int, error) {
	file := filepath.Join(profile, "DevToolsActivePort")
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		if text, err := os.ReadFile(file); err == nil {
			line, _, complete := strings.Cut(string(text), "\n")
			if port, err := strconv.Atoi(line); err == nil && complete {
				return port, nil
			}
		}
		select {
		case <-look.C:
		case <-ended:
			return 0, errors.New("it ended at once")
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// maxAnswer bounds what Lighthouse may write, in bytes.
const maxAnswer = 64 << 20

type answer struct {
	Result       json.RawMessage `json:"result"`
	Milliseconds float64         `json:"milliseconds"`
	Error        string          `json:"error"`
}

func (r *Runner) lighthouse(ctx context.Context, dir string, port int, job Job) (answer, error) {
	request, err := json.Marshal(map[string]any{"module": r.s.Install.module(), "port": port, "url": job.URL, "config": job.Config})
	if err != nil {
		return answer{}, fmt.Errorf("ask Lighthouse: %w", err)
	}
	node := command(ctx, dir, r.s.Node, "--input-type=module", "--eval", driver)
	said, out := &tail{}, &limited{left: maxAnswer}
	node.Stdin, node.Stdout, node.Stderr = bytes.NewReader(request), out, said
	if err := node.Run(); err != nil {
		return answer{}, fmt.Errorf("run Lighthouse: %w; it said: %s", err, said)
	}
	var a answer
	if err := json.Unmarshal(out.text.Bytes(), &a); err != nil {
		return answer{}, fmt.Errorf("read what Lighthouse wrote: %w; it said: %s", err, said)
	}
	if a.Error != "" {
		return answer{}, &FailedError{Reason: "Lighthouse: " + a.Error}
	}
	return a, nil
}

// judge takes a report apart. One in which Lighthouse says that it could not audit the page is a failure.
func (r *Runner) judge(a answer) (Outcome, error) {
	var report struct {
		RuntimeError *struct{ Code, Message string } `json:"runtimeError"`
		FinalURL     string                          `json:"finalDisplayedUrl"`
		MainURL      string                          `json:"mainDocumentUrl"`
		Categories   map[string]auditapi.Category    `json:"categories"`
	}
	if err := json.Unmarshal(a.Result, &report); err != nil {
		return Outcome{}, fmt.Errorf("read Lighthouse's report: %w", err)
	}
	for _, url := range []string{report.MainURL, report.FinalURL} {
		if url == "" {
			continue
		}
		if _, err := r.s.Policy.Host(url); err != nil && report.RuntimeError == nil {
			return Outcome{}, &FailedError{Reason: "the page led to another one: " + err.Error()}
		}
	}
	if report.RuntimeError != nil {
		return Outcome{}, &FailedError{Reason: "Lighthouse could not audit the page: " + report.RuntimeError.Message}
	}
	return Outcome{Report: a.Result, Categories: report.Categories, Lighthouse: time.Duration(a.Milliseconds * float64(time.Millisecond))}, nil
}

// tail keeps the last of what a process said, to explain why it failed.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2 << 10 // bytes

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// String returns it on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.Join(strings.Fields(string(t.text)), " "); text != "" {
		return text
	}
	return "nothing"
}

// limited keeps what a process wrote, up to a size.
type limited struct {
	text bytes.Buffer
	left int
}

var _ io.Writer = (*limited)(nil)

// Write implements [io.Writer].
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("it wrote more than %d bytes", maxAnswer)
	}
	return l.text.Write(p)
}
