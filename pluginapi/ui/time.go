package ui

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

type nowKey struct{}

// WithNow returns a context in which [Time] counts from now instead of the clock: for tests, and for pages whose parts must agree.
func WithNow(ctx context.Context, now time.Time) context.Context {
	return context.WithValue(ctx, nowKey{}, now)
}

// Time is a moment as people say it ("3 h ago"), with the full date on hover and in machine-readable form. ui.js keeps it right while the page is open. The zero time is a dash.
func Time(at time.Time) pluginapi.Component { return moment{at: at} }

// Date is a day: "22 Nov 2026". The zero time is a dash.
func Date(at time.Time) pluginapi.Component { return moment{at: at, day: true} }

type moment struct {
	at  time.Time
	day bool
}

// Render writes the time element.
func (m moment) Render(ctx context.Context, w io.Writer) error {
	if m.at.IsZero() {
		_, err := io.WriteString(w, `<span class="ui-muted">–</span>`)
		return err
	}
	at := m.at.UTC()
	stamp, full := at.Format("2006-01-02T15:04:05Z"), at.Format("2 Jan 2006, 15:04:05 MST")
	if m.day {
		_, err := io.WriteString(w, `<time class="ui-number" datetime="`+stamp+`" title="`+full+`">`+at.Format("2 Jan 2006")+`</time>`)
		return err
	}
	now, ok := ctx.Value(nowKey{}).(time.Time)
	if !ok {
		now = time.Now()
	}
	_, err := io.WriteString(w, `<ui-time><time class="ui-number" datetime="`+stamp+`" title="`+full+`">`+ago(now.Sub(at), at)+`</time></ui-time>`)
	return err
}

// ago says how long something is past, or ahead when negative. ui.js says the same in the same words.
func ago(past time.Duration, at time.Time) string {
	span, before, after := past, "", " ago"
	if span < 0 {
		span, before, after = -span, "in ", ""
	}
	switch {
	case span < 45*time.Second:
		return "just now"
	case span < time.Hour:
		return before + strconv.Itoa(max(1, int(span.Round(time.Minute)/time.Minute))) + " min" + after
	case span < 24*time.Hour:
		return before + strconv.Itoa(int(span/time.Hour)) + " h" + after
	case span < 30*24*time.Hour:
		return before + strconv.Itoa(int(span/(24*time.Hour))) + " d" + after
	}
	return at.Format("2 Jan 2006")
}

// Duration is a length of time to two units: "4m 12s", "1h 3m", "320ms".
func Duration(d time.Duration) pluginapi.Component {
	return element{`<span class="ui-number">`, shortDuration(d), `</span>`}
}

func shortDuration(d time.Duration) string {
	if d < 0 {
		return "-" + shortDuration(-d)
	}
	unit := func(n time.Duration, name string) string { return strconv.FormatInt(int64(n), 10) + name }
	switch {
	case d < time.Second:
		return unit(d.Round(time.Millisecond)/time.Millisecond, "ms")
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return unit(d/time.Second, "s")
	case d < time.Hour:
		return unit(d/time.Minute, "m ") + unit(d%time.Minute/time.Second, "s")
	case d < 24*time.Hour:
		return unit(d/time.Hour, "h ") + unit(d%time.Hour/time.Minute, "m")
	}
	return unit(d/(24*time.Hour), "d ") + unit(d%(24*time.Hour)/time.Hour, "h")
}
