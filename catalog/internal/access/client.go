package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/fields"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Client is what other plugins of the same process get as catalogcommon.Client.
type Client struct{ catalog *Catalog }

var _ catalogcommon.Client = (*Client)(nil)

// NewClient returns a client of c.
func NewClient(c *Catalog) *Client { return &Client{c} }

// EntityByRef implements catalogcommon.Client.
func (c *Client) EntityByRef(ctx context.Context, ref catalogcommon.Ref) (*catalogcommon.Entity, error) {
	body, err := c.catalog.ByName(ctx, ref)
	if err != nil {
		return nil, refusal(err)
	}
	return decode(body, nil)
}

// EntitiesByRefs implements catalogcommon.Client.
func (c *Client) EntitiesByRefs(ctx context.Context, request catalogcommon.ByRefsRequest) ([]*catalogcommon.Entity, error) {
	where, err := predicateOf(request.Filter, request.Query)
	if err != nil {
		return nil, refusal(err)
	}
	projection, err := fields.Parse(request.Fields)
	if err != nil {
		return nil, refusal(err)
	}
	bodies, err := c.catalog.ByRefs(ctx, request.EntityRefs, where)
	if err != nil {
		return nil, refusal(err)
	}
	return decodeAll(bodies, projection)
}

// QueryEntities implements catalogcommon.Client.
func (c *Client) QueryEntities(ctx context.Context, request catalogcommon.QueryRequest) (catalogcommon.QueryResponse, error) {
	none := catalogcommon.QueryResponse{}
	question := Question{Cursor: request.Cursor, Offset: request.Offset, Limit: DefaultLimit, NoTotal: request.Total == catalogcommon.TotalExclude}
	if request.Limit != nil {
		question.Limit = *request.Limit
	}
	if question.Limit < 0 {
		return none, catalogcommon.InputError("limit must be >= 0")
	}
	for _, order := range request.OrderBy {
		key, err := query.NewSortKey(order.Field, order.Direction)
		if err != nil {
			return none, refusal(err)
		}
		question.Order = append(question.Order, key)
	}
	if text := request.FullText; text != nil {
		question.Term, question.Fields = text.Term, text.Fields
	}
	combined, err := combine(request.Filter, request.Query)
	if err != nil {
		return none, refusal(err)
	}
	question.Query = combined
	projection, err := fields.Parse(request.Fields)
	if err != nil {
		return none, refusal(err)
	}
	answer, err := c.catalog.Ask(ctx, question)
	if err != nil {
		return none, refusal(err)
	}
	items, err := decodeAll(answer.Bodies, projection)
	return catalogcommon.QueryResponse{Items: items, TotalItems: answer.Total, PageInfo: catalogcommon.PageInfo{NextCursor: answer.Next, PrevCursor: answer.Prev}}, err
}

// Facets implements catalogcommon.Client.
func (c *Client) Facets(ctx context.Context, request catalogcommon.FacetsRequest) (map[string][]catalogcommon.Facet, error) {
	where, err := predicateOf(request.Filter, request.Query)
	if err != nil {
		return nil, refusal(err)
	}
	lists, err := c.catalog.Facets(ctx, request.Facets, where)
	if err != nil {
		return nil, refusal(err)
	}
	facets := make(map[string][]catalogcommon.Facet, len(lists))
	for i, list := range lists {
		values := make([]catalogcommon.Facet, len(list))
		for n, value := range list {
			values[n] = catalogcommon.Facet(value)
		}
		facets[request.Facets[i]] = values
	}
	return facets, nil
}

// Ancestry implements catalogcommon.Client.
func (c *Client) Ancestry(ctx context.Context, ref catalogcommon.Ref) (catalogcommon.Ancestry, error) {
	steps, err := c.catalog.Ancestry(ctx, ref)
	if err != nil {
		return catalogcommon.Ancestry{}, refusal(err)
	}
	ancestry := catalogcommon.Ancestry{RootEntityRef: ref.String()}
	for _, step := range steps {
		entity, err := decode(step.Body, nil)
		if err != nil {
			return catalogcommon.Ancestry{}, refusal(err)
		}
		ancestry.Items = append(ancestry.Items, catalogcommon.AncestryItem{Entity: entity, ParentEntityRefs: step.Parents})
	}
	return ancestry, nil
}

// RefreshEntity implements catalogcommon.Client.
func (c *Client) RefreshEntity(ctx context.Context, ref catalogcommon.Ref) error {
	return refusal(c.catalog.Refresh(ctx, ref))
}

// RemoveEntity implements catalogcommon.Client.
func (c *Client) RemoveEntity(ctx context.Context, uid string) error {
	return refusal(c.catalog.Remove(ctx, uid))
}

// ValidateEntity implements catalogcommon.Client.
func (c *Client) ValidateEntity(ctx context.Context, entity *catalogcommon.Entity, location catalogcommon.LocationRef) error {
	faults, err := c.catalog.Validate(ctx, entity, location)
	if err != nil {
		return refusal(err)
	}
	if len(faults) > 0 {
		return &catalogcommon.ValidationError{Errors: faults}
	}
	return nil
}

// Locations implements catalogcommon.Client.
func (c *Client) Locations(ctx context.Context) ([]catalogcommon.Location, error) {
	result, err := c.catalog.Locations(ctx)
	return result, refusal(err)
}

// QueryLocations implements catalogcommon.Client.
func (c *Client) QueryLocations(ctx context.Context, request catalogcommon.LocationsQuery) (catalogcommon.LocationsPage, error) {
	result, err := c.catalog.QueryLocations(ctx, request)
	return result, refusal(err)
}

// LocationByID implements catalogcommon.Client.
func (c *Client) LocationByID(ctx context.Context, id string) (catalogcommon.Location, error) {
	result, err := c.catalog.LocationByID(ctx, id)
	return result, refusal(err)
}

// LocationByEntity implements catalogcommon.Client.
func (c *Client) LocationByEntity(ctx context.Context, ref catalogcommon.Ref) (catalogcommon.Location, error) {
	result, err := c.catalog.LocationByEntity(ctx, ref)
	return result, refusal(err)
}

// AddLocation implements catalogcommon.Client.
func (c *Client) AddLocation(ctx context.Context, request catalogcommon.AddLocationRequest) (catalogcommon.AddLocationResponse, error) {
	result, err := c.catalog.AddLocation(ctx, request)
	return result, refusal(err)
}

// UpdateLocation implements catalogcommon.Client.
func (c *Client) UpdateLocation(ctx context.Context, id string, location catalogcommon.LocationRef) (catalogcommon.Location, error) {
	result, err := c.catalog.ChangeLocation(ctx, id, location)
	return result, refusal(err)
}

// RemoveLocation implements catalogcommon.Client.
func (c *Client) RemoveLocation(ctx context.Context, id string) error {
	return refusal(c.catalog.RemoveLocation(ctx, id))
}

// AnalyzeLocation implements catalogcommon.Client.
func (c *Client) AnalyzeLocation(ctx context.Context, request catalogcommon.AnalyzeLocationRequest) (catalogcommon.AnalyzeLocationResponse, error) {
	result, err := c.catalog.Analyze(ctx, request)
	return result, refusal(err)
}

// refusal gives an error the type that [catalogcommon.Client] promises: what has the status of a refusal is one, whatever part of the catalog said so.
func refusal(err error) error {
	var known *catalogcommon.Error
	var invalid *catalogcommon.ValidationError
	if err == nil || errors.As(err, &known) || errors.As(err, &invalid) {
		return err
	}
	status, name, message := pluginapi.Describe(err)
	if status >= http.StatusInternalServerError {
		return err
	}
	return &catalogcommon.Error{Status: status, Name: name, Message: message}
}

// combine writes a filter and a predicate as one predicate; nil for neither.
func combine(filter catalogcommon.Filter, predicate map[string]any) (json.RawMessage, error) {
	converted := filter.Query()
	switch {
	case converted == nil && predicate == nil:
		return nil, nil
	case converted == nil:
		converted = predicate
	case predicate != nil:
		converted = map[string]any{"$all": []any{converted, predicate}}
	}
	text, err := json.Marshal(converted)
	if err != nil {
		return nil, catalogcommon.InputError("query cannot be written as JSON: %v", err)
	}
	return text, nil
}

func predicateOf(filter catalogcommon.Filter, predicate map[string]any) (query.Predicate, error) {
	text, err := combine(filter, predicate)
	if err != nil || text == nil {
		return nil, err
	}
	return query.ParsePredicate(text)
}

func decode(body []byte, projection *fields.Projection) (*catalogcommon.Entity, error) {
	if projection != nil {
		var err error
		if body, err = projection.Append(nil, body); err != nil {
			return nil, fmt.Errorf("read a stored entity: %w", err)
		}
	}
	var entity catalogcommon.Entity
	if err := json.Unmarshal(body, &entity); err != nil {
		return nil, fmt.Errorf("read a stored entity: %w", err)
	}
	return &entity, nil
}

func decodeAll(bodies [][]byte, projection *fields.Projection) ([]*catalogcommon.Entity, error) {
	entities := make([]*catalogcommon.Entity, len(bodies))
	for i, body := range bodies {
		if body == nil {
			continue
		}
		entity, err := decode(body, projection)
		if err != nil {
			return nil, err
		}
		entities[i] = entity
	}
	return entities, nil
}
