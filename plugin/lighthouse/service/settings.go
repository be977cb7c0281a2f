package lighthouseservice

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/database"
)

// databaseID names the service's database: the file of SQLite, without its ending.
const databaseID = "lighthouse-audit-service"

// settings are the operator's.
type settings struct {
	host, port     string
	cors           bool
	token          string
	database       database.Config
	data           string
	node, chromium string
	chromiumFlags  []string
	lighthouse     string
	concurrency    int
	timeout        time.Duration
	keep           int
	hosts          []string
	networks       []netip.Prefix
}

// setting is one of them: its flag, its variable, its default and what it means.
type setting struct {
	name, env, value, usage string
	set                     func(string) error
}

func (s *settings) list() []setting {
	text := func(to *string) func(string) error { return func(v string) error { *to = v; return nil } }
	words := func(to *[]string, separator string) func(string) error {
		return func(v string) error {
			*to = nil
			for _, word := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(separator, r) }) {
				*to = append(*to, strings.TrimSpace(word))
			}
			return nil
		}
	}
	return []setting{
		{"port", "LAS_PORT", "3003", "port to listen on", text(&s.port)},
		{"host", "LAS_HOST", "", "address to listen on; empty means all with a token, and 127.0.0.1 without one", text(&s.host)},
		{"cors", "LAS_CORS", "", "anything: pages of other sites may call the API", func(v string) error { s.cors = v != ""; return nil }},
		{"token-file", "LAS_TOKEN_FILE", "", "file with the token that callers must bear; or the token itself in LAS_TOKEN", func(v string) error {
			if v == "" {
				return nil
			}
			token, err := os.ReadFile(v)
			if err == nil && strings.TrimSpace(string(token)) == "" {
				err = fmt.Errorf("%s is empty", v)
			}
			s.token = strings.TrimSpace(string(token))
			return err
		}},
		{"data", "LAS_DATA", "data", "folder of the SQLite file, unless PGHOST or PGDATABASE names a PostgreSQL", text(&s.data)},
		{"concurrency", "LAS_CONCURRENCY", "2", "audits at a time; 0 answers requests only", func(v string) (err error) {
			if s.concurrency, err = strconv.Atoi(v); err == nil && (s.concurrency < 0 || s.concurrency > 64) {
				err = errors.New("it must be from 0 to 64")
			}
			return err
		}},
		{"timeout", "LAS_TIMEOUT", "5m", "of one audit", func(v string) (err error) {
			if s.timeout, err = time.ParseDuration(v); err == nil && s.timeout < time.Second {
				err = errors.New("it must be 1s or more")
			}
			return err
		}},
		{"keep", "LAS_KEEP", "100", "completed audits to keep of each website, and as many failed ones; 0 keeps all", func(v string) (err error) {
			if s.keep, err = strconv.Atoi(v); err == nil && s.keep < 0 {
				err = errors.New("it must not be below 0")
			}
			return err
		}},
		{"allow-hosts", "LAS_ALLOW_HOSTS", "", "hosts that may be audited, with commas between: example.com,*.example.org; empty means all", words(&s.hosts, ", ")},
		{"allow-networks", "LAS_ALLOW_NETWORKS", "", "private networks that may be reached, with commas between: 10.1.0.0/16,127.0.0.0/8", func(v string) error {
			var networks []string
			_ = words(&networks, ", ")(v)
			s.networks = nil
			for _, text := range networks {
				network, err := netip.ParsePrefix(text)
				if err != nil {
					return fmt.Errorf("%q is no network, such as 10.1.0.0/16", text)
				}
				s.networks = append(s.networks, network.Masked())
			}
			return nil
		}},
		{"chromium", "LAS_CHROMIUM", "", "browser; empty means CHROME_PATH, or the first of chromium, google-chrome on the PATH", text(&s.chromium)},
		{"chromium-flags", "LAS_CHROMIUM_FLAGS", "", "further flags for the browser, with blanks between", words(&s.chromiumFlags, " ")},
		{"node", "LAS_NODE", "", "Node.js; empty means node on the PATH", text(&s.node)},
		{"lighthouse", "LAS_LIGHTHOUSE", "", "npm's package lighthouse, or a folder whose node_modules has it; empty means where lighthouse on the PATH leads", text(&s.lighthouse)},
	}
}

// readSettings reads flags, which win over the environment, which wins over the defaults. Its error joins everything that is wrong.
func readSettings(args []string, environ func(string) (string, bool), out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("lighthouse-audit-service", flag.ContinueOnError)
	flags.SetOutput(out)
	list := s.list()
	given := map[string]*string{}
	for _, one := range list {
		given[one.name] = flags.String(one.name, one.value, one.usage+" ("+one.env+")")
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%q is no setting; see -help", flags.Arg(0))
	}
	onLine := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { onLine[f.Name] = true })
	s.token, _ = environ("LAS_TOKEN")
	var faults []error
	var err error
	for _, one := range list {
		name, value := one.env, one.value
		if fromEnv, ok := environ(one.env); ok && (fromEnv != "" || one.value == "") {
			value = fromEnv
		}
		if onLine[one.name] {
			name, value = "-"+one.name, *given[one.name]
		}
		if err := one.set(value); err != nil {
			faults = append(faults, fmt.Errorf("%s %q: %w", name, value, err))
		}
	}
	if s.host == "" && s.token == "" {
		s.host = "127.0.0.1"
	}
	if s.chromium == "" {
		s.chromium, _ = environ("CHROME_PATH")
	}
	if s.database, err = postgres(environ); err != nil {
		faults = append(faults, err)
	}
	return s, errors.Join(faults...)
}

// postgres returns the configuration of the database that PostgreSQL's own variables name; without PGHOST and PGDATABASE it is SQLite's.
func postgres(environ func(string) (string, bool)) (database.Config, error) {
	value := func(name string) string { v, _ := environ(name); return v }
	if value("PGHOST") == "" && value("PGDATABASE") == "" {
		return database.Config{}, nil
	}
	c := database.Connection{Host: value("PGHOST"), User: value("PGUSER"), Database: value("PGDATABASE"), ApplicationName: databaseID}
	if err := c.Password.UnmarshalText([]byte(value("PGPASSWORD"))); err != nil {
		return database.Config{}, fmt.Errorf("PGPASSWORD: %w", err)
	}
	if port := value("PGPORT"); port != "" {
		if err := c.Port.UnmarshalText([]byte(port)); err != nil {
			return database.Config{}, fmt.Errorf("PGPORT: %w", err)
		}
	}
	if c.Database == "" {
		c.Database = c.User
	}
	return database.Config{Client: "pg", Plugin: map[string]database.PluginConfig{databaseID: {Connection: c}}}, nil
}

// findPrograms finds what runs audits.
func (s *settings) findPrograms() error {
	find := func(to *string, variable string, names ...string) error {
		if *to != "" {
			names = []string{*to}
		}
		for _, name := range names {
			if found, err := exec.LookPath(name); err == nil {
				*to = found
				return nil
			}
		}
		return fmt.Errorf("find %s: there is no such program; install it, or set %s", strings.Join(names, " or "), variable)
	}
	return errors.Join(find(&s.node, "LAS_NODE", "node", "nodejs"), find(&s.chromium, "LAS_CHROMIUM", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
}
