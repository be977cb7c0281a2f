package boundary_test

import (
	"fmt"

	"github.com/proscenium-dev/proscenium/pluginapi/boundary"
)

func ExampleCheck() {
	plugins := boundary.Plugins{"corp.example/portal/orders", "github.com/proscenium-dev/proscenium/catalog"}
	describe := func(importPath string) boundary.Package {
		return boundary.Package{Path: importPath, Plugin: plugins.Owner(importPath)}
	}
	orders := describe("corp.example/portal/orders")

	fmt.Println(boundary.Check(orders, describe("github.com/proscenium-dev/proscenium/catalog/common")))
	fmt.Println(boundary.Check(describe("corp.example/portal/orders/common"), describe("github.com/go-chi/chi/v5")))
	// Output:
	// <nil>
	// orders/common may import only the standard library and other plugins' common: it imports github.com/go-chi/chi/v5
}
