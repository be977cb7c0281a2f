package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// result is what a load showed.
type result struct {
	rate     float64 // requests per second
	p50, p99 time.Duration
	cpu      float64 // microseconds of processor time for each request
	size     float64 // bytes of an answer
}

// median is the result with the median rate.
func median(results []result) result {
	slices.SortFunc(results, func(a, b result) int { return int(a.rate - b.rate) })
	return results[len(results)/2]
}

// load sends requests in turn for some time: on each connection one after the other, or if rate is not 0, so many a second, whose times count from when they were due. Before that it sends each of them once.
func (p *process) load(ctx context.Context, requests [][]byte, s settings, rate float64) (result, error) {
	connections := make([]*connection, s.connections)
	for i := range connections {
		c, err := dial(ctx, p.address)
		if err != nil {
			return result{}, err
		}
		defer func() { _ = c.conn.Close() }()
		connections[i] = c
	}
	together := func(send func(i int, c *connection) error) error {
		var wait sync.WaitGroup
		errs := make([]error, len(connections))
		for i, c := range connections {
			wait.Go(func() { errs[i] = send(i, c) })
		}
		wait.Wait()
		return errors.Join(errs...)
	}
	err := together(func(i int, c *connection) error {
		for ; i < len(requests); i += len(connections) {
			if err := c.send(requests[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return result{}, err
	}
	took := make([][]time.Duration, len(connections))
	sizes := make([]int, len(connections))
	cpu, began := p.cpu(), time.Now()
	err = together(func(i int, c *connection) error {
		next := i * len(requests) / len(connections)
		for n := 0; ; n++ {
			start := time.Now()
			if rate > 0 {
				due := began.Add(time.Duration((float64(n) + float64(i)/float64(len(connections))) * float64(len(connections)) / rate * float64(time.Second)))
				if wait := due.Sub(start); wait > 0 {
					time.Sleep(wait)
					start = time.Now() // that this program wakes late is not the server's fault
				} else {
					start = due
				}
			}
			if time.Since(began) > s.duration || ctx.Err() != nil {
				return ctx.Err()
			}
			if err := c.send(requests[next%len(requests)]); err != nil {
				return err
			}
			next++
			took[i] = append(took[i], time.Since(start))
			sizes[i] += c.size
		}
	})
	elapsed, used := time.Since(began), p.cpu()-cpu
	all := slices.Concat(took...)
	if err != nil || len(all) == 0 {
		return result{}, errors.Join(err, ctx.Err())
	}
	slices.Sort(all)
	r := result{rate: float64(len(all)) / elapsed.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100], cpu: float64(used.Microseconds()) / float64(len(all))}
	for _, size := range sizes {
		r.size += float64(size) / float64(len(all))
	}
	return r, nil
}

// connection is an HTTP client that costs as little as possible beside what it measures: requests are sent as they are, and of answers no more is read than their status and length.
type connection struct {
	conn   net.Conn
	buffer []byte
	size   int // of the last answer's body
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	return &connection{conn: conn, buffer: make([]byte, 64<<10)}, err
}

// send sends a request and reads the answer to its end.
func (c *connection) send(request []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	n, end := 0, -1
	for end < 0 {
		m, err := c.conn.Read(c.buffer[n:])
		if err != nil {
			return err
		}
		n += m
		end = bytes.Index(c.buffer[:n], []byte("\r\n\r\n"))
	}
	header := c.buffer[:end+2]
	if !bytes.HasPrefix(header, []byte("HTTP/1.1 200 ")) {
		line, _, _ := bytes.Cut(request, []byte("\r\n"))
		return fmt.Errorf("%s: %s", line, c.buffer[:n])
	}
	const name = "\r\nContent-Length: "
	at := bytes.Index(header, []byte(name))
	if at < 0 {
		return errors.New("an answer does not say how long it is")
	}
	digits, _, _ := bytes.Cut(header[at+len(name):], []byte("\r"))
	var err error
	if c.size, err = strconv.Atoi(string(digits)); err != nil {
		return err
	}
	for left := c.size - (n - end - 4); left > 0; {
		m, err := c.conn.Read(c.buffer)
		if err != nil {
			return err
		}
		left -= m
	}
	return nil
}

// writer writes ten entities a second.
type writer struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func startWriter(ctx context.Context, address string) *writer {
	w := &writer{done: make(chan struct{})}
	ctx, w.cancel = context.WithCancel(ctx)
	go func() {
		defer close(w.done)
		tick := time.NewTicker(time.Second / 10)
		defer tick.Stop()
		for n := 0; w.err == nil; n++ {
			select {
			case <-tick.C:
				w.err = write(ctx, address, n)
			case <-ctx.Done():
				return
			}
		}
	}()
	return w
}

func write(ctx context.Context, address string, n int) error {
	name := fmt.Sprintf("written-%d", n%500)
	body := fmt.Sprintf(`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q,"description":"This is write number %d.","tags":["java","t%d"]},"spec":{"type":"service","lifecycle":"production","owner":"team-00000"}}`, name, n, n%20)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+address+api+"/entities/by-name/component/default/"+name, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("write: status %d: %s", res.StatusCode, text)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// stop returns why a write failed, if one did. It can be called again.
func (w *writer) stop() error {
	w.cancel()
	<-w.done
	return w.err
}
