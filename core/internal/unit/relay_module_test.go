package unit_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/unit"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// inProcess sends requests to a function.
type inProcess struct{ pluginapi.RouteFunc }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if err := h.RouteFunc(w, r); err != nil {
		status, _, message := pluginapi.Describe(err)
		http.Error(w, message, status)
	}
	return w.Result(), nil
}

func TestAModuleReachesTheOtherUnit(t *testing.T) {
	t.Parallel()
	var data any = map[string]any{"text": "</script>\u2028", "n": 1}
	var behaviour pluginapi.PageFunc = func(*http.Request) (pluginapi.View, error) {
		return pluginapi.View{Body: pluginapi.Drawn("twin"), Module: &pluginapi.Module{Script: "draw.js", Data: data}}, nil
	}
	spec, point := pluginapi.Page{Path: "/x"}, unit.Relays()[pluginapi.Pages]
	show := point.RelayRemote(spec, inProcess{point.RelayHandler(spec, behaviour)}).(pluginapi.PageFunc)
	view, err := show(httptest.NewRequest(http.MethodGet, "/x", nil))
	if err != nil {
		t.Fatal(err)
	}
	if view.Module == nil || view.Module.Script != "draw.js" {
		t.Fatalf("the module came as %+v", view.Module)
	}
	here, _ := json.Marshal(data)
	if there, err := json.Marshal(view.Module.Data); err != nil || string(there) != string(here) {
		t.Errorf("the data came as %s, %v; want %s", there, err, here)
	}
	if _, err := json.Marshal(view.Module.Data); err != nil {
		t.Error(err)
	}

	data = func() {}
	if _, err := show(httptest.NewRequest(http.MethodGet, "/x", nil)); err == nil {
		t.Error("data that is not JSON is relayed")
	}
	behaviour, data = func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }, nil
	show = point.RelayRemote(spec, inProcess{point.RelayHandler(spec, behaviour)}).(pluginapi.PageFunc)
	if view, err := show(httptest.NewRequest(http.MethodGet, "/x", nil)); err != nil || view.Module != nil {
		t.Errorf("a page without a module has %+v, %v", view.Module, err)
	}
}
