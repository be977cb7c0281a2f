package catalogapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Card is the spec of a card on entities' overviews.
type Card struct {
	Title string    `yaml:"title"`
	For   Condition `yaml:"filter"` // on which entities' pages; empty: all
	Side  bool      `yaml:"side"`   // in the narrow column, for facts, instead of the wide one

	// Permission, when set, is required of whoever looks; who lacks it sees no sign of the card. One about [catalogcommon.ResourceTypeEntity] is asked about the entity, any other about nothing.
	Permission *pluginapi.Permission
}

// Validate checks condition and permission.
func (c Card) Validate() error { return errors.Join(c.For.Validate(), named(c.Permission)) }

func named(p *pluginapi.Permission) error {
	if p != nil && p.Name == "" {
		return errors.New("its permission has no name")
	}
	return nil
}

// CardFunc makes the content of a card for an entity, which it must not change. The catalog draws the frame with the title. A part that the browser draws is a ui.Module in it.
// A nil component leaves the card out. An error is shown in the card's own frame, with its safe message; so is that it took longer than two seconds.
type CardFunc func(ctx context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error)

// EntityCards is where plugins add cards to entities' overviews.
var EntityCards = &pluginapi.Point[Card, CardFunc]{Kind: "entity-card", Timeout: 2 * time.Second, Relay: &pluginapi.Relay[Card, CardFunc]{Serve: serveCard, Remote: remoteCard}}

// Tab is the spec of a tab on entities' pages.
type Tab struct {
	Path  string    `yaml:"path"` // last element of the tab's URL: lower-case letters, digits and dashes; no other tab's, even for other entities
	Title string    `yaml:"title"`
	For   Condition `yaml:"filter"` // on which entities' pages; empty: all

	Permission *pluginapi.Permission // as a [Card]'s
}

var tabPath = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// Validate checks path, title, condition and permission.
func (t Tab) Validate() error {
	switch {
	case !tabPath.MatchString(t.Path):
		return pluginapi.BadConfig("path", "%q has to be of lower-case letters, digits and dashes", t.Path)
	case t.Title == "":
		return pluginapi.BadConfig("title", "a tab needs one")
	}
	return errors.Join(t.For.Validate(), named(t.Permission))
}

// Place implements [pluginapi.Placed]: an extension's id, such as entity-tab:hello/greetings, is the [pluginapi.RouteRef] of its tab; see [TabURL].
func (t Tab) Place() (pluginapi.RouteRef, []string) { return EntityTabPage, []string{"tab", t.Path} }

var _ pluginapi.Placed = Tab{}

// TabFunc makes the content of a tab for an entity, which it must not change; the tab of a nil component says that there is nothing to show. The request's query is the tab's state; its address, for links to other states, is [TabURL]'s.
// A part that the browser draws is a ui.Module in it.
type TabFunc func(r *http.Request, entity *catalogcommon.Entity) (pluginapi.Component, error)

// EntityTabs is where plugins add tabs to entities' pages.
var EntityTabs = &pluginapi.Point[Tab, TabFunc]{Kind: "entity-tab", Timeout: 10 * time.Second, Relay: &pluginapi.Relay[Tab, TabFunc]{Serve: serveTab, Remote: remoteTab}}

// drawn is the relayed form of a component: nil stays nil.
type drawn struct {
	HTML *string `json:"html"`
}

func draw(ctx context.Context, c pluginapi.Component) (drawn, error) {
	if c == nil {
		return drawn{}, nil
	}
	html, err := pluginapi.Draw(ctx, c)
	return drawn{&html}, err
}

func (d drawn) component() pluginapi.Component {
	if d.HTML == nil {
		return nil
	}
	return pluginapi.Drawn(*d.HTML)
}

func answer(w http.ResponseWriter, r *http.Request, c pluginapi.Component) error {
	reply, err := draw(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(reply) // a unit that left is no error of ours
	return nil
}

func readEntity(r *http.Request) (*catalogcommon.Entity, error) {
	var entity catalogcommon.Entity
	if err := json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&entity); err != nil {
		return nil, pluginapi.BadInput("relayed request does not carry an entity").Because(err)
	}
	return &entity, nil
}

func ask(ctx context.Context, rt http.RoundTripper, query url.Values, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	body, err := json.Marshal(entity)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://unit/?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	var reply drawn
	if err := pluginapi.RelayJSON(rt, r, &reply); err != nil {
		return nil, err
	}
	return reply.component(), nil
}

func serveCard(_ Card, card CardFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		entity, err := readEntity(r)
		if err != nil {
			return err
		}
		c, err := card(r.Context(), entity)
		if err != nil {
			return err
		}
		return answer(w, r, c)
	}
}

func remoteCard(_ Card, rt http.RoundTripper) CardFunc {
	return func(ctx context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error) {
		return ask(ctx, rt, nil, entity)
	}
}

func serveTab(_ Tab, tab TabFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		entity, err := readEntity(r)
		if err != nil {
			return err
		}
		c, err := tab(r, entity)
		if err != nil {
			return err
		}
		return answer(w, r, c)
	}
}

func remoteTab(_ Tab, rt http.RoundTripper) TabFunc {
	return func(r *http.Request, entity *catalogcommon.Entity) (pluginapi.Component, error) {
		return ask(r.Context(), rt, r.URL.Query(), entity)
	}
}
