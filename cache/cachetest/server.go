package cachetest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a real server on a free port of the loopback interface, with its files in a temporary folder. It is stopped at the end of the test.
type Server struct {
	Addr string // host:port, the same after a restart

	t       testing.TB
	binary  string
	args    []string
	ready   func(conn net.Conn) error
	mu      sync.Mutex
	command *exec.Cmd
	output  bytes.Buffer
}

// Redis starts a redis-server with additional arguments, such as "--requirepass", "secret". Where the program is missing the test is skipped, or fails if PROSCENIUM_TEST_REQUIRE=1.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, "redis-server", "redis-server", func(host, port, dir string) []string {
		return append([]string{"--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"}, args...)
	}, func(conn net.Conn) error {
		return exchange(conn, "PING\r\n", "+PONG", "-NOAUTH") // the latter wants a password, and is up
	})
}

// Memcached starts a memcached with additional arguments, as [Redis] does.
func Memcached(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, "memcached", "memcached", func(host, port, _ string) []string {
		list := []string{"-l", host, "-p", port, "-U", "0"}
		if os.Geteuid() == 0 {
			list = append(list, "-u", "nobody") // it refuses to run as root
		}
		return append(list, args...)
	}, func(conn net.Conn) error { return exchange(conn, "version\r\n", "VERSION") })
}

func start(t testing.TB, binary, pkg string, args func(host, port, dir string) []string, ready func(net.Conn) error) *Server {
	t.Helper()
	path, err := exec.LookPath(binary)
	if err != nil {
		message := fmt.Sprintf("%s is not installed; on Debian: apt-get install %s", binary, pkg)
		if os.Getenv("PROSCENIUM_TEST_REQUIRE") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	dir := t.TempDir()
	for try := range 5 { // somebody else may take the port between our looking and the server's listening
		s := &Server{t: t, binary: path, ready: ready}
		s.Addr = freeAddr(t)
		host, port, _ := net.SplitHostPort(s.Addr)
		s.args = args(host, port, filepath.Clean(dir))
		if err = s.launch(); err == nil {
			t.Cleanup(s.Kill)
			return s
		}
		t.Logf("start %s, try %d: %v", binary, try+1, err)
	}
	t.Fatalf("start %s: %v", binary, err)
	return nil
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Start starts the server again after [Server.Kill], on the same port and without its data.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.launch(); err != nil {
		s.t.Fatalf("start %s again: %v", s.binary, err)
	}
}

func (s *Server) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output.Reset()
	s.command = exec.Command(s.binary, s.args...)
	s.command.Stdout, s.command.Stderr = &s.output, &s.output
	if err := s.command.Start(); err != nil {
		return err
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			err = s.ready(conn)
			_ = conn.Close()
			if err == nil {
				return nil
			}
		}
		if time.Now().After(deadline) {
			s.reap()
			return fmt.Errorf("%w; it said: %s", err, s.output.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Kill ends the server at once and waits for its end. It can be called again.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reap()
}

func (s *Server) reap() {
	if s.command != nil {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
		s.command = nil
	}
}

// Freeze stops the server's process as it is, connections open, until [Server.Thaw].
func (s *Server) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	deadline := time.Now().Add(5 * time.Second)
	for !s.stopped() && time.Now().Before(deadline) { // the signal arrives at each thread in its own time
		time.Sleep(time.Millisecond)
	}
}

// stopped reports whether all threads are. Where there is no /proc it cannot tell and says no.
func (s *Server) stopped() bool {
	states, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.command.Process.Pid))
	for _, name := range states {
		text, err := os.ReadFile(name)
		if _, state, _ := bytes.Cut(text, []byte(") ")); err != nil || !bytes.HasPrefix(state, []byte("T")) {
			return false
		}
	}
	return len(states) > 0
}

// Thaw lets the process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.command.Process.Signal(signal); err != nil {
		s.t.Fatalf("signal %s: %v", s.binary, err)
	}
}

// exchange sends a line and expects an answer that begins with one of want.
func exchange(conn net.Conn, line string, want ...string) error {
	if _, err := conn.Write([]byte(line)); err != nil {
		return err
	}
	buffer := make([]byte, 256)
	n, err := conn.Read(buffer)
	for _, w := range want {
		if bytes.HasPrefix(buffer[:n], []byte(w)) {
			return nil
		}
	}
	if err == nil {
		err = fmt.Errorf("unexpected answer %q", buffer[:n])
	}
	return err
}
