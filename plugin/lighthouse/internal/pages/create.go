package pages

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// noteTTL is how long the words of a refusal can be read again.
const noteTTL = time.Hour

// Create shows the form for a new audit. Its address holds what was filled in, and what was wrong with it.
func (p *Pages) Create(r *http.Request) (pluginapi.View, error) {
	ctx, query := r.Context(), r.URL.Query()
	view := pluginapi.View{Title: "New audit", Kicker: "Lighthouse", Breadcrumbs: []pluginapi.Link{{Text: "Lighthouse", Href: ListPage.URL(ctx)}}}
	if !p.audits.Configured() {
		view.Body = notConfigured()
		return view, nil
	}
	field := ui.TextField{
		Label: "Website", Name: "url", Type: "url", Value: query.Get("url"), Required: true, Placeholder: "https://www.example.com", Autocomplete: "url",
		Hint: "The page to audit. It has to be reachable from where the audit service runs.",
	}
	form := ui.Form{Action: createRoute.URL(ctx)}
	if problem := p.problem(ctx, query); problem != "" {
		field.Error = problem
	}
	chosen := query.Get("device")
	if chosen != auditapi.Desktop {
		chosen = auditapi.Mobile
	}
	form.Fields = []pluginapi.Component{field, ui.RadioGroup{
		Label: "Device", Name: "device", Value: chosen,
		Options: []ui.Option{{Value: auditapi.Mobile, Label: "Mobile"}, {Value: auditapi.Desktop, Label: "Desktop"}},
		Hint:    "Mobile is audited as a mid-range phone on a slow connection.",
	}}
	form.Actions = []pluginapi.Component{ui.Button{Text: "Audit", Kind: ui.ButtonPrimary, Icon: "play"}, ui.ButtonLink{Text: "Cancel", Href: ListPage.URL(ctx), Kind: ui.ButtonQuiet}}
	view.Body = ui.Card{Body: form}
	return view, nil
}

// problem says what was wrong the last time.
func (p *Pages) problem(ctx context.Context, query url.Values) string {
	switch query.Get("problem") {
	case "":
		return ""
	case "url":
		return "This is no web address; it begins with https:// or http://."
	}
	if note, ok := p.cache.Get(ctx, noteKey(query.Get("note"))); ok {
		return string(note)
	}
	return "The audit service did not take it. Try again to see why."
}

func noteKey(id string) string { return "note/" + id }

// Submit takes the form: it asks for an audit, notes who did, and leads to it, or back to the form.
func (p *Pages) Submit(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return pluginapi.BadInput("the form cannot be read").Because(err)
	}
	address, formFactor := auditapi.Site(r.PostForm.Get("url")), r.PostForm.Get("device")
	if formFactor != auditapi.Desktop {
		formFactor = auditapi.Mobile
	}
	back := func(params ...string) error {
		w.Header().Set("Location", CreatePage.URL(ctx, append([]string{"url", r.PostForm.Get("url"), "device", formFactor}, params...)...))
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return back("problem", "url")
	}
	audit, err := p.audits.Create(ctx, address, formFactor)
	var fault *auditclient.Fault
	if errors.As(err, &fault) {
		p.report(ctx, err)
		words := sentence(fault.SafeMessage())
		if fault.Kind != auditclient.Refused {
			words += " " + fault.Remedy()
		}
		note := rand.Text()[:16]
		if err := p.cache.Set(ctx, noteKey(note), []byte(strings.TrimSpace(words)), noteTTL); err != nil {
			p.log.WarnContext(ctx, "the reason of a refusal is lost", "error", err)
		}
		return back("problem", "service", "note", note)
	}
	if err != nil {
		return err
	}
	if err := p.ledger.Record(ctx, audit.ID, time.Now()); err != nil {
		p.log.ErrorContext(ctx, "the audit runs, but who asked for it is not recorded", "audit", audit.ID, "principal", pluginapi.PrincipalFrom(ctx).Ref, "error", err)
	}
	p.log.InfoContext(ctx, "audit asked for", "audit", audit.ID, "url", address, "principal", pluginapi.PrincipalFrom(ctx).Ref)
	p.forget(ctx, address)
	w.Header().Set("Location", AuditPage.URL(ctx, "audit", audit.ID))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
