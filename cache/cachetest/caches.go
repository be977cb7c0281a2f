package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Caches tests what [pluginapi.Cache] promises, on caches with the default limits. open returns the caches to test and closes them at the end of the test; it is called once for each test, and
// two that it returned must not share entries.
func Caches(t *testing.T, open func(t *testing.T) *cache.Caches) {
	tests := []struct {
		name string
		test func(t *testing.T, c *cache.Caches)
	}{
		{"get, set, delete", getSetDelete},
		{"plugins do not meet", separate},
		{"clear forgets the own namespace only", clears},
		{"any key", anyKey},
		{"values belong to the caller", copies},
		{"values that are too large", tooLarge},
		{"lifetimes", lifetimes},
		{"load", load},
		{"load together", loadTogether},
		{"load goes on without its caller", loadGoesOn},
		{"load that fails", loadFails},
		{"change while loading", changeWhileLoading},
		{"typed", typed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.test(t, open(t))
		})
	}
}

func wantHit(t *testing.T, c pluginapi.Cache, key, want string) {
	t.Helper()
	if got, ok := c.Get(t.Context(), key); !ok || string(got) != want {
		t.Fatalf("Get(%.40q) = %.40q, %t; want %.40q", key, got, ok, want)
	}
}

func wantMiss(t *testing.T, c pluginapi.Cache, key string) {
	t.Helper()
	if got, ok := c.Get(t.Context(), key); ok {
		t.Fatalf("Get(%.40q) = %.40q; want a miss", key, got)
	}
}

func set(t *testing.T, c pluginapi.Cache, key, value string) {
	t.Helper()
	if err := c.Set(t.Context(), key, []byte(value), 0); err != nil {
		t.Fatalf("Set(%.40q) = %v", key, err)
	}
}

func getSetDelete(t *testing.T, c *cache.Caches) {
	a := c.For("a")
	wantMiss(t, a, "k")
	set(t, a, "k", "first")
	wantHit(t, a, "k", "first")
	set(t, a, "k", "")
	wantHit(t, a, "k", "")
	for range 2 {
		if err := a.Delete(t.Context(), "k"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
		wantMiss(t, a, "k")
	}
}

func separate(t *testing.T, c *cache.Caches) {
	set(t, c.For("a"), "k", "a's")
	set(t, c.For("b"), "k", "b's")
	set(t, c.For("a:b"), "k", "neither's")
	wantHit(t, c.For("a"), "k", "a's")
	wantHit(t, c.For("b"), "k", "b's")
	wantMiss(t, c.For("a"), "b:k")
	if err := c.For("a").Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	wantHit(t, c.For("b"), "k", "b's")
}

func clears(t *testing.T, c *cache.Caches) {
	a, b, ab := c.For("a"), c.For("b"), c.For("ab")
	for i := range 100 {
		set(t, a, fmt.Sprint(i), "a's")
	}
	set(t, b, "0", "b's")
	set(t, ab, "0", "ab's")
	for range 2 {
		if err := a.Clear(t.Context()); err != nil {
			t.Fatalf("Clear = %v", err)
		}
		for i := range 100 {
			wantMiss(t, a, fmt.Sprint(i))
		}
	}
	wantHit(t, b, "0", "b's")
	wantHit(t, ab, "0", "ab's")
	set(t, a, "0", "again")
	wantHit(t, a, "0", "again")
}

func anyKey(t *testing.T, c *cache.Caches) {
	a := c.For("a")
	long := strings.Repeat("k", 10_000)
	keys := []string{"", " ", "a b", "a\nb", "a\x00b", "häßlich", "#", "#x", "keys", "generation", "0:k", long, long + "1", long + "2", "\xff\xfe", "{x}", "*"}
	for i, key := range keys {
		set(t, a, key, fmt.Sprint(i))
	}
	for i, key := range keys {
		wantHit(t, a, key, fmt.Sprint(i))
	}
	if err := a.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		wantMiss(t, a, key)
	}
}

func copies(t *testing.T, c *cache.Caches) {
	a, value := c.For("a"), []byte("value")
	if err := a.Set(t.Context(), "k", value, 0); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	got, _ := a.Get(t.Context(), "k")
	if string(got) != "value" {
		t.Fatal("Set kept the caller's slice")
	}
	got[0] = 'Y'
	wantHit(t, a, "k", "value")

	filled := []byte("filled")
	fill := func(context.Context) ([]byte, error) { return filled, nil }
	first, err := a.Load(t.Context(), "l", 0, fill)
	if err != nil {
		t.Fatal(err)
	}
	first[0] = 'X'
	if filled[0] == 'X' {
		t.Fatal("Load returned the slice of fill, which others may share")
	}
	wantHit(t, a, "l", "filled")
}

func tooLarge(t *testing.T, c *cache.Caches) {
	a, large := c.For("a"), bytes.Repeat([]byte("x"), 1<<20+1)
	set(t, a, "k", "small")
	if err := a.Set(t.Context(), "k", large, 0); !errors.Is(err, pluginapi.ErrTooLarge) {
		t.Fatalf("Set of 1 MiB and a byte = %v, want ErrTooLarge", err)
	}
	got, err := a.Load(t.Context(), "l", 0, func(context.Context) ([]byte, error) { return large, nil })
	if err != nil || len(got) != len(large) {
		t.Fatalf("Load of 1 MiB and a byte = %d bytes, %v; want it, though not stored", len(got), err)
	}
	wantMiss(t, a, "l")
	set(t, a, "m", string(large[:1<<20-1024])) // memcached counts its own overhead in
	wantHit(t, a, "m", string(large[:1<<20-1024]))
}

func lifetimes(t *testing.T, c *cache.Caches) {
	a := c.For("a")
	if err := errors.Join(
		a.Set(t.Context(), "short", []byte("v"), 200*time.Millisecond),
		a.Set(t.Context(), "long", []byte("v"), 365*24*time.Hour),
		a.Set(t.Context(), "default", []byte("v"), 0),
		a.Set(t.Context(), "tiny", []byte("v"), time.Nanosecond),
	); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(15 * time.Second)
	for _, key := range []string{"short", "tiny"} {
		for {
			if _, ok := a.Get(t.Context(), key); !ok {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is still there after 15s", key)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	wantHit(t, a, "long", "v")
	wantHit(t, a, "default", "v")
	if err := a.Set(t.Context(), "long", []byte("w"), -time.Second); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, a, "long")
}

func load(t *testing.T, c *cache.Caches) {
	a, calls := c.For("a"), 0
	fill := func(context.Context) ([]byte, error) {
		calls++
		return []byte("made"), nil
	}
	for range 3 {
		got, err := a.Load(t.Context(), "k", 0, fill)
		if err != nil || string(got) != "made" {
			t.Fatalf("Load = %q, %v", got, err)
		}
	}
	if calls != 1 {
		t.Fatalf("fill was called %d times, want once", calls)
	}
	wantHit(t, a, "k", "made")
}

func loadTogether(t *testing.T, c *cache.Caches) {
	a := c.For("a")
	var calls atomic.Int32
	release := make(chan struct{})
	const callers = 20
	var entered, wg sync.WaitGroup
	entered.Add(callers)
	for range callers {
		wg.Go(func() {
			entered.Done()
			got, err := a.Load(t.Context(), "k", 0, func(ctx context.Context) ([]byte, error) {
				calls.Add(1)
				select {
				case <-release:
				case <-ctx.Done():
				}
				return []byte("made"), nil
			})
			if err != nil || string(got) != "made" {
				t.Errorf("Load = %q, %v", got, err)
			}
		})
	}
	entered.Wait()
	close(release)
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Fatalf("fill was called %d times by %d callers, want once", n, callers)
	}
}

func loadGoesOn(t *testing.T, c *cache.Caches) {
	a := c.For("a")
	started, release := make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(pluginapi.WithPrincipal(t.Context(), pluginapi.PluginSelf("a")))
	left := make(chan error, 1)
	go func() {
		_, err := a.Load(ctx, "k", 0, func(ctx context.Context) ([]byte, error) {
			close(started)
			<-release
			if _, limited := ctx.Deadline(); !limited {
				return nil, errors.New("fill has no deadline")
			}
			return []byte("made for " + pluginapi.PrincipalFrom(ctx).Ref), ctx.Err()
		})
		left <- err
	}()
	<-started
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("Load of a caller that left = %v, want context.Canceled", err)
	}
	close(release)
	got, err := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { return nil, errors.New("called again") })
	if err != nil || string(got) != "made for plugin:a" {
		t.Fatalf("Load after the first caller left = %q, %v; want what it started", got, err)
	}
}

func loadFails(t *testing.T, c *cache.Caches) {
	a, failure := c.For("a"), errors.New("no")
	if _, err := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { return []byte("x"), failure }); !errors.Is(err, failure) {
		t.Fatalf("Load = %v, want the error of fill", err)
	}
	wantMiss(t, a, "k")
	if _, err := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { panic("oh") }); err == nil || !strings.Contains(err.Error(), "oh") {
		t.Fatalf("Load with a fill that panics = %v, want an error that says so", err)
	}
	got, err := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { return []byte("made"), nil })
	if err != nil || string(got) != "made" {
		t.Fatalf("Load after failures = %q, %v", got, err)
	}
}

func changeWhileLoading(t *testing.T, c *cache.Caches) {
	changes := map[string]func(pluginapi.Cache) error{
		"set":    func(c pluginapi.Cache) error { return c.Set(t.Context(), "k", []byte("new"), 0) },
		"delete": func(c pluginapi.Cache) error { return c.Delete(t.Context(), "k") },
		"clear":  func(c pluginapi.Cache) error { return c.Clear(t.Context()) },
	}
	for name, change := range changes {
		a := c.For(name)
		started, release := make(chan struct{}), make(chan struct{})
		loaded := make(chan string, 1)
		go func() {
			got, _ := a.Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) {
				close(started)
				<-release
				return []byte("old"), nil
			})
			loaded <- string(got)
		}()
		<-started
		if err := change(a); err != nil {
			t.Fatal(err)
		}
		close(release)
		if got := <-loaded; got != "old" {
			t.Fatalf("Load = %q", got)
		}
		if got, ok := a.Get(t.Context(), "k"); ok && string(got) != "new" {
			t.Fatalf("%s while a value was made: Get = %q, want nothing that is older", name, got)
		}
		if name == "set" {
			wantHit(t, a, "k", "new")
		}
	}
}

func typed(t *testing.T, c *cache.Caches) {
	type thing struct {
		Name  string
		Count int
	}
	calls := 0
	for range 2 {
		got, err := pluginapi.Cached(t.Context(), c.For("a"), "thing", time.Minute, func(context.Context) (thing, error) {
			calls++
			return thing{"a", 1}, nil
		})
		if err != nil || got != (thing{"a", 1}) {
			t.Fatalf("Cached = %+v, %v", got, err)
		}
	}
	if calls != 1 {
		t.Fatalf("fill was called %d times, want once", calls)
	}
}
