package lines_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/core/internal/lines"
)

// sink is where lines arrive.
type sink struct {
	mu     sync.Mutex
	writes []string
	err    error // of the next write, which is refused
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.err; err != nil {
		s.err = nil
		return 0, err
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func (s *sink) refuse(err error) { s.mu.Lock(); defer s.mu.Unlock(); s.err = err }

func (s *sink) all() []string { s.mu.Lock(); defer s.mu.Unlock(); return s.writes }

func (s *sink) text() string { return strings.Join(s.all(), "") }

func (s *sink) await(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); s.text() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("written: %q, want %q", s.text(), want)
		}
	}
}

func logger(b *lines.Buffer) *slog.Logger {
	return slog.New(b.Handler(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
}

func TestLinesAreWrittenAfterAWhile(t *testing.T) {
	t.Parallel()
	s := &sink{}
	b := lines.New(s)
	t.Cleanup(b.Close)
	for _, line := range []string{"one\n", "two\n"} { // the second time the timer has run before
		before := s.text()
		if _, err := io.WriteString(b, line); err != nil {
			t.Fatal(err)
		}
		s.await(t, before+line)
	}
}

func TestWarningsAreWrittenAtOnceWithAllBeforeThem(t *testing.T) {
	t.Parallel()
	for _, level := range []slog.Level{slog.LevelWarn, slog.LevelError} {
		s := &sink{}
		b := lines.New(s)
		t.Cleanup(b.Close)
		log := logger(b)
		log.Info("one", "n", 1)
		log.With("plugin", "hello").WithGroup("g").Log(t.Context(), level, "two", "n", 2)
		want := "level=INFO msg=one n=1\nlevel=" + level.String() + " msg=two plugin=hello g.n=2\n"
		if got := s.text(); got != want {
			t.Errorf("written: %q, want %q", got, want)
		}
	}
}

func TestAFullBufferIsWrittenInWholeLines(t *testing.T) {
	t.Parallel()
	s := &sink{}
	b := lines.New(s)
	t.Cleanup(b.Close)
	var want strings.Builder
	for i := range 4000 {
		line := fmt.Sprintf("%d %s\n", i, strings.Repeat("x", i%50))
		if i == 2000 {
			line = strings.Repeat("long ", 20_000) + "\n"
		}
		want.WriteString(line)
		if _, err := io.WriteString(b, line); err != nil {
			t.Fatal(err)
		}
	}
	b.Flush()
	if s.text() != want.String() {
		t.Error("what was written is not what was said")
	}
	for i, write := range s.all() {
		if !strings.HasSuffix(write, "\n") {
			t.Errorf("write %d ends within a line: %q", i, write[max(0, len(write)-20):])
		}
	}
	if n := len(s.all()); n > 100 {
		t.Errorf("%d writes for 4000 lines", n)
	}
}

func TestNothingIsHeldAfterClose(t *testing.T) {
	t.Parallel()
	s := &sink{}
	b := lines.New(s)
	log := logger(b)
	log.Info("one")
	b.Close()
	if got := s.text(); got != "level=INFO msg=one\n" {
		t.Errorf("after Close there is %q", got)
	}
	log.Info("two")
	if got := s.text(); got != "level=INFO msg=one\nlevel=INFO msg=two\n" {
		t.Errorf("what was said after Close: %q", got)
	}
	b.Close()
}

func TestWhatCannotBeWrittenIsNotTheEnd(t *testing.T) {
	t.Parallel()
	s := &sink{}
	b := lines.New(s)
	t.Cleanup(b.Close)
	full := errors.New("the disk is full")
	s.refuse(full)
	if _, err := io.WriteString(b, strings.Repeat("x", 64<<10)); !errors.Is(err, full) {
		t.Errorf("err = %v", err)
	}
	if _, err := io.WriteString(b, "after\n"); err != nil {
		t.Error(err)
	}
	b.Flush()
	if s.text() != "after\n" {
		t.Errorf("written: %q", s.text())
	}
}

func TestEverybodysLinesComeInTheirOrder(t *testing.T) {
	t.Parallel()
	s := &sink{}
	b := lines.New(s)
	log := logger(b)
	var wg sync.WaitGroup
	for who := range 8 {
		wg.Go(func() {
			for n := range 500 {
				level := slog.LevelInfo
				if n%100 == 7 {
					level = slog.LevelWarn
				}
				log.Log(t.Context(), level, "line", "who", who, "n", n)
			}
		})
	}
	wg.Wait()
	b.Close()
	next := [8]int{}
	for line := range strings.Lines(s.text()) {
		var level string
		var who, n int
		if _, err := fmt.Sscanf(line, "level=%s msg=line who=%d n=%d\n", &level, &who, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n != next[who] {
			t.Fatalf("%d says %d before %d", who, n, next[who])
		}
		next[who]++
	}
	for who, n := range next {
		if n != 500 {
			t.Errorf("%d of 500 lines of %d", n, who)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// BenchmarkLine writes the line of a request to a file, at once and through a buffer.
func BenchmarkLine(b *testing.B) {
	for _, c := range []struct {
		name   string
		logger func(io.Writer) *slog.Logger
	}{
		{"at once", func(to io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }},
		{"buffered", func(to io.Writer) *slog.Logger {
			buffer := lines.New(to)
			b.Cleanup(buffer.Close)
			return slog.New(buffer.Handler(slog.NewTextHandler(buffer, nil)))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			file, err := os.Create(b.TempDir() + "/log")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			log := c.logger(file)
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("method", "GET"), slog.String("path", "/api/catalog/entities"), slog.Int("status", 200),
					slog.Int64("bytes", 1234), slog.Duration("duration", 123456), slog.String("request", "c0ffee"))
			}
		})
	}
}
