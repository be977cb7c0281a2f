package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// remote is a store in another process, for tests of what happens when that one fails.
type remote struct {
	name  string
	start func(t testing.TB) *cachetest.Server
	// config makes the section for a server at an address.
	config func(addr string) cache.Config
}

func remotes() []remote {
	redis := func(t testing.TB) *cachetest.Server { return cachetest.Redis(t) }
	return []remote{
		{"redis", redis, func(addr string) cache.Config {
			return cache.Config{Store: "redis", Connection: connection("redis://" + addr)}
		}},
		{"redis with sets", redis, func(addr string) cache.Config {
			return cache.Config{Store: "redis", Connection: connection("redis://" + addr), UseRedisSets: true}
		}},
		{"memcache", func(t testing.TB) *cachetest.Server { return cachetest.Memcached(t) }, func(addr string) cache.Config {
			return cache.Config{Store: "memcache", Connection: connection(addr)}
		}},
	}
}

func eachRemote(t *testing.T, test func(t *testing.T, r remote)) {
	t.Parallel()
	for _, r := range remotes() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

// eventually waits for something that has no other sign than that it is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// works waits until the cache keeps what it is given.
func works(t *testing.T, c pluginapi.Cache) {
	t.Helper()
	var n int
	eventually(t, "the cache keeps a value", func() bool {
		n++
		value := fmt.Sprint("value", n)
		_ = c.Set(t.Context(), "works", []byte(value), time.Minute)
		got, ok := c.Get(t.Context(), "works")
		return ok && string(got) == value
	})
}

// misses calls everything often enough to open the breaker, and checks that callers see misses and not errors where they should not. What it costs is bounded by the test's own deadline: calls that
// hang would hang the test.
func misses(t *testing.T, c pluginapi.Cache) {
	t.Helper()
	for i := range 30 {
		if got, ok := c.Get(t.Context(), "works"); ok {
			t.Fatalf("Get with the store gone = %q", got)
		}
		if err := c.Set(t.Context(), "k", []byte("value"), 0); err != nil {
			t.Fatalf("Set with the store gone = %v, want nothing", err)
		}
		if err := c.Delete(t.Context(), "gone"); err == nil {
			t.Fatal("Delete with the store gone is no error, but the value may still be there")
		}
		got, err := c.Load(t.Context(), "loaded", 0, func(context.Context) ([]byte, error) { return fmt.Append(nil, i), nil })
		if err != nil || string(got) != fmt.Sprint(i) {
			t.Fatalf("Load with the store gone = %q, %v; want what fill made", got, err)
		}
	}
	if err := c.Clear(t.Context()); err == nil {
		t.Fatal("Clear with the store gone is no error")
	}
}

func TestStoreDownAtStart(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		server := r.start(t)
		server.Kill()
		log := new(logs)
		c := open(t, cache.Options{Config: r.config(server.Addr), Logger: log.logger()}).For("a")
		misses(t, c)
		if got := log.count("cache store is unavailable"); got != 1 {
			t.Errorf("the log says %d times that the store is gone, want once:\n%s", got, log)
		}
		server.Start()
		works(t, c)
		if got := log.count("cache store is back"); got != 1 {
			t.Errorf("the log says %d times that the store is back, want once:\n%s", got, log)
		}
	})
}

func TestStoreKilled(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		server := r.start(t)
		c := open(t, cache.Options{Config: r.config(server.Addr)}).For("a")
		works(t, c)
		server.Kill()
		misses(t, c)
		server.Start()
		works(t, c)
	})
}

func TestStoreFrozen(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		server := r.start(t)
		c := open(t, cache.Options{Config: r.config(server.Addr)}).For("a")
		works(t, c)
		server.Freeze()
		misses(t, c)
		server.Thaw()
		works(t, c)
	})
}

func TestStoreFrozenUnderLoad(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		server := r.start(t)
		c := open(t, cache.Options{Config: r.config(server.Addr)}).For("a")
		works(t, c)
		var wg sync.WaitGroup
		var loaded atomic.Int64
		stop := make(chan struct{})
		for worker := range 50 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := c.Load(t.Context(), fmt.Sprint(worker, ":", i), 0, func(context.Context) ([]byte, error) { return []byte("made"), nil }); err != nil {
						t.Errorf("Load = %v", err)
						return
					}
					loaded.Add(1)
				}
			})
		}
		progress := func(what string) {
			before := loaded.Load()
			eventually(t, what, func() bool { return loaded.Load() > before+500 })
		}
		progress("values load with the store up")
		server.Freeze()
		progress("values load with the store frozen")
		server.Thaw()
		progress("values load with the store thawed")
		close(stop)
		wg.Wait()
		works(t, c)
	})
}

// A store that answers, but too late for the budget, is treated like one that does not.
func TestStoreSlow(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		wire := newWire(t, r.start(t).Addr)
		c := open(t, cache.Options{Config: r.config(wire.addr)}).For("a")
		works(t, c)
		wire.delay.Store(int64(500 * time.Millisecond))
		misses(t, c)
		wire.delay.Store(0)
		works(t, c)
	})
}

// What a plugin wanted replaced or gone must not come back with the store.
func TestLostChangesAreNotReadAgain(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		server := r.start(t)
		c := open(t, cache.Options{Config: r.config(server.Addr)}).For("a")
		works(t, c)
		keep := func(key string) {
			t.Helper()
			eventually(t, key+" is stored", func() bool {
				_ = c.Set(t.Context(), key, []byte("old"), time.Minute)
				_, ok := c.Get(t.Context(), key)
				return ok
			})
		}
		keep("deleted")
		keep("replaced")
		server.Freeze()
		for range 10 { // until the breaker is open, so that the store does not get these calls when it goes on
			_, _ = c.Get(t.Context(), "x")
		}
		if err := c.Delete(t.Context(), "deleted"); err == nil {
			t.Fatal("Delete with the store frozen is no error")
		}
		if err := c.Set(t.Context(), "replaced", []byte("new"), time.Minute); err != nil {
			t.Fatal(err)
		}
		server.Thaw()
		works(t, c)
		for _, key := range []string{"deleted", "replaced"} {
			if got, ok := c.Get(t.Context(), key); ok && string(got) == "old" {
				t.Errorf("Get(%q) after the store came back = %q, which is not valid any more", key, got)
			}
		}

		keep("cleared")
		keep("cleared too")
		server.Freeze()
		for range 10 {
			_, _ = c.Get(t.Context(), "x")
		}
		if err := c.Clear(t.Context()); err == nil {
			t.Fatal("Clear with the store frozen is no error")
		}
		server.Thaw()
		for key := range strings.SplitSeq("cleared,cleared too", ",") {
			if _, ok := c.Get(t.Context(), key); ok {
				t.Errorf("Get(%q) is a hit although clearing failed", key)
			}
		}
		works(t, c)
		for key := range strings.SplitSeq("cleared,cleared too", ",") {
			if _, ok := c.Get(t.Context(), key); ok {
				t.Errorf("Get(%q) after the store came back is a hit although everything was cleared", key)
			}
		}
	})
}

func TestCallersDeadline(t *testing.T) {
	eachRemote(t, func(t *testing.T, r remote) {
		wire := newWire(t, r.start(t).Addr)
		config := r.config(wire.addr)
		config.Budget = patient
		log := new(logs)
		c := open(t, cache.Options{Config: config, Logger: log.logger()}).For("a")
		works(t, c)
		wire.delay.Store(int64(2 * time.Second))
		start := time.Now()
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			_, ok := c.Get(ctx, "works")
			cancel()
			if ok {
				t.Fatal("a value came before its time")
			}
		}
		if time.Since(start) > patient { // ten calls of 10ms; the budget is much longer
			t.Errorf("calls with a deadline of 10ms took %s together", time.Since(start))
		}
		wire.delay.Store(0)
		works(t, c)
		if log.count("unavailable") != 0 {
			t.Errorf("callers that did not wait made the store unavailable for others:\n%s", log)
		}
	})
}

func TestCloseEndsLoading(t *testing.T) {
	t.Parallel()
	c, err := cache.Open(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	loaded := make(chan error, 1)
	go func() {
		_, err := c.For("a").Load(context.Background(), "k", 0, func(ctx context.Context) ([]byte, error) {
			close(started)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		loaded <- err
	}()
	<-started
	for range 2 {
		if err := c.Close(t.Context()); err != nil {
			t.Fatalf("Close = %v", err)
		}
	}
	if err := <-loaded; !errors.Is(err, context.Canceled) {
		t.Errorf("Load = %v, want context.Canceled", err)
	}
	for _, id := range []string{"a", "made later"} {
		a := c.For(id)
		if _, ok := a.Get(t.Context(), "k"); ok {
			t.Error("Get after Close is a hit")
		}
		if err := a.Set(t.Context(), "k", nil, 0); err != nil {
			t.Errorf("Set after Close = %v", err)
		}
		if err := a.Delete(t.Context(), "k"); err == nil {
			t.Error("Delete after Close is no error")
		}
		if got, err := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { return []byte("made"), nil }); err != nil || string(got) != "made" {
			t.Errorf("Load after Close = %q, %v", got, err)
		}
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	c, err := cache.Open(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		_, _ = c.For("a").Load(context.Background(), "k", 0, func(context.Context) ([]byte, error) {
			close(started)
			<-release
			return nil, nil
		})
	}()
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close while a fill does not end = %v, want its context's error", err)
	}
	close(release)
	<-loaded
}

func TestLoadTimeout(t *testing.T) {
	t.Parallel()
	c := open(t, cache.Options{LoadTimeout: 20 * time.Millisecond}).For("a")
	_, err := c.Load(t.Context(), "k", 0, func(ctx context.Context) ([]byte, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	if err == nil || !strings.Contains(err.Error(), "longer than 20ms") {
		t.Errorf("Load = %v, want one that tells the limit", err)
	}
}

// wire is a connection to a server that can be made slow.
type wire struct {
	addr  string
	delay atomic.Int64 // nanoseconds before each answer is passed on
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, client, server)
			mu.Unlock()
			wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			wg.Go(func() {
				defer func() { _ = client.Close() }()
				buffer := make([]byte, 64<<10)
				for {
					n, err := server.Read(buffer)
					time.Sleep(time.Duration(w.delay.Load()))
					if _, werr := client.Write(buffer[:n]); werr != nil || err != nil {
						return
					}
				}
			})
		}
	})
	return w
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logs) count(text string) int { return strings.Count(l.String(), text) }
