package access

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// All that callers can change of the catalog, each with a line in the log: who did what, or tried to, and what came of it.

// AddLocation registers a location. A dry run changes nothing, and is not recorded.
func (c *Catalog) AddLocation(ctx context.Context, request catalogcommon.AddLocationRequest) (catalogcommon.AddLocationResponse, error) {
	response, err := c.addLocation(ctx, request)
	if !request.DryRun {
		c.audit(ctx, "add location", err, placed(catalogcommon.LocationRef{Type: request.Type, Target: request.Target}), slog.String("id", response.Location.ID))
	}
	return response, err
}

// ChangeLocation makes a registered location another one. Its id and the reference of its entity stay.
func (c *Catalog) ChangeLocation(ctx context.Context, id string, to catalogcommon.LocationRef) (catalogcommon.Location, error) {
	location, err := c.changeLocation(ctx, id, to)
	c.audit(ctx, "change location", err, placed(to), slog.String("id", id))
	return location, err
}

// RemoveLocation forgets a registered location, and removes what only it brought.
func (c *Catalog) RemoveLocation(ctx context.Context, id string) error {
	var about []slog.Attr
	if storable(id) {
		if known, err := c.store.LocationByID(ctx, id); err == nil { // afterwards nobody knows
			about = append(about, placed(known.Ref()))
		}
	}
	err := c.removeLocation(ctx, id)
	c.audit(ctx, "remove location", err, append(about, slog.String("id", id))...)
	return err
}

// Put writes an entity directly, if expected is met. It returns the stored entity, and whether it is new.
func (c *Catalog) Put(ctx context.Context, ref catalogcommon.Ref, entity *catalogcommon.Entity, expected Precondition) (body []byte, created bool, err error) {
	body, created, err = c.put(ctx, ref, entity, expected)
	c.audit(ctx, "write entity", err, slog.String("entity", ref.String()), slog.Bool("created", created))
	return body, created, err
}

// Withdraw removes an entity that was written directly, if expected is met.
func (c *Catalog) Withdraw(ctx context.Context, ref catalogcommon.Ref, expected Precondition) error {
	err := c.withdraw(ctx, ref, expected)
	c.audit(ctx, "withdraw entity", err, slog.String("entity", ref.String()))
	return err
}

// Remove removes an entity by its uid. One that is not there is no error.
func (c *Catalog) Remove(ctx context.Context, uid string) error {
	doc, _ := c.index.ByUID(uid)
	err := c.remove(ctx, uid)
	c.audit(ctx, "remove entity", err, slog.String("entity", doc.Ref), slog.String("uid", uid))
	return err
}

// RemoveUnprocessed removes an entity by its uid, whether or not anybody can see it.
func (c *Catalog) RemoveUnprocessed(ctx context.Context, uid string) error {
	doc, _ := c.index.ByUID(uid)
	err := c.removeUnprocessed(ctx, uid)
	c.audit(ctx, "remove unprocessed entity", err, slog.String("entity", doc.Ref), slog.String("uid", uid))
	return err
}

// Refresh has an entity and the locations on the way to it read again.
func (c *Catalog) Refresh(ctx context.Context, ref catalogcommon.Ref) error {
	err := c.refresh(ctx, ref)
	c.audit(ctx, "refresh entity", err, slog.String("entity", ref.String()))
	return err
}

// placed names a location without a password that somebody put into its address.
func placed(ref catalogcommon.LocationRef) slog.Attr {
	ref.Type = cmp.Or(ref.Type, catalogcommon.LocationTypeURL)
	if address, err := url.Parse(ref.Target); err == nil && address.User != nil {
		ref.Target = address.Redacted()
	}
	return slog.String("location", ref.String())
}

type requestIDKey struct{}

// WithRequestID returns a context for what a request asks for, whose id the log then has.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// audit writes the line. The fields are called as those of the portal's lines are; empty ones are left out.
func (c *Catalog) audit(ctx context.Context, action string, err error, about ...slog.Attr) {
	outcome := "ok"
	if err != nil {
		outcome = "failed"
		if status, _, _ := pluginapi.Describe(err); status == http.StatusUnauthorized || status == http.StatusForbidden {
			outcome = "denied"
		}
	}
	attrs := []slog.Attr{slog.String("action", action), slog.String("outcome", outcome)}
	for _, attr := range about {
		if attr.Value.Kind() != slog.KindString || attr.Value.String() != "" {
			attrs = append(attrs, attr)
		}
	}
	if who := pluginapi.PrincipalFrom(ctx); !who.IsZero() {
		attrs = append(attrs, slog.String("principal", who.Ref))
	}
	if id, _ := ctx.Value(requestIDKey{}).(string); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	c.logger.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
}
