package shell

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Page is a page as the portal's list of pages holds it.
type Page = pluginapi.Extended[pluginapi.Page, pluginapi.PageFunc]

// Settings is what a [Shell] needs.
type Settings struct {
	Title      string // app.title: in the rail and in browsers' tabs
	Home       string // path below which the portal is mounted, without a trailing slash: "" or /portal
	Pages      []Page
	Links      pluginapi.Links
	Authorizer pluginapi.Authorizer
	Available  func(plugin string) error    // nil error: it runs, as far as is known
	Nonce      func(context.Context) string // of the answer's Content-Security-Policy
}

// Shell draws pages. It is safe for concurrent use.
type Shell struct {
	Settings
	canvases sync.Pool // of *canvas
}

// New returns a Shell.
func New(s Settings) *Shell { return &Shell{Settings: s} }

// Show answers requests for a page, of principals that may open it.
func (s *Shell) Show(page Page) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error { return s.show(w, r, page) }
}

func (s *Shell) show(w http.ResponseWriter, r *http.Request, page Page) error {
	ctx := r.Context()
	// What the plugin does to show its page, drawing included, happens in here: its deadline, its panics and its name are on it. The frame is drawn after.
	body := s.canvas()
	defer s.giveBack(body)
	view, err := ask(ctx, r, page, body)
	if err != nil {
		return err
	}
	if view.Title == "" {
		view.Title = page.Spec.Title
	}
	frame := s.frame(ctx, r)
	for _, crumb := range view.Breadcrumbs {
		frame.Crumbs = append(frame.Crumbs, ui.Crumb{Label: crumb.Text, Href: crumb.Href})
	}
	frame.Crumbs = append(frame.Crumbs, ui.Crumb{Label: view.Title})
	frame.Body = ui.Group(header(view, page.Spec), ui.Content(body))
	drawn := s.canvas()
	defer s.giveBack(drawn)
	if err := s.document(ctx, view.Title, frame).Render(ctx, drawn); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-cache, private")
	}
	_ = drawn.Render(ctx, w) // a client that left is no error of ours
	return nil
}

// ask has the plugin show its page, and draws the body.
func ask(ctx context.Context, r *http.Request, page Page, body *canvas) (view pluginapi.View, err error) {
	err = page.Use(ctx, func(ctx context.Context, show pluginapi.PageFunc) (err error) {
		if view, err = show(r.WithContext(ctx)); err != nil {
			return err
		}
		view.Facts = slices.Clone(view.Facts) // the plugin may show them again
		for i, fact := range view.Facts {
			if view.Facts[i].Value, err = predrawn(ctx, fact.Value); err != nil {
				return err
			}
		}
		if view.Actions, err = predrawn(ctx, view.Actions); err != nil {
			return err
		}
		if view.Body == nil {
			return nil
		}
		return view.Body.Render(ctx, body)
	})
	return view, err
}

func predrawn(ctx context.Context, c pluginapi.Component) (pluginapi.Component, error) {
	if c == nil {
		return nil, nil
	}
	html, err := pluginapi.Draw(ctx, c)
	return pluginapi.Drawn(html), err
}

func header(view pluginapi.View, spec pluginapi.Page) ui.PageHeader {
	h := ui.PageHeader{Kicker: view.Kicker, Title: view.Title, Subtitle: view.Subtitle}
	if !strings.Contains(spec.Path, "{") {
		h.Icon = spec.Icon
	}
	for _, fact := range view.Facts {
		h.Facts = append(h.Facts, ui.Description{Term: fact.Label, Value: fact.Value})
	}
	for _, tab := range view.Tabs {
		h.Tabs = append(h.Tabs, ui.Tab{Label: tab.Text, Href: tab.Href, Active: tab.Active})
	}
	if view.Actions != nil {
		h.Actions = []pluginapi.Component{view.Actions}
	}
	return h
}

// allowed returns nil when the principal may open the page.
func (s *Shell) allowed(ctx context.Context, page pluginapi.Page) error {
	switch {
	case page.Public:
		return nil
	case pluginapi.PrincipalFrom(ctx).IsZero():
		return pluginapi.Unauthenticated("sign in first")
	case page.Permission != nil:
		return pluginapi.Require(ctx, s.Authorizer, *page.Permission, "")
	}
	return nil
}

// ErrorPage draws a page for people that says what went wrong. The status is of the range 400 to 599.
func (s *Shell) ErrorPage(r *http.Request, status int, message, requestID string) pluginapi.Component {
	ctx := r.Context()
	title := titles[status]
	if title == "" {
		title = http.StatusText(status)
	}
	panel := ui.ErrorPanel{Title: sentence(message), RequestID: requestID}
	switch status {
	case http.StatusNotFound:
		panel.Remedy = "Check the address, or start from the navigation."
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		panel.Remedy = "The rest of the portal works. It is being tried again; reload the page in a moment."
		panel.RetryHref = again(r)
	case http.StatusInternalServerError:
		panel.Remedy = "It is in the log under this request's id. Tell the portal's team if it stays."
		panel.RetryHref = again(r)
	}
	frame := s.frame(ctx, r)
	frame.Crumbs = []ui.Crumb{{Label: title}}
	frame.Body = ui.Group(ui.PageHeader{Kicker: fmt.Sprintf("Error %d", status), Title: title}, ui.Content(panel))
	return s.document(ctx, title, frame)
}

var titles = map[int]string{
	http.StatusNotFound:            "There is nothing here",
	http.StatusUnauthorized:        "Sign in first",
	http.StatusForbidden:           "Not allowed",
	http.StatusServiceUnavailable:  "Not available right now",
	http.StatusGatewayTimeout:      "This took too long",
	http.StatusInternalServerError: "Something went wrong",
}

// again is the address that was asked for, as a link within this site: two slashes in front would lead to another.
func again(r *http.Request) string { return "/" + strings.TrimLeft(r.URL.RequestURI(), "/") }

// sentence makes an error's message one: errors start in lower case and end without a full stop.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(message)
	message = string(unicode.ToUpper(first)) + message[size:]
	if strings.HasSuffix(message, ".") || strings.HasSuffix(message, "?") {
		return message
	}
	return message + "."
}

func (s *Shell) document(ctx context.Context, title string, frame ui.Frame) ui.Document {
	return ui.Document{Title: title + " · " + s.Title, Nonce: s.Nonce(ctx), Body: frame}
}

// Root answers requests for the portal's root: it sends to the first page of the navigation that the principal may see.
func (s *Shell) Root(w http.ResponseWriter, r *http.Request) error {
	for _, page := range s.Pages {
		if inNavigation(page.Spec) && s.allowed(r.Context(), page.Spec) == nil {
			http.Redirect(w, r, s.Home+page.Spec.Path, http.StatusFound)
			return nil
		}
	}
	return pluginapi.NotFound("this portal has no page to show you; pages come from the plugins in its main")
}
