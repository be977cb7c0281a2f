package plugintest

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/boundary"
)

// Check tests what every plugin has to keep, whatever it does:
//
//   - its configuration's defaults are valid, and are the same after a portal used them;
//   - it starts within a portal of itself and the plugins that it needs, with the given configuration, and all of its pages that have no parameters can be shown;
//   - it stops, and is not hurt by being stopped twice, and leaves no goroutine behind;
//   - the packages of the module in which the test runs keep the import rules.
//
// A test that calls it must not run in parallel with others, since goroutines of others would be taken for the plugin's.
func Check(t *testing.T, o Options, plugin pluginapi.Plugin, needs ...pluginapi.Plugin) {
	t.Helper()
	t.Run("defaults", func(t *testing.T) { checkDefaults(t, plugin) })
	t.Run("life", func(t *testing.T) { checkLife(t, o, plugin, needs) })
	t.Run("boundaries", Boundaries)
}

func checkDefaults(t *testing.T, plugin pluginapi.Plugin) {
	for _, section := range append([]*pluginapi.ConfigSection{plugin.Config}, plugin.Shared...) {
		if section == nil {
			continue
		}
		value := section.Defaults()
		if v, ok := value.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil && !strings.Contains(err.Error(), "required") {
				t.Errorf("the defaults of its configuration are not valid: %v", err)
			}
		}
		if again := section.Defaults(); !reflect.DeepEqual(value, again) {
			t.Error("the defaults of its configuration differ from one call to the next")
		}
	}
}

func checkLife(t *testing.T, o Options, plugin pluginapi.Plugin, needs []pluginapi.Plugin) {
	before := goleak.IgnoreCurrent()
	p := StartWith(t, o, append(append([]pluginapi.Plugin{}, needs...), plugin)...)
	for _, e := range plugin.Extensions {
		page, ok := e.Spec.(pluginapi.Page)
		if !ok || e.Off || strings.Contains(page.Path, "{") {
			continue
		}
		if r := p.Get(page.Path); r.Status != http.StatusOK {
			t.Errorf("page %s: status %d\n%s", page.Path, r.Status, r.Body)
		}
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop a second time: %v", err)
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("it left goroutines behind: %v", err)
	}
}

// Boundaries checks that the packages of the module in which the test runs keep the import rules of plugins. See package boundary.
func Boundaries(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	violations, err := boundary.Violations(ctx, ".", "./...")
	for _, violation := range violations {
		t.Error(violation)
	}
	if err != nil {
		t.Errorf("the import rules could not be checked: %v", err)
	}
}
