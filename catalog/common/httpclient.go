package catalogcommon

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// NewClient returns a [Client] for the catalog's HTTP API at baseURL, such as http://localhost:7007/api/catalog. The requests go through httpClient, whose transport adds the credentials;
// nil means http.DefaultClient, which adds none. Deadlines come from the contexts. A baseURL that makes no sense shows at the first call.
func NewClient(baseURL string, httpClient *http.Client) Client {
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	return &remote{base: strings.TrimRight(baseURL, "/"), http: httpClient}
}

var _ Client = (*remote)(nil)

type remote struct {
	base string
	http *http.Client
}

func (c *remote) EntityByRef(ctx context.Context, ref Ref) (*Entity, error) {
	var entity Entity
	if err := c.call(ctx, http.MethodGet, "/entities/by-name/"+refPath(ref), nil, http.StatusOK, &entity); err != nil {
		return nil, fmt.Errorf("get entity %s: %w", ref, err)
	}
	return &entity, nil
}

// Backstage's servers refuse bodies of more than 100 KiB, so long lists travel in pieces.
const (
	maxRefsAtOnce  = 1000
	maxBytesAtOnce = 90 << 10
)

func (c *remote) EntitiesByRefs(ctx context.Context, request ByRefsRequest) ([]*Entity, error) {
	items := make([]*Entity, 0, len(request.EntityRefs))
	body := ByRefsRequest{Fields: request.Fields, Query: request.Query}
	path := "/entities/by-refs"
	if body.Query != nil || request.Filter.needsQuery() {
		body.Query = both(request.Filter, body.Query)
	} else {
		path += encoded(url.Values{"filter": request.Filter.Params()})
	}
	for rest := request.EntityRefs; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && n < maxRefsAtOnce && (n == 0 || size+len(rest[n])+3 <= maxBytesAtOnce) {
			size += len(rest[n]) + 3
			n++
		}
		body.EntityRefs, rest = rest[:n], rest[n:]
		var answer ByRefsResponse
		if err := c.call(ctx, http.MethodPost, path, body, http.StatusOK, &answer); err != nil {
			return nil, fmt.Errorf("get entities by reference: %w", err)
		}
		if len(answer.Items) != n {
			return nil, fmt.Errorf("get entities by reference: asked for %d, got %d", n, len(answer.Items))
		}
		items = append(items, answer.Items...)
	}
	return items, nil
}

func (c *remote) QueryEntities(ctx context.Context, request QueryRequest) (QueryResponse, error) {
	var answer QueryResponse
	var err error
	if request.Query != nil || request.Filter.needsQuery() || cursorHasQuery(request.Cursor) {
		body := request
		body.Query = both(request.Filter, request.Query)
		err = c.call(ctx, http.MethodPost, "/entities/by-query", body, http.StatusOK, &answer)
	} else {
		err = c.call(ctx, http.MethodGet, "/entities/by-query"+encoded(queryParams(request)), nil, http.StatusOK, &answer)
	}
	if err != nil {
		return QueryResponse{}, fmt.Errorf("query entities: %w", err)
	}
	return answer, nil
}

func queryParams(request QueryRequest) url.Values {
	params := url.Values{}
	set := func(key, value string) {
		if value != "" {
			params.Set(key, value)
		}
	}
	set("fields", strings.Join(request.Fields, ","))
	if request.Limit != nil {
		set("limit", strconv.Itoa(*request.Limit))
	}
	if request.Cursor != "" {
		set("cursor", request.Cursor)
		return params
	}
	if request.Offset != 0 {
		set("offset", strconv.Itoa(request.Offset))
	}
	params["filter"] = request.Filter.Params()
	for _, order := range request.OrderBy {
		params.Add("orderField", order.Field+","+order.Direction)
	}
	if text := request.FullText; text != nil {
		set("fullTextFilterTerm", text.Term)
		set("fullTextFilterFields", strings.Join(text.Fields, ","))
	}
	set("totalItems", string(request.Total))
	return params
}

// cursorHasQuery reports whether the cursor holds a predicate. Backstage's own servers want such a cursor by POST; ours takes any cursor either way.
func cursorHasQuery(cursor string) bool {
	if cursor == "" {
		return false
	}
	text, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return false
	}
	var content struct {
		Query json.RawMessage `json:"query"`
	}
	return json.Unmarshal(text, &content) == nil && content.Query != nil
}

func (c *remote) Facets(ctx context.Context, request FacetsRequest) (map[string][]Facet, error) {
	var answer FacetsResponse
	var err error
	if request.Query != nil || request.Filter.needsQuery() {
		request.Query = both(request.Filter, request.Query)
		err = c.call(ctx, http.MethodPost, "/entity-facets", request, http.StatusOK, &answer)
	} else {
		params := url.Values{"facet": request.Facets, "filter": request.Filter.Params()}
		err = c.call(ctx, http.MethodGet, "/entity-facets"+encoded(params), nil, http.StatusOK, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("get facets: %w", err)
	}
	return answer.Facets, nil
}

func (c *remote) Ancestry(ctx context.Context, ref Ref) (Ancestry, error) {
	var answer Ancestry
	if err := c.call(ctx, http.MethodGet, "/entities/by-name/"+refPath(ref)+"/ancestry", nil, http.StatusOK, &answer); err != nil {
		return Ancestry{}, fmt.Errorf("get ancestry of %s: %w", ref, err)
	}
	return answer, nil
}

func (c *remote) RefreshEntity(ctx context.Context, ref Ref) error {
	if err := c.call(ctx, http.MethodPost, "/refresh", RefreshRequest{EntityRef: ref.String()}, http.StatusOK, nil); err != nil {
		return fmt.Errorf("refresh %s: %w", ref, err)
	}
	return nil
}

func (c *remote) RemoveEntity(ctx context.Context, uid string) error {
	if err := c.call(ctx, http.MethodDelete, "/entities/by-uid/"+url.PathEscape(uid), nil, http.StatusNoContent, nil); err != nil {
		return fmt.Errorf("remove entity with uid %s: %w", uid, err)
	}
	return nil
}

func (c *remote) ValidateEntity(ctx context.Context, entity *Entity, location LocationRef) error {
	err := c.call(ctx, http.MethodPost, "/validate-entity", ValidateRequest{entity, location.String()}, http.StatusOK, nil)
	var invalid *ValidationError
	if err == nil || errors.As(err, &invalid) {
		return err
	}
	return fmt.Errorf("validate %s: %w", entity.Ref(), err)
}

func (c *remote) Locations(ctx context.Context) ([]Location, error) {
	var answer []LocationItem
	if err := c.call(ctx, http.MethodGet, "/locations", nil, http.StatusOK, &answer); err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	locations := make([]Location, len(answer))
	for i := range answer {
		locations[i] = answer[i].Data
	}
	return locations, nil
}

func (c *remote) QueryLocations(ctx context.Context, request LocationsQuery) (LocationsPage, error) {
	var answer LocationsPage
	if err := c.call(ctx, http.MethodPost, "/locations/by-query", request, http.StatusOK, &answer); err != nil {
		return LocationsPage{}, fmt.Errorf("query locations: %w", err)
	}
	return answer, nil
}

func (c *remote) LocationByID(ctx context.Context, id string) (Location, error) {
	var location Location
	if err := c.call(ctx, http.MethodGet, "/locations/"+url.PathEscape(id), nil, http.StatusOK, &location); err != nil {
		return Location{}, fmt.Errorf("get location %s: %w", id, err)
	}
	return location, nil
}

func (c *remote) LocationByEntity(ctx context.Context, ref Ref) (Location, error) {
	var location Location
	if err := c.call(ctx, http.MethodGet, "/locations/by-entity/"+refPath(ref), nil, http.StatusOK, &location); err != nil {
		return Location{}, fmt.Errorf("get location of %s: %w", ref, err)
	}
	return location, nil
}

func (c *remote) AddLocation(ctx context.Context, request AddLocationRequest) (AddLocationResponse, error) {
	if request.Type == "" {
		request.Type = LocationTypeURL
	}
	params := url.Values{}
	if request.DryRun {
		params.Set("dryRun", "true")
	}
	if request.OnConflict != "" {
		params.Set("onConflict", request.OnConflict)
	}
	var answer AddLocationResponse
	if err := c.call(ctx, http.MethodPost, "/locations"+encoded(params), request, http.StatusCreated, &answer); err != nil {
		return AddLocationResponse{}, fmt.Errorf("add location %s:%s: %w", request.Type, request.Target, err)
	}
	return answer, nil
}

func (c *remote) UpdateLocation(ctx context.Context, id string, location LocationRef) (Location, error) {
	if location.Type == "" {
		location.Type = LocationTypeURL
	}
	var answer Location
	if err := c.call(ctx, http.MethodPut, "/locations/"+url.PathEscape(id), location, http.StatusOK, &answer); err != nil {
		return Location{}, fmt.Errorf("update location %s: %w", id, err)
	}
	return answer, nil
}

func (c *remote) RemoveLocation(ctx context.Context, id string) error {
	if err := c.call(ctx, http.MethodDelete, "/locations/"+url.PathEscape(id), nil, http.StatusNoContent, nil); err != nil {
		return fmt.Errorf("remove location %s: %w", id, err)
	}
	return nil
}

func (c *remote) AnalyzeLocation(ctx context.Context, request AnalyzeLocationRequest) (AnalyzeLocationResponse, error) {
	if request.Location.Type == "" {
		request.Location.Type = LocationTypeURL
	}
	var answer AnalyzeLocationResponse
	if err := c.call(ctx, http.MethodPost, "/analyze-location", request, http.StatusOK, &answer); err != nil {
		return AnalyzeLocationResponse{}, fmt.Errorf("analyze location %s: %w", request.Location, err)
	}
	return answer, nil
}

// call sends body, if any, as JSON and decodes an answer of status want into result, if any.
func (c *remote) call(ctx context.Context, method, path string, body any, want int, result any) error {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // what is left of a short body, so that the connection can be used again
		_ = response.Body.Close()
	}()
	if response.StatusCode != want {
		return failure(method, path, response)
	}
	if result == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

func failure(method, path string, response *http.Response) error {
	path, _, _ = strings.Cut(path, "?")
	failed := &Error{Status: response.StatusCode, Message: fmt.Sprintf("%s %s answered %s", method, path, response.Status)}
	if response.StatusCode < http.StatusBadRequest {
		failed.Status = http.StatusBadGateway // an answer that the API does not know is no success
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return failed
	}
	var body struct {
		Error  *ErrorInfo  `json:"error"`
		Errors []ErrorInfo `json:"errors"`
	}
	if json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&body) != nil {
		return failed
	}
	switch {
	case body.Error != nil && body.Error.Message != "":
		failed.Name, failed.Message, failed.Cause = body.Error.Name, body.Error.Message, body.Error.Cause
	case len(body.Errors) > 0 && response.StatusCode == http.StatusBadRequest:
		return &ValidationError{Errors: body.Errors}
	}
	return failed
}

// refPath returns kind/namespace/name, escaped.
func refPath(ref Ref) string {
	ref = ref.Normal()
	return url.PathEscape(ref.Kind) + "/" + url.PathEscape(ref.Namespace) + "/" + url.PathEscape(ref.Name)
}

func encoded(params url.Values) string {
	if text := params.Encode(); text != "" {
		return "?" + text
	}
	return ""
}
