package host

import "github.com/proscenium-dev/proscenium/pluginapi"

// checkRules finds permission rules that say the same about the same resources: who is asked would be a matter of order, and the answer decides what people may do.
func (b *Blueprint) checkRules(found *faults) {
	type question struct{ resource, name string }
	taken := map[question]string{}
	for _, e := range b.Extensions {
		rule, is := e.Spec.(pluginapi.PermissionRule)
		if !is || e.Off {
			continue
		}
		asked := question{rule.Resource, rule.Name}
		other, twice := taken[asked]
		switch {
		case rule.Resource == "":
			found.add(e.Plugin, "%s: it is about no type of resource; name one, such as catalog-entity", e.ID)
		case !twice:
			taken[asked] = e.ID
		case rule.Name == "":
			found.add(e.Plugin, "%s and %s both answer for all other rules about %s; give one a name", other, e.ID, rule.Resource)
		default:
			found.add(e.Plugin, "%s and %s both say what %s means for %s; give one another name", other, e.ID, rule.Name, rule.Resource)
		}
	}
}
