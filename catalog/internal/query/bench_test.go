package query_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func BenchmarkParseFilter(b *testing.B) {
	params := []string{"kind=component,spec.type=service,spec.type=website", "metadata.annotations.backstage.io/techdocs-ref"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.ParseFilter(params); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePredicate(b *testing.B) {
	text := []byte(`{"$all":[{"kind":"component","spec.type":{"$in":["service","website"]}},{"$not":{"metadata.tags":{"$contains":"legacy"}}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := query.ParsePredicate(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	c := query.Cursor{
		Order: []query.SortKey{{Field: "metadata.name"}}, Filter: []string{"kind=component,spec.type=service"}, Total: 1234,
		At: []*string{text("wallet-zephyr-gateway-004711"), text("0c3b2f0e-4a6a-4f64-9a53-6f2a3d5a9b11")}, First: []*string{text("account-atlas-api-000001"), text("0c3b2f0e-4a6a-4f64-9a53-6f2a3d5a9b12")},
	}
	encoded := c.Encode()
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Encode()
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := query.DecodeCursor(encoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}
