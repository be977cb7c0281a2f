package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/fields"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// What follows goes beyond Backstage's API.

// put writes an entity directly. If-Match and If-None-Match say what must be there before.
func (a *API) put(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	var entity catalogcommon.Entity
	if err := readBody(r, &entity, false, false); err != nil {
		return err
	}
	expected, err := precondition(r)
	if err != nil {
		return err
	}
	body, created, err := a.catalog.Put(traced(w, r), named(r), &entity, expected)
	if err != nil {
		return err
	}
	tag, err := access.ETag(body)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return respondWith(w, status, json.RawMessage(body))
}

// withdraw removes an entity that was written directly.
func (a *API) withdraw(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	expected, err := precondition(r)
	if err != nil {
		return err
	}
	if err := a.catalog.Withdraw(traced(w, r), named(r), expected); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// graph walks relations from some entities.
func (a *API) graph(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	q := index.GraphQuery{Roots: p.list("root"), Types: p.commas("type"), Depth: p.number("depth", 1, 1), MaxNodes: p.number("limit", 1, 0)}
	direction, lists := p.text("direction"), p.list("fields")
	if err := p.done(); err != nil {
		return err
	}
	switch direction {
	case "", "out":
		q.Direction = index.Out
	case "in":
		q.Direction = index.In
	case "both":
		q.Direction = index.Both
	default:
		return pluginapi.BadInput("direction is %q; it must be out, in or both", direction)
	}
	if len(q.Roots) == 0 {
		return pluginapi.BadInput("request/query must have required property 'root'")
	}
	for i, root := range q.Roots {
		ref, err := catalogcommon.ParseRef(root, catalogcommon.RefDefaults{})
		if err != nil {
			return pluginapi.BadInput("%s", err.Error()).Because(err)
		}
		q.Roots[i] = ref.String()
	}
	projection, err := fields.Parse(lists)
	if err != nil {
		return err
	}
	graph, bodies, err := a.catalog.Graph(r.Context(), q)
	if err != nil {
		return err
	}
	return respond(w, func(_ *outgoing, dst []byte) ([]byte, error) {
		dst = append(dst, `{"nodes":[`...)
		for i, node := range graph.Nodes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(append(appendText(append(dst, `{"entityRef":`...), node.Ref), `,"depth":`...), int64(node.Depth), 10)
			if bodies[i] != nil {
				var err error
				if dst, err = projection.Append(append(dst, `,"entity":`...), bodies[i]); err != nil {
					return dst, err
				}
			}
			dst = append(dst, '}')
		}
		dst = append(dst, `],"edges":[`...)
		for i, edge := range graph.Edges {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendText(append(dst, `{"source":`...), edge.Source)
			dst = appendText(append(dst, `,"type":`...), edge.Type)
			dst = append(appendText(append(dst, `,"target":`...), edge.Target), '}')
		}
		return append(strconv.AppendBool(append(dst, `],"truncated":`...), graph.Truncated), '}'), nil
	})
}

const (
	defaultChanges = 100
	maxChanges     = 1000
)

// changes answers with the change log after a number, or from the oldest change that it still has.
func (a *API) changes(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	after, limit := p.number("after", 0, -1), p.number("limit", 1, defaultChanges)
	if err := p.done(); err != nil {
		return err
	}
	changes, next, err := a.catalog.Changes(r.Context(), int64(after), min(limit, maxChanges))
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, map[string]any{"items": changes, "next": next, "last": a.catalog.Seq()})
}

// heartbeat keeps what is between the portal and a quiet listener from closing the connection.
const heartbeat = 15 * time.Second

// streamPatience is how long a stream waits for one answer of the database. Unlike other requests it has no end that would bound that.
const streamPatience = 10 * time.Second

// heard are the changes after a number, for a stream.
func (a *API) heard(ctx context.Context, after int64) ([]access.Change, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	changes, next, err := a.catalog.Changes(ctx, after, maxChanges)
	if errors.Is(err, context.DeadlineExceeded) {
		err = pluginapi.Unavailable("the change log does not answer at present; try again later").Because(err)
	}
	return changes, next, err
}

// changeStream sends the change log as server-sent events, from a number on, and goes on with what happens.
func (a *API) changeStream(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r)
	after := int64(p.number("after", 0, -1))
	if err := p.done(); err != nil {
		return err
	}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return pluginapi.BadInput("Last-Event-ID is not the id of an event")
		}
		after = n
	}
	if after < 0 {
		after = a.catalog.Seq()
	}
	stream := http.NewResponseController(w)
	started := false
	ctx := r.Context()
	for ctx.Err() == nil {
		seen := a.catalog.Seq()
		changes, next, err := a.heard(ctx, after)
		if err != nil {
			if !started {
				return err
			}
			return nil //nolint:nilerr // the listener comes back with the id of its last event, and is told then
		}
		if !started {
			started = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("X-Accel-Buffering", "no")
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, ": the catalog's change log\n\n")
		}
		for _, change := range changes {
			text, err := json.Marshal(change)
			if err != nil {
				return nil //nolint:nilerr // cannot be: texts and numbers
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: change\ndata: %s\n\n", change.Seq, text); err != nil {
				return nil //nolint:nilerr // the client has left
			}
		}
		if err := stream.Flush(); err != nil {
			return nil //nolint:nilerr // the client has left
		}
		if next > after {
			after = next
			continue
		}
		// Who may see nothing stays where it is, in case that changes, and must not look again and again meanwhile.
		if a.catalog.Quiet(ctx, max(after, seen), heartbeat) {
			_, _ = io.WriteString(w, ": still here\n\n")
		}
	}
	return nil
}

// record answers why an entity is in the catalog, or why not.
func (a *API) record(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	record, err := a.catalog.Record(r.Context(), named(r))
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, record)
}

// problems lists what is wrong at present.
func (a *API) problems(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	problems, err := a.catalog.Problems(r.Context())
	if err != nil {
		return err
	}
	type item struct {
		EntityRef string                  `json:"entityRef"`
		Place     string                  `json:"place,omitempty"`
		Error     catalogcommon.ErrorInfo `json:"error"`
	}
	items := make([]item, len(problems))
	for i, problem := range problems {
		items[i] = item{problem.Entity, problem.Place, problem.ErrorInfo}
	}
	return respondWith(w, http.StatusOK, map[string]any{"items": items})
}

// unprocessed lists entities that failed, or that wait, in the form of Backstage's module for that.
func (a *API) unprocessed(w http.ResponseWriter, r *http.Request, kind string) error {
	p := paramsOf(r)
	owner := p.text("owner")
	if err := p.done(); err != nil {
		return err
	}
	found, err := a.catalog.Unprocessed(r.Context(), kind == "failed", owner)
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, map[string]any{"type": kind, "entities": found})
}

func (a *API) failed(w http.ResponseWriter, r *http.Request) error {
	return a.unprocessed(w, r, "failed")
}

func (a *API) pending(w http.ResponseWriter, r *http.Request) error {
	return a.unprocessed(w, r, "pending")
}

func (a *API) removeUnprocessed(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	if err := a.catalog.RemoveUnprocessed(traced(w, r), r.PathValue("uid")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// analyze proposes descriptors for a repository.
func (a *API) analyze(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	var body struct {
		Location *struct {
			Type   string `json:"type"`
			Target string `json:"target"`
		} `json:"location"`
		CatalogFilename string `json:"catalogFilename"`
	}
	if err := readBody(r, &body, true, false); err != nil {
		return err
	}
	if body.Location == nil || body.Location.Type == "" || body.Location.Target == "" {
		return pluginapi.BadInput("request/body must have required property 'location' with type and target")
	}
	answer, err := a.catalog.Analyze(r.Context(), catalogcommon.AnalyzeLocationRequest{
		Location: catalogcommon.LocationRef{Type: body.Location.Type, Target: body.Location.Target}, CatalogFilename: body.CatalogFilename,
	})
	if err != nil {
		return err
	}
	return respondWith(w, http.StatusOK, answer)
}
