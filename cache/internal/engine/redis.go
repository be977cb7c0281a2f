package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	redisstore "github.com/eko/gocache/store/redis/v4"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisOptions says where a Redis is and how to use it.
type RedisOptions struct {
	Addresses          []string // host:port, or the path of a socket; several only for a cluster
	Cluster            bool
	Username, Password string
	Database           int // not in a cluster
	ClientName         string
	TLS                *tls.Config   // nil: none
	ConnectTimeout     time.Duration // of a new connection, which goes on being made when the call that asked for it has left
	CallTimeout        time.Duration // for calls whose context has no deadline
	ReadReplicas       bool          // in a cluster
	MaxRedirects       int           // in a cluster; 0: the client's default

	Sets       bool // keep a set of each namespace's keys, see Redis.Namespace
	ClearBatch int  // keys forgotten in one round trip
	Unlink     bool // forget with UNLINK, which frees memory in the background, rather than DEL
}

// Redis is a store in a Redis or Valkey server or cluster, through one pool of connections.
type Redis struct {
	adapter
	client  redis.UniversalClient
	options RedisOptions
}

// NewRedis makes the store. It connects at the first call.
func NewRedis(o RedisOptions) *Redis {
	dialer := &net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		var err error
		if o.TLS != nil {
			conn, err = (&tls.Dialer{NetDialer: dialer, Config: o.TLS}).DialContext(ctx, network, address)
		} else {
			conn, err = dialer.DialContext(ctx, network, address)
		}
		if err != nil {
			// The client would write a line to standard error for each failed dial, and try in a goroutine that outlives Close. A connection that fails at its first use
			// has the same effect on the call, and our caller reports it once.
			return &failedConn{err: err}, nil
		}
		return conn, nil
	}
	// The third protocol adds pushes by the server, which are of no use here; and when a connection dies the client, which looks for them, writes a line to standard error.
	const protocol = 2
	noNotifications := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	var client redis.UniversalClient
	if o.Cluster {
		client = redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: o.Addresses, ClientName: o.ClientName, Dialer: dial, Username: o.Username, Password: o.Password,
			ReadOnly: o.ReadReplicas, RouteRandomly: o.ReadReplicas, MaxRedirects: o.MaxRedirects,
			DialTimeout: o.ConnectTimeout, DialerRetries: 1, ReadTimeout: o.CallTimeout, WriteTimeout: o.CallTimeout, PoolTimeout: o.CallTimeout,
			Protocol: protocol, ContextTimeoutEnabled: true, DisableIdentity: true, MaintNotificationsConfig: noNotifications,
		})
	} else {
		network := "tcp"
		if strings.HasPrefix(o.Addresses[0], "/") {
			network = "unix"
		}
		client = redis.NewClient(&redis.Options{
			Network: network, Addr: o.Addresses[0], ClientName: o.ClientName, Dialer: dial, Username: o.Username, Password: o.Password, DB: o.Database,
			MaxRetries: 1, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 4 * time.Millisecond, // for connections that a restarted server has closed
			DialTimeout: o.ConnectTimeout, DialerRetries: 1, ReadTimeout: o.CallTimeout, WriteTimeout: o.CallTimeout, PoolTimeout: o.CallTimeout,
			Protocol: protocol, ContextTimeoutEnabled: true, DisableIdentity: true, MaintNotificationsConfig: noNotifications, PipelinePoolSize: -1,
		})
	}
	return &Redis{adapter{redisstore.NewRedis(client)}, client, o}
}

// UsesSets reports whether [Redis.Namespace] keeps sets.
func (r *Redis) UsesSets() bool { return r.options.Sets }

// Close closes the connections.
func (r *Redis) Close() error { return r.client.Close() }

// RedisNamespace is a view of a [Redis] that remembers its keys in a sorted set called prefix+"keys", scored by when they expire (Unix time in milliseconds), so that they can be listed
// and cleared. It must only be given keys that begin with prefix.
type RedisNamespace struct {
	*Redis
	index string
}

// Namespace returns the view for keys that begin with prefix.
func (r *Redis) Namespace(prefix string) *RedisNamespace {
	return &RedisNamespace{r, prefix + "keys"}
}

// Set stores value and notes the key, in one round trip.
func (n *RedisNamespace) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	now := time.Now()
	_, err := n.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, key, value, ttl)
		p.ZAdd(ctx, n.index, redis.Z{Score: float64(now.Add(ttl).UnixMilli()), Member: key})
		if rand.IntN(64) == 0 { // the set would otherwise keep what expired; now and then is enough
			p.ZRemRangeByScore(ctx, n.index, "-inf", strconv.FormatInt(now.UnixMilli(), 10))
		}
		return nil
	})
	return err
}

// Delete forgets key.
func (n *RedisNamespace) Delete(ctx context.Context, key string) error {
	_, err := n.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, key)
		p.ZRem(ctx, n.index, key)
		return nil
	})
	return err
}

// Clear forgets all keys of the namespace, in batches.
func (n *RedisNamespace) Clear(ctx context.Context, _ string) error {
	for {
		keys, err := n.client.ZRange(ctx, n.index, 0, int64(n.options.ClearBatch)-1).Result()
		if err != nil || len(keys) == 0 {
			return err
		}
		_, err = n.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			members := make([]any, len(keys))
			for i, key := range keys {
				members[i] = key
				if n.options.Unlink { // one key each: in a cluster they live on several nodes
					p.Unlink(ctx, key)
				} else {
					p.Del(ctx, key)
				}
			}
			p.ZRem(ctx, n.index, members...)
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// failedConn is a connection that could not be made.
type failedConn struct{ err error }

var _ net.Conn = (*failedConn)(nil)

func (c *failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c *failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c *failedConn) Close() error                     { return nil }
func (c *failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *failedConn) SetDeadline(time.Time) error      { return nil }
func (c *failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *failedConn) SetWriteDeadline(time.Time) error { return nil }

// RedisURL reads redis://, rediss:// (TLS), valkey://, valkeys:// and unix:// URLs into where and who.
func RedisURL(text string) (RedisOptions, error) {
	if rest, ok := strings.CutPrefix(text, "valkey://"); ok {
		text = "redis://" + rest
	} else if rest, ok := strings.CutPrefix(text, "valkeys://"); ok {
		text = "rediss://" + rest
	}
	parsed, err := redis.ParseURL(text)
	if err != nil {
		// The client's error repeats the URL, which may hold a password.
		return RedisOptions{}, errors.New("is not a URL of the form redis[s]://[user:password@]host:port[/database]")
	}
	return RedisOptions{
		Addresses: []string{parsed.Addr}, Username: parsed.Username, Password: parsed.Password, Database: parsed.DB, ClientName: parsed.ClientName, TLS: parsed.TLSConfig,
	}, nil
}
