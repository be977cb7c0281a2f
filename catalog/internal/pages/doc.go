// Package pages draws the catalog for people: the list of entities with its filters, an entity with its cards and tabs, and what could not be ingested.
//
// Pages ask the catalog through catalogcommon.Client, as everybody does; the URL is their whole state, and they work without JavaScript.
package pages
