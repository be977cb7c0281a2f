package database_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func portOf(s *databasetest.Server) string { return strconv.Itoa(s.Port) }

func TestMetrics(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			registry := prometheus.NewPedanticRegistry()
			o := databasetest.Options(t, e)
			o.Metrics = registry
			d := databasetest.Open(t, o)
			db := prepare(t, d, "a")
			exec1(t, db, "create table t (n int)")
			for range 4 {
				exec1(t, db, "insert into t values (1)")
			}
			_, _ = db.ExecContext(t.Context(), "insert into nowhere values (1)")
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			_, _ = db.ExecContext(ctx, "insert into t values (1)") // its context ends before it gets here, so it is none
			tx, err := db.BeginTxx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			found, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			_ = tx.Rollback()
			seen := map[string]float64{}
			for _, family := range found {
				for _, m := range family.Metric {
					name := family.GetName()
					for _, l := range m.Label {
						name += " " + l.GetName() + "=" + l.GetValue()
					}
					switch {
					case m.Histogram != nil:
						seen[name] = float64(m.Histogram.GetSampleCount())
					case m.Counter != nil:
						seen[name] = m.Counter.GetValue()
					default:
						seen[name] = m.Gauge.GetValue()
					}
				}
			}
			want := map[string]float64{
				"proscenium_database_statement_duration_seconds plugin=a":         7,
				"proscenium_database_statement_errors_total kind=failed plugin=a": 1,
			}
			if e == databasetest.PostgresSchemas {
				want["proscenium_database_connections plugin=a"] = 1
				want["proscenium_database_connections_max plugin=a"] = 10
				want["proscenium_database_pool_limit"] = 20
				want["proscenium_database_pool_connections state=in_use"] = 1
			}
			for name, value := range want {
				if seen[name] != value {
					t.Errorf("%s = %v, want %v (of %v)", name, seen[name], value, seen)
				}
			}
			if err := d.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			databasetest.Open(t, o) // the registry is free again
		})
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	o := databasetest.Options(t, databasetest.SQLite)
	o.Tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	db := prepare(t, databasetest.Open(t, o), "a")
	exec1(t, db, "create table t (s text)")
	ctx, parent := o.Tracer.Tracer("test").Start(t.Context(), "request")
	if _, err := db.ExecContext(ctx, "insert into t values ($1)", "sesame"); err != nil {
		t.Fatal(err)
	}
	_, _ = db.ExecContext(ctx, "insert into nowhere values (1)")
	parent.End()
	spans := recorder.Ended()
	if len(spans) != 4 {
		t.Fatalf("%d spans, want 4", len(spans))
	}
	insert := spans[1]
	if insert.Name() != "INSERT" || insert.Parent().SpanID() != parent.SpanContext().SpanID() {
		t.Errorf("span %s below %s", insert.Name(), insert.Parent().SpanID())
	}
	attributes := map[string]string{}
	for _, a := range insert.Attributes() {
		attributes[string(a.Key)] = a.Value.String()
		if strings.Contains(a.Value.String(), "sesame") {
			t.Errorf("%s holds an argument", a.Key)
		}
	}
	for key, want := range map[string]string{"db.system.name": "sqlite", "proscenium.plugin": "a", "db.query.text": "insert into t values ($1)"} {
		if attributes[key] != want {
			t.Errorf("%s = %q, want %q", key, attributes[key], want)
		}
	}
	if spans[2].Status().Code.String() != "Error" {
		t.Errorf("a failed statement's span says %v", spans[2].Status())
	}
}
