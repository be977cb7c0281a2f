package pages

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// mostRelated is how many entities of one relation a page shows. A group can have thousands of members; the list, which has pages, shows all.
const mostRelated = 50

// relationParam begins the names of those parameters of the list that ask for entities with a relation.
const relationParam = "relations."

// relations names what entities of one relation are to the one shown, in the order in which they are shown.
var relations = []struct{ name, reverse, title string }{
	{catalogcommon.RelationPartOf, catalogcommon.RelationHasPart, "Part of"},
	{catalogcommon.RelationHasPart, catalogcommon.RelationPartOf, "Has parts"},
	{catalogcommon.RelationProvidesAPI, catalogcommon.RelationAPIProvided, "Provides APIs"},
	{catalogcommon.RelationConsumesAPI, catalogcommon.RelationAPIConsumed, "Consumes APIs"},
	{catalogcommon.RelationAPIProvided, catalogcommon.RelationProvidesAPI, "Provided by"},
	{catalogcommon.RelationAPIConsumed, catalogcommon.RelationConsumesAPI, "Consumed by"},
	{catalogcommon.RelationDependsOn, catalogcommon.RelationDependencyOf, "Depends on"},
	{catalogcommon.RelationDependencyOf, catalogcommon.RelationDependsOn, "Needed by"},
	{catalogcommon.RelationChildOf, catalogcommon.RelationParentOf, "Child of"},
	{catalogcommon.RelationParentOf, catalogcommon.RelationChildOf, "Parent of"},
	{catalogcommon.RelationHasMember, catalogcommon.RelationMemberOf, "Members"},
	{catalogcommon.RelationMemberOf, catalogcommon.RelationHasMember, "Member of"},
	{catalogcommon.RelationOwnerOf, catalogcommon.RelationOwnedBy, "Owns"},
}

// relationTitle is how people call a relation; its own name if it is none of the catalog's.
func relationTitle(name string) string {
	for _, known := range relations {
		if strings.EqualFold(known.name, name) {
			return known.title
		}
	}
	return name
}

// reverse is the relation from the targets of another one back to where that starts; "" if it is not known, as of relations that processors make.
func (p *Pages) reverse(relation string) string {
	for _, known := range relations {
		if known.name == relation {
			return known.reverse
		}
	}
	for _, kind := range p.kinds {
		for _, field := range kind.Spec.Relations {
			switch relation {
			case field.Type:
				return field.Reverse
			case field.Reverse:
				return field.Type
			}
		}
	}
	return ""
}

// related lists the entities that this one has relations with: a card with a row for each kind of relation; nil without any.
func (p *Pages) related(ctx context.Context, e *catalogcommon.Entity) pluginapi.Component {
	list := ui.DescriptionList{}
	var shown []string
	add := func(title, relation string) {
		if targets := e.Targets(relation); len(targets) > 0 {
			switch n := len(targets); {
			case n >= 1000: // too long to stand beside its title on a phone
				title += " (" + grouped(n) + ")"
			case n > 1:
				title = fmt.Sprintf("%s\u00a0(%d)", title, n)
			}
			list.Items = append(list.Items, ui.Description{Term: title, Value: refs(targets, p.allRelated(ctx, e, relation, targets))})
		}
		shown = append(shown, relation)
	}
	shown = append(shown, catalogcommon.RelationOwnedBy) // it is in the header
	for _, known := range relations {
		add(known.title, known.name)
	}
	for _, relation := range e.Relations {
		if !slices.Contains(shown, relation.Type) {
			add(relation.Type, relation.Type)
		}
	}
	if len(list.Items) == 0 {
		return nil
	}
	return ui.Card{Title: "Relations", Body: list}
}

// allRelated is the address of the list of all targets of a relation, "" if the list cannot tell them apart.
func (p *Pages) allRelated(ctx context.Context, e *catalogcommon.Entity, relation string, targets []catalogcommon.Ref) string {
	reverse := p.reverse(relation)
	if len(targets) <= mostRelated || reverse == "" {
		return ""
	}
	kind := strings.ToLower(targets[0].Kind)
	if slices.ContainsFunc(targets, func(ref catalogcommon.Ref) bool { return !strings.EqualFold(ref.Kind, kind) }) {
		kind = "all"
	}
	param := relationParam + reverse
	if reverse == catalogcommon.RelationOwnedBy {
		param = "owner"
	}
	return catalogapi.ListPage.URL(ctx, "kind", kind, param, e.Ref().Normal().String())
}

// refs links to entities, separated by commas, the first mostRelated of them and then to all, which is the address of a list or "". Those of one name and different kinds are shown with their kinds.
func refs(all []catalogcommon.Ref, list string) pluginapi.Component {
	if len(all) == 0 {
		return nil
	}
	shown := all[:min(len(all), mostRelated)]
	names := map[string]int{}
	for _, ref := range shown {
		names[strings.ToLower(ref.Name)]++
	}
	parts := make([]pluginapi.Component, 0, 2*len(shown)+2)
	for i, ref := range shown {
		if i > 0 {
			parts = append(parts, ui.Text(", "))
		}
		text := ""
		if names[strings.ToLower(ref.Name)] > 1 {
			text = ref.Short(catalogcommon.RefDefaults{})
		}
		parts = append(parts, catalogapi.EntityLink(ref, text))
	}
	if rest := len(all) - len(shown); rest > 0 {
		parts = append(parts, ui.Text(" and "), ui.Link{Href: list, Text: grouped(rest) + "\u00a0more"})
	}
	return ui.Group(parts...)
}

// grouped is a number with thousands separated by commas, as ui.Number draws it, within a text.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
