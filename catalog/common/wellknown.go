package catalogcommon

// API versions of the kinds that the catalog knows by itself. Both mean the same, except that Template has its own and AiResource only the first.
const (
	APIVersionAlpha1   = "backstage.io/v1alpha1"
	APIVersionBeta1    = "backstage.io/v1beta1"
	APIVersionTemplate = "scaffolder.backstage.io/v1beta3"
)

// Kinds that the catalog knows by itself.
const (
	KindComponent  = "Component"
	KindAPI        = "API"
	KindResource   = "Resource"
	KindSystem     = "System"
	KindDomain     = "Domain"
	KindGroup      = "Group"
	KindUser       = "User"
	KindLocation   = "Location"
	KindTemplate   = "Template"
	KindAIResource = "AiResource"
)

// Relation types. They come in pairs: when A is ownedBy B, then B is ownerOf A.
const (
	RelationOwnedBy      = "ownedBy"
	RelationOwnerOf      = "ownerOf"
	RelationPartOf       = "partOf"
	RelationHasPart      = "hasPart"
	RelationProvidesAPI  = "providesApi"
	RelationAPIProvided  = "apiProvidedBy"
	RelationConsumesAPI  = "consumesApi"
	RelationAPIConsumed  = "apiConsumedBy"
	RelationDependsOn    = "dependsOn"
	RelationDependencyOf = "dependencyOf"
	RelationChildOf      = "childOf"
	RelationParentOf     = "parentOf"
	RelationHasMember    = "hasMember"
	RelationMemberOf     = "memberOf"
)

// Annotations that the catalog sets or reads.
const (
	AnnotationLocation       = "backstage.io/managed-by-location"        // location reference of the file the entity was read from; set by the catalog
	AnnotationOriginLocation = "backstage.io/managed-by-origin-location" // location reference of the registration that led there; set by the catalog
	AnnotationOrphan         = "backstage.io/orphan"                     // "true" when nothing emits the entity any more; set by the catalog
	AnnotationViewURL        = "backstage.io/view-url"                   // where to look at the descriptor
	AnnotationEditURL        = "backstage.io/edit-url"                   // where to edit the descriptor
	AnnotationSourceLocation = "backstage.io/source-location"            // location reference of the source code; a folder ends in a slash
	AnnotationTechDocs       = "backstage.io/techdocs-ref"               // location reference of documentation, such as dir:.
	AnnotationTechDocsEntity = "backstage.io/techdocs-entity"            // reference of the entity that has the documentation
)

// Annotations that other parts and plugins read.
const (
	AnnotationGitHubProject    = "github.com/project-slug"    // owner/name
	AnnotationGitLabProject    = "gitlab.com/project-slug"    // group/name
	AnnotationBitbucketProject = "bitbucket.org/project-slug" // owner/name
	AnnotationAzureProject     = "dev.azure.com/project-slug" // project/repository
	AnnotationGitHubTeam       = "github.com/team-slug"       // organization/team
	AnnotationGitHubUser       = "github.com/user-login"      // login
	AnnotationCircleCI         = "circleci.com/project-slug"  // vcs/owner/name, such as github/acme/shop
	AnnotationLighthouse       = "lighthouse.com/website-url" // the page that is audited
)

// RejectedURL is what the catalog puts in place of a view or edit URL that a browser would run as a script.
const RejectedURL = "https://backstage.io/annotation-rejected-for-security-reasons"
