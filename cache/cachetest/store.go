package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
)

// Store tests what [cache.Store] promises, and [cache.Clearer] where the store is one. open returns the store to test, which may hold entries of others; it is called once for each test.
func Store(t *testing.T, open func(t *testing.T) cache.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, s cache.Store)
	}{
		{"get of what is not there", storeMiss},
		{"values come back as they were", storeValues},
		{"values belong to the caller", storeCopies},
		{"set replaces", storeReplaces},
		{"delete", storeDeletes},
		{"entries expire", storeExpires},
		{"long lifetimes", storeLong},
		{"long keys", storeKeys},
		{"ended contexts", storeContext},
		{"concurrent use", storeConcurrent},
		{"clear by prefix", storeClears},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.test(t, open(t))
		})
	}
}

// key returns a key that no other test uses.
func key(t *testing.T, name string) string {
	t.Helper()
	plain := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '-'
	}, t.Name())
	if len(plain) > 100 {
		plain = plain[len(plain)-100:]
	}
	return fmt.Sprintf("%s:%d:%s", plain, time.Now().UnixNano(), name)
}

func mustSet(t *testing.T, s cache.Store, key string, value []byte, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, value, ttl); err != nil {
		t.Fatalf("Set(%q) = %v", key, err)
	}
}

func wantValue(t *testing.T, s cache.Store, key string, want []byte) {
	t.Helper()
	got, ok, err := s.Get(t.Context(), key)
	if err != nil || !ok || !bytes.Equal(got, want) {
		t.Fatalf("Get(%q) = %d bytes, %t, %v; want the %d bytes that were set", key, len(got), ok, err, len(want))
	}
}

func wantNone(t *testing.T, s cache.Store, key string) {
	t.Helper()
	if got, ok, err := s.Get(t.Context(), key); ok || err != nil || got != nil {
		t.Fatalf("Get(%q) = %q, %t, %v; want none", key, got, ok, err)
	}
}

func storeMiss(t *testing.T, s cache.Store) { wantNone(t, s, key(t, "missing")) }

func storeValues(t *testing.T, s cache.Store) {
	for name, value := range map[string][]byte{
		"empty": {}, "text": []byte("text"), "binary": {0, 1, 2, 0xff, '\r', '\n', 0}, "large": bytes.Repeat([]byte("0123456789"), 50_000), "looks-like-a-number": []byte("42"),
	} {
		k := key(t, name)
		mustSet(t, s, k, value, time.Minute)
		wantValue(t, s, k, value)
	}
}

func storeCopies(t *testing.T, s cache.Store) {
	k, value := key(t, "k"), []byte("value")
	mustSet(t, s, k, value, time.Minute)
	value[0] = 'X'
	got, _, _ := s.Get(t.Context(), k)
	if string(got) != "value" {
		t.Fatalf("Set kept the caller's slice: a later change of it is stored")
	}
	got[0] = 'Y'
	wantValue(t, s, k, []byte("value"))
}

func storeReplaces(t *testing.T, s cache.Store) {
	k := key(t, "k")
	mustSet(t, s, k, []byte("first, and longer"), time.Minute)
	mustSet(t, s, k, []byte("second"), time.Minute)
	wantValue(t, s, k, []byte("second"))
}

func storeDeletes(t *testing.T, s cache.Store) {
	k, other := key(t, "k"), key(t, "other")
	mustSet(t, s, k, []byte("value"), time.Minute)
	mustSet(t, s, other, []byte("other"), time.Minute)
	for range 2 { // the second time there is none
		if err := s.Delete(t.Context(), k); err != nil {
			t.Fatalf("Delete = %v", err)
		}
	}
	wantNone(t, s, k)
	wantValue(t, s, other, []byte("other"))
}

func storeExpires(t *testing.T, s cache.Store) {
	short, replaced, long := key(t, "short"), key(t, "replaced"), key(t, "long")
	mustSet(t, s, short, []byte("short"), 300*time.Millisecond)
	mustSet(t, s, replaced, []byte("before"), 300*time.Millisecond)
	mustSet(t, s, replaced, []byte("after"), time.Minute)
	mustSet(t, s, long, []byte("long"), time.Minute)
	deadline := time.Now().Add(15 * time.Second)
	for {
		if _, ok, err := s.Get(t.Context(), short); err != nil {
			t.Fatal(err)
		} else if !ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("an entry that was to live for 300ms is still there after 15s")
		}
		time.Sleep(50 * time.Millisecond)
	}
	wantValue(t, s, replaced, []byte("after"))
	wantValue(t, s, long, []byte("long"))
}

func storeLong(t *testing.T, s cache.Store) {
	for _, ttl := range []time.Duration{31 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		k := key(t, ttl.String())
		mustSet(t, s, k, []byte("value"), ttl)
		wantValue(t, s, k, []byte("value"))
	}
}

func storeKeys(t *testing.T, s cache.Store) {
	start := key(t, "")
	first := start + strings.Repeat("x", 249-len(start))
	second := first[:248] + "y"
	for _, k := range []string{first, second, start + `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`, start + "{tag}{"} {
		mustSet(t, s, k, []byte(k), time.Minute)
	}
	wantValue(t, s, first, []byte(first))
	wantValue(t, s, second, []byte(second))
	wantValue(t, s, start+"{tag}{", []byte(start+"{tag}{"))
	wantNone(t, s, first[:248])
}

func storeContext(t *testing.T, s cache.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := key(t, "k")
	_, _, _ = s.Get(ctx, k) // whether they do it anyway is theirs; that they return is not
	_ = s.Set(ctx, k, []byte("value"), time.Minute)
	_ = s.Delete(ctx, k)
}

func storeConcurrent(t *testing.T, s cache.Store) {
	keys := []string{key(t, "a"), key(t, "b"), key(t, "c")}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				k := keys[(worker+i)%len(keys)]
				switch i % 4 {
				case 0:
					if err := s.Set(t.Context(), k, []byte(k), time.Minute); err != nil {
						t.Errorf("Set = %v", err)
					}
				case 1:
					if err := s.Delete(t.Context(), k); err != nil {
						t.Errorf("Delete = %v", err)
					}
				default:
					if got, ok, err := s.Get(t.Context(), k); err != nil || ok && string(got) != k {
						t.Errorf("Get(%q) = %q, %t, %v", k, got, ok, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func storeClears(t *testing.T, s cache.Store) {
	clearer, ok := s.(cache.Clearer)
	if !ok {
		t.Skip("the store is no cache.Clearer")
	}
	prefix := key(t, "")
	for i := range 50 {
		mustSet(t, s, fmt.Sprintf("%smine:%d", prefix, i), []byte("mine"), time.Minute)
	}
	mustSet(t, s, prefix+"theirs:0", []byte("theirs"), time.Minute)
	if err := clearer.Clear(t.Context(), prefix+"mine:"); err != nil {
		t.Fatalf("Clear = %v", err)
	}
	for i := range 50 {
		wantNone(t, s, fmt.Sprintf("%smine:%d", prefix, i))
	}
	wantValue(t, s, prefix+"theirs:0", []byte("theirs"))
}
