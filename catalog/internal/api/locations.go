package api

import (
	"net/http"
	"slices"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func (a *API) locations(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	all, err := a.catalog.Locations(r.Context())
	if err != nil {
		return err
	}
	items := make([]catalogcommon.LocationItem, len(all))
	for i, l := range all {
		items[i].Data = l
	}
	return respondWith(w, http.StatusOK, items)
}

// truthy are the ways to say yes to dryRun; all others say no.
var truthy = []string{"true", "yes", "y", "1", "on"}

func (a *API) addLocation(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	dryRun, conflict := p.text("dryRun"), p.text("onConflict")
	if err := p.done(); err != nil {
		return err
	}
	if conflict != "" && conflict != catalogcommon.OnConflictRefresh && conflict != catalogcommon.OnConflictReject {
		return pluginapi.BadInput("request/query/onConflict must be equal to one of the allowed values: refresh, reject")
	}
	request, err := locationBody(r, true)
	if err != nil {
		return err
	}
	request.DryRun, request.OnConflict = slices.Contains(truthy, strings.ToLower(dryRun)), conflict
	answer, err := a.catalog.AddLocation(traced(w, r), request)
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusCreated, answer)
}

// locationBody reads a location that somebody wants to register.
func locationBody(r *http.Request, presence bool) (catalogcommon.AddLocationRequest, error) {
	var body struct {
		Type     *string `json:"type"`
		Target   *string `json:"target"`
		Presence *string `json:"presence"`
	}
	none := catalogcommon.AddLocationRequest{}
	if err := readBody(r, &body, true, false); err != nil {
		return none, err
	}
	switch {
	case body.Type == nil || *body.Type == "":
		return none, pluginapi.BadInput("request/body must have required property 'type'")
	case body.Target == nil || *body.Target == "":
		return none, pluginapi.BadInput("request/body must have required property 'target'")
	case body.Presence != nil && !presence:
		return none, pluginapi.BadInput("request/body must NOT have additional properties: presence")
	}
	request := catalogcommon.AddLocationRequest{Type: *body.Type, Target: *body.Target}
	if body.Presence != nil {
		if request.Presence = *body.Presence; request.Presence != catalogcommon.PresenceOptional && request.Presence != catalogcommon.PresenceRequired {
			return none, pluginapi.BadInput("request/body/presence must be equal to one of the allowed values: optional, required")
		}
	}
	return request, nil
}

func (a *API) location(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	l, err := a.catalog.LocationByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, l)
}

func (a *API) locationByEntity(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	l, err := a.catalog.LocationByEntity(r.Context(), named(r))
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, l)
}

func (a *API) changeLocation(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	request, err := locationBody(r, false)
	if err != nil {
		return err
	}
	l, err := a.catalog.ChangeLocation(traced(w, r), r.PathValue("id"), catalogcommon.LocationRef{Type: request.Type, Target: request.Target})
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, l)
}

func (a *API) removeLocation(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	if err := a.catalog.RemoveLocation(traced(w, r), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) queryLocations(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	var body catalogcommon.LocationsQuery
	if err := readBody(r, &body, false, true); err != nil {
		return err
	}
	page, err := a.catalog.QueryLocations(r.Context(), body)
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, page)
}
