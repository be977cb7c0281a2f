package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy"
)

// The benchmarks run target and proxy as processes of their own, as nginx is one, by starting the test binary again in a role.
const roleVariable = "PROSCENIUM_TEST_ROLE"

func TestMain(m *testing.M) {
	if !playRole() {
		os.Exit(m.Run())
	}
}

// playRole runs a role until standard input ends; false when there is none to play.
func playRole() bool {
	role, argument, _ := strings.Cut(os.Getenv(roleVariable), " ")
	if role == "" {
		return false
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Println(l.Addr())
		if role == "target" {
			server := &http.Server{Handler: benchTarget(), ReadHeaderTimeout: 10 * time.Second}
			context.AfterFunc(ctx, func() { _ = server.Close() })
			_ = server.Serve(l)
		} else {
			err = runPortal(ctx, l, argument)
		}
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	return true
}

// runPortal runs a portal with the proxy in front of a target.
func runPortal(ctx context.Context, l net.Listener, target string) error {
	dir, err := os.MkdirTemp("", "proxy-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "app-config.yaml")
	text := fmt.Sprintf("backend: {listen: '127.0.0.1:0', database: {client: better-sqlite3, connection: ':memory:'}}\nproxy: {endpoints: {/t: '%s'}}\n", target)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	memory := pluginapi.Plugin{ID: "memory", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("get", pluginapi.Route{Pattern: "GET /"}, pluginapi.RouteFunc(answerMemory)),
	}}
	portal, err := core.New(core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.DiscardHandler)}, proxy.Plugin(), memory)
	if err != nil {
		return err
	}
	return portal.Serve(ctx, l)
}

// answerMemory tells what the process uses: heap and stacks, and what is resident, in bytes.
func answerMemory(w http.ResponseWriter, _ *http.Request) error {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_, err := fmt.Fprint(w, m.HeapInuse+m.StackInuse, " ", resident())
	return err
}

func benchTarget() http.Handler {
	mux := http.NewServeMux()
	for path, size := range map[string]int{"/1KB": 1 << 10, "/1MB": 1 << 20} {
		body, length := bytes.Repeat([]byte("x"), size), strconv.Itoa(size)
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", length)
			_, _ = w.Write(body)
		})
	}
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	return mux
}

// resident is the memory of this process, in bytes; 0 where it is not known.
func resident() int {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

// start runs a role and returns its address.
func start(b testing.TB, role string) string {
	b.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), roleVariable+"="+role)
	c.Stderr = os.Stderr
	stdin, err1 := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = c.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// startNginx starts nginx in front of a target, or skips.
func startNginx(b *testing.B, target string) string {
	b.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path = "/usr/sbin/nginx"; !executable(path) {
			b.Skip("nginx is not installed; on Debian: apt-get install nginx")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	dir := b.TempDir()
	config := fmt.Sprintf(`daemon off; worker_processes auto; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 4096; }
http {
	access_log off; keepalive_requests 100000000;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream target { server %[2]s; keepalive 256; keepalive_requests 100000000; }
	server { listen %[3]s; location /api/proxy/t/ { proxy_pass http://target/; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`, dir, target, address)
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	c := exec.Command(path, "-e", filepath.Join(dir, "error.log"), "-c", name)
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	awaitListener(b, address)
	return address
}

func awaitListener(b *testing.B, address string) {
	b.Helper()
	for range 500 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatalf("nothing listens at %s", address)
}

// startPortal starts a portal and waits until its plugins run.
func startPortal(b *testing.B, target string) string {
	b.Helper()
	address := start(b, "portal http://"+target)
	for range 500 {
		res, err := http.Get("http://" + address + "/api/proxy/t/1KB")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return address
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("the portal's proxy does not run")
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// BenchmarkGet compares the proxy with the target itself and with nginx, in requests per second with a number of connections. The three take turns, since a machine is not the same from one minute to the next.
func BenchmarkGet(b *testing.B) {
	target := start(b, "target")
	ours := startPortal(b, target)
	for _, size := range []string{"1KB", "1MB"} {
		for _, connections := range []int{16, 64} {
			b.Run(fmt.Sprintf("%s/%d", size, connections), func(b *testing.B) {
				nginx := startNginx(b, target)
				places := []struct{ name, address, path string }{
					{"direct", target, "/" + size}, {"proxy", ours, "/api/proxy/t/" + size}, {"nginx", nginx, "/api/proxy/t/" + size},
				}
				took := make([]time.Duration, len(places))
				count := 0
				for b.Loop() {
					const requests = 4000
					n := requests
					if size == "1MB" {
						n /= 16
					}
					for i, place := range places {
						took[i] += load(b, place.address, place.path, connections, n)
					}
					count += n
				}
				b.ReportMetric(0, "ns/op")
				for i, place := range places {
					b.ReportMetric(float64(count)/took[i].Seconds(), place.name+"/s")
				}
				b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "of-direct")
				b.ReportMetric(took[2].Seconds()/took[1].Seconds(), "of-nginx")
			})
		}
	}
}

// load sends requests over a number of connections, as cheaply as it can, and returns how long that took.
func load(b *testing.B, address, path string, connections, requests int) time.Duration {
	b.Helper()
	message := []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
	var left atomic.Int64
	left.Store(int64(requests))
	conns := make([]net.Conn, connections)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = conn
	}
	start := time.Now()
	var wg sync.WaitGroup
	for _, conn := range conns {
		wg.Go(func() {
			defer func() { _ = conn.Close() }()
			buffer := make([]byte, 64<<10)
			for left.Add(-1) >= 0 {
				if err := roundTrip(conn, message, buffer); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func roundTrip(conn net.Conn, message, buffer []byte) error {
	if _, err := conn.Write(message); err != nil {
		return err
	}
	filled, end := 0, -1
	for end < 0 {
		n, err := conn.Read(buffer[filled:])
		if err != nil {
			return err
		}
		filled += n
		end = bytes.Index(buffer[:filled], []byte("\r\n\r\n"))
	}
	header := string(buffer[:end])
	_, rest, found := strings.Cut(header, "Content-Length: ")
	text, _, _ := strings.Cut(rest, "\r\n")
	length, err := strconv.Atoi(text)
	if !found || err != nil || !strings.HasPrefix(header, "HTTP/1.1 200") {
		return fmt.Errorf("unexpected answer: %q", header)
	}
	for got := filled - end - 4; got < length; {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		got += n
	}
	return nil
}

// BenchmarkEventStreams opens 1,000 event streams through the proxy and tells what memory each takes there.
func BenchmarkEventStreams(b *testing.B) {
	const streams = 1000
	target := start(b, "target")
	ours := startPortal(b, target)
	memory := func() (heap, rss float64) {
		res, err := http.Get("http://" + ours + "/api/memory")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if _, err := fmt.Fscan(res.Body, &heap, &rss); err != nil {
			b.Fatal(err)
		}
		return heap, rss
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for b.Loop() {
		heap, rss := memory()
		var open []io.Closer
		for range streams {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ours+"/api/proxy/t/events", nil)
			if err != nil {
				b.Fatal(err)
			}
			res, err := (&http.Transport{}).RoundTrip(r)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := res.Body.Read(make([]byte, 64)); err != nil {
				b.Fatal(err)
			}
			open = append(open, res.Body)
		}
		heapAfter, rssAfter := memory()
		b.ReportMetric((heapAfter-heap)/streams/1024, "heap-KB/stream")
		b.ReportMetric((rssAfter-rss)/streams/1024, "resident-KB/stream")
		for _, stream := range open {
			_ = stream.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}
