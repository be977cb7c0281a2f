package databasetest

import (
	"context"
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
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/proscenium-dev/proscenium/database"
)

// Server is a PostgreSQL server on a loopback port, with its data in a temporary folder. Everybody may log in without a password, unless its settings say otherwise.
type Server struct {
	Port int
	User string // may do everything

	bin      string
	folder   string
	settings []string
	owner    *syscall.Credential // whom it runs as; nil is the test's own user
	process  *exec.Cmd
	alive    io.WriteCloser // the server stops when this is closed, or when the test's process ends
}

// shared is the server that all tests of a binary use. It is made once and never replaced; the operating system ends it with the test's process.
var shared = sync.OnceValues(func() (*Server, error) { return newServer("fsync=off", "max_connections=200") })

// Postgres returns the test binary's PostgreSQL server. Tests share it, so they work in databases of their own; see [Server.Database].
func Postgres(t testing.TB) *Server {
	t.Helper()
	serverBinary(t)
	s, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return s
}

// StartPostgres returns a server of the test's own, with settings such as "max_connections=10". It ends with the test.
func StartPostgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	serverBinary(t)
	s, err := newServer(settings...)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

func serverBinary(t testing.TB) string {
	t.Helper()
	// Debian keeps the server's programs off the PATH.
	return Binary(t, "apt-get install postgresql", "/usr/lib/postgresql/*/bin/postgres", "postgres")
}

func newServer(settings ...string) (*Server, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		path, err := exec.LookPath("postgres")
		if err != nil {
			return nil, err
		}
		found = []string{path}
	}
	s := &Server{User: "postgres", bin: filepath.Dir(found[len(found)-1]), settings: settings}
	var err error
	if s.folder, err = os.MkdirTemp("", "proscenium-postgres-"); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		// The server refuses to run as root.
		if s.owner, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(s.folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := s.command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", s.User, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.Start()
}

// unprivileged returns the user that Debian's package makes for the server, or the one that owns nothing.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		out, err := exec.Command("id", "-u", name).Output()
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}, nil
	}
	return nil, errors.New("find a user to run PostgreSQL as: there is neither postgres nor nobody")
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = s.folder
	if s.owner != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	}
	return c
}

// Start starts the server, on the port it had before if it ran before, and returns when it answers.
func (s *Server) Start() error {
	var err error
	for range 5 {
		if err = s.start(); err == nil {
			return nil
		}
	}
	return err
}

func (s *Server) start() error {
	port := s.Port
	if port == 0 {
		l, err := listenLoopback()
		if err != nil {
			return err
		}
		port = l
	}
	// The shell waits for the end of its input, which is the end of this process at the latest, and then ends the server. So no server outlives its tests, however they end.
	const script = `"$@" & server=$!; trap "" INT TERM HUP; read -r word; [ "$word" = immediate ] && kill -QUIT $server || kill -INT $server; wait $server; [ "$word" ] || rm -rf "$FOLDER"`
	args := []string{"-c", script, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + s.folder, "-c", "logging_collector=off"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	c := s.command("/bin/sh", args...)
	c.Env = append(os.Environ(), "FOLDER="+s.folder)
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if s.alive, err = c.StdinPipe(); err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	s.process, s.Port = c, port
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if err = s.Exec(context.Background(), "postgres", "select 1"); err == nil {
			return nil
		}
		if text, _ := os.ReadFile(filepath.Join(s.folder, "log")); strings.Contains(string(text), "could not bind") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	s.end("immediate")
	s.Port = 0
	return fmt.Errorf("the server does not answer: %w\n%s", err, text)
}

// Stop ends the server's sessions, shuts it down, and removes its data.
func (s *Server) Stop() { s.end("") }

// Halt ends the server and keeps its data, so that Start can be called again. Fast ends sessions in an orderly way; otherwise it is as if the machine lost power.
func (s *Server) Halt(fast bool) {
	word := "immediate"
	if fast {
		word = "fast"
	}
	s.end(word)
}

func (s *Server) end(word string) {
	if s.process == nil {
		return
	}
	if word != "" {
		_, _ = io.WriteString(s.alive, word+"\n")
	}
	_ = s.alive.Close()
	_ = s.process.Wait() // the shell's status says nothing
	s.process = nil
}

// Signal sends a signal to the server's main process: SIGSTOP and SIGCONT freeze new connections and let them go on.
func (s *Server) Signal(sig syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}

// Connection returns how to reach a database of the server as its all-powerful user.
func (s *Server) Connection(name string) database.Connection {
	return database.Connection{Host: "127.0.0.1", Port: database.Port(s.Port), User: s.User, Database: name, SSL: database.SSL{Mode: "false"}}
}

// URL is Connection as a text.
func (s *Server) URL(name string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", s.User, s.Port, name)
}

// Exec runs statements in a database, as the server's all-powerful user, on a connection of its own.
func (s *Server) Exec(ctx context.Context, name string, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(name))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, text := range statements {
		if _, err := c.Exec(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// Query returns the first column of what a query finds in a database, as text.
func (s *Server) Query(t testing.TB, name, query string, args ...any) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Database makes a database that is dropped at the end of the test, and returns its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := uniqueName()
	if err := s.Exec(t.Context(), "postgres", "create database "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() { s.drop(t, name) })
	return name
}

// drop removes databases, and the roles whose names begin with theirs.
func (s *Server) drop(t testing.TB, name string) {
	t.Helper()
	if err := s.Exec(context.Background(), "postgres", "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)"); err != nil {
		t.Errorf("drop the database: %v", err)
		return
	}
	err := s.Exec(context.Background(), "postgres", fmt.Sprintf(`do $$ declare r text; begin for r in select quote_ident(rolname) from pg_roles where starts_with(rolname, '%s_') loop execute 'drop role ' || r; end loop; end $$`, name))
	if err != nil {
		t.Errorf("drop the roles: %v", err)
	}
}

// RequirePassword gives the all-powerful user a password, and from now on the server asks for it.
func (s *Server) RequirePassword(password string) error {
	err := s.Exec(context.Background(), "postgres", "alter role postgres password '"+strings.ReplaceAll(password, "'", "''")+"'")
	if err != nil {
		return err
	}
	return s.configure("host all all 127.0.0.1/32 scram-sha-256\n", nil)
}

// ServeTLS makes the server offer encryption with a certificate, and ask clients for theirs, signed by an authority. All are PEM texts.
func (s *Server) ServeTLS(cert, key, authority string) error {
	return s.configure("host all all 127.0.0.1/32 trust\n", map[string]string{"server.crt": cert, "server.key": key, "root.crt": authority},
		"alter system set ssl_ca_file = 'root.crt'", "alter system set ssl = on")
}

// configure replaces pg_hba.conf, adds files, and has the server read them.
func (s *Server) configure(access string, files map[string]string, statements ...string) error {
	write := func(name, text string) error {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if s.owner == nil {
			return nil
		}
		return os.Chown(path, int(s.owner.Uid), int(s.owner.Gid))
	}
	for name, text := range files {
		if err := write(name, text); err != nil {
			return err
		}
	}
	if err := s.Exec(context.Background(), "postgres", statements...); err != nil {
		return err
	}
	if err := write("pg_hba.conf", access); err != nil {
		return err
	}
	return s.Exec(context.Background(), "postgres", "select pg_reload_conf()")
}
