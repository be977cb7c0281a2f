package cache

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/cache/internal/engine"
)

// connectTimeout is how long making a connection to Redis may take. Calls do not wait for that longer than their budget, but the next one finds the connection made.
const connectTimeout = time.Second

// redisOptions translates the settings of a redis or valkey store. Faults never repeat a URL.
func (c Config) redisOptions() (engine.RedisOptions, *Fault) {
	cluster := c.cluster()
	if cluster != nil && len(cluster.RootNodes) > 0 {
		return c.clusterOptions(cluster)
	}
	if c.Connection.IsZero() {
		return engine.RedisOptions{}, &Fault{"connection", "is missing; set it to a URL such as redis://localhost:6379"}
	}
	o, fault := c.Connection.redisOptions("connection")
	if fault != nil {
		return o, fault
	}
	return c.complete(o), nil
}

func (c Config) clusterOptions(cluster *ClusterConfig) (engine.RedisOptions, *Fault) {
	at := c.Store + ".cluster."
	var all engine.RedisOptions
	for i, node := range cluster.RootNodes {
		o, fault := node.redisOptions(fmt.Sprintf("%srootNodes[%d]", at, i))
		if fault != nil {
			return all, fault
		}
		if i == 0 {
			all = o
		} else {
			all.Addresses = append(all.Addresses, o.Addresses...)
		}
	}
	defaults, fault := cluster.Defaults.redisOptions(at + "defaults")
	if fault != nil {
		return all, fault
	}
	all.Username = cmp.Or(all.Username, defaults.Username)
	all.Password = cmp.Or(all.Password, defaults.Password)
	all.ClientName = cmp.Or(all.ClientName, defaults.ClientName)
	if all.TLS == nil && defaults.TLS != nil {
		all.TLS = defaults.TLS
	}
	all.Cluster, all.ReadReplicas, all.MaxRedirects = true, cluster.UseReplicas, cluster.MaxCommandRedirections
	return c.complete(all), nil
}

func (c Config) complete(o engine.RedisOptions) engine.RedisOptions {
	o.CallTimeout = c.Budget
	o.Sets = c.UseRedisSets
	o.ClearBatch = 1000
	o.Unlink = true
	if c.Store == storeRedis {
		o.ClearBatch = orDefault(c.Redis.Client.ClearBatchSize, o.ClearBatch)
		if c.Redis.Client.UseUnlink != nil {
			o.Unlink = *c.Redis.Client.UseUnlink
		}
	}
	return o
}

// redisOptions translates the connection that is configured at a key.
func (c Connection) redisOptions(at string) (engine.RedisOptions, *Fault) {
	o := engine.RedisOptions{Addresses: []string{"localhost:6379"}}
	if !c.URL.IsZero() {
		parsed, err := engine.RedisURL(c.URL.Reveal())
		if err != nil {
			return o, &Fault{at, err.Error()}
		}
		o = parsed
	}
	socket := c.Socket
	if socket.Host != "" || socket.Port != 0 {
		o.Addresses = []string{net.JoinHostPort(cmp.Or(socket.Host, "localhost"), strconv.Itoa(cmp.Or(socket.Port, 6379)))}
	}
	if socket.Port < 0 || socket.Port > 65535 {
		return o, &Fault{at + ".socket.port", fmt.Sprintf("must be between 1 and 65535, is %d", socket.Port)}
	}
	if socket.Path != "" {
		if !strings.HasPrefix(socket.Path, "/") {
			return o, &Fault{at + ".socket.path", "must be absolute"}
		}
		o.Addresses = []string{socket.Path}
	}
	if c.Database < 0 {
		return o, &Fault{at + ".database", "must not be negative"}
	}
	o.Username = cmp.Or(c.Username, o.Username)
	o.Password = cmp.Or(c.Password.Reveal(), o.Password)
	o.Database = cmp.Or(c.Database, o.Database)
	o.ClientName = cmp.Or(c.Name, o.ClientName)
	o.ConnectTimeout = cmp.Or(socket.ConnectTimeout, connectTimeout)
	fault := socket.applyTLS(at, &o)
	return o, fault
}

func (s SocketConfig) applyTLS(at string, o *engine.RedisOptions) *Fault {
	if o.TLS == nil && !s.TLS {
		return nil
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	o.TLS.MinVersion = tls.VersionTLS12
	o.TLS.ServerName = s.ServerName // when empty it is the host that is dialled, which in a cluster differs from node to node
	if s.RejectUnauthorized != nil {
		o.TLS.InsecureSkipVerify = !*s.RejectUnauthorized
	}
	if s.CA != "" {
		o.TLS.RootCAs = x509.NewCertPool()
		if !o.TLS.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return &Fault{at + ".socket.ca", "holds no PEM certificate; a file is included with $file"}
		}
	}
	if s.Cert != "" || !s.Key.IsZero() {
		pair, err := tls.X509KeyPair([]byte(s.Cert), []byte(s.Key.Reveal()))
		if err != nil {
			return &Fault{at + ".socket.cert", "cert and key are no PEM pair that belongs together"}
		}
		o.TLS.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// memcacheAddresses reads host[:port][,host[:port]...], each with or without memcache:// in front.
func (c Connection) memcacheAddresses() ([]string, error) {
	if c.URL.IsZero() {
		return nil, errors.New("is missing; set it to the servers' addresses, such as localhost:11211")
	}
	if (Connection{URL: c.URL}) != c {
		return nil, errors.New("memcache takes a string only, such as localhost:11211")
	}
	var addresses []string
	for address := range strings.SplitSeq(c.URL.Reveal(), ",") {
		address = strings.TrimSpace(address)
		for _, scheme := range []string{"memcache://", "memcached://"} {
			address = strings.TrimPrefix(address, scheme)
		}
		address = strings.TrimSuffix(address, "/")
		if strings.Contains(address, "@") {
			return nil, errors.New("logging in to memcached is not supported; use a server that needs no password, reachable for the portal only")
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			host, port = strings.Trim(address, "[]"), "11211"
		}
		if n, err := strconv.Atoi(port); host == "" || err != nil || n < 1 || n > 65535 || strings.ContainsAny(host, "/ ") {
			return nil, errors.New("must be addresses of the form host:port, separated by commas")
		}
		addresses = append(addresses, net.JoinHostPort(host, port))
	}
	return addresses, nil
}
