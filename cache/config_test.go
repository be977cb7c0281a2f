package cache_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config cache.Config
		want   []string // in the message; none: valid
	}{
		{"nothing", cache.Config{}, nil},
		{"redis", cache.Config{Store: "redis", Connection: connection("redis://user:geheim@localhost:6379/2")}, nil},
		{"redis with TLS", cache.Config{Store: "redis", Connection: connection("rediss://localhost")}, nil},
		{"valkey", cache.Config{Store: "valkey", Connection: connection("valkeys://localhost:6379")}, nil},
		{"redis by its parts", cache.Config{Store: "redis", Connection: cache.Connection{Socket: cache.SocketConfig{Host: "redis", Port: 6380, TLS: true}}}, nil},
		{"memcache", cache.Config{Store: "memcache", Connection: connection("a, b:1, memcache://c:2/,[::1]:3")}, nil},
		{"infinispan", cache.Config{Store: "infinispan", Infinispan: map[string]any{"servers": "x"}}, []string{"store: infinispan is not supported; use memory, redis, valkey or memcache"}},
		{"infinispan besides", cache.Config{Infinispan: map[string]any{"servers": "x"}}, []string{"infinispan: not supported"}},
		{"unknown store", cache.Config{Store: "rediss"}, []string{`store: "rediss" is unknown; use memory, redis, valkey or memcache`}},
		{"no connection", cache.Config{Store: "redis"}, []string{"connection: is missing; set it to a URL such as redis://localhost:6379"}},
		{"not a URL", cache.Config{Store: "redis", Connection: connection("localhost:geheim@x")}, []string{"connection: is not a URL"}},
		{"URL with a bad parameter", cache.Config{Store: "redis", Connection: connection("redis://:geheim@localhost?geheim=1")}, []string{"connection: is not a URL"}},
		{"memory takes no connection", cache.Config{Connection: connection("redis://:geheim@localhost")}, []string{"connection: the store is memory"}},
		{"memcache with a login", cache.Config{Store: "memcache", Connection: connection("user:geheim@localhost:11211")}, []string{"logging in to memcached is not supported"}},
		{"memcache with a bad port", cache.Config{Store: "memcache", Connection: connection("localhost:99999")}, []string{"must be addresses of the form host:port"}},
		{"memcache with an empty address", cache.Config{Store: "memcache", Connection: connection("localhost,,x")}, []string{"must be addresses"}},
		{"memcache with parts", cache.Config{Store: "memcache", Connection: cache.Connection{URL: pluginapi.NewSecret("x:1"), Database: 3}}, []string{"memcache takes a string only"}},
		{"bad certificates", cache.Config{Store: "redis", Connection: cache.Connection{Socket: cache.SocketConfig{TLS: true, CA: "x"}}}, []string{"connection.socket.ca: holds no PEM certificate"}},
		{"bad key", cache.Config{Store: "redis", Connection: cache.Connection{Socket: cache.SocketConfig{TLS: true, Cert: "x", Key: pluginapi.NewSecret("geheim")}}}, []string{"connection.socket.cert: cert and key"}},
		{"limits", cache.Config{Budget: time.Hour, MaxValue: -1, DefaultTTL: -time.Second}, []string{"budget: must be between 1ms and 10s, is 1h0m0s", "maxValue: must be between", "defaultTtl: must not be negative"}},
		{"memory smaller than a value", cache.Config{MaxMemory: 1000}, []string{"maxMemory: must be at least maxValue (1048576), in bytes, is 1000"}},
		{"blank in the prefix", cache.Config{Namespace: "my portal"}, []string{"namespace: "}},
		{"a plugin's own", cache.Config{Plugin: map[string]cache.PluginConfig{"catalog": {Store: "redis"}, "proxy": {Store: "x"}}},
			[]string{"plugin.catalog.connection: is missing", `plugin.proxy.store: "x" is unknown`}},
		{"a plugin's own is valid", cache.Config{Plugin: map[string]cache.PluginConfig{"catalog": {Store: "redis", Connection: connection("redis://localhost")}, "proxy": {DefaultTTL: time.Minute}}}, nil},
		{"cluster", cache.Config{Store: "redis", Redis: cache.RedisConfig{Cluster: &cache.ClusterConfig{RootNodes: []cache.Connection{connection("redis://a:1"), connection("redis://b:2")}}}}, nil},
		{"cluster with a bad node", cache.Config{Store: "redis", Redis: cache.RedisConfig{Cluster: &cache.ClusterConfig{RootNodes: []cache.Connection{connection("redis://a:1"), connection("geheim")}}}},
			[]string{"redis.cluster.rootNodes[1]: is not a URL"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := located(test.config.Validate())
			if (err != nil) != (len(test.want) > 0) {
				t.Fatalf("Validate = %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Validate = %v, want %q in it", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("the message tells a secret: %v", err)
			}
			if c, err := cache.Open(cache.Options{Config: test.config}); err == nil {
				_ = c.Close(t.Context())
			} else if len(test.want) == 0 || strings.Contains(err.Error(), "geheim") {
				t.Errorf("Open = %v", err)
			}
		})
	}
}

// located puts the keys of faults before their messages, as a report does.
func located(err error) error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var all []error
	for _, err := range list.Unwrap() {
		var fault *cache.Fault
		if errors.As(err, &fault) {
			err = fmt.Errorf("%s: %w", fault.ConfigPath(), fault)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func TestConnectionDoesNotPrint(t *testing.T) {
	t.Parallel()
	var c cache.Connection
	if err := c.UnmarshalText([]byte("redis://:geheim@localhost")); err != nil {
		t.Fatal(err)
	}
	c.Password, c.Socket.Key = pluginapi.NewSecret("geheim"), pluginapi.NewSecret("geheim")
	config := cache.Config{Connection: c, Plugin: map[string]cache.PluginConfig{"a": {Connection: c}}}
	encoded, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", config, config, config), string(encoded)} {
		if strings.Contains(text, "geheim") {
			t.Errorf("a secret is printed: %s", text)
		}
	}
}
