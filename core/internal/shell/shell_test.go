package shell_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/shell"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// shown is a shell with one page, and the function that answers requests for it.
func shown(show pluginapi.PageFunc) pluginapi.RouteFunc {
	pages := pluginapi.Pages.List([]pluginapi.Contribution{{
		ID: "page:hello/page", Plugin: "hello", Spec: pluginapi.Page{Path: "/hello", Title: "Hello", Public: true},
		Call: func(ctx context.Context, fn func(context.Context, any) error) error { return fn(ctx, show) },
	}})
	s := shell.New(shell.Settings{Title: "Portal", Pages: pages, Available: func(string) error { return nil }, Nonce: func(context.Context) string { return "" }})
	return s.Show(pages[0])
}

func TestPagesDoNotMeet(t *testing.T) {
	t.Parallel()
	answer := shown(func(r *http.Request) (pluginapi.View, error) {
		name := r.URL.Query().Get("name")
		return pluginapi.View{Title: name, Body: ui.Text(strings.Repeat(name+" ", 1000))}, nil
	})
	var wg sync.WaitGroup
	for i := range 20 {
		name, other := fmt.Sprintf("page%02d", i), fmt.Sprintf("page%02d", (i+1)%20)
		wg.Go(func() {
			for range 20 {
				w := httptest.NewRecorder()
				if err := answer(w, httptest.NewRequest("GET", "/hello?name="+name, nil)); err != nil {
					t.Error(err)
				}
				text := w.Body.String()
				if strings.Count(text, name+" ") < 1000 || strings.Contains(text, other) || !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
					t.Errorf("page of %s: %d bytes, its own name %d times", name, len(text), strings.Count(text, name))
				}
			}
		})
	}
	wg.Wait()
}

func TestNothingIsSentOfAPageThatFails(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]pluginapi.ComponentFunc{
		"failing": func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, "half of it")
			return io.ErrUnexpectedEOF
		},
		"too large": func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, strings.Repeat("x", 5<<20))
			return err
		},
		"too large in pieces": func(_ context.Context, w io.Writer) error {
			for range 5 << 10 {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		w := httptest.NewRecorder()
		err := shown(func(*http.Request) (pluginapi.View, error) { return pluginapi.View{Body: body}, nil })(w, httptest.NewRequest("GET", "/hello", nil))
		if err == nil || w.Body.Len() > 0 {
			t.Errorf("%s: %v, %d bytes were sent", name, err, w.Body.Len())
		}
	}
}
