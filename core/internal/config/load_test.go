package config_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/config"
)

func TestLayersMergeByBackstagesRules(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"app-config.yaml":            "app:\n  title: base\n  list: [1, 2]\n  gone: {x: 1}\n  deep: {a: 1, b: 1, c: 1, d: 1}\n",
		"app-config.prod.yaml":       "app:\n  deep: {b: 2, c: 2, d: 2}\n  list: [3]\n",
		"app-config.local.yaml":      "app:\n  deep: {c: 3, d: 3}\n  gone: null\n",
		"app-config.prod.local.yaml": "app:\n  deep: {d: 4}\n",
		"app-config.yml":             "app: {title: not read}\n",
	})
	snapshot := load(t, config.Options{Dir: dir, Environ: []string{"BACKSTAGE_ENV= prod ", "APP_CONFIG_app_deep_e=5"}})
	equalJSON(t, snapshot.At("app"), `{"deep":{"a":1,"b":2,"c":3,"d":4,"e":5},"list":[3],"title":"base"}`)
}
