// Package api is the catalog's HTTP API, as Backstage's clients and tools speak it: below /api/catalog, entities as stored, parameters taken strictly.
package api

import (
	"net/http"

	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// API answers HTTP requests from a catalog.
type API struct {
	catalog *access.Catalog
	openapi func() ([]byte, error)
}

// New returns the API of a catalog.
func New(c *access.Catalog) *API { return &API{c, openapiJSON()} }

// Routes are the API's routes, as extensions of a plugin that provides an *API.
func Routes() []pluginapi.Extension {
	var extensions []pluginapi.Extension
	add := func(name, pattern string, answer func(*API, http.ResponseWriter, *http.Request) error) {
		// As it is constructed, and not with its need in front, since that would be called by reflection, and these are called very often.
		route := func(a *API) pluginapi.RouteFunc {
			return func(w http.ResponseWriter, r *http.Request) error { return answer(a, w, r) }
		}
		extensions = append(extensions, pluginapi.Routes.From(name, pluginapi.Route{Pattern: pattern}, route))
	}
	add("entities", "GET /entities", (*API).entities)
	add("query", "GET /entities/by-query", (*API).query)
	add("query-post", "POST /entities/by-query", (*API).queryPost)
	add("by-name", "GET /entities/by-name/{kind}/{namespace}/{name}", (*API).byName)
	add("ancestry", "GET /entities/by-name/{kind}/{namespace}/{name}/ancestry", (*API).ancestry)
	add("definition", "GET /entities/by-name/{kind}/{namespace}/{name}/definition", (*API).definition)
	add("by-uid", "GET /entities/by-uid/{uid}", (*API).byUID)
	add("remove", "DELETE /entities/by-uid/{uid}", (*API).remove)
	add("by-refs", "POST /entities/by-refs", (*API).byRefs)
	add("facets", "GET /entity-facets", (*API).facets)
	add("facets-post", "POST /entity-facets", (*API).facetsPost)
	add("refresh", "POST /refresh", (*API).refresh)
	add("validate", "POST /validate-entity", (*API).validate)
	add("locations", "GET /locations", (*API).locations)
	add("location-add", "POST /locations", (*API).addLocation)
	add("locations-query", "POST /locations/by-query", (*API).queryLocations)
	add("location", "GET /locations/{id}", (*API).location)
	add("location-change", "PUT /locations/{id}", (*API).changeLocation)
	add("location-remove", "DELETE /locations/{id}", (*API).removeLocation)
	add("location-by-entity", "GET /locations/by-entity/{kind}/{namespace}/{name}", (*API).locationByEntity)
	add("put", "PUT /entities/by-name/{kind}/{namespace}/{name}", (*API).put)
	add("withdraw", "DELETE /entities/by-name/{kind}/{namespace}/{name}", (*API).withdraw)
	add("graph", "GET /entities/graph", (*API).graph)
	add("unprocessed-failed", "GET /entities/unprocessed/failed", (*API).failed)
	add("unprocessed-pending", "GET /entities/unprocessed/pending", (*API).pending)
	add("unprocessed-remove", "DELETE /entities/unprocessed/delete/{uid}", (*API).removeUnprocessed)
	add("analyze", "POST /analyze-location", (*API).analyze)
	add("changes", "GET /changes", (*API).changes)
	add("record", "GET /ingestion/by-name/{kind}/{namespace}/{name}", (*API).record)
	add("problems", "GET /ingestion/problems", (*API).problems)
	add("openapi", "GET /openapi.json", (*API).document)
	add("permissions", "GET /.well-known/backstage/permissions/metadata", (*API).permissions)
	add("apply-conditions", "POST /.well-known/backstage/permissions/apply-conditions", (*API).applyConditions)
	stream := pluginapi.Route{Pattern: "GET /changes/stream", Stream: true}
	extensions = append(extensions, pluginapi.Routes.From("change-stream", stream, (*API).changeStream))
	return extensions
}
