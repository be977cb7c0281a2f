package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement.
type process struct {
	command *exec.Cmd
	address string
}

func (p *process) stop() {
	if p.command != nil && p.command.Process != nil {
		_ = p.command.Process.Signal(syscall.SIGTERM)
		_ = p.command.Wait() // its status says nothing that matters here
	}
	p.command = nil
}

// cpu is the processor time used so far.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	const ticks = 100 // a second, on every Linux
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks
}

// memory is VmRSS, what is resident, or VmHWM, the most that was, in MB.
func (p *process) memory(name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024 / 1e6
		}
	}
	return 0
}

// idle waits until the process does nothing for a second and a half, and returns the processor time used until then.
func (p *process) idle(ctx context.Context) (time.Duration, error) {
	const step, quiet = 250 * time.Millisecond, 6
	before := p.cpu()
	for still := 0; still < quiet; still++ {
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		now := p.cpu()
		if now-before > 10*time.Millisecond {
			still = 0
		}
		before = now
	}
	return before, nil
}

// ask gets JSON.
func (p *process) ask(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", path, res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// portal is the minimal example with a generated catalog.
type portal struct {
	process
	company               company
	binary, dir, database string         // database is the YAML below backend.database
	rules                 string         // kinds that the catalog allows
	integrations          string         // hosts, as YAML
	expected              map[string]int // entities by filter
}

func newPortal(binary, dir, database string, c company) *portal {
	components := len(c.of("Component"))
	return &portal{
		binary: binary, dir: dir, database: database, company: c,
		rules: "Component, API, Resource, System, Domain, Group, User, Location, Template",
		expected: map[string]int{
			"kind=component": components, "kind=component,relations.ownedBy": components, "kind=component,relations.partOf": components,
			"kind=api,relations.partOf": len(c.of("API")), "kind=resource,relations.partOf": len(c.of("Resource")), "kind=system,relations.ownedBy": len(c.of("System")),
			"kind=user,relations.memberOf": len(c.of("User")), "kind=group,relations.ownerOf": c.owning("Group"), "kind=system,relations.hasPart": c.owning("System"),
		},
	}
}

func (p *portal) configure() error {
	text := fmt.Sprintf("backend:\n  listen: %s\n  database:\n    %s\nintegrations: %s\ncatalog:\n  processingInterval: 1h\n  rules: [{allow: [%s]}]\n  locations: [{type: file, target: %s}]\n",
		p.address, p.database, cmp.Or(p.integrations, "{}"), p.rules, filepath.Join(p.dir, "catalog", "catalog-info.yaml"))
	return os.WriteFile(filepath.Join(p.dir, "app-config.yaml"), []byte(text), 0o644)
}

// start starts the portal, and returns how long it took until it is ready, and all entities are listed with their relations.
func (p *portal) start(ctx context.Context) (time.Duration, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	p.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return 0, err
	}
	if err := p.configure(); err != nil {
		return 0, err
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = log.Close() }()
	p.command = exec.Command(p.binary, "--config", "app-config.yaml")
	p.command.Dir, p.command.Stdout, p.command.Stderr = p.dir, log, log
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !p.complete(ctx) {
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name())
			return 0, fmt.Errorf("the portal does not list everything: %w\n%s", ctx.Err(), text)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began), nil
}

// complete reports whether every entity is there, and everybody who owns or has something knows.
func (p *portal) complete(ctx context.Context) bool {
	res, err := http.Get("http://" + p.address + "/.backstage/health/v1/readiness")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false
	}
	for filter, want := range p.expected {
		var page struct{ TotalItems int }
		if p.ask(ctx, api+"/entities/by-query?limit=0&filter="+filter, &page) != nil || page.TotalItems < want {
			return false
		}
	}
	return true
}
