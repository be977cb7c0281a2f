package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Module is the part of a page that an ES module takes over in the browser. The document has to load module.js too. Portals draw it for pages with a [pluginapi.Module].
type Module struct {
	Src    string          // address of the ES module
	Plugin string          // id of the plugin whose API is near
	Base   string          // path below which the portal is mounted, without a trailing slash
	Data   json.RawMessage // handed to the module; empty means null
	Nonce  string          // of the Content-Security-Policy
	Body   pluginapi.Component
}

var _ pluginapi.Component = Module{}

// Render writes Body with what the module needs around it.
func (m Module) Render(ctx context.Context, w io.Writer) error {
	data := m.Data
	if len(data) == 0 {
		data = json.RawMessage("null")
	}
	// What could end the script element early is escaped, as are the two characters that JSON may hold as they are and JavaScript of old may not.
	var safe bytes.Buffer
	json.HTMLEscape(&safe, data)
	nonce := ""
	if m.Nonce != "" {
		nonce = ` nonce="` + templ.EscapeString(m.Nonce) + `"`
	}
	src := templ.EscapeString(m.Src)
	if _, err := fmt.Fprintf(w, `<link rel="modulepreload" href="%s"%s><ui-module data-src="%s" data-plugin="%s" data-base="%s"><script type="application/json"%s>%s</script>`,
		src, nonce, src, templ.EscapeString(m.Plugin), templ.EscapeString(m.Base), nonce, safe.Bytes()); err != nil {
		return err
	}
	if m.Body != nil {
		if err := m.Body.Render(ctx, w); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "</ui-module>")
	return err
}
