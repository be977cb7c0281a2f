package catalogcommon

// Names of the catalog's permissions.
const (
	PermissionEntityRead      = "catalog.entity.read"
	PermissionEntityCreate    = "catalog.entity.create"
	PermissionEntityDelete    = "catalog.entity.delete"
	PermissionEntityRefresh   = "catalog.entity.refresh"
	PermissionEntityValidate  = "catalog.entity.validate"
	PermissionLocationRead    = "catalog.location.read"
	PermissionLocationCreate  = "catalog.location.create"
	PermissionLocationDelete  = "catalog.location.delete"
	PermissionLocationAnalyze = "catalog.location.analyze"
	PermissionIngestionRead   = "catalog.ingestion.read"
	PermissionIngestionManage = "catalog.ingestion.manage"
	PermissionUnprocessedRead = "catalog.entities.unprocessed.read"
	PermissionUnprocessedDrop = "catalog.entities.unprocessed.delete"
)

// ResourceTypeEntity is the type of resource that permissions on single entities are about.
const ResourceTypeEntity = "catalog-entity"

// Rules that a conditional decision about an entity may use.
const (
	RuleHasAnnotation = "HAS_ANNOTATION"  // parameters annotation, value (optional)
	RuleHasLabel      = "HAS_LABEL"       // label, value (optional)
	RuleHasMetadata   = "HAS_METADATA"    // key, value (optional)
	RuleHasSpec       = "HAS_SPEC"        // key, value (optional)
	RuleIsEntityKind  = "IS_ENTITY_KIND"  // kinds
	RuleIsEntityOwner = "IS_ENTITY_OWNER" // claims: full references
)

// Permission describes something that can be allowed or denied.
type Permission struct {
	Name         string
	Action       string // create, read, update, delete, or empty
	ResourceType string // [ResourceTypeEntity] for those that can be decided for each entity, else empty
}

// Permissions returns every permission that the catalog asks for.
func Permissions() []Permission {
	return []Permission{
		{PermissionEntityRead, "read", ResourceTypeEntity},
		{PermissionEntityCreate, "create", ""},
		{PermissionEntityDelete, "delete", ResourceTypeEntity},
		{PermissionEntityRefresh, "update", ResourceTypeEntity},
		{PermissionEntityValidate, "", ""},
		{PermissionLocationRead, "read", ""},
		{PermissionLocationCreate, "create", ""},
		{PermissionLocationDelete, "delete", ""},
		{PermissionLocationAnalyze, "", ""},
		{PermissionIngestionRead, "read", ""},
		{PermissionIngestionManage, "update", ""},
		{PermissionUnprocessedRead, "read", ""},
		{PermissionUnprocessedDrop, "delete", ""},
	}
}
