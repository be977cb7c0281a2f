package pages

import (
	"context"
	"log/slog"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Pages makes the catalog's pages. It is safe for concurrent use.
type Pages struct {
	client   catalogcommon.Client
	cards    *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]]
	tabs     *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]]
	problems Problems
	log      *slog.Logger
}

// Problem is something that should be in the catalog and is not, or not as its file says.
type Problem struct {
	Entity   string // reference, if it is known
	Location string // where it was read from: file:/srv/catalog/all.yaml
	Line     int    // from 1; 0 if unknown
	Column   int
	Message  string
}

// Problems lists what could not be ingested. It is the catalog's own seam: there is no such call in catalogcommon.Client.
type Problems interface {
	Problems(ctx context.Context) ([]Problem, error)
}

// New returns the pages.
func New(
	client catalogcommon.Client,
	cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]],
	tabs *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]],
	problems Problems,
	log *slog.Logger,
) *Pages {
	return &Pages{client, cards, tabs, problems, log}
}

// The pages' specs, for the plugin's list of extensions. Their names are part of what others link to.
var (
	ListSpec     = pluginapi.Page{Path: "/catalog", Title: "Catalog", Icon: "boxes"}
	EntitySpec   = pluginapi.Page{Path: "/catalog/{namespace}/{kind}/{name}", Title: "Entity"}
	TabSpec      = pluginapi.Page{Path: "/catalog/{namespace}/{kind}/{name}/{tab}", Title: "Entity"}
	ProblemsSpec = pluginapi.Page{Path: "/catalog-problems", Title: "Catalog problems", Icon: "triangle-alert", Hidden: true}
)

// problemsPage is the id of the page that lists problems.
const problemsPage pluginapi.RouteRef = "page:catalog/problems"
