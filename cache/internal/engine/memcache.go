package engine

import (
	"context"
	"errors"
	"hash/fnv"
	"net"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	memcachestore "github.com/eko/gocache/store/memcache/v4"
)

// Limits of the protocol: a lifetime is in whole seconds, none means for ever, and beyond 30 days it is read as a date.
const (
	minMemcacheTTL = time.Second
	maxMemcacheTTL = 30 * 24 * time.Hour
)

// maxMemcacheIdle is the number of idle connections kept for each server.
const maxMemcacheIdle = 64

// Memcache is a store in one or more memcached servers.
type Memcache struct {
	adapter
	client  *memcache.Client
	timeout time.Duration
}

// NewMemcache makes a store over the servers at the given addresses (host:port). It resolves and connects at the first call; a call, connecting included, takes at most timeout.
func NewMemcache(addresses []string, timeout time.Duration) *Memcache {
	servers := make(serverList, len(addresses))
	for i, address := range addresses {
		servers[i] = serverAddr(address)
	}
	client := memcache.NewFromSelector(servers)
	client.Timeout, client.MaxIdleConns = timeout, maxMemcacheIdle
	client.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		start := time.Now()
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &firstCallConn{conn, start.Add(timeout)}, nil
	}
	return &Memcache{adapter{memcachestore.NewMemcache(client)}, client, timeout}
}

// Get returns the value of key.
func (m *Memcache) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if m.fits(ctx) {
		return m.adapter.Get(ctx, key)
	}
	type answer struct {
		value []byte
		ok    bool
	}
	a, err := leave(ctx, func() (answer, error) {
		value, ok, err := m.adapter.Get(ctx, key)
		return answer{value, ok}, err
	})
	return a.value, a.ok, err
}

// Set stores value for ttl, rounded up to whole seconds, 30 days at most.
func (m *Memcache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ttl = min(max(ttl+time.Second-1, minMemcacheTTL).Truncate(time.Second), maxMemcacheTTL)
	if m.fits(ctx) {
		return m.adapter.Set(ctx, key, value, ttl)
	}
	_, err := leave(ctx, func() (struct{}, error) { return struct{}{}, m.adapter.Set(ctx, key, value, ttl) })
	return err
}

// Delete forgets key.
func (m *Memcache) Delete(ctx context.Context, key string) error {
	if m.fits(ctx) {
		return m.adapter.Delete(ctx, key)
	}
	_, err := leave(ctx, func() (struct{}, error) { return struct{}{}, m.adapter.Delete(ctx, key) })
	return err
}

// Close closes the idle connections.
func (m *Memcache) Close() error { return m.client.Close() }

// fits reports whether the client's own timeout keeps ctx's deadline, as it nearly always does. The client knows no contexts, and a goroutine for each call would cost a tenth of a call.
func (m *Memcache) fits(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > m.timeout-m.timeout/8)
}

// leave runs fn, which ends within the client's timeout, and leaves it behind when ctx ends first.
func leave[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	if err := ctx.Err(); err != nil {
		var none T
		return none, err
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := fn()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// serverList picks a server by the key's hash. Unlike the client's own list it does not resolve names when it is made.
type serverList []serverAddr

var _ memcache.ServerSelector = serverList(nil)

// PickServer returns the key's server.
func (l serverList) PickServer(key string) (net.Addr, error) {
	if len(l) == 0 {
		return nil, errors.New("no memcached server is configured")
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key))
	return l[hash.Sum32()%uint32(len(l))], nil
}

// Each calls fn for each server.
func (l serverList) Each(fn func(net.Addr) error) error {
	for _, server := range l {
		if err := fn(server); err != nil {
			return err
		}
	}
	return nil
}

type serverAddr string

func (serverAddr) Network() string  { return "tcp" }
func (a serverAddr) String() string { return string(a) }

// firstCallConn counts the time it took to connect as part of the first call: the client starts its timeout anew after connecting.
type firstCallConn struct {
	net.Conn
	first time.Time // deadline of the first call; zero afterwards
}

// SetDeadline is called by the client before each call, by one goroutine at a time.
func (c *firstCallConn) SetDeadline(t time.Time) error {
	if !c.first.IsZero() {
		t, c.first = c.first, time.Time{}
	}
	return c.Conn.SetDeadline(t)
}
