// Package catalogcommon is the part of the software catalog that everybody may use: entities and references to them, typed specs, the wire types of /api/catalog, and [Client],
// through which other plugins ask the catalog. It imports the standard library only.
//
// An [Entity] is one thing in the catalog: a component, an API, a group, a user. Its identity is a [Ref], written kind:namespace/name and compared without regard to case.
// Kind-specific content is under Spec as plain data; [SpecOf] gives it a type:
//
//	spec, err := catalogcommon.SpecOf[catalogcommon.ComponentSpec](entity)
//
// The JSON forms are those that Backstage's catalog uses, so existing clients and descriptors work, and [NewClient] speaks to either.
package catalogcommon
