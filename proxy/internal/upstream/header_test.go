package upstream

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// usual are answers that are read here, unusual ones that are left to the standard library.
func usual() []string {
	return []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 404 \r\ncontent-length: 0\r\nX-a:  b \t\r\nx-A: c\r\nServer:\r\n\r\n",
		"HTTP/1.1 200\r\nConnection: keep-alive\r\nContent-Length:12\r\nEtag: \"\xe9\"\r\n\r\n",
	}
}

func unusual() []string {
	return []string{
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 +20 OK\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 6\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 5\r\n\r\n",
	}
}

func TestUsualHeaders(t *testing.T) {
	t.Parallel()
	out := &http.Request{Method: http.MethodGet}
	for _, text := range usual() {
		if readUsual(text, out) == nil {
			t.Errorf("%q is not read", text)
		}
		if readUsual(text, &http.Request{Method: http.MethodHead}) != nil {
			t.Errorf("%q is read although there is no body", text)
		}
	}
	for _, text := range unusual() {
		if res := readUsual(text, out); res != nil {
			t.Errorf("%q is read: %v", text, res)
		}
	}
}

// FuzzUsualHeaders compares with what the standard library makes of the same bytes.
func FuzzUsualHeaders(f *testing.F) {
	for _, text := range append(usual(), unusual()...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := strings.Index(text, "\r\n\r\n")
		if end < 0 {
			return
		}
		text = text[:end+4]
		out := &http.Request{Method: http.MethodGet}
		got := readUsual(text, out)
		if got == nil {
			return
		}
		reader := bufio.NewReader(strings.NewReader(text))
		want, err := http.ReadResponse(reader, out)
		if err != nil {
			t.Fatalf("%q is read here, but it is an error: %v", text, err)
		}
		if got.StatusCode != want.StatusCode || got.Status != want.Status || got.ContentLength != want.ContentLength || want.Close || want.TransferEncoding != nil || want.Trailer != nil || reader.Buffered() > 0 {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}

func BenchmarkUsualHeaders(b *testing.B) {
	const text = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 16:13:10 GMT\r\nEtag: \"0123456789\"\r\nCache-Control: no-cache\r\n\r\n"
	out := &http.Request{Method: http.MethodGet}
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if readUsual(string([]byte(text)), out) == nil {
				b.Fatal("not read")
			}
		}
	})
	b.Run("standard library", func(b *testing.B) {
		b.ReportAllocs()
		source := strings.NewReader(text)
		reader := bufio.NewReader(source)
		for b.Loop() {
			source.Reset(text)
			reader.Reset(source)
			if _, err := http.ReadResponse(reader, out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
