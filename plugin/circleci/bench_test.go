package circleci_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkTab is the whole page of an entity with the tab, and its fragment alone, when all is on the shelf: a list of 20 pipelines.
func BenchmarkTab(b *testing.B) {
	s := start(b, options{config: "circleci: {token: circleci-token-of-tests}\n"})
	s.Get(tab("payments")).Want(200).Has("#pipeline-45")
	for name, path := range map[string]string{"page": tab("payments"), "fragment": "/api/circleci/entities/default/component/payments/view"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Host = "localhost"
				w := httptest.NewRecorder()
				if s.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
