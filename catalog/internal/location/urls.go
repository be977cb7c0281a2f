package location

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Reading is the section backend.reading.
type Reading struct {
	Allow []AllowedHost `yaml:"allow"`
}

// AllowedHost is an item of backend.reading.allow in the configuration: a server that may be read although it is no integration.
type AllowedHost struct {
	Host  string   `yaml:"host"`  // name with the port if it is not the usual one; *.example.com means all hosts below example.com
	Paths []string `yaml:"paths"` // beginnings of what may be read there; empty means everything
}

// Validate checks that the host is one, and that paths can begin an address.
func (a AllowedHost) Validate() error {
	name := strings.TrimPrefix(a.Host, "*.")
	if name == "" || strings.Contains(name, "*") {
		return fmt.Errorf("host %q is no name such as example.com, example.com:8443 or *.example.com", a.Host)
	}
	for _, prefix := range a.Paths {
		if !strings.HasPrefix(prefix, "/") {
			return fmt.Errorf("path %q must start with a slash", prefix)
		}
	}
	return checkHost(name)
}

// checkHost finds addresses where the name of a host should be.
func checkHost(host string) error {
	if address, err := url.Parse("//" + host); err != nil || address.Host != host || address.User != nil {
		return fmt.Errorf("host %q is no name such as example.com or example.com:8443; write it without https:// and without a path", host)
	}
	return nil
}

// URLConfig says what a [URLs] may read, and how much.
type URLConfig struct {
	Hosts    Hosts
	Allow    []AllowedHost
	MaxBytes int64         // of one file; 0 means 32 MiB
	Timeout  time.Duration // for one request; 0 means 30 s
}

// URLs reads locations of type url: files on web servers. Addresses of files on GitHub and GitLab, as people copy them from the browser, are read through the API or as raw files, and may be patterns there.
//
// Only hosts that the configuration names, github.com and gitlab.com are read. An address within the local network is connected to only if the configuration names that very host, so that nobody can use the portal to look around there.
type URLs struct {
	reach  atomic.Pointer[reach]
	client *http.Client
	slots  chan struct{} // bounds how many reads happen at once
}

// reach is what may be read at present.
type reach struct {
	URLConfig
	trusted []string // host names that may have private addresses
}

var _ Reader = (*URLs)(nil)

// maxReads is how many requests are under way at once.
const maxReads = 5

// ownETag starts the ETags that are made here because the server sends none.
const ownETag = "sha256:"

// NewURLs returns a reader. [URLs.Close] ends its idle connections.
func NewURLs(config URLConfig) *URLs {
	u := &URLs{slots: make(chan struct{}, maxReads)}
	u.client = &http.Client{
		CheckRedirect: u.checkRedirect,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: u.dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: maxReads, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	u.Configure(config)
	return u
}

// Configure replaces what may be read. Requests that are under way end by the old rules.
func (u *URLs) Configure(config URLConfig) {
	r := &reach{URLConfig: config}
	if r.MaxBytes <= 0 {
		r.MaxBytes = defaultMaxBytes
	}
	if r.Timeout <= 0 {
		r.Timeout = 30 * time.Second
	}
	for _, allowed := range config.Allow {
		if !strings.HasPrefix(allowed.Host, "*") {
			r.trust(allowed.Host)
		}
	}
	for _, host := range slices.Concat(config.Hosts.GitHub, config.Hosts.GitLab) {
		r.trust(host.Host)
		for _, base := range []string{host.APIBaseURL, host.RawBaseURL} {
			if address, err := url.Parse(base); err == nil {
				r.trust(address.Host)
			}
		}
	}
	for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if proxy, err := url.Parse(os.Getenv(variable)); err == nil {
			r.trust(proxy.Host)
		}
	}
	if before := u.reach.Swap(r); before != nil && !reflect.DeepEqual(before, r) {
		u.Close() // connections were made by the old rules
	}
}

// Close ends idle connections. Reads may still be made.
func (u *URLs) Close() { u.client.CloseIdleConnections() }

// hosts are those whose URL forms are understood at present: without a reader, the best known ones.
func (u *URLs) hosts() Hosts {
	if u == nil {
		return Hosts{}
	}
	return u.reach.Load().Hosts
}

// Annotations is [Hosts.Annotations] of the present configuration.
func (u *URLs) Annotations(from catalogcommon.LocationRef) map[string]string {
	return u.hosts().Annotations(from)
}

func (r *reach) trust(host string) {
	if name := hostname(host); name != "" {
		r.trusted = append(r.trusted, name)
	}
}

// hostname returns a host without its port, in small letters.
func hostname(host string) string {
	return strings.ToLower((&url.URL{Host: host}).Hostname())
}

// Read reads the file at a web address or, on GitHub and GitLab, the files that fit a pattern.
func (u *URLs) Read(ctx context.Context, request Request) (Result, error) {
	result, err := u.read(ctx, request)
	if err == nil {
		return result, nil
	}
	const longest = 5000
	message := fmt.Sprintf("Unable to read url %s, %v", redacted(request.Target), err)
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, &missing{message}
	}
	return Result{}, &failed{message, err}
}

func redacted(target string) string {
	if address, err := url.Parse(target); err == nil {
		return address.Redacted()
	}
	return target
}

// failed is an error with a text that is not too long, whatever its cause says.
type failed struct {
	message string
	cause   error
}

func (f *failed) Error() string { return f.message }
func (f *failed) Unwrap() error { return f.cause }

func (u *URLs) read(ctx context.Context, request Request) (Result, error) {
	address, err := u.checkTarget(request.Target)
	if err != nil {
		return Result{}, err
	}
	if f, ok := u.hosts().parse(address); ok {
		if f.file == "" || strings.HasSuffix(f.file, "/") {
			return Result{}, catalogcommon.InputError("it is a folder; name a file, or a pattern such as %s*.yaml", unescape(f.file))
		}
		if isGlob(unescape(f.file)) {
			return u.search(ctx, f, request.ETag)
		}
	}
	fetch, header := u.hosts().fetchURL(address)
	got, err := u.get(ctx, fetch, header, request.ETag)
	if err != nil {
		return Result{}, err
	}
	if got.notModified {
		return Result{ETag: request.ETag, NotModified: true}, nil
	}
	file := newFile(request.Target, got.text)
	if got.etag == "" {
		got.etag = ownETag + file.Hash
	}
	if got.etag == request.ETag {
		return Result{ETag: got.etag, NotModified: true}, nil
	}
	return Result{Files: []File{file}, ETag: got.etag}, nil
}

// search reads the files of a repository that fit a pattern.
func (u *URLs) search(ctx context.Context, pattern repoFile, etag string) (Result, error) {
	paths, version, err := u.list(ctx, pattern)
	if err != nil {
		return Result{}, err
	}
	version = ownETag + version
	if version == etag {
		return Result{ETag: etag, NotModified: true}, nil
	}
	match, err := compileMatcher(unescape(pattern.file))
	if err != nil {
		return Result{}, err
	}
	paths = slices.DeleteFunc(paths, func(name string) bool { return !match(name) })
	if len(paths) == 0 {
		return Result{}, &missing{"no file fits the pattern"}
	}
	slices.Sort(paths)
	const most = 10_000
	if len(paths) > most {
		return Result{}, fmt.Errorf("the pattern fits %d files, more than the limit of %d", len(paths), most)
	}
	files := u.readAll(ctx, pattern, paths)
	complete := true
	for _, file := range files {
		complete = complete && file.Err == nil
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if !complete {
		version = "" // so that the next read tries the others again
	}
	return Result{Files: files, ETag: version}, nil
}

// readAll reads files of a repository, in the order of their paths. What cannot be read says so.
func (u *URLs) readAll(ctx context.Context, repository repoFile, paths []string) []File {
	files := make([]File, len(paths))
	var group sync.WaitGroup
	next := make(chan int)
	for range min(maxReads, len(paths)) {
		group.Go(func() {
			for i := range next {
				one := repository.with(repository.view, (&url.URL{Path: paths[i]}).EscapedPath())
				result, err := u.Read(ctx, Request{Target: one})
				if err != nil {
					files[i] = File{Target: one, Err: err}
					continue
				}
				files[i] = result.Files[0]
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	group.Wait()
	return files
}

// allows reports whether backend.reading.allow has the address.
func (u *URLs) allows(address *url.URL) bool {
	host := strings.ToLower(address.Host)
	for _, allowed := range u.reach.Load().Allow {
		name := strings.ToLower(allowed.Host)
		suffix, wildcard := strings.CutPrefix(name, "*")
		if host != name && !(wildcard && strings.HasPrefix(suffix, ".") && strings.HasSuffix(host, suffix)) {
			continue
		}
		if len(allowed.Paths) == 0 {
			return true
		}
		where := path.Clean("/" + address.Path)
		if strings.HasSuffix(address.Path, "/") && where != "/" {
			where += "/"
		}
		if slices.ContainsFunc(allowed.Paths, func(prefix string) bool { return strings.HasPrefix(where, prefix) }) {
			return true
		}
	}
	return false
}

// checkRedirect follows redirects only to where reading is allowed, and never takes a token to another host.
func (u *URLs) checkRedirect(request *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) >= 5 {
		return errors.New("the server redirects too often")
	}
	if first.Scheme == "https" && request.URL.Scheme != "https" {
		return errors.New("the server redirects to an address without encryption")
	}
	if request.URL.Host == first.Host {
		return nil
	}
	request.Header.Del("PRIVATE-TOKEN")
	request.Header.Del("Authorization")
	if _, err := u.checkTarget(request.URL.String()); err != nil {
		return fmt.Errorf("the server redirects elsewhere: %w", err)
	}
	return nil
}

// dial connects, but not to private addresses of hosts that the configuration does not name.
func (u *URLs) dial(ctx context.Context, network, address string) (net.Conn, error) {
	name := hostname(address)
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if !slices.Contains(u.reach.Load().trusted, name) {
		dialer.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(resolved)
			if err != nil || !isPublic(at.Addr()) {
				return fmt.Errorf("%s has the private address %s, and the configuration does not name this host", name, resolved)
			}
			return nil
		}
	}
	return dialer.DialContext(ctx, network, address)
}

// isPublic reports whether an address belongs to the internet, and not to this machine or the networks around it.
func isPublic(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsGlobalUnicast() || address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() {
		return false
	}
	if address.Is4() {
		b := address.As4()
		switch {
		case b[0] == 0, b[0] >= 240, // "this network", reserved
			b[0] == 100 && b[1]&0xc0 == 64,            // behind a carrier's address translation
			b[0] == 192 && b[1] == 0 && b[2] == 0,     // protocol assignments
			b[0] == 198 && (b[1] == 18 || b[1] == 19): // benchmarks
			return false
		}
		return true
	}
	b := address.As16()
	switch {
	case b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b, // translated to IPv4, private addresses included
		b[0] == 0x20 && b[1] == 0x02,                           // 6to4
		b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo
		return false
	}
	return true
}
