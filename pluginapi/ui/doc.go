// Package ui holds the components that pages of a portal are made of, with their tokens, styles, icons and a little JavaScript.
//
// A component is a value: a struct whose fields are plain data and other components, or a short function for small things. Each satisfies [pluginapi.Component], takes
// children as [pluginapi.Component], and so fits pages written in templ, html/template or plain Go alike:
//
//	ui.Card{
//		Title: "Greetings",
//		Body:  ui.DescriptionList{Items: []ui.Description{{Term: "Language", Value: ui.Text("Dutch")}}},
//	}
//
// In a templ file the same value is called with @, and components that have a Body draw the block between braces where Body is nil; Go's grammar wants the literal in
// parentheses then:
//
//	@(ui.Card{Title: "Greetings"}) {
//		<p>Hello</p>
//	}
//
// What all components promise:
//
//   - Text is escaped. Addresses go through [SafeURL], so a javascript: or data: address becomes plain text instead of a link.
//   - The HTML is complete without JavaScript: filters are GET forms, tabs and sorting are links, menus and drawers are native elements. ui.js makes it nicer.
//   - No inline scripts, event handlers or style attributes, so a page stands a Content-Security-Policy of default-src 'self'.
//   - State is never told by colour alone.
//   - A nil child is nothing, a zero value is drawable, and a value may be drawn any number of times by several goroutines as long as its children may.
//
// # Styles
//
// Styles come in the cascade layers tokens, base, components and plugin. Colours, spaces and radii are custom properties that start with --ui-; each colour is one light-dark()
// pair, so both themes come from one list. A plugin puts its own rules into @layer plugin, uses those properties and needs no build step.
package ui
