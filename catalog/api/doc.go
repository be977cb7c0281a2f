// Package catalogapi is the catalog's library for pages: where other plugins add cards and tabs to an entity's page, and how they link to entities.
package catalogapi
