package descriptor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor/descriptortest"
)

// BenchmarkParse reads a file of 80 entities of about 1.5 KB each, as the larger generated catalogs have them.
func BenchmarkParse(b *testing.B) {
	definition := "  definition: |\n" + strings.Repeat("    paths: of an interface, with some text in each line\n", 14)
	var file strings.Builder
	for i := range 80 {
		file.WriteString("---\n" + descriptortest.Good(fmt.Sprint("shop-", i)) + definition)
	}
	text := []byte(file.String())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	count := 0
	for b.Loop() {
		documents, err := descriptor.Parse(text, descriptor.Limits{})
		if err != nil || len(documents) != 80 || documents[79].Err != nil {
			b.Fatal(err, len(documents))
		}
		for i := range documents {
			count += len(documents[i].JSON())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/80, "us/document")
}
