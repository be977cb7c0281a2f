package pages

import (
	"context"
	"log/slog"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Pages makes the catalog's pages. It is safe for concurrent use.
type Pages struct {
	client    catalogcommon.Client
	cards     *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]]
	tabs      *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]]
	columns   *pluginapi.Live[[]pluginapi.Extended[catalogapi.Column, catalogapi.ColumnFunc]]
	kinds     []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour]
	ingestion Ingestion
	decides   pluginapi.Authorizer
	log       *slog.Logger
}

// Problem is something that should be in the catalog and is not, or not as its file says.
type Problem struct {
	Entity   string // reference, if it is known
	Location string // where it was read from: file:/srv/catalog/all.yaml
	Line     int    // from 1; 0 if unknown
	Column   int
	Message  string
}

// Ingestion tells of what there are no such calls for in catalogcommon.Client. It is the catalog's own seam.
type Ingestion interface {
	// Problems lists what could not be ingested.
	Problems(ctx context.Context) ([]Problem, error)

	// Times tells when an entity came, and when it last changed; zero times if that is not known.
	Times(ctx context.Context, ref catalogcommon.Ref) (created, updated time.Time, err error)
}

// New returns the pages.
func New(
	client catalogcommon.Client,
	cards *pluginapi.Live[[]pluginapi.Extended[catalogapi.Card, catalogapi.CardFunc]],
	tabs *pluginapi.Live[[]pluginapi.Extended[catalogapi.Tab, catalogapi.TabFunc]],
	columns *pluginapi.Live[[]pluginapi.Extended[catalogapi.Column, catalogapi.ColumnFunc]],
	kinds []pluginapi.Extended[catalognode.Kind, catalognode.NoBehaviour],
	ingestion Ingestion,
	authorizer pluginapi.Authorizer,
	log *slog.Logger,
) *Pages {
	return &Pages{client, cards, tabs, columns, kinds, ingestion, authorizer, log}
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
