package supervisor_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/supervisor"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var calls, shared atomic.Int32
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{
			{ID: "well", Checks: []supervisor.Hook{{ID: "health-check:well", Run: func(ctx context.Context) error {
				if ref := pluginapi.PrincipalFrom(ctx).Ref; ref != "plugin:well" {
					t.Errorf("checked as %q", ref)
				}
				shared.Add(1)
				time.Sleep(time.Second)
				return nil
			}}}},
			{ID: "ill", Checks: []supervisor.Hook{
				{ID: "health-check:ill/secret", Run: func(context.Context) error { return errBoom }},
				{ID: "health-check:ill/said", Run: func(context.Context) error { return pluginapi.Unavailable("the lighthouse is dark") }},
				{ID: "health-check:ill/panics", Run: func(context.Context) error { panic("ouch") }},
				{ID: "health-check:ill/hangs", Run: func(context.Context) error { calls.Add(1); <-hang; return nil }},
			}},
			{ID: "failed", Prepare: func(context.Context) error { return errBoom }, Checks: []supervisor.Hook{{ID: "health-check:failed", Run: func(context.Context) error {
				t.Error("asked although the plugin does not run")
				return nil
			}}}},
		}})
		other := make(chan supervisor.Health)
		go func() { other <- sup.Health(context.Background()) }()
		health := sup.Health(t.Context())
		<-other
		_ = sup.Health(t.Context())
		if a, b := calls.Load(), shared.Load(); a != 1 || b != 2 {
			t.Errorf("the hung check was called %d times, the shared one %d times; want 1 and 2", a, b)
		}
		if health.Status != "degraded" || !health.Plugins[0].OK || health.Plugins[1].OK || health.Plugins[2].OK {
			t.Errorf("health = %+v", health)
		}
		if took := health.Plugins[0].Checks[0].Took; took != 1000 {
			t.Errorf("took %g ms", took)
		}
		text, err := json.Marshal(health)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"the lighthouse is dark", "failed; the log says why", "has not answered within 2s", `"state":"degraded"`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("lacks %s: %s", want, text)
			}
		}
		if strings.Contains(string(text), "boom") || strings.Contains(string(text), "ouch") {
			t.Errorf("tells a cause: %s", text)
		}
		close(hang)
		synctest.Wait()
		if again := sup.Health(t.Context()); !again.Plugins[1].Checks[3].OK {
			t.Errorf("still ill: %+v", again.Plugins[1])
		}
	})
}

func TestHealthEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sup := started(t, supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "slow", Checks: []supervisor.Hook{{ID: "health-check:slow", Timeout: time.Minute, Run: untilEnd}}}}})
		begin := time.Now()
		if health := sup.Health(within(t, time.Second)); health.Status != "degraded" || time.Since(begin) != time.Second {
			t.Errorf("after %s: %+v", time.Since(begin), health)
		}
		if err := sup.Stop(t.Context()); err != nil {
			t.Errorf("Stop = %v", err)
		}
	})
}

func BenchmarkEnter(b *testing.B) {
	sup, err := supervisor.New(supervisor.Settings{Plugins: []supervisor.Plugin{{ID: "hello"}}})
	if err != nil {
		b.Fatal(err)
	}
	sup.Start(b.Context())
	<-sup.Settled()
	b.Cleanup(func() { _ = sup.Stop(context.Background()) })
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			leave, err := sup.Enter("hello")
			if err != nil {
				b.Fatal(err)
			}
			leave()
		}
	})
}
