// Package catalogapi is the catalog's library for pages: where other plugins add cards, tabs and columns for entities, and how they link to them.
//
// # Cards
//
// A card is a part of an entity's page. It is an extension at [EntityCards]: a title, for which entities it is, and a function that makes its content, a component of package ui. The catalog draws the frame:
//
//	catalogapi.EntityCards.From("level", catalogapi.Card{Title: "Tide", For: "kind:component annotation:tides.example.com/gauge", Side: true}, (*tides).card)
//
//	func (t *tides) card(ctx context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error) {
//		level, err := t.level(ctx, entity.Annotation("tides.example.com/gauge"))
//		if err != nil {
//			return nil, pluginapi.Unavailable("the gauge does not answer").Because(err)
//		}
//		return ui.Text(level), nil
//	}
//
// Side puts it into the narrow column, for facts. Cards are drawn at the same time, each within two seconds: one that fails or is late says so in its own frame, with the words of [pluginapi.Describe], and the
// page is shown all the same. What takes longer belongs behind [pluginapi.Cached], or into a tab.
//
// # Tabs
//
// A tab is a page of its own under an entity's header. It is an extension at [EntityTabs], with the last element of its URL: /catalog/default/component/quay/tides. Its function gets the request, whose
// query is the tab's state, and ten seconds:
//
//	catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "tides", Title: "Tides", For: "annotation:tides.example.com/gauge"}, (*tides).tab)
//
// Links to a tab are made with [TabURL] and the extension's id, since configuration can set its path.
//
// # Columns
//
// A column of the list of entities is an extension at [EntityColumns]. Its function is asked for the cells of all entities on the page at once, so that it needs one request or statement and not
// twenty-five:
//
//	catalogapi.EntityColumns.From("level", catalogapi.Column{Title: "Tide", For: "annotation:tides.example.com/gauge"}, (*tides).column)
//
// # For which entities
//
// All three have a [Condition]: terms with blanks between them, all of which must hold. One that cannot be read is a fault when the portal starts. The entity that a function gets is the principal's own view of
// it, with everything the catalog knows; [catalogcommon.Entity] has methods for what is asked often.
//
// All three can have a permission besides: who lacks it sees no sign of them, and a tab's address answers 403. Whoever decides about permissions (core.Options.Authorizer) can hide them so.
//
// Whoever runs the portal decides where what plugins add is shown. The ids of extensions have the plugin's id and the name they are given, entity-card:tides/level, and app.extensions switches them off, orders
// them, and sets the fields of their specs, the condition included:
//
//	app:
//	  extensions:
//	    - entity-card:tides/level: {config: {title: Water, filter: 'kind:component type:service'}}
//	    - entity-tab:tides/tab: false
//
// # Links
//
// [EntityLink] is a component that leads to an entity's page, [EntityURL] its address, and [ListPage] the list, whose query takes the filters: ListPage.URL(ctx, "kind", "api", "owner", "group:default/team-a").
// In a portal without these pages there is nothing to lead to: the addresses are empty, and what links is text.
//
// A portal of plugins that add something here needs catalog.Plugin(), or says so when it starts; where the catalog is switched off, so is what is added to it. A plugin that asks the catalog by itself has a
// constructor that takes a [catalogcommon.Client].
package catalogapi
