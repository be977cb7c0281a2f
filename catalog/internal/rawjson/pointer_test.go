package rawjson_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

func TestPointerSteps(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{"": "", "a.b": "a.b", "a/b": "a~1b", "~": "~0", "~1": "~01", "~/": "~0~1"} {
		if got := rawjson.EscapeStep(name); got != step {
			t.Errorf("%q is the step %q, want %q", name, got, step)
		}
		if got := rawjson.UnescapeStep(step); got != name {
			t.Errorf("the step %q is %q, want %q", step, got, name)
		}
	}
}
