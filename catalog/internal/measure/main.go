// Command measure starts a portal with a generated catalog and prints how fast it starts, answers and processes, and how much it needs, on this machine. Run it from the repository's root, on a machine that does nothing else:
//
//	go run ./catalog/internal/measure -engine sqlite
//
// Beside each answer stands the limit: what a bare net/http server reaches on this machine that gives the same bytes to the same requests, under the same load, in the same run. Load comes from 16 connections, over which
// at least 1,000 different requests of a kind go in turn, while ten entities a second are written. It needs Linux, for the memory; and for -engine postgres an installed PostgreSQL, of which it starts a server of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

type settings struct {
	count, distinct, connections, rounds int
	engine                               string
	duration                             time.Duration
	only, portal                         string
	limit                                string // the address of a server that this process is to be the limit of; see limit.go
}

func main() {
	var s settings
	flag.IntVar(&s.count, "count", 10_000, "entities")
	flag.StringVar(&s.engine, "engine", "sqlite", "sqlite or postgres")
	flag.DurationVar(&s.duration, "duration", 500*time.Millisecond, "of each load")
	flag.IntVar(&s.rounds, "rounds", 7, "loads of a kind, in turn with those of the limit; the medians count")
	flag.IntVar(&s.distinct, "distinct", 1000, "different requests of a kind")
	flag.IntVar(&s.connections, "connections", 16, "connections that load")
	flag.StringVar(&s.only, "only", "", "the one kind of request to load with")
	flag.StringVar(&s.portal, "portal", "", "a program to measure, instead of the minimal example as it is built from here")
	flag.StringVar(&s.limit, "limit", "", "used by the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	if s.limit != "" {
		return serveLimit(s.limit)
	}
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if s.portal == "" {
		s.portal = filepath.Join(dir, "portal")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", s.portal, "./examples/minimal")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	c := company{count: s.count}
	if err := c.write(filepath.Join(dir, "catalog")); err != nil {
		return err
	}
	database := fmt.Sprintf("{client: better-sqlite3, connection: {directory: %s}}", filepath.Join(dir, "data"))
	if s.engine == "postgres" {
		server, err := startPostgres(dir)
		if err != nil {
			return err
		}
		defer server.stop()
		database = fmt.Sprintf("{client: pg, connection: {host: 127.0.0.1, port: %d, user: postgres}}", server.port)
	}
	p := newPortal(s.portal, dir, database, c)
	defer func() { p.stop() }()
	fmt.Printf("%s, %s/%s, %d CPUs; %s; %d entities; %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), s.engine, s.count, time.Now().Format(time.DateOnly))
	fmt.Println("| what | measured |\n| --- | --- |")
	took, err := p.start(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("| first start until all entities are visible and related | %.0f ms, %.1f s of CPU |\n", millis(took), p.cpu().Seconds())
	if _, err := p.idle(ctx); err != nil {
		return err
	}
	fmt.Printf("| resident memory then | %.0f MB (at most %.0f) |\n", p.memory("VmRSS"), p.memory("VmHWM"))
	loads, err := load(ctx, s, p)
	if err != nil {
		return err
	}
	fmt.Printf("| resident memory after the load | %.0f MB (at most %.0f) |\n", p.memory("VmRSS"), p.memory("VmHWM"))
	if err := again(ctx, p); err != nil {
		return err
	}
	fmt.Println("| requests | per second | limit | share | p50, p99 | p99 at half the load | CPU each, and of the limit | answer |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, l := range loads {
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %.1f, %.1f ms | %.1f ms | %.0f, %.0f µs | %.1f kB |\n", l.name, l.ours.rate, l.limit.rate, l.share, millis(l.ours.p50), millis(l.ours.p99), millis(l.half.p99), l.ours.cpu, l.limit.cpu, l.ours.size/1000)
	}
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// again measures a second start, and what it costs to find that nothing has changed.
func again(ctx context.Context, p *portal) error {
	p.stop()
	took, err := p.start(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("| second start until ready and complete | %.0f ms, %.1f s of CPU |\n", millis(took), p.cpu().Seconds())
	before, err := p.idle(ctx)
	if err != nil {
		return err
	}
	for _, again := range []struct {
		what, rules, integrations string
	}{
		{"looking at everything again after a change of the rules that changes nothing", "API, Component, Domain, Group, Location, Resource, System, Template, User, Robot", ""},
		{"processing everything again, unchanged", p.rules, "{github: [{host: github.example.com}]}"}, // whatever an entity says of such a host could mean something else
	} {
		p.rules, p.integrations = again.rules, again.integrations
		if err := p.configure(); err != nil {
			return err
		}
		after, err := p.idle(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.2f s of CPU |\n", again.what, (after - before).Seconds())
		before = after
	}
	fmt.Println()
	return nil
}

// loaded is how one kind of request was answered.
type loaded struct {
	kind
	ours, limit, half result
	share             float64 // of the limit: the median of the rounds, since the machine may be faster in some of them
}

// load runs every kind of load against the portal and its limit.
func load(ctx context.Context, s settings, p *portal) ([]loaded, error) {
	limit, err := startLimit(ctx, p.address)
	if err != nil {
		return nil, err
	}
	defer limit.stop()
	all, err := kinds(ctx, p, s.distinct)
	if err != nil {
		return nil, err
	}
	w := startWriter(ctx, p.address)
	defer func() { _ = w.stop() }()
	var loads []loaded
	for _, k := range all {
		if s.only != "" && s.only != k.name {
			continue
		}
		var sides [3][]result
		for range s.rounds {
			for side, server := range []*process{limit, &p.process, &p.process} {
				rate := 0.0
				if side == 2 {
					rate = sides[1][len(sides[1])-1].rate / 2
				}
				r, err := server.load(ctx, k.requests, s, rate)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", k.name, err)
				}
				sides[side] = append(sides[side], r)
			}
		}
		var shares []float64
		for i, ours := range sides[1] {
			shares = append(shares, ours.rate/sides[0][i].rate)
		}
		slices.Sort(shares)
		loads = append(loads, loaded{k, median(sides[1]), median(sides[0]), median(sides[2]), shares[len(shares)/2]})
	}
	return loads, w.stop()
}
