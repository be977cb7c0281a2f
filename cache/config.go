package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is what operators write under backend.cache. The zero value is a memory store with the defaults below.
//
// Keys that Backstage knows mean the same here, except that the lifetime of entries is never unlimited; namespace, budget, maxValue, maxMemory and plugin are additions.
type Config struct {
	// Store is memory (the default), redis, valkey or memcache.
	Store string `yaml:"store"`

	// Connection says where the store is: redis[s]://[user:password@]host[:port][/database] or its parts, see [Connection]; for memcache host[:port][,host[:port]...],
	// which is neither logged in to nor encrypted, so such a server must be reachable for the portal only.
	Connection Connection `yaml:"connection"`

	// DefaultTTL is how long entries live for which the plugin says nothing. Default 1 hour.
	DefaultTTL time.Duration `yaml:"defaultTtl"`

	// UseRedisSets keeps, in Redis or Valkey, a sorted set of each plugin's keys, <prefix>keys, scored by expiry in Unix milliseconds: so they can be listed, and clearing frees
	// memory at once and is seen by other replicas at once. Without it cleared entries stay, unreachable, until their time is over.
	UseRedisSets bool `yaml:"useRedisSets"`

	// Namespace comes first in every key, for several portals that share one server. Default none.
	Namespace string `yaml:"namespace"`

	// Budget is what a call may cost at most when the store is slow or gone. Default 50ms.
	Budget time.Duration `yaml:"budget"`

	// MaxValue limits one value, in bytes. Default 1 MiB, which is also what memcached takes.
	MaxValue int64 `yaml:"maxValue"`

	// MaxMemory limits the memory store, all plugins together, in bytes. Default 64 MiB.
	MaxMemory int64 `yaml:"maxMemory"`

	Redis  RedisConfig  `yaml:"redis"`
	Valkey ValkeyConfig `yaml:"valkey"`

	// Plugin gives plugins stores of their own, by plugin id.
	Plugin map[string]PluginConfig `yaml:"plugin"`

	// Infinispan is what Backstage calls the settings of a store that is not supported here; they are read so that the message is about that.
	Infinispan map[string]any `yaml:"infinispan"`
}

// PluginConfig is a plugin's own cache. What is left out is as for everybody; connection, redis and valkey only when the store is the same.
type PluginConfig struct {
	Store        string        `yaml:"store"`
	Connection   Connection    `yaml:"connection"`
	DefaultTTL   time.Duration `yaml:"defaultTtl"`
	UseRedisSets *bool         `yaml:"useRedisSets"`
	MaxValue     int64         `yaml:"maxValue"`
	MaxMemory    int64         `yaml:"maxMemory"` // of a memory store of the plugin's own
	Redis        *RedisConfig  `yaml:"redis"`
	Valkey       *ValkeyConfig `yaml:"valkey"`
}

// RedisConfig is about the store redis.
type RedisConfig struct {
	Client  RedisClientConfig `yaml:"client"`
	Cluster *ClusterConfig    `yaml:"cluster"`
}

// RedisClientConfig is about keys in Redis.
type RedisClientConfig struct {
	Namespace          string `yaml:"namespace"`          // instead of the namespace of the section
	KeyPrefixSeparator string `yaml:"keyPrefixSeparator"` // default ":"
	ClearBatchSize     int    `yaml:"clearBatchSize"`     // keys forgotten in one round trip, with useRedisSets; default 1000
	UseUnlink          *bool  `yaml:"useUnlink"`          // free memory in the background; default true

	// NoNamespaceAffectsAll is accepted and means nothing: there is always a namespace, and clearing never leaves it.
	NoNamespaceAffectsAll bool `yaml:"noNamespaceAffectsAll"`
}

// ValkeyConfig is about the store valkey.
type ValkeyConfig struct {
	Client  ValkeyClientConfig `yaml:"client"`
	Cluster *ClusterConfig     `yaml:"cluster"`
}

// ValkeyClientConfig is about keys in Valkey.
type ValkeyClientConfig struct {
	KeyPrefix string `yaml:"keyPrefix"` // comes first in every key as it is, so with its own separator
}

// ClusterConfig makes the store a cluster. Without root nodes it is ignored, with a warning.
type ClusterConfig struct {
	RootNodes              []Connection `yaml:"rootNodes"`
	Defaults               Connection   `yaml:"defaults"` // credentials and TLS of all nodes
	UseReplicas            bool         `yaml:"useReplicas"`
	MaxCommandRedirections int          `yaml:"maxCommandRedirections"`
	MinimizeConnections    bool         `yaml:"minimizeConnections"` // accepted; connections are always made when needed
}

const (
	storeMemory   = "memory"
	storeRedis    = "redis"
	storeValkey   = "valkey"
	storeMemcache = "memcache"
)

func (c Config) withDefaults() Config {
	c.Store = orDefault(c.Store, storeMemory)
	c.DefaultTTL = orDefault(c.DefaultTTL, time.Hour)
	c.Budget = orDefault(c.Budget, 50*time.Millisecond)
	c.MaxValue = orDefault(c.MaxValue, 1<<20)
	c.MaxMemory = orDefault(c.MaxMemory, 64<<20)
	return c
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// of returns the settings that hold for one plugin, and whether its store is another one than everybody's.
func (c Config) of(plugin string) (_ Config, own bool) {
	p, ok := c.Plugin[plugin]
	if !ok {
		return c, false
	}
	if p.Store != "" && p.Store != c.Store {
		c.Store, c.Connection, c.Redis, c.Valkey, own = p.Store, Connection{}, RedisConfig{}, ValkeyConfig{}, true
	}
	if !p.Connection.IsZero() {
		c.Connection, own = p.Connection, true
	}
	if p.UseRedisSets != nil {
		own = own || c.UseRedisSets != *p.UseRedisSets
		c.UseRedisSets = *p.UseRedisSets
	}
	if p.Redis != nil {
		c.Redis, own = *p.Redis, true
	}
	if p.Valkey != nil {
		c.Valkey, own = *p.Valkey, true
	}
	if p.MaxMemory != 0 {
		c.MaxMemory, own = p.MaxMemory, true
	}
	c.DefaultTTL = orDefault(p.DefaultTTL, c.DefaultTTL)
	c.MaxValue = orDefault(p.MaxValue, c.MaxValue)
	return c, own
}

// Fault is one thing wrong with a [Config].
type Fault struct {
	Key     string // below backend.cache, such as plugin.catalog.connection
	Message string // what is wrong and how to mend it, without secrets
}

// Error returns the message.
func (f *Fault) Error() string { return f.Message }

// ConfigPath returns the key, so that a report names it and its place.
func (f *Fault) ConfigPath() string { return f.Key }

// Validate reports everything that is wrong: one [*Fault] each, joined.
func (c Config) Validate() error {
	faults := c.faults()
	errs := make([]error, len(faults))
	for i, fault := range faults {
		errs[i] = fault
	}
	return errors.Join(errs...)
}

func (c Config) faults() []*Fault {
	c = c.withDefaults()
	var faults []*Fault
	if c.Store != "infinispan" && len(c.Infinispan) > 0 {
		faults = append(faults, &Fault{"infinispan", "not supported; remove it, or use the store redis, valkey or memcache"})
	}
	everybodys := c.storeFaults("")
	faults = append(faults, everybodys...)
	for _, id := range slices.Sorted(maps.Keys(c.Plugin)) {
		of, _ := c.of(id)
		at := "plugin." + id + "."
		for _, fault := range of.storeFaults(at) {
			inherited := func(f *Fault) bool { return at+f.Key == fault.Key && f.Message == fault.Message }
			if !slices.ContainsFunc(everybodys, inherited) {
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

func (c Config) storeFaults(at string) []*Fault {
	var faults []*Fault
	fault := func(key, format string, args ...any) {
		faults = append(faults, &Fault{at + key, fmt.Sprintf(format, args...)})
	}
	switch c.Store {
	case storeMemory:
		if !c.Connection.IsZero() {
			fault("connection", "the store is memory, which has none; set %sstore to redis, valkey or memcache", at)
		}
	case storeRedis, storeValkey:
		if _, problem := c.redisOptions(); problem != nil {
			fault(problem.Key, "%s", problem.Message)
		}
	case storeMemcache:
		if _, err := c.Connection.memcacheAddresses(); err != nil {
			fault("connection", "%v", err)
		}
	case "infinispan":
		fault("store", "infinispan is not supported; use memory, redis, valkey or memcache")
	default:
		fault("store", "%q is unknown; use memory, redis, valkey or memcache", c.Store)
	}
	if c.DefaultTTL < 0 {
		fault("defaultTtl", "must not be negative")
	}
	if c.Budget < time.Millisecond || c.Budget > 10*time.Second {
		fault("budget", "must be between 1ms and 10s, is %s", c.Budget)
	}
	if c.MaxValue < 1 || c.MaxValue > 1<<30 {
		fault("maxValue", "must be between 1 and %d (1 GiB), in bytes, is %d", 1<<30, c.MaxValue)
	}
	if c.Store == storeMemory && c.MaxMemory < c.MaxValue {
		fault("maxMemory", "must be at least maxValue (%d), in bytes, is %d", c.MaxValue, c.MaxMemory)
	}
	if strings.ContainsFunc(c.prefix(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) || len(c.prefix()) > 64 {
		fault("namespace", "the prefix of keys must be at most 64 printable ASCII characters without blanks")
	}
	return faults
}

// prefix is what all keys begin with, separator included.
func (c Config) prefix() string {
	namespace := c.Namespace
	switch c.Store {
	case storeRedis:
		namespace = orDefault(c.Redis.Client.Namespace, namespace)
	case storeValkey:
		if c.Valkey.Client.KeyPrefix != "" {
			return c.Valkey.Client.KeyPrefix
		}
	}
	if namespace == "" {
		return ""
	}
	return namespace + c.separator()
}

func (c Config) separator() string {
	if c.Store == storeRedis {
		return orDefault(c.Redis.Client.KeyPrefixSeparator, ":")
	}
	return ":"
}

// cluster is the cluster settings of the store, or nil.
func (c Config) cluster() *ClusterConfig {
	if c.Store == storeValkey {
		return c.Valkey.Cluster
	}
	return c.Redis.Cluster
}

var _ interface{ Validate() error } = Config{}

// Connection is where a store is and how to get in. In configuration it is a string (a URL, which may hold a password and is kept as a secret) or an object with these keys.
type Connection struct {
	URL      pluginapi.Secret `yaml:"url"`
	Username string           `yaml:"username"`
	Password pluginapi.Secret `yaml:"password"`
	Database int              `yaml:"database"` // number of the database; not in a cluster
	Name     string           `yaml:"name"`     // of the client, as the server lists it
	Socket   SocketConfig     `yaml:"socket"`

	// PingInterval is accepted and means nothing: every call has a deadline, so a dead connection is noticed without pings.
	PingInterval time.Duration `yaml:"pingInterval"`
}

// SocketConfig is about the connection itself.
type SocketConfig struct {
	Host           string        `yaml:"host"`
	Port           int           `yaml:"port"`
	Path           string        `yaml:"path"` // of a Unix socket, instead of host and port
	ConnectTimeout time.Duration `yaml:"connectTimeout"`
	TLS            bool          `yaml:"tls"`

	CA                 string           `yaml:"ca"`                 // PEM certificates to trust instead of the system's
	Cert               string           `yaml:"cert"`               // PEM certificate to show
	Key                pluginapi.Secret `yaml:"key"`                // its PEM key
	ServerName         string           `yaml:"servername"`         // in the server's certificate; default: the host
	RejectUnauthorized *bool            `yaml:"rejectUnauthorized"` // false accepts any certificate, so anybody in between can read along

	// KeepAlive, NoDelay and ReconnectStrategy are accepted and mean nothing: both are always on, and connections are made again when needed.
	KeepAlive         bool `yaml:"keepAlive"`
	NoDelay           bool `yaml:"noDelay"`
	ReconnectStrategy int  `yaml:"reconnectStrategy"`
}

// UnmarshalText takes the string form.
func (c *Connection) UnmarshalText(text []byte) error {
	*c = Connection{URL: pluginapi.NewSecret(string(text))}
	return nil
}

// IsZero reports whether nothing is configured.
func (c Connection) IsZero() bool { return c == Connection{} }
