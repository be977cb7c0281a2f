package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	maxDocument  = 2 << 20 // bytes
	fetchTimeout = 10 * time.Second
	maxRedirects = 5
)

// fetched is what a source answered.
type fetched struct {
	unchanged bool // since the version that etag names
	document  []byte
	etag      string
}

// failure is an error that people may read.
type failure struct {
	text  string
	cause error // for the log
}

// Error joins both.
func (f *failure) Error() string {
	if f.cause == nil {
		return f.text
	}
	return f.text + ": " + f.cause.Error()
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

func fail(cause error, format string, args ...any) error {
	return &failure{fmt.Sprintf(format, args...), cause}
}

// fetch reads the source, unless it is still the version that etag names.
func (s Source) fetch(ctx context.Context, client *http.Client, etag string) (fetched, error) {
	if s.URL != "" {
		return s.fetchURL(ctx, client, etag)
	}
	return s.readFile(etag)
}

func (s Source) readFile(etag string) (fetched, error) {
	file, err := os.Open(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return fetched{}, fail(err, "there is no file %s", s.File)
	} else if err != nil {
		return fetched{}, fail(err, "the file %s cannot be read", s.File)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fetched{}, fail(err, "the file %s cannot be read", s.File)
	}
	stamp := info.ModTime().UTC().Format(time.RFC3339Nano) + " " + strconv.FormatInt(info.Size(), 10)
	if stamp == etag {
		return fetched{unchanged: true}, nil
	}
	document, err := readAll(file)
	if err != nil {
		return fetched{}, fail(err, "the file %s cannot be used", s.File)
	}
	return fetched{document: document, etag: stamp}, nil
}

func readAll(r io.Reader) ([]byte, error) {
	document, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(document) > maxDocument {
		err = &failure{text: fmt.Sprintf("it has more than %d MiB", maxDocument>>20)}
	}
	return document, err
}

// newClient makes the client for all URLs. Operators choose the addresses, so none is refused; but no server can send the portal, with its headers, on to another one.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // every ten minutes is too seldom to hold a connection
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(r *http.Request, before []*http.Request) error {
			first := before[0].URL
			switch {
			case r.URL.Host != first.Host || r.URL.Scheme != first.Scheme:
				return &failure{text: fmt.Sprintf("%s redirects to %s://%s; configure the address there", first.Host, r.URL.Scheme, r.URL.Host)}
			case len(before) >= maxRedirects:
				return &failure{text: fmt.Sprintf("%s redirects more than %d times", first.Host, maxRedirects)}
			}
			return nil
		},
	}
}

func (s Source) fetchURL(ctx context.Context, client *http.Client, etag string) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.document(), nil)
	if err != nil {
		return fetched{}, fail(err, "the address cannot be used")
	}
	r.Header.Set("Accept", "application/json, text/plain;q=0.9, */*;q=0.5")
	for name, value := range s.Headers {
		r.Header.Set(name, value.Reveal())
	}
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	host := r.URL.Host
	res, err := client.Do(r)
	if err != nil {
		return fetched{}, unreachable(host, err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return fetched{unchanged: true}, nil
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return fetched{}, fail(nil, "%s answered %s; does the document need a header with a token, or has it expired?", host, res.Status)
	case res.StatusCode != http.StatusOK:
		return fetched{}, fail(nil, "%s answered %s", host, res.Status)
	}
	document, err := readAll(res.Body)
	if tooLarge := (*failure)(nil); errors.As(err, &tooLarge) {
		return fetched{}, fail(nil, "what %s answered cannot be used: %s", host, tooLarge.text)
	} else if err != nil {
		return fetched{}, unreachable(host, err)
	}
	return fetched{document: document, etag: res.Header.Get("ETag")}, nil
}

// unreachable says why there was no answer, without the address, which may hold a token.
func unreachable(host string, err error) error {
	var said *failure
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &said):
		return fail(err, "%s", said.text)
	case errors.Is(err, context.DeadlineExceeded):
		return fail(err, "%s did not answer within %s", host, fetchTimeout)
	case errors.As(err, &name):
		return fail(err, "the name %s cannot be found", name.Name)
	case errors.As(err, &certificate):
		return fail(err, "the certificate of %s is not trusted", host)
	}
	return fail(err, "%s cannot be reached", host)
}
