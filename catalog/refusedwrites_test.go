package catalog_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// moody is a processor that does to a component what its title says.
func moody() pluginapi.Plugin {
	var tried atomic.Bool
	return pluginapi.Plugin{ID: "moody", Extensions: []pluginapi.Extension{
		catalognode.Processors.From("one", catalognode.Processor{}, func() catalognode.Stages {
			return catalognode.Stages{PostProcess: func(ctx context.Context, run catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				switch e.Metadata.Title {
				case "faults":
					run.Fault(catalognode.At("/spec/owner", errors.New("this owner has no cost center")))
					run.Fault(errors.New("it has no budget"))
				case "error":
					return nil, errors.New("it is not wanted")
				case "panic":
					panic("oh no")
				case "down":
					return nil, pluginapi.Unavailable("the tide is out")
				case "late":
					return nil, context.DeadlineExceeded
				case "nothing":
					return nil, nil
				case "other":
					e.Metadata.Name = "other"
				case "later": // all is well when the entity is tried, and not when it is processed
					if tried.Swap(true) {
						return nil, catalognode.At("/metadata/title", errors.New("it came too late"))
					}
				}
				return e, nil
			}}
		}),
	}}
}

// TestRefusedWrites writes entities that are not accepted: who wrote them is told all that is wrong with them, and not what is wrong with the catalog.
func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{}, moody())
	path := api + "/entities/by-name/component/default/kiosk"
	titled := func(title string) map[string]any {
		body := robot("sea")
		body["metadata"].(map[string]any)["title"] = title
		return body
	}
	invalid := robot("sea")
	delete(invalid["spec"].(map[string]any), "type")
	delete(invalid["spec"].(map[string]any), "owner")
	foreign := robot("sea")
	foreign["apiVersion"] = "example.com/v7"
	for name, c := range map[string]struct {
		body   map[string]any
		status int
		says   []string
		hides  string
	}{
		"faults":                   {titled("faults"), 400, []string{"component:default/kiosk cannot be processed", "/spec/owner: processor moody/one: this owner has no cost center", "it has no budget"}, ""},
		"an error":                 {titled("error"), 400, []string{"moody/one: it is not wanted"}, ""},
		"not valid":                {invalid, 400, []string{"'owner'", "'type'"}, "/spec: /spec"},
		"unknown apiVersion":       {foreign, 400, []string{"example.com/v7"}, ""},
		"a fault that comes later": {titled("later"), 400, []string{"was stored", "/metadata/title: processor moody/one: ", "it came too late"}, ""},
		"a panic":                  {titled("panic"), 500, []string{"internal error"}, "oh no"},
		"a service that is off":    {titled("down"), 503, []string{"try again"}, "tide"},
		"a service that hangs":     {titled("late"), 503, []string{"try again"}, "deadline"},
		"no answer":                {titled("nothing"), 500, []string{"internal error"}, "stage"},
		"another entity":           {titled("other"), 500, []string{"internal error"}, "stage"},
	} {
		var answer catalogcommon.ErrorBody
		r := p.Do(http.MethodPut, path, nil, c.body)
		r.JSON(&answer)
		if r.Status != c.status || c.hides != "" && strings.Contains(string(r.Body), c.hides) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		for _, text := range c.says {
			if !strings.Contains(answer.Error.Message, text) {
				t.Errorf("%s: %s, want %q", name, r.Body, text)
			}
		}
	}
	p.Get(path).Want(404)
	p.Do(http.MethodPut, path, nil, titled("fine")).Want(201)
}
