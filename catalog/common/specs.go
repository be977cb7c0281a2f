package catalogcommon

// ComponentSpec is the spec of a Component: a piece of software.
type ComponentSpec struct {
	Type           string   `json:"type"`      // such as service, website or library
	Lifecycle      string   `json:"lifecycle"` // such as experimental, production or deprecated
	Owner          string   `json:"owner"`     // reference, of a Group if it says no kind
	System         string   `json:"system,omitempty"`
	SubcomponentOf string   `json:"subcomponentOf,omitempty"`
	ProvidesAPIs   []string `json:"providesApis,omitempty"`
	ConsumesAPIs   []string `json:"consumesApis,omitempty"`
	DependsOn      []string `json:"dependsOn,omitempty"` // references with their kind
	DependencyOf   []string `json:"dependencyOf,omitempty"`
}

// APISpec is the spec of an API: an interface that components provide and consume.
type APISpec struct {
	Type       string      `json:"type"` // such as openapi, asyncapi, graphql, grpc or mcp-server
	Lifecycle  string      `json:"lifecycle"`
	Owner      string      `json:"owner"`
	Definition string      `json:"definition,omitempty"` // the text, in the language that Type names; all types but mcp-server have one
	System     string      `json:"system,omitempty"`
	Remotes    []APIRemote `json:"remotes,omitempty"` // of an mcp-server
}

// APIRemote is where an mcp-server can be reached.
type APIRemote struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// ResourceSpec is the spec of a Resource: infrastructure that components need.
type ResourceSpec struct {
	Type         string   `json:"type"` // such as database or s3-bucket
	Owner        string   `json:"owner"`
	System       string   `json:"system,omitempty"`
	DependsOn    []string `json:"dependsOn,omitempty"` // references with their kind
	DependencyOf []string `json:"dependencyOf,omitempty"`
}

// SystemSpec is the spec of a System: components and resources that do something together.
type SystemSpec struct {
	Owner  string `json:"owner"`
	Domain string `json:"domain,omitempty"`
	Type   string `json:"type,omitempty"`
}

// DomainSpec is the spec of a Domain: an area of the business.
type DomainSpec struct {
	Owner       string `json:"owner"`
	SubdomainOf string `json:"subdomainOf,omitempty"`
	Type        string `json:"type,omitempty"`
}

// GroupSpec is the spec of a Group: a team or a part of the organization.
type GroupSpec struct {
	Type     string   `json:"type"` // such as team, department or organization
	Profile  *Profile `json:"profile,omitempty"`
	Parent   string   `json:"parent,omitempty"`
	Children []string `json:"children"` // may be empty, but is always written
	Members  []string `json:"members,omitempty"`
}

// UserSpec is the spec of a User: a person.
type UserSpec struct {
	Profile  *Profile `json:"profile,omitempty"`
	MemberOf []string `json:"memberOf"` // may be empty, but is always written
}

// Profile is how a user or group wants to be shown.
type Profile struct {
	DisplayName string `json:"displayName,omitempty"`
	Email       string `json:"email,omitempty"`
	Picture     string `json:"picture,omitempty"` // URL
}

// LocationSpec is the spec of a Location: a list of further descriptors.
type LocationSpec struct {
	Type     string   `json:"type,omitempty"` // empty means that of the location which the entity came from
	Target   string   `json:"target,omitempty"`
	Targets  []string `json:"targets,omitempty"`
	Presence string   `json:"presence,omitempty"` // PresenceRequired if empty
}

// TemplateSpec is the spec of a Template: a form and the steps that create something from its answers.
type TemplateSpec struct {
	Type       string         `json:"type"`
	Owner      string         `json:"owner,omitempty"`
	Lifecycle  string         `json:"lifecycle,omitempty"`
	Parameters any            `json:"parameters,omitempty"` // a JSON schema, or an array of them
	Steps      []TemplateStep `json:"steps"`
	Output     map[string]any `json:"output,omitempty"`
}

// TemplateStep is one action of a Template.
type TemplateStep struct {
	ID     string         `json:"id,omitempty"`
	Name   string         `json:"name,omitempty"`
	Action string         `json:"action"`
	Input  map[string]any `json:"input,omitempty"`
	If     any            `json:"if,omitempty"` // a string or a boolean
}

// AIResourceSpec is the spec of an AiResource: something made for AI agents.
type AIResourceSpec struct {
	Type      string `json:"type"` // such as skill, rule, plugin or marketplace
	Lifecycle string `json:"lifecycle"`
	Owner     string `json:"owner"`
	System    string `json:"system,omitempty"`
}
