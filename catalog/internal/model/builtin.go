package model

import catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"

// Builtin returns the kinds that the catalog knows by itself. The caller may change the result.
func Builtin() []Kind {
	versions := []string{catalogcommon.APIVersionAlpha1, catalogcommon.APIVersionBeta1}
	kinds := []Kind{
		{
			Name: catalogcommon.KindComponent, APIVersions: versions, Description: "A piece of software, such as a service, a website or a library.",
			Schema: entityWithSpec([]string{"type", "lifecycle", "owner"}, fields{
				"type": word(), "lifecycle": word(), "owner": word(), "system": word(), "subcomponentOf": word(),
				"providesApis": words(), "consumesApis": words(), "dependsOn": words(),
			}),
			Relations: []RelationSpec{
				owner(), system(),
				{Path: "spec.subcomponentOf", Type: catalogcommon.RelationPartOf, Reverse: catalogcommon.RelationHasPart, DefaultKind: "Component"},
				{Path: "spec.providesApis", Type: catalogcommon.RelationProvidesAPI, Reverse: catalogcommon.RelationAPIProvided, DefaultKind: "API"},
				{Path: "spec.consumesApis", Type: catalogcommon.RelationConsumesAPI, Reverse: catalogcommon.RelationAPIConsumed, DefaultKind: "API"},
				dependsOn(), dependencyOf(),
			},
		},
		{
			Name: catalogcommon.KindAPI, APIVersions: versions, Description: "An interface that components provide and consume.",
			Schema: entityWithSpec([]string{"type", "lifecycle", "owner", "definition"}, fields{
				"type": word(), "lifecycle": word(), "owner": word(), "definition": word(), "system": word(),
			}),
			Relations: []RelationSpec{owner(), system()},
		},
		{
			Name: catalogcommon.KindAPI, APIVersions: versions, SpecTypes: []string{"mcp-server"}, Description: "A server of tools for AI agents.",
			Schema: entityWithSpec([]string{"type", "lifecycle", "owner", "remotes"}, fields{
				"type": word(), "lifecycle": word(), "owner": word(), "system": word(), "definition": word(),
				"remotes": {Type: TypeArray, MinItems: 1, Items: &Schema{Type: TypeObject, Required: []string{"type", "url"}, Properties: fields{"type": word(), "url": word()}}},
			}),
			Relations: []RelationSpec{owner(), system()},
		},
		{
			Name: catalogcommon.KindResource, APIVersions: versions, Description: "Infrastructure that components need, such as a database.",
			Schema: entityWithSpec([]string{"type", "owner"}, fields{
				"type": word(), "owner": word(), "system": word(), "dependsOn": words(),
			}),
			Relations: []RelationSpec{owner(), system(), dependsOn(), dependencyOf()},
		},
		{
			Name: catalogcommon.KindSystem, APIVersions: versions, Description: "Components and resources that do something together.",
			Schema: entityWithSpec([]string{"owner"}, fields{"owner": word(), "domain": word(), "type": word()}),
			Relations: []RelationSpec{
				owner(),
				{Path: "spec.domain", Type: catalogcommon.RelationPartOf, Reverse: catalogcommon.RelationHasPart, DefaultKind: "Domain"},
			},
		},
		{
			Name: catalogcommon.KindDomain, APIVersions: versions, Description: "An area of the business.",
			Schema: entityWithSpec([]string{"owner"}, fields{"owner": word(), "subdomainOf": word(), "type": word()}),
			Relations: []RelationSpec{
				owner(),
				{Path: "spec.subdomainOf", Type: catalogcommon.RelationPartOf, Reverse: catalogcommon.RelationHasPart, DefaultKind: "Domain"},
			},
		},
		{
			Name: catalogcommon.KindGroup, APIVersions: versions, Description: "A team, or another part of the organization.",
			Schema: entityWithSpec([]string{"type", "children"}, fields{
				"type": word(), "parent": word(), "children": words(), "members": words(), "profile": profile(),
			}),
			Relations: []RelationSpec{
				{Path: "spec.parent", Type: catalogcommon.RelationChildOf, Reverse: catalogcommon.RelationParentOf, DefaultKind: "Group"},
				{Path: "spec.children", Type: catalogcommon.RelationParentOf, Reverse: catalogcommon.RelationChildOf, DefaultKind: "Group"},
				{Path: "spec.members", Type: catalogcommon.RelationHasMember, Reverse: catalogcommon.RelationMemberOf, DefaultKind: "User"},
			},
		},
		{
			Name: catalogcommon.KindUser, APIVersions: versions, Description: "A person.",
			Schema: entityWithSpec([]string{"memberOf"}, fields{"memberOf": words(), "profile": profile()}),
			Relations: []RelationSpec{
				{Path: "spec.memberOf", Type: catalogcommon.RelationMemberOf, Reverse: catalogcommon.RelationHasMember, DefaultKind: "Group"},
			},
		},
		{
			Name: catalogcommon.KindLocation, APIVersions: versions, Description: "A list of further descriptors.",
			Schema: entityWithSpec(nil, fields{
				"type": word(), "target": word(), "targets": words(), "presence": {Type: TypeString, Enum: []string{catalogcommon.PresenceRequired, catalogcommon.PresenceOptional}},
			}),
		},
		template(),
	}
	return append(kinds, aiResources()...)
}

func owner() RelationSpec {
	return RelationSpec{Path: "spec.owner", Type: catalogcommon.RelationOwnedBy, Reverse: catalogcommon.RelationOwnerOf, DefaultKind: "Group"}
}

func system() RelationSpec {
	return RelationSpec{Path: "spec.system", Type: catalogcommon.RelationPartOf, Reverse: catalogcommon.RelationHasPart, DefaultKind: "System"}
}

func dependsOn() RelationSpec {
	return RelationSpec{Path: "spec.dependsOn", Type: catalogcommon.RelationDependsOn, Reverse: catalogcommon.RelationDependencyOf}
}

func dependencyOf() RelationSpec {
	return RelationSpec{Path: "spec.dependencyOf", Type: catalogcommon.RelationDependencyOf, Reverse: catalogcommon.RelationDependsOn}
}

func template() Kind {
	parameters := []*Schema{{Type: TypeObject}, {Type: TypeArray, Items: &Schema{Type: TypeObject}}}
	label := fields{"backButtonText": word(), "createButtonText": word(), "reviewButtonText": word()}
	return Kind{
		Name: catalogcommon.KindTemplate, APIVersions: []string{catalogcommon.APIVersionTemplate}, Description: "A form, and the steps that create something from its answers.",
		Schema: entityWithSpec([]string{"type", "steps"}, fields{
			"type": word(), "owner": word(), "lifecycle": word(),
			"parameters": {AnyOf: parameters},
			"steps": {Type: TypeArray, Items: &Schema{Type: TypeObject, Required: []string{"action"}, Properties: fields{
				"id": {Type: TypeString}, "name": {Type: TypeString}, "action": {Type: TypeString}, "input": {Type: TypeObject},
				"if": {AnyOf: []*Schema{{Type: TypeString}, {Type: TypeBoolean}}}, "backstage:permissions": {Type: TypeObject},
			}}},
			"output": {Type: TypeObject, Properties: fields{
				"links": {Type: TypeArray, Items: &Schema{Type: TypeObject}}, "text": {Type: TypeArray, Items: &Schema{Type: TypeObject}},
			}},
			"presentation":          {Type: TypeObject, Properties: fields{"buttonLabels": {Type: TypeObject, Properties: label}}},
			"secrets":               {Type: TypeObject, Properties: fields{"schema": {Type: TypeObject}}},
			"formDecorators":        {Type: TypeArray, Items: &Schema{Type: TypeObject}},
			"EXPERIMENTAL_recovery": {Type: TypeObject},
		}),
		Relations: []RelationSpec{owner()},
	}
}

func aiResources() []Kind {
	variant := func(specType string, mandatory []string, further fields) Kind {
		all := fields{"type": word(), "lifecycle": word(), "owner": word(), "system": word()}
		for name, schema := range further {
			all[name] = schema
		}
		k := Kind{
			Name: catalogcommon.KindAIResource, APIVersions: []string{catalogcommon.APIVersionAlpha1}, Description: "Something made for AI agents.",
			Schema:    entityWithSpec(append([]string{"type", "lifecycle", "owner"}, mandatory...), all),
			Relations: []RelationSpec{owner(), system()},
		}
		if specType != "" {
			k.SpecTypes = []string{specType}
		}
		return k
	}
	return []Kind{
		variant("", nil, nil),
		variant("skill", nil, fields{
			"disciplines": words(), "categories": words(), "agents": words(), "dependsOn": words(), "license": word(), "compatibility": {Type: TypeString, MinLength: 1, MaxLength: 500},
		}),
		variant("rule", []string{"category", "rationale"}, fields{"category": word(), "rationale": word()}),
		variant("plugin", []string{"skills"}, fields{"skills": words()}),
		variant("marketplace", []string{"plugins"}, fields{"plugins": words()}),
	}
}

type fields = map[string]*Schema

// entityWithSpec is the schema of an entity whose spec must be there and have those fields.
func entityWithSpec(mandatory []string, properties fields) *Schema {
	return &Schema{Type: TypeObject, Required: []string{"spec"}, Properties: fields{"spec": {Type: TypeObject, Required: mandatory, Properties: properties}}}
}

func word() *Schema  { return &Schema{Type: TypeString, MinLength: 1} }
func words() *Schema { return &Schema{Type: TypeArray, Items: word()} }

func profile() *Schema {
	return &Schema{Type: TypeObject, Properties: fields{"displayName": word(), "email": word(), "picture": word()}}
}
