package cache_test

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// TestConnectionInParts has each part of a connection do what it says.
func TestConnectionInParts(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "redis")
	server := cachetest.Redis(t, "--unixsocket", socket, "--user", "portal", "on", ">geheim", "~*", "&*", "+@all")
	host, text, _ := net.SplitHostPort(server.Addr)
	port, _ := strconv.Atoi(text)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	parts := cache.Connection{
		Username: "portal", Password: pluginapi.NewSecret("geheim"), Database: 3, Name: "backstage",
		Socket: cache.SocketConfig{Host: host, Port: port, ConnectTimeout: patient},
	}
	for name, change := range map[string]func(*cache.Connection){
		"host and port": func(*cache.Connection) {},
		"path":          func(c *cache.Connection) { c.Socket = cache.SocketConfig{Path: socket} },
		"over a URL":    func(c *cache.Connection) { c.URL = pluginapi.NewSecret("redis://nobody:wrong@127.0.0.1:1/5") },
	} {
		c := parts
		change(&c)
		prefix := namespace()
		works(t, open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: c, Namespace: prefix, Budget: patient}}).For("a"))
		list, err := client.ClientList(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for line := range strings.Lines(list) {
			unix := strings.Contains(line, "addr="+socket)
			if strings.Contains(line, "name=backstage ") && strings.Contains(line, "user=portal ") && strings.Contains(line, "db=3 ") && unix == (name == "path") {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: the server knows no such client:\n%s", name, list)
		}
	}
}

// TestKeyPrefixOfValkey has the prefix of keys be what is configured, as it is.
func TestKeyPrefixOfValkey(t *testing.T) {
	t.Parallel()
	server := cachetest.Redis(t)
	config := cache.Config{Store: "valkey", Connection: connection("valkey://" + server.Addr), Namespace: "unused", Budget: patient}
	config.Valkey.Client.KeyPrefix = "portal-"
	works(t, open(t, cache.Options{Config: config}).For("a"))
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	keys, err := client.Keys(t.Context(), "*works").Result()
	if err != nil || len(keys) != 1 || !strings.HasPrefix(keys[0], "portal-a:") {
		t.Errorf("the server holds %q, %v; want one key that begins with portal-a:", keys, err)
	}
}

// TestRedisClientCertificate has a server that only lets those in who show a certificate it trusts.
func TestRedisClientCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir)
	_, port, _ := net.SplitHostPort(freeAddr(t))
	cachetest.Redis(t, "--tls-port", port, "--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"),
		"--tls-ca-cert-file", filepath.Join(dir, "cert.pem"), "--tls-auth-clients", "yes")
	known := cache.SocketConfig{TLS: true, CA: certificate, Cert: certificate, Key: pluginapi.NewSecret(key)}
	misnamed, unknown := known, known
	misnamed.ServerName = "other.example.com"
	unknown.Cert, unknown.Key = "", pluginapi.Secret{}
	for name, test := range map[string]struct {
		socket cache.SocketConfig
		fine   bool
	}{"its certificate": {known, true}, "no certificate": {unknown, false}, "another name expected": {misnamed, false}} {
		c := connection("redis://127.0.0.1:" + port)
		c.Socket = test.socket
		a := open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: c, Namespace: namespace(), Budget: patient}}).For("a")
		if test.fine {
			works(t, a)
			continue
		}
		_ = a.Set(t.Context(), "k", []byte("value"), time.Minute)
		if _, ok := a.Get(t.Context(), "k"); ok {
			t.Errorf("%s: the server lets it in", name)
		}
	}
}
