package ingest_test

import (
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/ingest"
)

func TestInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"false": 0, "30m": 30 * time.Minute, "PT30M": 30 * time.Minute, "P1DT2H": 26 * time.Hour, "1500": 1500 * time.Millisecond, "100ms": time.Second, "pt0.5h": 30 * time.Minute,
		"2 days": 48 * time.Hour, "1h30m": 90 * time.Minute, "1 Hour 30 mins": 90 * time.Minute, "90s": 90 * time.Second, "1.5 min": 90 * time.Second, "2500 ms": 2500 * time.Millisecond,
	} {
		var i ingest.Interval
		if err := i.UnmarshalText([]byte(text)); err != nil || i.Duration() != want {
			t.Errorf("%s: %v, %v; want %v", text, i.Duration(), err, want)
		}
	}
	for _, text := range []string{"", "true", "soon", "-5m", "P", "PT", "P5", "PT5X", "0", "0m", "5 moons", "m", "1..5m", "5m x"} {
		var i ingest.Interval
		if err := i.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, i.Duration())
		}
	}
	if got := (ingest.Interval{Minutes: 30, Seconds: 5}).Duration(); got != 30*time.Minute+5*time.Second {
		t.Errorf("object: %v", got)
	}
	if got := (ingest.Interval{}).Duration(); got != 100*time.Second {
		t.Errorf("default: %v", got)
	}
}
