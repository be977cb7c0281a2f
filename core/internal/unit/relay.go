package unit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Relays returns, for the portal's own points that reach across units, a point of the same types that brings a relay along.
func Relays() map[pluginapi.AnyPoint]pluginapi.AnyPoint {
	return map[pluginapi.AnyPoint]pluginapi.AnyPoint{
		pluginapi.Routes: &pluginapi.Point[pluginapi.Route, pluginapi.RouteFunc]{
			Kind:  pluginapi.Routes.Kind,
			Relay: &pluginapi.Relay[pluginapi.Route, pluginapi.RouteFunc]{Serve: serveRoute, Remote: remoteRoute},
		},
		pluginapi.Pages: &pluginapi.Point[pluginapi.Page, pluginapi.PageFunc]{
			Kind:  pluginapi.Pages.Kind,
			Relay: &pluginapi.Relay[pluginapi.Page, pluginapi.PageFunc]{Serve: servePage, Remote: remotePage},
		},
	}
}

// These headers carry what the other unit's router would otherwise have to find out anew: the URL as asked, and the parameters of its path.
const (
	uriHeader   = "Proscenium-Relayed-Uri"
	valueHeader = "Proscenium-Relayed-Value"
)

// asked writes r's URL and path parameters to h.
func asked(h http.Header, r *http.Request, pattern string) {
	h.Set(uriHeader, r.URL.RequestURI())
	h.Del(valueHeader)
	for rest := pattern; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return
		}
		name, tail, _ := strings.Cut(after, "}")
		name, rest = strings.TrimSuffix(name, "..."), tail
		h.Add(valueHeader, url.QueryEscape(name)+"="+url.QueryEscape(r.PathValue(name)))
	}
}

// asAsked undoes asked.
func asAsked(r *http.Request) (*http.Request, error) {
	target, err := url.ParseRequestURI(r.Header.Get(uriHeader))
	if err != nil {
		return nil, pluginapi.BadInput("relayed request does not say what was asked").Because(err)
	}
	out := r.Clone(r.Context())
	out.URL, out.RequestURI = target, target.RequestURI()
	out.Header.Del(uriHeader)
	out.Header.Del(valueHeader)
	for _, pair := range r.Header.Values(valueHeader) {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, pluginapi.BadInput("relayed request has a malformed parameter").Because(err)
		}
		out.SetPathValue(name, value)
	}
	return out, nil
}

func serveRoute(_ pluginapi.Route, serve pluginapi.RouteFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := asAsked(r)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			pluginapi.RelayError(w, err)
		}
	})
}

type failureKey struct{}

func remoteRoute(spec pluginapi.Route, rt http.RoundTripper) pluginapi.RouteFunc {
	proxy := &httputil.ReverseProxy{
		Transport:     rt,
		FlushInterval: -1,
		Rewrite: func(p *httputil.ProxyRequest) {
			asked(p.Out.Header, p.In, spec.Pattern)
			p.Out.URL = &url.URL{Scheme: "http", Host: "unit", Path: "/"}
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			if failure, ok := r.Context().Value(failureKey{}).(*error); ok {
				*failure = err
			}
		},
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		var failure error
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), failureKey{}, &failure)))
		return failure
	}
}

// relayedView is a pluginapi.View whose components are drawn.
type relayedView struct {
	Title, Kicker, Subtitle string
	Breadcrumbs             []pluginapi.Link
	Tabs                    []pluginapi.Tab
	Facts                   []relayedFact
	Actions, Body           string
	Module                  *relayedModule
}

type relayedFact struct{ Label, Value string }

// relayedModule is a pluginapi.Module whose data is JSON. Its script is among the assets of every unit.
type relayedModule struct {
	Script string
	Data   json.RawMessage
}

func servePage(_ pluginapi.Page, show pluginapi.PageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := asAsked(r)
		if err != nil {
			pluginapi.RelayError(w, err)
			return
		}
		view, err := show(r)
		if err != nil {
			pluginapi.RelayError(w, err)
			return
		}
		drawn, err := drawView(r.Context(), view)
		if err != nil {
			pluginapi.RelayError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(drawn)
	})
}

func drawView(ctx context.Context, view pluginapi.View) (relayedView, error) {
	drawn := relayedView{Title: view.Title, Kicker: view.Kicker, Subtitle: view.Subtitle, Breadcrumbs: view.Breadcrumbs, Tabs: view.Tabs}
	for _, fact := range view.Facts {
		value, err := pluginapi.Draw(ctx, fact.Value)
		if err != nil {
			return drawn, err
		}
		drawn.Facts = append(drawn.Facts, relayedFact{fact.Label, value})
	}
	if view.Module != nil {
		data, err := json.Marshal(view.Module.Data)
		if err != nil {
			return drawn, fmt.Errorf("encode the data of module %s: %w", view.Module.Script, err)
		}
		drawn.Module = &relayedModule{view.Module.Script, data}
	}
	var err1, err2 error
	drawn.Actions, err1 = pluginapi.Draw(ctx, view.Actions)
	drawn.Body, err2 = pluginapi.Draw(ctx, view.Body)
	return drawn, errors.Join(err1, err2)
}

func remotePage(spec pluginapi.Page, rt http.RoundTripper) pluginapi.PageFunc {
	return func(r *http.Request) (pluginapi.View, error) {
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://unit/", nil)
		if err != nil {
			return pluginapi.View{}, err
		}
		out.Header = r.Header.Clone()
		asked(out.Header, r, spec.Path)
		var drawn relayedView
		if err := pluginapi.RelayJSON(rt, out, &drawn); err != nil {
			return pluginapi.View{}, err
		}
		view := pluginapi.View{
			Title: drawn.Title, Kicker: drawn.Kicker, Subtitle: drawn.Subtitle, Breadcrumbs: drawn.Breadcrumbs, Tabs: drawn.Tabs,
			Body: pluginapi.Drawn(drawn.Body),
		}
		for _, fact := range drawn.Facts {
			view.Facts = append(view.Facts, pluginapi.Fact{Label: fact.Label, Value: pluginapi.Drawn(fact.Value)})
		}
		if drawn.Module != nil {
			view.Module = &pluginapi.Module{Script: drawn.Module.Script, Data: drawn.Module.Data}
		}
		if drawn.Actions != "" {
			view.Actions = pluginapi.Drawn(drawn.Actions)
		}
		return view, nil
	}
}
