// Package proscenium is a software development kit for developer portals: a portal is a main function that lists plugins.
// Start with the packages core, which runs a portal, and pluginapi, which plugins are written against.
package proscenium
