// Package metrics tells whoever runs a portal how the catalog fares: [Ingestion] counts what a process does, as it does it, and [Register] also adds what there is, looked up when somebody asks.
//
// Names of labels' values come from code and from what it contributes, never from entities; kinds, which come from both, are bounded.
package metrics
