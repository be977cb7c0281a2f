package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/fields"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// entities lists entities, all of them unless there is a limit or an offset.
func (a *API) entities(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	filter, order, lists := p.list("filter"), p.list("order"), p.list("fields")
	paged := p.has("limit") || p.has("offset") || p.has("after")
	q := index.Query{Limit: p.number("limit", 1, index.NoLimit), Offset: p.number("offset", 0, 0)}
	after := p.text("after")
	if err := p.done(); err != nil {
		return err
	}
	projection, err := fields.Parse(lists)
	if err != nil {
		return err
	}
	if q.Where, err = query.ParseFilter(filter); err != nil {
		return err
	}
	if q.Order.Keys, err = query.ParseOrder(order); err != nil {
		return err
	}
	q.Order.KeepAll = paged
	q.Order.ByRef = paged && len(q.Order.Keys) == 0
	if after != "" {
		place, err := query.DecodeAfter(after)
		if err != nil {
			return err
		}
		q.Offset = place.Offset
		if place.Limit > 0 {
			q.Limit = place.Limit
		}
	}
	if q.Limit == index.NoLimit {
		return a.all(w, r, q, projection)
	}
	page, err := a.catalog.List(r.Context(), q)
	if err != nil {
		return err
	}
	if page.More && q.Limit > 0 {
		values := r.URL.Query()
		values.Del("offset")
		values.Set("after", query.After{Limit: q.Limit, Offset: q.Offset + q.Limit}.Encode())
		w.Header().Set("Link", "</entities?"+values.Encode()+`>; rel="next"`)
	}
	bodies := slices.DeleteFunc(page.Bodies, func(body []byte) bool { return body == nil })
	return respond(w, func(out *outgoing, dst []byte) ([]byte, error) { return appendEntities(out, dst, bodies, projection) })
}

// all writes every entity of a listing as it comes. A failure after the first of them can only cut the answer short, which leaves it without its closing bracket.
func (a *API) all(w http.ResponseWriter, r *http.Request, q index.Query, projection *fields.Projection) error {
	buffer := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= keepBuffer {
			buffers.Put(buffer)
		}
	}()
	text, first := append((*buffer)[:0], '['), true
	err := a.catalog.Each(r.Context(), q, func(bodies [][]byte) error {
		for _, body := range bodies {
			if body == nil {
				continue
			}
			if !first || len(text) > 1 {
				text = append(text, ',')
			}
			var err error
			if text, err = projection.Append(text, body); err != nil {
				return err
			}
		}
		if len(text) < flushAt {
			return nil
		}
		if first {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			first = false
		}
		_, err := w.Write(text)
		text = text[:0]
		return err
	})
	*buffer = text
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(text, ']')) // an error here means that the client has left
	return nil
}

// flushAt is how much of a long answer is gathered before it is sent, in bytes.
const flushAt = 256 << 10

// query lists entities page by page.
func (a *API) query(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	q := access.Question{
		Cursor: p.text("cursor"), Filter: p.list("filter"), Term: p.text("fullTextFilterTerm"), Fields: p.commas("fullTextFilterFields"),
		Offset: p.number("offset", 0, 0), Limit: p.number("limit", 0, access.DefaultLimit),
	}
	order, lists := p.list("orderField"), p.list("fields")
	total := p.text("totalItems")
	if err := p.done(); err != nil {
		return err
	}
	if err := setTotal(&q, total); err != nil {
		return err
	}
	var err error
	if q.Order, err = query.ParseOrderFields(order); err != nil {
		return err
	}
	return a.page(w, r, q, lists)
}

func setTotal(q *access.Question, mode string) error {
	switch catalogcommon.TotalItems(mode) {
	case "", catalogcommon.TotalInclude:
	case catalogcommon.TotalExclude:
		q.NoTotal = true
	default:
		return pluginapi.BadInput("totalItems is %q; it must be include or exclude", mode)
	}
	return nil
}

// queryPost lists entities page by page, as a body asks.
func (a *API) queryPost(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Cursor         string                  `json:"cursor"`
		Limit          *int                    `json:"limit"`
		Offset         int                     `json:"offset"`
		OrderBy        []catalogcommon.Order   `json:"orderBy"`
		FullTextFilter *catalogcommon.FullText `json:"fullTextFilter"`
		Fields         []string                `json:"fields"`
		TotalItems     string                  `json:"totalItems"`
		Query          json.RawMessage         `json:"query"`
	}
	if err := noParams(r); err != nil {
		return err
	}
	if err := readBody(r, &body, false, true); err != nil {
		return err
	}
	q := access.Question{Cursor: body.Cursor, Offset: body.Offset, Limit: access.DefaultLimit, Query: notNull(body.Query)}
	if body.Limit != nil {
		q.Limit = *body.Limit
	}
	switch {
	case q.Limit < 0:
		return pluginapi.BadInput("request/body/limit must be >= 0")
	case q.Offset < 0:
		return pluginapi.BadInput("request/body/offset must be >= 0")
	}
	if err := setTotal(&q, body.TotalItems); err != nil {
		return err
	}
	if body.FullTextFilter != nil {
		q.Term, q.Fields = body.FullTextFilter.Term, body.FullTextFilter.Fields
	}
	for _, order := range body.OrderBy {
		key, err := query.NewSortKey(order.Field, order.Direction)
		if err != nil {
			return err
		}
		q.Order = append(q.Order, key)
	}
	return a.page(w, r, q, body.Fields)
}

func notNull(text json.RawMessage) json.RawMessage {
	if string(text) == "null" {
		return nil
	}
	return text
}

func (a *API) page(w http.ResponseWriter, r *http.Request, q access.Question, lists []string) error {
	projection, err := fields.Parse(lists)
	if err != nil {
		return err
	}
	answer, err := a.catalog.Ask(r.Context(), q)
	if err != nil {
		return err
	}
	return respond(w, func(out *outgoing, dst []byte) ([]byte, error) {
		dst, err := appendEntities(out, append(dst, `{"items":`...), answer.Bodies, projection)
		if err != nil {
			return dst, err
		}
		dst = strconv.AppendInt(append(dst, `,"totalItems":`...), int64(answer.Total), 10)
		dst = append(dst, `,"pageInfo":{`...)
		if answer.Next != "" { // cursors are base64, which needs no escaping
			dst = append(append(append(dst, `"nextCursor":"`...), answer.Next...), '"')
		}
		if answer.Prev != "" {
			if answer.Next != "" {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, `"prevCursor":"`...), answer.Prev...), '"')
		}
		return append(dst, "}}"...), nil
	})
}

func named(r *http.Request) catalogcommon.Ref {
	return catalogcommon.Ref{Kind: r.PathValue("kind"), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}

func (a *API) byName(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	body, err := a.catalog.ByName(r.Context(), named(r))
	return entity(w, body, err)
}

func (a *API) byUID(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	body, err := a.catalog.ByUID(r.Context(), r.PathValue("uid"))
	return entity(w, body, err)
}

// entity writes an entity as it is stored.
func entity(w http.ResponseWriter, body []byte, err error) error {
	if err != nil {
		return err
	}
	sendJSON(w, body)
	return nil
}

func (a *API) remove(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	if err := a.catalog.Remove(traced(w, r), r.PathValue("uid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) ancestry(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	ref := named(r)
	steps, err := a.catalog.Ancestry(r.Context(), ref)
	if err != nil {
		return err
	}
	type item struct {
		Entity           json.RawMessage `json:"entity"`
		ParentEntityRefs []string        `json:"parentEntityRefs"`
	}
	answer := struct {
		RootEntityRef string `json:"rootEntityRef"`
		Items         []item `json:"items"`
	}{RootEntityRef: ref.String()}
	for _, step := range steps {
		answer.Items = append(answer.Items, item{step.Body, step.Parents})
	}
	return respondWith(w, http.StatusOK, answer)
}

// maxRefs bounds what one request can ask, and so the size of its answer.
const maxRefs = 20_000

func (a *API) byRefs(w http.ResponseWriter, r *http.Request) error {
	var body refsBody
	p := paramsOf(r)
	filter := p.list("filter")
	if err := p.done(); err != nil {
		return err
	}
	if err := readBody(r, &body, false, false); err != nil {
		return err
	}
	switch {
	case body.EntityRefs == nil:
		return pluginapi.BadInput("request/body must have required property 'entityRefs'")
	case len(body.EntityRefs) > maxRefs:
		return pluginapi.BadInput("request/body/entityRefs: more than %d references; ask in several requests", maxRefs)
	}
	where, err := whereOf(filter, body.Query)
	if err != nil {
		return err
	}
	projection, err := fields.Parse(body.Fields)
	if err != nil {
		return err
	}
	bodies, err := a.catalog.ByRefs(r.Context(), body.EntityRefs, where)
	if err != nil {
		return err
	}
	return respond(w, func(out *outgoing, dst []byte) ([]byte, error) {
		dst, err := appendEntities(out, append(dst, `{"items":`...), bodies, projection)
		return append(dst, '}'), err
	})
}

// whereOf joins the two grammars.
func whereOf(filter []string, predicate json.RawMessage) (query.Predicate, error) {
	where, err := query.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	if predicate = notNull(predicate); len(predicate) == 0 {
		return where, nil
	}
	parsed, err := query.ParsePredicate(predicate)
	return query.And(where, parsed), err
}

func (a *API) facets(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	keys, filter := p.list("facet"), p.list("filter")
	if err := p.done(); err != nil {
		return err
	}
	if len(keys) == 0 {
		return pluginapi.BadInput("request/query must have required property 'facet'")
	}
	where, err := query.ParseFilter(filter)
	if err != nil {
		return err
	}
	return a.writeFacets(w, r, keys, where)
}

func (a *API) facetsPost(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Facets []string        `json:"facets"`
		Query  json.RawMessage `json:"query"`
	}
	if err := noParams(r); err != nil {
		return err
	}
	if err := readBody(r, &body, false, false); err != nil {
		return err
	}
	if len(body.Facets) == 0 {
		return pluginapi.BadInput("request/body must have required property 'facets'")
	}
	where, err := whereOf(nil, body.Query)
	if err != nil {
		return err
	}
	return a.writeFacets(w, r, body.Facets, where)
}

// maxFacets bounds what one request can ask.
const maxFacets = 100

func (a *API) writeFacets(w http.ResponseWriter, r *http.Request, keys []string, where query.Predicate) error {
	if len(keys) > maxFacets {
		return pluginapi.BadInput("more than %d facets; ask in several requests", maxFacets)
	}
	lists, err := a.catalog.Facets(r.Context(), keys, where)
	if err != nil {
		return err
	}
	return respond(w, func(_ *outgoing, dst []byte) ([]byte, error) {
		dst = append(dst, `{"facets":{`...)
		written := 0
		for i, key := range keys {
			if slices.Contains(keys[:i], key) {
				continue
			}
			if written++; written > 1 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, key), ':', '[')
			for n, value := range lists[i] {
				if n > 0 {
					dst = append(dst, ',')
				}
				dst = append(appendText(append(dst, `{"value":`...), value.Value), `,"count":`...)
				dst = append(strconv.AppendInt(dst, int64(value.Count), 10), '}')
			}
			dst = append(dst, ']')
		}
		return append(dst, "}}"...), nil
	})
}

func appendText(dst []byte, text string) []byte {
	dst, err := catalogcommon.AppendJSON(dst, text)
	if err != nil {
		return append(dst, `""`...) // cannot be: it is a text
	}
	return dst
}

func (a *API) refresh(w http.ResponseWriter, r *http.Request) error {
	var body catalogcommon.RefreshRequest
	if err := noParams(r); err != nil {
		return err
	}
	if err := readBody(r, &body, true, false); err != nil {
		return err
	}
	if body.EntityRef == "" {
		return pluginapi.BadInput("request/body must have required property 'entityRef'")
	}
	ref, err := catalogcommon.ParseRef(body.EntityRef, catalogcommon.RefDefaults{})
	if err != nil {
		return pluginapi.BadInput("%s", err.Error()).Because(err)
	}
	if err := a.catalog.Refresh(traced(w, r), ref); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) validate(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Entity   *catalogcommon.Entity `json:"entity"`
		Location string                `json:"location"`
	}
	if err := noParams(r); err != nil {
		return err
	}
	if err := readBody(r, &body, false, false); err != nil {
		return err
	}
	switch {
	case body.Entity == nil:
		return pluginapi.BadInput("request/body must have required property 'entity'")
	case body.Location == "":
		return pluginapi.BadInput("request/body must have required property 'location'")
	}
	refused := func(faults ...catalogcommon.ErrorInfo) error {
		return respondWith(w, http.StatusBadRequest, catalogcommon.ValidationError{Errors: faults})
	}
	from, err := catalogcommon.ParseLocationRef(body.Location)
	if err == nil && from.Type != catalogcommon.LocationTypeURL {
		err = catalogcommon.InputError("location %s is not of type url, which is the only one that can be validated", from)
	}
	if err != nil {
		return refused(catalogcommon.ErrorInfo{Name: "InputError", Message: err.Error()})
	}
	faults, err := a.catalog.Validate(r.Context(), body.Entity, from)
	switch {
	case err != nil:
		return err
	case len(faults) > 0:
		return refused(faults...)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
