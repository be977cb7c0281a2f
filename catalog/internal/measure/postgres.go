package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is a PostgreSQL server with its default settings.
type postgres struct {
	port    int
	alive   io.Closer
	process *exec.Cmd
}

// startPostgres makes and starts a server whose data is in a folder. It needs an unprivileged user if this one is root.
func startPostgres(dir string) (*postgres, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed: apt-get install postgresql")
	}
	bin := filepath.Dir(found[len(found)-1])
	folder := filepath.Join(dir, "postgres")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	var owner *syscall.SysProcAttr
	if os.Getuid() == 0 {
		id, err := exec.Command("id", "-u", "postgres").Output()
		if err != nil {
			return nil, fmt.Errorf("find the user postgres, who runs the server: %w", err)
		}
		uid, err := strconv.Atoi(strings.TrimSpace(string(id)))
		if err != nil {
			return nil, err
		}
		owner = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		if err := errors.Join(os.Chown(folder, uid, uid), os.Chmod(dir, 0o711)); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &postgres{port: listener.Addr().(*net.TCPAddr).Port}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	// The server ends with the shell's input, which ends with this program.
	const script = `"$0/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 >log && { "$0/postgres" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$PWD" >>log 2>&1 & server=$!; trap "" INT TERM; read -r end; kill -INT $server; wait $server; }`
	s.process = exec.Command("/bin/sh", "-c", script, bin, strconv.Itoa(s.port))
	s.process.Dir, s.process.SysProcAttr, s.process.Stderr = folder, owner, os.Stderr
	if s.alive, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		time.Sleep(100 * time.Millisecond)
		if text, _ := os.ReadFile(filepath.Join(folder, "log")); strings.Contains(string(text), "ready to accept connections") {
			return s, nil
		}
	}
	s.stop()
	return nil, errors.New("PostgreSQL does not start")
}

func (s *postgres) stop() {
	_ = s.alive.Close()
	_ = s.process.Wait()
}
