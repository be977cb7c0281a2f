package unit

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

const path = "/portal" + RelayPath + "page:hello/page"

func signed(t *testing.T, k Keys) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path+"?tab=1", nil)
	k.sign(r, pluginapi.Guest())
	return r
}

func TestTokensCarryWhoActs(t *testing.T) {
	t.Parallel()
	keys := NewKeys(pluginapi.NewSecret("secret of all units"))
	p, found, err := keys.Principal(signed(t, keys))
	if !found || err != nil || p.Ref != pluginapi.Guest().Ref {
		t.Errorf("%+v, %v, %v", p, found, err)
	}
	if p, found, err := keys.Principal(httptest.NewRequest(http.MethodGet, path, nil)); !p.IsZero() || found || err != nil {
		t.Errorf("without a token: %+v, %v, %v", p, found, err)
	}
}

func TestTokensThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	keys := NewKeys(pluginapi.NewSecret("secret of all units"))
	for name, change := range map[string]func(*http.Request){
		"another method": func(r *http.Request) { r.Method = http.MethodPost },
		"another path":   func(r *http.Request) { r.RequestURI = strings.Replace(r.RequestURI, "page:hello", "page:other", 1) },
		"another body": func(r *http.Request) {
			_, mac, _ := strings.Cut(r.Header.Get(tokenHeader), ".")
			r.Header.Set(tokenHeader, "eyJwcmluY2lwYWwiOnt9fQ."+mac)
		},
		"no mac":     func(r *http.Request) { r.Header.Set(tokenHeader, strings.Split(r.Header.Get(tokenHeader), ".")[0]) },
		"not base64": func(r *http.Request) { r.Header.Set(tokenHeader, "%.%") },
		"another secret": func(r *http.Request) {
			NewKeys(pluginapi.NewSecret("another")).sign(r, pluginapi.Guest())
		},
	} {
		r := signed(t, keys)
		change(r)
		if p, _, err := keys.Principal(r); err == nil || !p.IsZero() {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, _, err := (Keys{}).Principal(signed(t, keys)); err == nil {
		t.Error("a unit without a secret believes a token")
	}
	if _, _, err := (Keys{}).Principal(signed(t, Keys{})); err == nil {
		t.Error("a unit without a secret believes a token made without one")
	}
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := NewKeys(pluginapi.NewSecret("secret of all units"))
		r := signed(t, keys)
		time.Sleep(tokenLife + 2*time.Second)
		if _, _, err := keys.Principal(r); err == nil {
			t.Error("an old token is believed")
		}
	})
}

func TestMap(t *testing.T) {
	t.Parallel()
	ids := []string{"catalog", "hello"}
	if m, err := NewMap(Config{}, Discovery{}, ids); err != nil || m.Split() || m.Base("hello") != "" {
		t.Errorf("a portal that is not split: %v", err)
	}
	there := Discovery{Endpoints: []Endpoint{{Target: Target{Internal: "http://b:7007/portal/api/{{pluginId}}"}, Plugins: []string{"*"}}}}
	m, err := NewMap(Config{Plugins: []string{"catalog"}}, there, ids)
	if err != nil || m.Base("catalog") != "" || m.Base("hello") != "http://b:7007/portal" {
		t.Errorf("base of hello: %q, %v", m.Base("hello"), err)
	}
	_, err = NewMap(Config{Plugins: []string{"catalgo"}}, Discovery{}, ids)
	for _, want := range []string{
		"backend.unit.plugins names catalgo, which is not a plugin of this portal",
		"catalog does not run in this unit, and discovery.endpoints does not say where it runs",
		"hello does not run in this unit",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
}

func TestTargetsAreChecked(t *testing.T) {
	t.Parallel()
	for target, ok := range map[string]bool{
		"http://b:7007/api/{{pluginId}}": true, "https://b/portal/api/{{pluginId}}": true,
		"http://b:7007": false, "b:7007/api/{{pluginId}}": false, "ftp://b/api/{{pluginId}}": false, "": false,
	} {
		if err := (Target{Internal: target}).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", target, err)
		}
	}
}
