package lighthouseservice

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, env map[string]string, args ...string) (settings, error) {
	t.Helper()
	return readSettings(args, func(name string) (string, bool) { v, ok := env[name]; return v, ok }, io.Discard)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, err := read(t, nil)
	if err != nil || s.port != "3003" || s.host != "127.0.0.1" || s.concurrency != 2 || s.keep != 100 || s.timeout != 5*time.Minute || s.cors || s.database.Client != "" || s.data != "data" {
		t.Errorf("defaults: %+v, %v", s, err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = read(t, map[string]string{
		"LAS_PORT": "4000", "LAS_CORS": "yes", "LAS_TOKEN_FILE": token, "LAS_CONCURRENCY": "4", "LAS_ALLOW_HOSTS": "a.example, *.b.example", "LAS_ALLOW_NETWORKS": "10.1.2.3/16,::1/128",
		"PGHOST": "db", "PGUSER": "las", "PGPASSWORD": "p", "PGPORT": "5433", "CHROME_PATH": "/opt/chrome", "LAS_CHROMIUM_FLAGS": "--a --b",
	}, "-concurrency", "7")
	if err != nil || s.port != "4000" || !s.cors || s.token != "t0ken" || s.host != "" || s.concurrency != 7 || s.chromium != "/opt/chrome" || len(s.chromiumFlags) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if strings.Join(s.hosts, "|") != "a.example|*.b.example" || len(s.networks) != 2 || s.networks[0].String() != "10.1.0.0/16" {
		t.Errorf("hosts %v, networks %v", s.hosts, s.networks)
	}
	if c := s.database.Plugin[databaseID].Connection; s.database.Client != "pg" || c.Host != "db" || c.Database != "las" || c.Port != 5433 || c.Password.Reveal() != "p" {
		t.Errorf("database %+v", s.database)
	}
	if err := s.database.Validate(); err != nil {
		t.Error(err)
	}
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"LAS_CONCURRENCY": "many", "LAS_TIMEOUT": "5", "LAS_KEEP": "-1", "LAS_ALLOW_NETWORKS": "10.0.0.1", "LAS_TOKEN_FILE": "/none", "PGPORT": "x",
	} {
		env := map[string]string{name: value, "PGHOST": "db"}
		if _, err := read(t, env); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	if _, err := read(t, nil, "serve"); err == nil {
		t.Error("an argument that means nothing was taken")
	}
	_, err := read(t, map[string]string{"LAS_KEEP": "x", "LAS_TIMEOUT": "x"})
	if err == nil || !strings.Contains(err.Error(), "LAS_KEEP") || !strings.Contains(err.Error(), "LAS_TIMEOUT") {
		t.Errorf("not all faults are told: %v", err)
	}
}

// TestREADMENamesAllSettings keeps the table of the README complete.
func TestREADMENamesAllSettings(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range new(settings).list() {
		if !strings.Contains(string(readme), "`"+setting.env+"`") {
			t.Errorf("README.md does not name %s", setting.env)
		}
	}
}
