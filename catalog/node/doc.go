// Package catalognode is the catalog's library for back ends: how other plugins bring entities into the catalog, and take part in what it makes of them.
//
// A [Provider] hands over entities that it has from elsewhere. A [Processor] sees every entity on its way: it can change it, check it, read what it points to, and derive relations and further entities from it.
// A [Kind] adds a kind of entity, as data. A [LocationReader] reads descriptors from a new type of place, a [Placeholder] fills in parts of them, an [Analyzer] proposes descriptors for a repository. A [Rule] is
// something that permissions on entities can depend on.
//
//	Extensions: []pluginapi.Extension{
//		catalognode.Providers.From("people", catalognode.Provider{}, (*directory).provide), // func(*directory, context.Context, catalognode.Connection) error
//		catalognode.Processors.From("cost-center", catalognode.Processor{}, newCostCenters), // func(...) catalognode.Stages
//	},
//
// Contributors run in the same process as the catalog.
package catalognode
