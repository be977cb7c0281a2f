package pages

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// DefinitionSpec is the tab of APIs. It is added as a plugin would add one.
var DefinitionSpec = catalogapi.Tab{Path: "definition", Title: "Definition", For: "kind:api"}

// rawDefinition is the id of the route that answers with a definition and nothing else.
const rawDefinition pluginapi.RouteRef = "route:catalog/definition"

// mostDefinition bounds how much of a definition is shown. Browsers are slow to lay out much more, and nobody reads it there.
const mostDefinition = 256 << 10

// Definition shows how an API is described: its definition as it is, and where it can be reached. Pictures of it are for other plugins.
func Definition(r *http.Request, e *catalogcommon.Entity) (pluginapi.Component, error) {
	var parts []pluginapi.Component
	if c := remotes(e); c != nil {
		parts = append(parts, c)
	}
	if c := definition(r.Context(), e); c != nil {
		parts = append(parts, c)
	}
	if len(parts) == 0 {
		return ui.EmptyState{Icon: "file-code", Title: "There is no definition", Text: "spec.definition of this API is empty. It may be a text, or name a file: {$text: ./openapi.yaml}."}, nil
	}
	return ui.Stack(parts...), nil
}

// definition is the card with the text; nil without any.
func definition(ctx context.Context, e *catalogcommon.Entity) pluginapi.Component {
	text := e.SpecString("definition")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	card := ui.Card{Title: language(e.SpecString("type"))}
	ref := e.Ref().Normal()
	if raw := rawDefinition.URL(ctx, "kind", ref.Kind, "namespace", ref.Namespace, "name", ref.Name); raw != "" {
		card.Actions = []pluginapi.Component{ui.ButtonLink{Href: raw, Text: "Raw text", Icon: "file-text", Small: true}}
	}
	block := ui.CodeBlock{Code: text}
	if len(text) > mostDefinition {
		block.Code = beginning(text)
		card.Subtitle = fmt.Sprintf("The first %s of %s KB. The raw text has all of it.", grouped(len(block.Code)>>10), grouped(len(text)>>10))
	}
	card.Body = block
	return card
}

// beginning is what is shown of a long text: whole lines, unless they are as long as that themselves, and whole characters.
func beginning(text string) string {
	end := mostDefinition
	if line := strings.LastIndexByte(text[:end], '\n'); line > end/2 {
		return text[:line+1]
	}
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// language is how people call what a definition is written in.
func language(name string) string {
	switch strings.ToLower(name) {
	case "openapi":
		return "OpenAPI"
	case "asyncapi":
		return "AsyncAPI"
	case "graphql":
		return "GraphQL"
	case "grpc":
		return "gRPC"
	case "":
		return "Definition"
	}
	return name
}

// remotes is the card with where an mcp-server can be reached; nil if that is not said.
func remotes(e *catalogcommon.Entity) pluginapi.Component {
	all, _ := e.Spec["remotes"].([]any)
	t := ui.Table{Caption: "Remotes", Columns: []ui.Column{{Title: "Address"}, {Title: "Type", Narrow: true}}}
	for _, value := range all[:min(len(all), mostRelated)] {
		remote, _ := value.(map[string]any)
		address, _ := remote["url"].(string)
		transport, _ := remote["type"].(string)
		if address != "" {
			t.Rows = append(t.Rows, ui.Row{Cells: []pluginapi.Component{ui.Inline(ui.Mono(address), ui.Copy(address, "Copy address")), ui.Badge{Text: transport}}})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	card := ui.Card{Title: "Remotes", Flush: true, Body: t}
	if rest := len(all) - mostRelated; rest > 0 {
		card.Subtitle = "The first " + grouped(mostRelated) + " of " + grouped(len(all))
	}
	return card
}
