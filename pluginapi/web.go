package pluginapi

import "net/http"

// Route is the spec of an HTTP route below the plugin's path, /api/ID.
type Route struct {
	// Pattern is a method, a blank and a path, as in net/http: "GET /audits/{id}", "POST /audits", "/files/{path...}". Without a method it matches all. The path counts from /api/ID, which is not
	// repeated in it. Parameters are read with Request.PathValue, unescaped.
	Pattern string

	// Public lets anybody call the route, signed in or not.
	Public bool

	// Permission is required of whoever calls. Nil requires a principal only. See [Require].
	Permission *Permission

	// Stream lifts the limit on how long a request may take (30 seconds), for event streams, uploads and upgraded connections.
	Stream bool

	// MaxBody limits the request body in bytes. Zero means 1 MiB, a negative number no limit.
	MaxBody int64
}

// RouteFunc answers a request, or returns an error having written nothing; the portal then answers with it, in the one shape that all errors have. See [Describe].
type RouteFunc func(w http.ResponseWriter, r *http.Request) error

// Routes are the plugin's HTTP API. Forms on pages post to routes, too (make the address with [RouteRef.URL]); such a route answers with http.Redirect and http.StatusSeeOther to the page.
// Requests of other sites that would change something are refused before they get here.
var Routes = &Point[Route, RouteFunc]{Kind: "route"}

// Page is the spec of a page.
type Page struct {
	Path   string `yaml:"path"`   // such as /hello or /catalog/{kind}/{name}; parameters, in braces, are read with Request.PathValue
	Title  string `yaml:"title"`  // in the navigation, the header and the browser's tab; required
	Icon   string `yaml:"icon"`   // name of an icon of pluginapi/ui; default: a neutral one; like group, only for pages without parameters
	Group  string `yaml:"group"`  // heading in the navigation; default: none
	Hidden bool   `yaml:"hidden"` // not in the navigation; pages with parameters never are

	// Public shows the page to anybody, signed in or not. Permission, when set, is required of whoever opens it; who lacks it does not see it in the navigation. See [Require].
	Public     bool
	Permission *Permission
}

// PageFunc answers a GET of the page. Its errors become an error page with their status. See [Describe].
type PageFunc func(r *http.Request) (View, error)

// Pages are the plugin's pages, and the navigation is drawn from their specs.
var Pages = &Point[Page, PageFunc]{Kind: "page"}

// View is what a page shows; the portal draws the frame around it.
type View struct {
	Title       string    // default: the page's
	Kicker      string    // small line above the title
	Subtitle    string    // line below the title
	Breadcrumbs []Link    // from the top down to, not including, this view
	Facts       []Fact    // what to see at a glance, beside the title
	Tabs        []Tab     // sub-pages
	Actions     Component // buttons in the header; nil: none
	Body        Component // the portal puts the page's margins around it
}

// Link is a text that leads somewhere.
type Link struct {
	Text string
	Href string // a URL made with [RouteRef.URL], or an absolute one; script URLs are refused when drawn
}

// Fact is a labelled value in a page's header.
type Fact struct {
	Label string
	Value Component
}

// Tab is a link to a sub-page.
type Tab struct {
	Link
	Active bool
}
