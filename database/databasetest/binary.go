package databasetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// RequireVariable is the environment variable that, set to 1, makes a missing program a failure instead of a reason to skip.
const RequireVariable = "PROSCENIUM_TEST_REQUIRE"

// Binary finds a program: by name on the PATH, or by a pattern of paths, of which the last in order is taken. When there is none it skips the test, or fails it when [RequireVariable] is 1, and says how to install it.
//
//	redis := databasetest.Binary(t, "apt-get install redis-server", "redis-server")
func Binary(t testing.TB, install string, candidates ...string) string {
	t.Helper()
	for _, c := range candidates {
		if found, err := exec.LookPath(c); err == nil {
			return found
		}
		if found, _ := filepath.Glob(c); len(found) > 0 {
			slices.Sort(found)
			return found[len(found)-1]
		}
	}
	Missing(t, candidates[0]+" is not installed; install it with: "+install)
	return ""
}

// Missing skips the test for want of something, or fails it when [RequireVariable] is 1.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(RequireVariable) == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// FreePort returns a TCP port on 127.0.0.1 that nobody listened on a moment ago. A server that finds it taken after all is started again on another.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
