package pluginapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxFragment bounds, in bytes, what one component can be.
const maxFragment = 4 << 20

// maxAnswer bounds, in bytes, a relayed answer: components in it are escaped, so the same page takes more here than in one process.
const maxAnswer = 4 * maxFragment

// Relay carries the behaviour of a point's extensions over HTTP between two processes of one portal.
type Relay[S, B any] struct {
	// Serve answers, where the contributor runs, the requests that Remote makes elsewhere. An error is the portal's to log there and to answer with; Remote finds it by [ErrorFrom].
	Serve func(spec S, behaviour B) RouteFunc

	// Remote makes a behaviour that sends its requests through rt, which adds address, identity and the extension's id; their URL's host and path are ignored. See [RelayJSON].
	Remote func(spec S, rt http.RoundTripper) B
}

// RelayJSON sends a relayed request and decodes its JSON answer, 16 MiB at most, into answer. An error answer becomes an [Error].
func RelayJSON(rt http.RoundTripper, r *http.Request, answer any) error {
	res, err := rt.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		return ErrorFrom(res)
	}
	body := &io.LimitedReader{R: res.Body, N: maxAnswer}
	if err := json.NewDecoder(body).Decode(answer); err != nil {
		if body.N == 0 {
			return fmt.Errorf("decode relayed answer: more than %d bytes", maxAnswer)
		}
		return fmt.Errorf("decode relayed answer: %w", err)
	}
	return nil
}

// Draw renders c into memory, 4 MiB at most. A nil c is "".
func Draw(ctx context.Context, c Component) (string, error) {
	if c == nil {
		return "", nil
	}
	var drawn strings.Builder
	if err := c.Render(ctx, &limitedWriter{to: &drawn, left: maxFragment}); err != nil {
		return "", err
	}
	return drawn.String(), nil
}

// Drawn is a component that was drawn before: trusted HTML, written as it is.
func Drawn(html string) Component {
	return ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, html)
		return err
	})
}

type limitedWriter struct {
	to   *strings.Builder
	left int
}

// Write implements [io.Writer].
func (w *limitedWriter) Write(p []byte) (int, error) {
	if err := w.take(len(p)); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}

// WriteString implements [io.StringWriter], so that what was drawn before is not copied twice.
func (w *limitedWriter) WriteString(p string) (int, error) {
	if err := w.take(len(p)); err != nil {
		return 0, err
	}
	return w.to.WriteString(p)
}

func (w *limitedWriter) take(n int) error {
	if w.left -= n; w.left < 0 {
		return fmt.Errorf("draw component: more than %d bytes", maxFragment)
	}
	return nil
}
