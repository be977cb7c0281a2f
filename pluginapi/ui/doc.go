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
// pair, so both themes come from one list. A plugin puts its own rules into @layer plugin, uses those properties and needs no build step; it links the file, by [pluginapi.AssetURL], at the
// start of the page's body:
//
//	@layer plugin {
//		.tides-mark { padding: 8px var(--ui-gap); border: 1px solid var(--ui-border); border-radius: var(--ui-radius); background: var(--ui-surface); color: var(--ui-text); }
//	}
//
// These are the properties, without --ui- in front. Text has a contrast of at least 4.5:1 in both themes with what it is said to go on; focus and border-strong have 3:1.
//
//   - surfaces: canvas (the page), surface (cards, tables), sunken (code, heads of tables), hover, overlay (dialogs, menus), selected
//   - text and lines, on all of these: text, muted, link; border (decoration), border-button, border-strong (edges of fields), focus (rings)
//   - to be pressed: accent, accent-hover, and on-accent for text on them
//   - states, on all surfaces but selected and on the background of the same name with -bg: success, warning, danger, info, neutral; danger-strong behind on-accent
//   - to tell kinds apart, each on the background of the same name with -bg: tint-gray, tint-blue, tint-teal, tint-green, tint-amber, tint-red, tint-pink, tint-violet
//   - of terminals, on sunken: ansi-black, ansi-red, ansi-green, ansi-yellow, ansi-blue, ansi-magenta, ansi-cyan, ansi-white
//   - sizes and type: gap (between parts), gutter (beside the page), radius, radius-small, topbar (its height, for what sticks below it), shadow, font, font-mono
//
// Those that start with rail- belong to the frame.
//
// # Icons
//
// [Icon], and wherever a field or a spec takes the name of an icon, knows these names. They are those of Lucide (https://lucide.dev/icons), which shows what they look like, and proscenium.
//
// activity, app-window, arrow-down, arrow-left, arrow-right, arrow-up, arrow-up-down, ban, bell, blocks, book-open, box, boxes, braces, building-2, calendar, chart-line,
// check, chevron-down, chevron-left, chevron-right, chevrons-up-down, circle-alert, circle-check, circle-dashed, circle-dot, circle-play, circle-question-mark,
// circle-slash, circle-stop, circle-x, clock, cloud, code-xml, component, copy, database, download, ellipsis, external-link, eye, file-code, file-text, folder, funnel,
// gauge, git-branch, git-commit-horizontal, git-pull-request, globe, hard-drive, history, house, inbox, info, key-round, layers, layout-dashboard, life-buoy, lightbulb,
// link, list, loader-circle, lock, log-in, log-out, mail, map-pin, megaphone, menu, message-square, minus, monitor, moon, network, package, panel-left, pencil, play,
// plug, plus, proscenium, puzzle, radar, refresh-cw, rocket, rotate-ccw, search, server, settings, shield, sparkles, square, star, stethoscope, sun, table, tag,
// terminal, trash-2, trending-up, triangle-alert, upload, user, users, waypoints, webhook, workflow, wrench, x, zap
//
// # Pages drawn in the browser
//
// A page, a tab, a card or a part of one may have an ES module of its own ([Module]). The server draws its body as always, and in the browser module.js calls the module's
//
//	export function mount(element, host)
//
// with the element around that body, which it may keep, change or replace, and a host, which has:
//
//   - host.data: the Module's Data.
//   - host.url(path): an address in this portal, as text. A path that starts with a slash counts from where the portal is mounted; any other from the plugin's own API, /api/ID/.
//     Other sites are refused.
//   - host.fetch(path, init): the answer to a request for host.url(path) in the visitor's name. A status of 400 and above becomes an error with name, message and status as the portal's
//     error answers have them. It ends with the element, and after 30 seconds unless init has a signal.
//   - host.config(): a promise of the configuration that the browser may see, nested like app-config.yaml.
//   - host.navigate(path): goes to host.url(path).
//   - host.theme: "light" or "dark". The host, an EventTarget, sends an event "theme" when it changes.
//   - host.toast(text, tone): a short message; tones are neutral, info, success, warning and danger.
//   - host.signal: an AbortSignal that ends with the element, to hand to addEventListener and fetch.
//
// mount may return a function, or a promise of one, that is called when the element goes. A module that fails leaves its body in place, and says so in a
// toast; its element, ui-module, then has the attribute data-failed.
// Links to other pages belong into Data, made on the server by [pluginapi.RouteRef.URL]: they follow where an app moves pages. Styles are set by class, by attributes of SVG, or from the
// script by element.style; style attributes in markup meet the Content-Security-Policy.
package ui
