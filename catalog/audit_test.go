package catalog_test

import (
	"net/http"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestAudit makes every change that callers can make, and reads of each in the log who did what, and what came of it.
func TestAudit(t *testing.T) {
	t.Parallel()
	var client catalogcommon.Client
	p := start(t, plugintest.Options{Authorizer: plugintest.Policy{catalogcommon.PermissionUnprocessedDrop: {}}}, asking(&client))
	const target = "https://me:hunter2@git.invalid/x.yaml"
	place := map[string]any{"type": "url", "target": target}
	var location catalogcommon.AddLocationResponse
	var entity catalogcommon.Entity
	seen := 0
	audited := func(wants ...string) {
		t.Helper()
		var lines []string
		for line := range strings.Lines(p.Log()) {
			if strings.Contains(line, "msg=audit ") {
				lines = append(lines, line)
			}
		}
		if len(lines) != seen+1 {
			t.Fatalf("%d lines after %d, for %q:\n%s", len(lines), seen, wants, strings.Join(lines, ""))
		}
		seen++
		for _, want := range append(wants, "level=INFO", "plugin=catalog") {
			if !strings.Contains(lines[seen-1], " "+want) {
				t.Errorf("no %s in %s", want, lines[seen-1])
			}
		}
	}
	do := func(id, method, path string, body any) *plugintest.Response {
		return p.Do(method, api+path, http.Header{"X-Request-Id": {id}}, body)
	}
	guest := "principal=user:default/guest"
	do("r1", "POST", "/locations", place).Want(201).JSON(&location)
	audited(`action="add location"`, "outcome=ok", "location=url:https://me:xxxxx@git.invalid/x.yaml", "id="+location.Location.ID, guest, "request=r1")
	do("r2", "POST", "/locations", place).Want(409)
	audited(`action="add location"`, "outcome=failed", "request=r2", "error=")
	do("r3", "PUT", "/locations/"+location.Location.ID, map[string]any{"type": "url", "target": "https://git.invalid/y.yaml"}).Want(200)
	audited(`action="change location"`, "outcome=ok", "location=url:https://git.invalid/y.yaml", "id="+location.Location.ID, guest, "request=r3")
	do("r4", "DELETE", "/locations/"+location.Location.ID, nil).Want(204)
	audited(`action="remove location"`, "outcome=ok", "location=url:https://git.invalid/y.yaml", guest, "request=r4")
	const kiosk = "/entities/by-name/component/default/kiosk"
	do("r5", "PUT", kiosk, robot("sea")).Want(201).JSON(&entity)
	audited(`action="write entity"`, "outcome=ok", "entity=component:default/kiosk", "created=true", guest, "request=r5")
	do("r6", "DELETE", kiosk, nil).Want(204)
	audited(`action="withdraw entity"`, "outcome=ok", "entity=component:default/kiosk", guest, "request=r6")
	do("r7", "POST", "/refresh", map[string]any{"entityRef": "component:till"}).Want(200)
	audited(`action="refresh entity"`, "outcome=ok", "entity=component:default/till", guest, "request=r7")
	p.Get(api + "/entities/by-name/component/default/till").Want(200).JSON(&entity)
	do("r8", "DELETE", "/entities/unprocessed/delete/"+entity.Metadata.UID, nil).Want(403)
	audited(`action="remove unprocessed entity"`, "outcome=denied", "entity=component:default/till", "uid="+entity.Metadata.UID, guest, "request=r8", "error=")
	do("r9", "DELETE", "/entities/by-uid/"+entity.Metadata.UID, nil).Want(204)
	audited(`action="remove entity"`, "outcome=ok", "entity=component:default/till", "uid="+entity.Metadata.UID, guest, "request=r9")
	if err := client.RefreshEntity(pluginapi.WithPrincipal(t.Context(), pluginapi.PluginSelf("asking")), catalogcommon.Ref{Kind: "component", Name: "shop"}); err != nil {
		t.Error(err)
	}
	audited(`action="refresh entity"`, "outcome=ok", "principal=plugin:asking")
	do("r10", "POST", "/locations?dryRun=true", place).Want(400) // changes nothing
	do("r11", "GET", "/locations", nil).Want(200)
	client.RefreshEntity(pluginapi.WithPrincipal(t.Context(), pluginapi.Guest()), catalogcommon.Ref{Kind: "component", Name: "none"}) //nolint:errcheck // it is not there
	audited(`action="refresh entity"`, "outcome=failed", "entity=component:default/none")
}
