package catalogcommon_test

import (
	"context"
	"encoding/json"
	"fmt"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

func ExampleParseRef() {
	for _, text := range []string{"payments", "user:ada", "Component:retail/Shop"} {
		ref, err := catalogcommon.ParseRef(text, catalogcommon.RefDefaults{Kind: "group"})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(ref)
	}
	// Output:
	// group:default/payments
	// user:default/ada
	// component:retail/shop
}

func ExampleSpecOf() {
	var entity catalogcommon.Entity
	err := json.Unmarshal([]byte(`{"kind": "Component", "metadata": {"name": "shop"}, "spec": {"type": "website", "owner": "retail", "stage": 3}}`), &entity)
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, err := catalogcommon.SpecOf[catalogcommon.ComponentSpec](&entity)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(spec.Type, spec.Owner, entity.Spec["stage"])
	// Output: website retail 3
}

// A plugin that gets a Client asks for what it needs; here, the names of a team's websites.
func ExampleEntities() {
	websites := func(ctx context.Context, client catalogcommon.Client, team catalogcommon.Ref) ([]string, error) {
		var names []string
		request := catalogcommon.QueryRequest{
			Filter: catalogcommon.Filter{{"kind": {"Component"}, "spec.type": {"website"}, "relations.ownedBy": {team.String()}}},
			Fields: []string{"metadata.name"},
		}
		for entity, err := range catalogcommon.Entities(ctx, client, request) {
			if err != nil {
				return nil, err
			}
			names = append(names, entity.Metadata.Name)
		}
		return names, nil
	}
	client := pages{names: []string{"shop", "departure-board", "menu"}} // a fake, as a test would have it
	fmt.Println(websites(context.Background(), client, catalogcommon.Ref{Kind: "Group", Name: "retail"}))
	// Output: [shop departure-board menu] <nil>
}
