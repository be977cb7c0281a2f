package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// keepToAsk is how long an answer is kept that is not good any more but can be asked about.
const keepToAsk = time.Hour

// kept is an answer in the cache. With Vary set it is only the list of headers on which the real one, under another key, depends.
type kept struct {
	Vary   []string    `json:"vary,omitempty"`
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"` // what may pass to clients
	Made   int64       `json:"made,omitempty"`   // Unix seconds
	Until  int64       `json:"until,omitempty"`  // Unix milliseconds: good without asking
	body   []byte
}

// encode writes the answer as a line of JSON and the body.
func (k *kept) encode() ([]byte, error) {
	meta, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return slices.Concat(meta, []byte{'\n'}, k.body), nil
}

// decodeKept reads what encode wrote; anything else is nil.
func decodeKept(data []byte) *kept {
	meta, body, found := bytes.Cut(data, []byte{'\n'})
	k := new(kept)
	if !found || json.Unmarshal(meta, k) != nil {
		return nil
	}
	k.body = body
	return k
}

// cacheable reports whether the answer to a request may come from the cache or go there.
func (e *endpoint) cacheable(r *http.Request) bool {
	if e.spec.Credentials == proxynode.CredentialsForward && r.Header["Authorization"] != nil {
		return false
	}
	for _, name := range []string{"Range", "If-Range", "If-Match", "If-Unmodified-Since"} {
		if r.Header[name] != nil {
			return false
		}
	}
	return !parseDirectives(r.Header).has("no-store")
}

// forwardCached answers from the cache where it can.
func (e *endpoint) forwardCached(w http.ResponseWriter, r *http.Request, p place) error {
	ctx := r.Context()
	probe, err := e.request(ctx, r, p, nil)
	if err != nil {
		return err
	}
	prepared, err := e.prepareProbe(ctx, probe)
	if err != nil {
		return err
	}
	key := e.cacheKey(probe, prepared)
	if r.Method != http.MethodGet {
		res, err := e.ask(ctx, w, r, p, nil)
		if err != nil {
			return err
		}
		if !safe(r.Method) && res.StatusCode < http.StatusBadRequest {
			_ = e.gateway.cache.Delete(ctx, key) // else it is good for as long as it said
		}
		return e.answer(w, r, p, res)
	}
	found, foundKey := e.lookUp(ctx, key, probe.Header)
	wants := parseDirectives(r.Header)
	age, limited := wants.seconds("max-age")
	ask := wants.has("no-cache") || r.Header.Get("Pragma") == "no-cache" || found != nil && limited && time.Since(time.Unix(found.Made, 0)) >= age
	if found != nil && !ask && time.Now().UnixMilli() < found.Until {
		return e.answerKept(w, r, found, "hit", p.begun)
	}
	res, err := e.ask(ctx, w, r, p, func(out *http.Request) {
		if found == nil || !validators(found.Header) {
			return
		}
		delete(out.Header, "If-None-Match")
		delete(out.Header, "If-Modified-Since")
		if tag := found.Header["Etag"]; tag != nil {
			out.Header["If-None-Match"] = tag
		}
		if modified := found.Header["Last-Modified"]; modified != nil {
			out.Header["If-Modified-Since"] = modified
		}
	})
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusNotModified && found != nil && validators(found.Header) {
		_ = res.Body.Close()
		e.renew(ctx, foundKey, found, res)
		return e.answerKept(w, r, found, "hit; detail=revalidated", p.begun)
	}
	return e.answerAndKeep(w, r, p, res, key, probe)
}

// prepareProbe has a plugin prepare the request that answers are looked up by, and returns which headers it set: what it tells the target, such as who asks, decides about the answer.
func (e *endpoint) prepareProbe(ctx context.Context, probe *http.Request) (names []string, err error) {
	if e.prepare == nil {
		return nil, nil
	}
	before := probe.Header.Clone()
	if err := e.prepare(ctx, probe); err != nil {
		return nil, err
	}
	for name, values := range probe.Header {
		if !slices.Equal(values, before[name]) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, left := probe.Header[name]; !left {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// cacheKey names the answers to a request, apart from what they may vary by. prepared are the headers that a plugin set.
func (e *endpoint) cacheKey(out *http.Request, prepared []string) string {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s\x00%s\x00%s\x00", e.url, out.Host, e.source)
	for _, f := range e.fixed {
		_, _ = fmt.Fprintf(hash, "%s\x00%s\x00", f.name, f.value[0])
	}
	for _, name := range prepared {
		_, _ = fmt.Fprintf(hash, "%q%q", name, out.Header[name])
	}
	if e.spec.XFwd { // targets make links of these, and do not mention them in Vary
		_, _ = fmt.Fprintf(hash, "%q%q", out.Header["X-Forwarded-Host"], out.Header["X-Forwarded-Proto"])
	}
	return "answer:" + e.path + ":" + hex.EncodeToString(hash.Sum(nil)[:8]) + ":" + out.URL.RequestURI()
}

// variantKey names the answer among those that vary by headers of the request.
func variantKey(key string, vary []string, header http.Header) string {
	hash := sha256.New()
	for _, name := range vary {
		_, _ = fmt.Fprintf(hash, "%s\x00%q\x00", name, header[name])
	}
	return key + " " + hex.EncodeToString(hash.Sum(nil)[:16])
}

// lookUp returns the answer to a request with this header, and where it was.
func (e *endpoint) lookUp(ctx context.Context, key string, header http.Header) (*kept, string) {
	for range 2 {
		data, ok := e.gateway.cache.Get(ctx, key)
		if !ok {
			return nil, ""
		}
		found := decodeKept(data)
		if found == nil || found.Vary == nil {
			return found, key
		}
		key = variantKey(key, found.Vary, header)
	}
	return nil, ""
}

// answerKept answers from the cache.
func (e *endpoint) answerKept(w http.ResponseWriter, r *http.Request, found *kept, how string, begun time.Time) error {
	h := w.Header()
	e.copyAnswer(h, found.Header)
	h.Set("Age", strconv.FormatInt(max(time.Now().Unix()-found.Made, 0), 10))
	h.Set("Cache-Status", "proscenium; "+how)
	defer e.counters.done(begun)
	if unchanged(r, found.Header) {
		e.counters.answered(http.StatusNotModified)
		delete(h, "Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	e.counters.answered(found.Status)
	h.Set("Content-Length", strconv.Itoa(len(found.body)))
	w.WriteHeader(found.Status)
	n, err := w.Write(found.body)
	e.counters.received.Add(float64(n))
	if err != nil {
		return errors.Join(http.ErrAbortHandler, err)
	}
	return nil
}

// renew keeps an answer for longer that the target says is still good.
func (e *endpoint) renew(ctx context.Context, key string, found *kept, res *http.Response) {
	for _, name := range []string{"Cache-Control", "Expires", "Etag", "Last-Modified"} {
		if values, ok := res.Header[name]; ok {
			found.Header[name] = values
		}
	}
	d := parseDirectives(found.Header)
	now := time.Now()
	fresh, explicit := freshFor(found.Header, d, now)
	if !explicit {
		fresh = e.spec.Cache.TTL
	}
	if d.has("no-store") || d.has("private") {
		_ = e.gateway.cache.Delete(ctx, key)
		return
	}
	if d.has("no-cache") {
		fresh = 0
	}
	found.Made, found.Until = now.Unix(), now.Add(fresh).UnixMilli()
	e.keep(ctx, key, found, fresh)
}

func (e *endpoint) keep(ctx context.Context, key string, k *kept, fresh time.Duration) {
	data, err := k.encode()
	if err != nil {
		return
	}
	if err := e.gateway.cache.Set(ctx, key, data, fresh+keepToAsk); err != nil && !errors.Is(err, pluginapi.ErrTooLarge) {
		e.gateway.log.DebugContext(ctx, "proxy: answer is not cached", "endpoint", e.path, "error", err)
	}
}

// answerAndKeep passes an answer on and keeps it if that is allowed.
func (e *endpoint) answerAndKeep(w http.ResponseWriter, r *http.Request, p place, res *http.Response, key string, probe *http.Request) error {
	now := time.Now()
	fresh, ok := storable(res, e.spec.Cache.TTL, now)
	w.Header().Set("Cache-Status", "proscenium; fwd=miss")
	if !ok || res.ContentLength > e.spec.Cache.MaxBody || e.personal(res.Request) || e.prepare != nil && differs(res.Request, probe) {
		return e.answer(w, r, p, res)
	}
	copied := &copying{ResponseWriter: w, limit: int(e.spec.Cache.MaxBody)}
	if err := e.answer(copied, r, p, res); err != nil || copied.tooLong {
		return err
	}
	_ = http.NewResponseController(w).Flush() // before a store that may be slow
	k := &kept{Status: res.StatusCode, Header: make(http.Header), Made: now.Unix(), Until: now.Add(fresh).UnixMilli(), body: copied.body.Bytes()}
	if age, err := strconv.ParseInt(res.Header.Get("Age"), 10, 32); err == nil && age > 0 {
		k.Made -= age
	}
	e.copyAnswer(k.Header, res.Header)
	if vary := varying(res.Header); vary != nil {
		e.keep(r.Context(), key, &kept{Vary: vary}, fresh)
		key = variantKey(key, vary, probe.Header)
	}
	e.keep(r.Context(), key, k, fresh)
	return nil
}

// personal reports whether a request was sent with credentials other than the endpoint's own: its answer is one person's.
func (e *endpoint) personal(out *http.Request) bool {
	if out == nil {
		return false
	}
	for _, name := range []string{"Authorization", "Cookie"} {
		own := slices.IndexFunc(e.fixed, func(f field) bool { return f.name == name })
		values := out.Header[name]
		if values != nil && (own < 0 || len(values) != 1 || values[0] != e.fixed[own].value[0]) {
			return true
		}
	}
	return false
}

// differs reports whether what was sent is not what the key of the answer was made of, because a plugin prepares each request differently: the answer would not be found again.
func differs(out, probe *http.Request) bool {
	if out == nil || out.URL.String() != probe.URL.String() || out.Host != probe.Host {
		return true
	}
	own := func(name string) bool {
		return name == "If-None-Match" || name == "If-Modified-Since" || name == "X-Request-Id"
	}
	for name, values := range out.Header {
		if !own(name) && !slices.Equal(values, probe.Header[name]) {
			return true
		}
	}
	for name := range probe.Header {
		if _, sent := out.Header[name]; !sent && !own(name) {
			return true
		}
	}
	return false
}

// varying returns the canonical names of the headers that an answer varies by.
func varying(h http.Header) []string {
	var vary []string
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" && !slices.Contains(vary, name) {
				vary = append(vary, name)
			}
		}
	}
	slices.Sort(vary)
	return vary
}

// copying keeps a copy of what is written, up to a limit.
type copying struct {
	http.ResponseWriter
	limit   int
	body    bytes.Buffer
	tooLong bool
}

// Unwrap lets [http.ResponseController] reach the real one.
func (c *copying) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Write implements [http.ResponseWriter].
func (c *copying) Write(p []byte) (int, error) {
	if c.body.Len()+len(p) > c.limit {
		c.tooLong = true
	} else if !c.tooLong {
		_, _ = c.body.Write(p)
	}
	return c.ResponseWriter.Write(p)
}
