package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// explanation is a fault as people read it: what, why, and what to do about it.
type explanation struct{ what, why, remedy string }

// explain explains why something cannot be shown. what names it: "The pipelines of acme/shop".
func explain(fault *api.Fault, what string) explanation {
	answered := func(otherwise string) string {
		why := otherwise
		if fault.Status != 0 {
			why = fmt.Sprintf("CircleCI answered with status %d", fault.Status)
		}
		if fault.Message != "" {
			why += ": " + fault.Message
		}
		return sentence(why)
	}
	const whoRuns = "Whoever runs this portal "
	e := explanation{what: what + " could not be read", why: answered("It is not known why")}
	switch fault.Kind {
	case api.NotConfigured:
		e = explanation{"This portal is not connected to CircleCI", sentence(fault.Message), whoRuns + "sets circleci.token in app-config.yaml to a personal API token of CircleCI, or an endpoint for it in proxy.endpoints."}
	case api.Unauthorized:
		e = explanation{"CircleCI does not accept this portal's token", answered("The token was refused"),
			"The token is mistyped, expired or revoked, or it is a project's token, which API v2 does not take. " + whoRuns + "makes a new personal API token at CircleCI and sets circleci.token."}
	case api.NotAllowed:
		e.what = what + " may not be read"
		e.why, e.remedy = answered("The portal's proxy does not let the request through"), "The token's user needs access to the project at CircleCI, and the proxy's endpoint must allow the request's method. Ask whoever runs this portal."
	case api.NotFound:
		e.what = what + " cannot be found"
		e.remedy = "Check the annotation circleci.com/project-slug, that the project is set up at CircleCI, and that the token's user may see it: CircleCI does not tell the one from the other."
	case api.Refused:
		e.remedy = "What was asked for is not possible as things are. The state shown may be older than CircleCI's; reload the page."
	case api.RateLimited:
		e = explanation{"CircleCI asks for a pause", "This portal has sent more requests than it may.", "Nothing needs to be done."}
		if fault.Message != "" {
			e.why = sentence("This portal has sent more requests than it may; CircleCI says: " + fault.Message)
		}
	case api.Broken:
		e.remedy = "That is CircleCI's own problem; status.circleci.com tells about known ones."
	case api.TimedOut:
		e.why, e.remedy = sentence("CircleCI did not answer in time: "+fault.Message), "It may be busy, or the way there slow."
	case api.Unreachable:
		e.why, e.remedy = sentence("CircleCI cannot be reached: "+fault.Message), "If it lasts, whoever runs this portal checks the way from its server to CircleCI: name resolution, firewall, web proxy."
	case api.Unreadable:
		e.why, e.remedy = sentence("What came is not what CircleCI's API promises: "+fault.Message), "Something between here and CircleCI may have answered instead, such as a sign-in page of a web proxy."
	case api.WrongTarget:
		e = explanation{"The proxy endpoint leads to an older API", "The target of the endpoint for CircleCI in proxy.endpoints ends in /v1.1, and this plugin needs v2 as well.",
			whoRuns + "sets the target to https://circleci.com/api, without /v1.1."}
	}
	return e
}

// sentence makes a message one: it starts with a capital letter and ends with a full stop.
func sentence(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), ".:")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// again says when CircleCI will be asked the next time.
func again(next time.Time) string {
	wait := time.Until(next).Round(time.Second)
	switch {
	case next.IsZero(), wait <= 2*time.Second:
		return "It is being tried again."
	case wait < 90*time.Second:
		return fmt.Sprintf("It is tried again in %d s.", int(wait.Seconds()))
	}
	return "It is tried again at " + next.UTC().Format("15:04") + " UTC."
}

// failed stands in the place of what cannot be shown at all.
func failed(fault *api.Fault, next time.Time, what, retry string) pluginapi.Component {
	e := explain(fault, what)
	panel := ui.ErrorPanel{Title: e.what, Message: e.why, Remedy: strings.TrimSpace(e.remedy + " " + again(next)), RetryHref: retry}
	if fault.Status != 0 || fault.Message != "" {
		panel.Details = fault.Error()
	}
	return panel
}

// outdated stands above what is shown although it could not be read again.
func outdated(fault *api.Fault, at, next time.Time, what string) pluginapi.Component {
	e := explain(fault, what)
	return ui.Notice{
		Tone: ui.ToneWarning, Title: e.what, Text: strings.TrimSpace(e.why + " " + e.remedy + " " + again(next)),
		Body: ui.Inline(ui.Muted("What you see is from"), ui.Time(at)),
	}
}
