package cache_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Other applications use the same server.
func TestClearSparesOtherApplications(t *testing.T) {
	t.Parallel()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		for _, sets := range []bool{false, true} {
			server := cachetest.Redis(t)
			var theirs []*redis.Client
			for database := range 2 {
				client := redis.NewClient(&redis.Options{Addr: server.Addr, DB: database})
				t.Cleanup(func() { _ = client.Close() })
				for _, key := range []string{"theirs", "portal:aa", "a:0:k"} {
					if err := client.Set(t.Context(), key, "value", 0).Err(); err != nil {
						t.Fatal(err)
					}
				}
				theirs = append(theirs, client)
			}
			a := open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), UseRedisSets: sets, Namespace: "portal", Budget: patient}}).For("a")
			works(t, a)
			if err := a.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantMiss(t, a, "works")
			for database, client := range theirs {
				for _, key := range []string{"theirs", "portal:aa", "a:0:k"} {
					if got, err := client.Get(t.Context(), key).Result(); err != nil || got != "value" {
						t.Errorf("useRedisSets %t: key %s of database %d after Clear = %q, %v", sets, key, database, got, err)
					}
				}
			}
		}
	})
	t.Run("memcache", func(t *testing.T) {
		t.Parallel()
		server := cachetest.Memcached(t)
		client := memcache.New(server.Addr)
		t.Cleanup(func() { _ = client.Close() })
		if err := client.Set(&memcache.Item{Key: "theirs", Value: []byte("value")}); err != nil {
			t.Fatal(err)
		}
		a := open(t, cache.Options{Config: cache.Config{Store: "memcache", Connection: connection(server.Addr), Budget: patient}}).For("a")
		works(t, a)
		if err := a.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantMiss(t, a, "works")
		if _, err := client.Get("theirs"); err != nil {
			t.Errorf("another application's key after Clear: %v", err)
		}
	})
}

func wantMiss(t *testing.T, c pluginapi.Cache, key string) {
	t.Helper()
	if got, ok := c.Get(t.Context(), key); ok {
		t.Errorf("Get(%q) = %q, want a miss", key, got)
	}
}

func TestRedisSets(t *testing.T) {
	t.Parallel()
	server := cachetest.Redis(t)
	off := false
	config := cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), UseRedisSets: true, Budget: patient}
	config.Redis.Client = cache.RedisClientConfig{Namespace: "portal", KeyPrefixSeparator: "/", ClearBatchSize: 7, UseUnlink: &off}
	c := open(t, cache.Options{Config: config})
	a := c.For("a")
	for i := range 50 {
		if err := a.Set(t.Context(), fmt.Sprint(i), []byte("value"), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Delete(t.Context(), "0"); err != nil {
		t.Fatal(err)
	}
	if err := c.For("b").Set(t.Context(), "k", []byte("value"), time.Minute); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	listed, err := client.ZRange(t.Context(), "portal/a/keys", 0, -1).Result()
	if err != nil || len(listed) != 49 || !strings.HasPrefix(listed[0], "portal/a/0:") {
		t.Fatalf("the set lists %d keys (%.100v), %v; want the 49 that are there", len(listed), listed, err)
	}
	if err := a.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := client.Keys(t.Context(), "*").Result()
	if want := []string{"portal/b/0:k", "portal/b/keys"}; err != nil || !cmp.Equal(left, want, cmpSorted) {
		t.Fatalf("after Clear the server holds %q, %v; want the other plugin's %q", left, err, want)
	}
}

var cmpSorted = cmp.Transformer("sorted", func(list []string) map[string]bool {
	set := make(map[string]bool)
	for _, s := range list {
		set[s] = true
	}
	return set
})

func TestReplicasShareAStore(t *testing.T) {
	t.Parallel()
	for _, r := range remotes() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			config := r.config(r.start(t).Addr)
			config.Budget = patient
			here, there := open(t, cache.Options{Config: config}).For("a"), open(t, cache.Options{Config: config}).For("a")
			works(t, here)
			if _, ok := there.Get(t.Context(), "works"); !ok {
				t.Fatal("the other replica misses what this one stored")
			}
			if err := here.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the other replica notices that everything was cleared", func() bool {
				_, ok := there.Get(t.Context(), "works")
				return !ok
			})
			works(t, here)
			if _, ok := there.Get(t.Context(), "works"); !ok {
				t.Fatal("the other replica misses what was stored after clearing")
			}
			// Right after clearing the other one still reads the old entries, but what it changes has to be the new ones.
			if err := here.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			works(t, here)
			if err := there.Delete(t.Context(), "works"); err != nil {
				t.Fatal(err)
			}
			wantMiss(t, here, "works")
		})
	}
}

func TestStorePerPlugin(t *testing.T) {
	t.Parallel()
	server := cachetest.Redis(t)
	c := open(t, cache.Options{Config: cache.Config{
		Budget: patient,
		Plugin: map[string]cache.PluginConfig{"a": {Store: "redis", Connection: connection("redis://" + server.Addr + "/1"), DefaultTTL: time.Minute}},
	}})
	works(t, c.For("a"))
	works(t, c.For("b"))
	client := redis.NewClient(&redis.Options{Addr: server.Addr, DB: 1})
	t.Cleanup(func() { _ = client.Close() })
	keys, err := client.Keys(t.Context(), "*:works").Result()
	if err != nil || len(keys) != 1 || !strings.HasPrefix(keys[0], "a:") {
		t.Fatalf("the server holds %q, %v; want the key of the plugin that is configured so", keys, err)
	}
	server.Kill()
	works(t, c.For("b"))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	const limit = 4 << 20
	c := open(t, cache.Options{Config: cache.Config{MaxMemory: limit}, Metrics: registry})
	value := bytes.Repeat([]byte("x"), 10_000)
	for i := range 5000 {
		if err := c.For(fmt.Sprint("p", i%3)).Set(t.Context(), fmt.Sprint(i), value, 0); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the memory store is within its limit", func() bool {
		held := metric(t, registry, "proscenium_cache_memory_bytes")
		return held > limit/2 && held <= limit
	})
}

func metric(t *testing.T, registry *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
	metrics:
		for _, m := range family.GetMetric() {
			for i := 0; i+1 < len(labels); i += 2 {
				found := false
				for _, label := range m.GetLabel() {
					found = found || label.GetName() == labels[i] && label.GetValue() == labels[i+1]
				}
				if !found {
					continue metrics
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return 0
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	server := cachetest.Redis(t)
	registry := prometheus.NewRegistry()
	options := cache.Options{Config: cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), Budget: patient}, Metrics: registry}
	c := open(t, options)
	if _, err := cache.Open(options); err == nil {
		t.Error("Open with metrics that are registered already is no error")
	}
	a := c.For("a")
	_ = a.Set(t.Context(), "k", []byte("v"), 0)
	_, _ = a.Get(t.Context(), "k")
	_, _ = a.Get(t.Context(), "k")
	_, _ = a.Get(t.Context(), "missing")
	server.Kill()
	_, _ = a.Get(t.Context(), "k")
	_, _ = c.For("b").Load(t.Context(), "k", 0, func(context.Context) ([]byte, error) { return nil, errors.New("no") })

	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{2, "proscenium_cache_hits_total", []string{"plugin", "a", "store", "redis"}},
		{2, "proscenium_cache_misses_total", []string{"plugin", "a"}},
		{1, "proscenium_cache_errors_total", []string{"plugin", "a", "operation", "get"}},
		{0, "proscenium_cache_errors_total", []string{"plugin", "a", "operation", "set"}},
		{1, "proscenium_cache_errors_total", []string{"plugin", "b", "operation", "fill"}},
		{4, "proscenium_cache_duration_seconds", []string{"plugin", "a", "operation", "get"}},
		{1, "proscenium_cache_duration_seconds", []string{"plugin", "a", "operation", "set"}},
	} {
		if got := metric(t, registry, want.name, want.labels...); got != want.value {
			t.Errorf("%s%v = %v, want %v", want.name, want.labels, got, want.value)
		}
	}
}

func TestRedisWithPasswordAndTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, _ := selfSigned(t, dir)
	_, port, _ := net.SplitHostPort(freeAddr(t))
	server := cachetest.Redis(t, "--requirepass", "geheim", "--tls-port", port,
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-auth-clients", "no")
	url := "rediss://:geheim@127.0.0.1:" + port
	plain := "redis://:geheim@" + server.Addr

	trusting := connection(url)
	trusting.Socket.CA = certificate
	careless, no := connection(url), false
	careless.Socket.RejectUnauthorized = &no
	inParts := cache.Connection{URL: pluginapi.NewSecret("redis://" + server.Addr), Password: pluginapi.NewSecret("geheim")}
	for name, c := range map[string]cache.Connection{"TLS": trusting, "TLS with any certificate": careless, "password in the URL": connection(plain), "password apart": inParts} {
		works(t, open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: c, Namespace: namespace(), Budget: patient}}).For("a"))
		t.Log(name, "works")
	}

	log := new(logs)
	wrong := cache.Connection{URL: pluginapi.NewSecret("redis://" + server.Addr), Password: pluginapi.NewSecret("falsch-geheim")}
	for name, c := range map[string]cache.Connection{"untrusted certificate": connection(url), "wrong password": wrong, "no password": connection("redis://" + server.Addr)} {
		a := open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: c, Budget: patient}, Logger: log.logger()}).For("a")
		for range 10 {
			if _, ok := a.Get(t.Context(), "k"); ok {
				t.Errorf("%s: a hit", name)
			}
		}
	}
	if log.count("unavailable") != 3 || log.count("geheim") != 0 {
		t.Errorf("the log should say three times why the store is not available, and no password:\n%s", log)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// selfSigned writes cert.pem and key.pem for 127.0.0.1 and returns both.
func selfSigned(t *testing.T, dir string) (cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "cert.pem"), []byte(cert), 0o600),
		os.WriteFile(filepath.Join(dir, "key.pem"), []byte(private), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return cert, private
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	var nodes []*redis.Client
	for i, slots := range [][2]int{{0, 5460}, {5461, 10922}, {10923, 16383}} {
		server := cachetest.Redis(t, "--cluster-enabled", "yes")
		node := redis.NewClient(&redis.Options{Addr: server.Addr})
		t.Cleanup(func() { _ = node.Close() })
		if err := node.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]).Err(); err != nil {
			t.Fatal(err)
		}
		if err := node.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, node)
	}
	host, port, err := net.SplitHostPort(nodes[0].Options().Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes[1:] {
		if err := node.ClusterMeet(t.Context(), host, port).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "each node of the cluster knows the others", func() bool {
		for _, node := range nodes {
			info, err := node.ClusterInfo(t.Context()).Result()
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_size:3") {
				return false
			}
		}
		return true
	})
	root := connection("redis://" + nodes[2].Options().Addr) // the others are found through it
	t.Run("caches", func(t *testing.T) {                     // returns when all of them are done
		cachetest.Caches(t, func(t *testing.T) *cache.Caches {
			config := cache.Config{Store: "redis", Namespace: namespace(), Budget: patient, UseRedisSets: len(t.Name())%2 == 0}
			config.Redis.Cluster = &cache.ClusterConfig{RootNodes: []cache.Connection{root}}
			return open(t, cache.Options{Config: config})
		})
	})
	for i, node := range nodes {
		stats, err := node.Info(t.Context(), "commandstats").Result()
		if err != nil || !strings.Contains(stats, "cmdstat_set:") {
			t.Errorf("node %d was never written to: %v\n%s", i, err, stats)
		}
	}
}

func TestClusterWithoutNodes(t *testing.T) {
	t.Parallel()
	server, log := cachetest.Redis(t), new(logs)
	config := cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), Budget: patient}
	config.Redis.Cluster = &cache.ClusterConfig{}
	works(t, open(t, cache.Options{Config: config, Logger: log.logger()}).For("a"))
	if log.count("without rootNodes") != 1 {
		t.Errorf("the log does not say that the cluster is ignored:\n%s", log)
	}
}

// lifetimeStore notes how long entries are to live, and keeps none.
type lifetimeStore struct {
	mu   sync.Mutex
	seen []time.Duration
}

var _ cache.Store = (*lifetimeStore)(nil)

func (*lifetimeStore) Get(context.Context, string) ([]byte, bool, error) { return nil, false, nil }
func (*lifetimeStore) Delete(context.Context, string) error              { return nil }
func (s *lifetimeStore) Clear(context.Context, string) error             { return nil }
func (s *lifetimeStore) Set(_ context.Context, _ string, _ []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, ttl)
	return nil
}

// TestLifetimesDiffer has what is stored together not expire together: up to a tenth is taken off.
func TestLifetimesDiffer(t *testing.T) {
	t.Parallel()
	store := new(lifetimeStore)
	a := open(t, cache.Options{Store: store}).For("a")
	for i := range 100 {
		if err := a.Set(t.Context(), fmt.Sprint(i), []byte("value"), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	least, most := slices.Min(store.seen), slices.Max(store.seen)
	if least < 9*time.Minute || most > 10*time.Minute || most-least < 30*time.Second {
		t.Errorf("entries stored for 10m live from %s to %s, want all sorts of times from 9m to 10m", least, most)
	}
}
