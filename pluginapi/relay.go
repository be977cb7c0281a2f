package pluginapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxFragment bounds, in bytes, what one component or one relayed answer can be.
const maxFragment = 4 << 20

// Relay carries the behaviour of a point's extensions over HTTP between two processes of one portal.
type Relay[S, B any] struct {
	// Serve answers, where the contributor runs, the requests that Remote makes elsewhere. Errors are answered with [RelayError].
	Serve func(spec S, behaviour B) http.Handler

	// Remote makes a behaviour that sends its requests through rt, which adds address, identity and the extension's id; their URL's host and path are ignored. See [RelayJSON].
	Remote func(spec S, rt http.RoundTripper) B
}

// RelayError answers a relayed request with err, in the form that [ErrorFrom] reads.
func RelayError(w http.ResponseWriter, err error) {
	var wire wireError
	status, name, message := Describe(err)
	wire.Error.Name, wire.Error.Message = name, message
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(wire)
}

// RelayJSON sends a relayed request and decodes its JSON answer, 4 MiB at most, into answer. An error answer becomes an [Error].
func RelayJSON(rt http.RoundTripper, r *http.Request, answer any) error {
	res, err := rt.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		return ErrorFrom(res)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxFragment)).Decode(answer); err != nil {
		return fmt.Errorf("decode relayed answer: %w", err)
	}
	return nil
}

// Draw renders c into memory, 4 MiB at most. A nil c is "".
func Draw(ctx context.Context, c Component) (string, error) {
	if c == nil {
		return "", nil
	}
	var drawn bytes.Buffer
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
	to   *bytes.Buffer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, fmt.Errorf("draw component: more than %d bytes", maxFragment)
	}
	return w.to.Write(p)
}
