package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestContextsEndWithTheirRequests(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]bool{"request": false, "stream": true} {
		for _, asked := range []bool{false, true} { // whether somebody waits for the end while there is still time
			var kept, child context.Context
			h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "GET /x", Stream: stream}, func(w http.ResponseWriter, r *http.Request) error {
				kept = r.Context()
				if kept.Err() != nil {
					t.Errorf("%s: %v at the beginning", name, kept.Err())
				}
				if asked {
					var cancel context.CancelFunc
					child, cancel = context.WithCancel(kept)
					t.Cleanup(cancel)
				}
				return say("x")(w, r)
			}))})
			ask(t, h, "GET", "/api/hello/x")
			if !errors.Is(kept.Err(), context.Canceled) {
				t.Errorf("%s: %v at the end", name, kept.Err())
			}
			<-kept.Done()
			if asked {
				<-child.Done()
			}
		}
	}
}

func TestWhyContextsEnd(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{RequestTimeout: time.Millisecond, Table: routes(get("/waits", func(_ http.ResponseWriter, r *http.Request) error {
		child, cancel := context.WithTimeout(r.Context(), time.Hour)
		defer cancel()
		<-child.Done()
		if text := context.Cause(child).Error(); !strings.Contains(text, "longer than it may") {
			t.Errorf("cause %s", text)
		}
		return child.Err()
	}), get("/looks", func(_ http.ResponseWriter, r *http.Request) error {
		for r.Context().Err() == nil {
			time.Sleep(time.Millisecond)
		}
		return r.Context().Err()
	}))})
	for _, path := range []string{"/api/hello/waits", "/api/hello/looks"} {
		wantError(t, ask(t, h, "GET", path), 503, "ServiceUnavailableError", "longer than 1ms")
	}

	drained := handler(t, server.Settings{})
	late := make(chan error, 1)
	if err := drained.SetTable(routes(route("hello", pluginapi.Route{Pattern: "GET /stream", Stream: true}, func(w http.ResponseWriter, r *http.Request) error {
		go func() { late <- drained.Drain(context.Background()) }()
		for r.Context().Err() == nil { // nobody waited before the portal began to shut down
			time.Sleep(time.Millisecond)
		}
		<-r.Context().Done()
		if text := context.Cause(r.Context()).Error(); !strings.Contains(text, "shutting down") {
			t.Errorf("cause %s", text)
		}
		return say("bye")(w, r)
	}))); err != nil {
		t.Fatal(err)
	}
	if w := ask(t, drained, "GET", "/api/hello/stream"); w.Body.String() != "bye" {
		t.Errorf("answer %q", w.Body)
	}
	if err := <-late; err != nil {
		t.Error(err)
	}
}
