package ui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Module is a part of a page, of a tab or of a card that an ES module takes over in the browser. Without JavaScript Body stays what it is, so Body says at least in words or a table what the module draws.
//
// The script exports mount(element, host), which gets the element around Body, and may return a function to be called when the element goes; the package's documentation lists what host offers.
// It is loaded where it is drawn only, under its content's hash and the portal's content security policy; it imports its neighbours by relative paths.
type Module struct {
	Plugin string // id of the plugin that draws it: whose assets and API are near
	Script string // the module's name among that plugin's [pluginapi.Plugin.Assets]
	Data   any    // what host.data is, as JSON; whoever may see the part can read it
	Body   pluginapi.Component
}

var _ pluginapi.Component = Module{}

// inScript makes JSON safe within a script element: in it a "<" can only be part of a string, where it may be written in another way. What could end the element, or make the browser think that it has not ended, is.
var inScript = strings.NewReplacer("</", `<\/`, "<!", `\u003c!`, "<s", `\u003cs`, "<S", `\u003cS`)

// Render writes Body with what the module needs around it. That there is no such script, or that Data is no JSON, is an error.
func (m Module) Render(ctx context.Context, w io.Writer) error {
	src := pluginapi.AssetURL(ctx, m.Plugin, m.Script)
	if src == "" {
		return fmt.Errorf("draw module: there is no file %q among the assets of plugin %s", m.Script, m.Plugin)
	}
	var data bytes.Buffer
	encode := json.NewEncoder(&data)
	encode.SetEscapeHTML(false) // HTML as data would become six times as long
	if err := encode.Encode(m.Data); err != nil {
		return fmt.Errorf("encode the data of module %s: %w", m.Script, err)
	}
	src = templ.EscapeString(src)
	if _, err := fmt.Fprintf(w, `<link rel="modulepreload" href="%s"><script type="module" src="%s"></script><ui-module data-src="%s" data-plugin="%s">`,
		src, templ.EscapeString(assetURL(ctx, "module.js")), src, templ.EscapeString(m.Plugin)); err != nil {
		return err
	}
	if err := block(ctx, m.Body).Render(templ.ClearChildren(ctx), w); err != nil {
		return err
	}
	if _, err := io.WriteString(w, `<script type="application/json">`); err != nil {
		return err
	}
	if _, err := inScript.WriteString(w, strings.TrimSuffix(data.String(), "\n")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "</script></ui-module>")
	return err
}
