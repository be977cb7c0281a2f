package catalog_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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

// TestRefreshingByRegistering registers a location that is there already, which has it read again: that takes the permission to refresh, too.
func TestRefreshingByRegistering(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"", "  defaultLocationConflictStrategy: refresh\n"} {
		var authorizer changing
		authorizer.to(plugintest.Policy{catalogcommon.PermissionEntityRefresh: {}})
		p := start(t, plugintest.Options{Authorizer: &authorizer, Config: config})
		location := map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}
		path := api + "/locations?onConflict=refresh"
		if config != "" {
			path = api + "/locations"
		}
		var added, again catalogcommon.AddLocationResponse
		p.Post(path, location).Want(201).JSON(&added) // there is nothing to refresh yet
		var refused catalogcommon.ErrorBody
		p.Post(path, location).Want(403).JSON(&refused)
		if !strings.Contains(refused.Error.Message, catalogcommon.PermissionEntityRefresh) {
			t.Errorf("refused: %+v", refused)
		}
		p.Post(api+"/locations?onConflict=reject", location).Want(409)
		authorizer.to(plugintest.Policy{})
		p.Post(path, location).Want(201).JSON(&again)
		if again.Location != added.Location {
			t.Errorf("again: %+v", again)
		}
	}
}

// TestUnprocessedOfAnOwner has more of other owners before it than what a list holds.
func TestUnprocessedOfAnOwner(t *testing.T) {
	t.Parallel()
	const others = 2100
	const hers = `sea "of" \ 100%_é<` + "\u2028"
	entity := func(name, owner string) catalognode.Deferred {
		return catalognode.Deferred{Entity: &catalogcommon.Entity{APIVersion: "backstage.io/v1alpha1", Kind: "Component", Metadata: catalogcommon.Metadata{Name: name}, Spec: map[string]any{"owner": owner, "more": map[string]any{"owner": hers}}}}
	}
	p := start(t, plugintest.Options{}, pluginapi.Plugin{ID: "crowd", Extensions: []pluginapi.Extension{
		catalognode.Providers.From("all", catalognode.Provider{}, func(ctx context.Context, to catalognode.Connection) error {
			var all []catalognode.Deferred
			for i := range others {
				all = append(all, entity("other-"+itoa(int64(i)), "somebody"))
			}
			return to.Full(ctx, append(all, entity("mine", hers)))
		}),
	}})
	var list struct {
		Entities []struct {
			Ref    string `json:"entity_ref"`
			Errors []catalogcommon.ErrorInfo
		}
	}
	path := api + "/entities/unprocessed/failed"
	p.Eventually("all have failed", func() bool {
		p.Get(path + "?owner=" + url.QueryEscape(hers)).Want(200).JSON(&list)
		return len(list.Entities) > 0
	})
	if len(list.Entities) != 1 || list.Entities[0].Ref != "component:default/mine" || len(list.Entities[0].Errors) == 0 {
		t.Errorf("of the owner: %+v", list)
	}
	p.Get(path + "?owner=nobody").Want(200).JSON(&list)
	if len(list.Entities) != 0 {
		t.Errorf("%d of nobody", len(list.Entities))
	}
	p.Eventually("all have failed", func() bool {
		p.Get(path + "?owner=somebody").Want(200).JSON(&list)
		return len(list.Entities) == 1000
	})
}
