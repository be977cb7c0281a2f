// Command measure builds the minimal example and prints how fast it starts and answers and how much it needs, on this machine: the table in CONTRIBUTING.md.
// Run it from the repository's root, on a machine that does nothing else. It needs Linux, for the memory.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The page that is loaded, and the number of entities that the example's catalog has at least.
const (
	page     = "/catalog/default/component/"
	entities = 40
	rounds   = 5
	rate     = 500
	period   = 10 * time.Second
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "minimal")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./examples/minimal")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	var first, second []time.Duration
	var memory, p99s []float64
	for i := range rounds {
		data := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(data, 0o700); err != nil {
			return err
		}
		p, took, err := start(ctx, binary, data)
		if err != nil {
			return err
		}
		first = append(first, took)
		if err := p.stop(); err != nil {
			return err
		}
		if p, took, err = start(ctx, binary, data); err != nil {
			return err
		}
		second = append(second, took)
		time.Sleep(2 * time.Second) // idle
		mib, err := p.memory()
		if err != nil {
			return err
		}
		memory = append(memory, mib)
		if i >= rounds-3 {
			p99, err := p.load(ctx)
			if err != nil {
				return err
			}
			p99s = append(p99s, float64(p99.Microseconds())/1000)
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %s/%s, %d CPUs; medians (least to greatest) of %d rounds, of 3 for the load\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds)
	fmt.Println("| what | measured |\n| --- | --- |")
	fmt.Printf("| start to ready with all entities listed, first start | %s ms |\n", spread(millis(first), "%.0f"))
	fmt.Printf("| the same, second start | %s ms |\n", spread(millis(second), "%.0f"))
	fmt.Printf("| resident memory, idle | %s MiB |\n", spread(memory, "%.1f"))
	fmt.Printf("| GET of an entity's page at %d requests/s for %s, p99 | %s ms |\n", rate, period, spread(p99s, "%.1f"))
	fmt.Printf("| binary, stripped | %.1f MiB |\n", float64(info.Size())/(1<<20))
	return nil
}

func millis(all []time.Duration) []float64 {
	out := make([]float64, len(all))
	for i, d := range all {
		out[i] = float64(d.Microseconds()) / 1000
	}
	return out
}

func spread(all []float64, format string) string {
	slices.Sort(all)
	return fmt.Sprintf(format+" ("+format+" to "+format+")", all[len(all)/2], all[0], all[len(all)-1])
}

// process is a portal under measurement.
type process struct {
	command *exec.Cmd
	url     string
	page    string
	log     *os.File
}

// start runs the portal until it is ready and lists its entities.
func start(ctx context.Context, binary, data string) (*process, time.Duration, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, 0, err
	}
	log, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return nil, 0, err
	}
	command := exec.CommandContext(ctx, binary)
	command.Dir = data
	command.Env = append(os.Environ(), `APP_CONFIG_backend_listen="`+address+`"`)
	command.Stdout, command.Stderr = log, log
	p := &process{command: command, url: "http://" + address, log: log}
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, 0, err
	}
	for ctx.Err() == nil {
		if p.ready() {
			return p, time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	return nil, 0, fmt.Errorf("the portal did not become ready: %w\n%s", ctx.Err(), text)
}

func (p *process) ready() bool {
	res, err := http.Get(p.url + "/.backstage/health/v1/readiness")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return false
	}
	res, err = http.Get(p.url + "/api/catalog/entities")
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	var all []struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if json.NewDecoder(res.Body).Decode(&all) != nil || len(all) < entities {
		return false
	}
	for _, entity := range all {
		if entity.Kind == "Component" {
			p.page = page + entity.Metadata.Name
			break
		}
	}
	return true
}

func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return p.log.Close()
}

// memory is the resident memory in MiB.
func (p *process) memory() (float64, error) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	defer func() { _ = status.Close() }()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// load asks for the page at a fixed rate, whether or not earlier answers have come, and returns the 99th percentile of the time from when a request was due.
func (p *process) load(ctx context.Context) (time.Duration, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	total := int(rate * period.Seconds())
	took := make([]time.Duration, total)
	failed := make(chan error, total)
	var wait sync.WaitGroup
	began := time.Now()
	for i := range total {
		due := began.Add(time.Duration(i) * time.Second / rate)
		time.Sleep(time.Until(due))
		wait.Go(func() {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+p.page, nil)
			if err != nil {
				failed <- err
				return
			}
			res, err := client.Do(request)
			if err != nil {
				failed <- err
				return
			}
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if err == nil && res.StatusCode != http.StatusOK {
				err = fmt.Errorf("%s: status %d", p.page, res.StatusCode)
			}
			if err != nil {
				failed <- err
			}
			took[i] = time.Since(due)
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	slices.Sort(took)
	return took[total*99/100], nil
}
