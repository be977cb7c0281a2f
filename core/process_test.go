package core_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// playEnv makes the test program be a portal instead, so that what a process does can be tested: exit status, signals, what it prints.
const playEnv = "PROSCENIUM_TEST_PLAY"

func TestMain(m *testing.M) {
	part, plays := os.LookupEnv(playEnv)
	if !plays {
		os.Exit(m.Run())
	}
	core.Main(core.Options{}, parts(part)...)
}

func parts(part string) []pluginapi.Plugin {
	switch part {
	case "duplicate":
		return []pluginapi.Plugin{healthy(), healthy()}
	case "slow start":
		return []pluginapi.Plugin{{ID: "slow", Extensions: []pluginapi.Extension{start(func(ctx context.Context) error {
			fmt.Println("starting")
			<-ctx.Done()
			return ctx.Err()
		}, time.Minute)}}}
	case "slow request":
		return []pluginapi.Plugin{{ID: "slow", Extensions: []pluginapi.Extension{
			pluginapi.Routes.From("wait", pluginapi.Route{Pattern: "GET /wait"}, func(w http.ResponseWriter, _ *http.Request) error {
				fmt.Println("asked")
				time.Sleep(500 * time.Millisecond)
				_, err := w.Write([]byte("answered"))
				return err
			}),
		}}}
	case "database":
		return []pluginapi.Plugin{healthy(), {ID: "stored", Extensions: []pluginapi.Extension{
			page("/stored", "Stored", "open"),
			pluginapi.Starts.From("ask", pluginapi.Start{}, func(db *sqlx.DB, ctx context.Context) error { return db.PingContext(ctx) }),
		}}}
	}
	return []pluginapi.Plugin{healthy()}
}

// play is a portal in a process of its own.
type play struct {
	t       *testing.T
	command *exec.Cmd
	output  *lockedBuffer
	url     string
	exit    chan error
}

func begin(t *testing.T, part, config string, args ...string) *play {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(dir, "app-config.yaml"), []byte(strings.ReplaceAll(config, "ADDRESS", address)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &play{t: t, output: &lockedBuffer{}, url: "http://" + address, exit: make(chan error, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p.command = exec.CommandContext(ctx, os.Args[0], args...)
	p.command.Dir = dir
	p.command.Env = []string{playEnv + "=" + part, "PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + dir}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); p.exit <- p.command.Wait() }()
	t.Cleanup(func() { cancel(); <-ended })
	return p
}

func (p *play) awaitOutput(text string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.output.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("it did not say %q but:\n%s", text, p.output)
		}
	}
}

func (p *play) awaitExit() (status int) {
	p.t.Helper()
	select {
	case err := <-p.exit:
		var exited *exec.ExitError
		if errors.As(err, &exited) {
			return exited.ExitCode()
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return 0
	case <-time.After(45 * time.Second):
		p.t.Fatalf("it did not end:\n%s", p.output)
		return 0
	}
}

const plain = "backend: {listen: 'ADDRESS', database: {client: better-sqlite3, connection: ':memory:'}}\n"

func TestAPortalThatCannotStartSaysWhyAndEndsWithOne(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	for name, test := range map[string]struct {
		part, config string
		args         []string
		status       int
		want         []string
	}{
		"wiring and configuration at once": {
			part: "duplicate", config: plain + "app: {titel: x}\n", status: 1,
			want: []string{"the portal stopped:", "healthy: two plugins have this id: number 1 and number 2 in the list", `app-config.yaml:2:`, `app.titel`, `did you mean "title"?`},
		},
		"no configuration":   {status: 1, want: []string{"app-config.yaml"}},
		"unknown flag":       {config: plain, args: []string{"--port", "1"}, status: 2, want: []string{"flag provided but not defined: -port", "-config file"}},
		"argument":           {config: plain, args: []string{"serve"}, status: 2, want: []string{`takes flags only, not "serve"`}},
		"config is a folder": {config: plain, args: []string{"--config", "."}, status: 1, want: []string{"is a folder"}},
		"a check that finds faults": {
			part: "duplicate", config: plain + "app: {titel: x}\n", args: []string{"--check"}, status: 1,
			want: []string{"the portal would not start:", "healthy: two plugins have this id", `app.titel: unknown key; did you mean "title"?`},
		},
		"a check opens nothing": {
			part: "database", config: "backend: {listen: '" + busy.Addr().String() + "', startup: {default: {onPluginBootFailure: abort}}, database: {client: better-sqlite3, connection: {directory: /proc/nowhere}}}\nhealhty: {}\n",
			args: []string{"--check"}, status: 0,
			want: []string{"warning: app-config.yaml:2:1: healhty: nothing in this portal reads this section", "nothing is wrong with app-config.yaml and the list of 2 plugins"},
		},
		"a check knows what the stores refuse": {
			config: "backend: {database: {client: pg, connection: 'postgres://localhost', prefix: " + strings.Repeat("long_", 15) + "}}\n", args: []string{"--check"}, status: 1,
			want: []string{"longer than PostgreSQL's 63 bytes; shorten prefix"},
		},
		"a check knows who could reach it": {config: strings.ReplaceAll(plain, "ADDRESS", "0.0.0.0:0"), args: []string{"--check"}, status: 1, want: []string{"refuse to listen on 0.0.0.0:0"}},
		"port in use": {
			config: strings.ReplaceAll(plain, "ADDRESS", busy.Addr().String()), status: 1,
			want: []string{"listen on " + busy.Addr().String() + ": another program listens there"},
		},
		"everybody could reach a portal of guests": {
			config: strings.ReplaceAll(plain, "ADDRESS", "0.0.0.0:0"), status: 1,
			want: []string{"refuse to listen on 0.0.0.0:0", "backend.auth.dangerouslyDisableDefaultAuthPolicy"},
		},
		"a needed plugin does not start": {
			part: "database", config: "backend: {listen: 'ADDRESS', startup: {default: {onPluginBootFailure: abort}}, database: {client: better-sqlite3, connection: {directory: /proc/nowhere}}}\n", status: 1,
			want: []string{"plugin stored is degraded", "/proc/nowhere"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, test.part, test.config, test.args...)
			if status := p.awaitExit(); status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			for _, want := range test.want {
				if !strings.Contains(p.output.String(), want) {
					t.Errorf("it does not say %q but:\n%s", want, p.output)
				}
			}
		})
	}
}

func TestSignalsEndItCleanly(t *testing.T) {
	t.Parallel()
	t.Run("during start", func(t *testing.T) {
		t.Parallel()
		p := begin(t, "slow start", plain)
		p.awaitOutput("starting")
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if status := p.awaitExit(); status != 0 {
			t.Errorf("exit status %d\n%s", status, p.output)
		}
	})
	t.Run("during a request", func(t *testing.T) {
		t.Parallel()
		p := begin(t, "slow request", plain)
		p.awaitOutput("portal is ready")
		answer := make(chan string, 1)
		go func() {
			res, err := http.Get(p.url + "/api/slow/wait")
			if err != nil {
				answer <- err.Error()
				return
			}
			defer func() { _ = res.Body.Close() }()
			text := make([]byte, 100)
			n, _ := res.Body.Read(text)
			answer <- string(text[:n])
		}()
		p.awaitOutput("asked")
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if got := <-answer; got != "answered" {
			t.Errorf("the request under way got %q", got)
		}
		if status := p.awaitExit(); status != 0 {
			t.Errorf("exit status %d\n%s", status, p.output)
		}
		for _, want := range []string{`msg="portal stops"`, "msg=request method=GET path=/api/slow/wait status=200"} { // the last lines do not get lost
			if !strings.Contains(p.output.String(), want) {
				t.Errorf("it does not say %q but:\n%s", want, p.output)
			}
		}
	})
}

func TestADataFolderThatCannotBeWrittenStopsOnePluginOnly(t *testing.T) {
	t.Parallel()
	p := begin(t, "database", "backend: {listen: 'ADDRESS', database: {client: better-sqlite3, connection: {directory: /proc/nowhere}}}\n")
	p.awaitOutput("portal is ready")
	for path, want := range map[string]int{"/healthy": 200, "/stored": 503} {
		res, err := http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
	}
	p.awaitOutput("/proc/nowhere")
}

func TestTheLogLevelFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	const quiet = "backend: {listen: 'ADDRESS', logger: {level: error}, database: {client: better-sqlite3, connection: ':memory:'}}\n"
	p := begin(t, "", quiet)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if res, err := http.Get(p.url + "/healthy"); err == nil {
			_ = res.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not listen:\n%s", p.output)
		}
	}
	if text := p.output.String(); text != "" {
		t.Errorf("at level error it says:\n%s", text)
	}
	loud := strings.NewReplacer("ADDRESS", strings.TrimPrefix(p.url, "http://"), "error", "info").Replace(quiet)
	if err := os.WriteFile(filepath.Join(p.command.Dir, "app-config.yaml"), []byte(loud), 0o600); err != nil {
		t.Fatal(err)
	}
	p.awaitOutput("changed configuration applied")
}
