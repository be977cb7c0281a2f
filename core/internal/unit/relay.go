package unit

import (
	"context"
	"encoding/json"
	"errors"
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

// These headers carry what the other unit's router would otherwise have to find out anew: the URL as asked, and the parameters of its path; and what is between browser and plugin, not between units.
const (
	uriHeader    = "Proscenium-Relayed-Uri"
	valueHeader  = "Proscenium-Relayed-Value"
	acceptHeader = "Proscenium-Relayed-Accept"
)

// asked writes r's URL and path parameters to h.
func asked(h http.Header, r *http.Request, pattern string) {
	h.Set(uriHeader, r.URL.RequestURI())
	h[acceptHeader] = r.Header["Accept"]
	h.Set("Accept", "application/json") // of errors; a page about them is drawn here
	h.Del("Accept-Encoding")            // compressed once, for the browser
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
	out.Header["Accept"] = r.Header[acceptHeader]
	for _, name := range []string{uriHeader, valueHeader, acceptHeader} {
		delete(out.Header, name)
	}
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

func serveRoute(_ pluginapi.Route, serve pluginapi.RouteFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		r, err := asAsked(r)
		if err != nil {
			return err
		}
		return serve(w, r)
	}
}

func remoteRoute(spec pluginapi.Route, rt http.RoundTripper) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		proxy := httputil.ReverseProxy{
			Transport:     rt,
			FlushInterval: -1,
			Rewrite: func(p *httputil.ProxyRequest) {
				asked(p.Out.Header, p.In, spec.Pattern)
				p.Out.URL = &url.URL{Scheme: "http", Host: "unit", Path: "/"}
			},
			ModifyResponse: func(res *http.Response) error {
				if res.Header.Get(errorHeader) != "" {
					return pluginapi.ErrorFrom(res)
				}
				res.Header.Del("X-Request-Id")
				for name := range res.Header { // else what both servers set would be there twice
					w.Header().Del(name)
				}
				return nil
			},
			ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, failure error) { err = failure },
		}
		proxy.ServeHTTP(w, r)
		return err
	}
}

// relayedView is a pluginapi.View whose components are drawn.
type relayedView struct {
	Title, Kicker, Subtitle string
	Breadcrumbs             []pluginapi.Link
	Tabs                    []pluginapi.Tab
	Facts                   []relayedFact
	Actions, Body           string
}

type relayedFact struct{ Label, Value string }

func servePage(_ pluginapi.Page, show pluginapi.PageFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		r, err := asAsked(r)
		if err != nil {
			return err
		}
		view, err := show(r)
		if err != nil {
			return err
		}
		drawn, err := drawView(r.Context(), view)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		to := json.NewEncoder(w)
		to.SetEscapeHTML(false) // pages are mostly that
		_ = to.Encode(drawn)    // a unit that left is no error of ours
		return nil
	}
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
	var err1, err2 error
	drawn.Actions, err1 = pluginapi.Draw(ctx, view.Actions)
	drawn.Body, err2 = pluginapi.Draw(ctx, view.Body)
	return drawn, errors.Join(err1, err2)
}

// ownHeaders are about the browser's connection, or a body, and not about the page.
var ownHeaders = []string{"Connection", "Keep-Alive", "Upgrade", "Te", "Trailer", "Transfer-Encoding", "Expect", "Content-Length", "Content-Type"}

func remotePage(spec pluginapi.Page, rt http.RoundTripper) pluginapi.PageFunc {
	return func(r *http.Request) (pluginapi.View, error) {
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://unit/", nil)
		if err != nil {
			return pluginapi.View{}, err
		}
		out.Header = r.Header.Clone()
		for _, name := range ownHeaders {
			out.Header.Del(name)
		}
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
		if drawn.Actions != "" {
			view.Actions = pluginapi.Drawn(drawn.Actions)
		}
		return view, nil
	}
}
