package catalogcommon

import (
	"net/http"
	"strings"
)

// What adding a location does when it is registered already.
const (
	OnConflictReject  = "reject"  // an error of status 409
	OnConflictRefresh = "refresh" // the existing one is answered, and its entity read again soon
)

// Presence of a location's target.
const (
	PresenceRequired = "required" // a missing file is an error
	PresenceOptional = "optional" // a missing file means no entities
)

// AddLocationRequest registers a location. As JSON it is the body of POST /locations, into which DryRun and OnConflict do not go.
type AddLocationRequest struct {
	Type       string `json:"type,omitempty"` // empty means [LocationTypeURL]
	Target     string `json:"target"`
	Presence   string `json:"presence,omitempty"` // PresenceRequired if empty
	DryRun     bool   `json:"-"`                  // only tell what would be read; nothing is stored
	OnConflict string `json:"-"`                  // the catalog's configured strategy if empty
}

// AddLocationResponse is the registered location.
type AddLocationResponse struct {
	Location Location  `json:"location"`
	Entities []*Entity `json:"entities"`         // in a dry run, what was read
	Exists   *bool     `json:"exists,omitempty"` // in a dry run or after a conflict, whether it was registered already
}

// LocationItem wraps a location in the array that GET /locations answers.
type LocationItem struct {
	Data Location `json:"data"`
}

// LocationsQuery is the body of POST /locations/by-query.
type LocationsQuery struct {
	Cursor string         `json:"cursor,omitempty"`
	Limit  *int           `json:"limit,omitempty"` // nil means 1000; at least 1
	Query  map[string]any `json:"query,omitempty"` // a predicate over id, type, target and entityRef
}

// LocationsPage is a page of locations, ordered by id.
type LocationsPage struct {
	Items      []Location `json:"items"`
	TotalItems int        `json:"totalItems"`
	PageInfo   PageInfo   `json:"pageInfo"`
}

// AnalyzeLocationRequest is the body of POST /analyze-location.
type AnalyzeLocationRequest struct {
	Location        LocationRef `json:"location"`
	CatalogFilename string      `json:"catalogFilename,omitempty"` // empty means catalog-info.yaml
}

// AnalyzeLocationResponse tells what a repository has for the catalog.
type AnalyzeLocationResponse struct {
	ExistingEntityFiles []ExistingEntityFile `json:"existingEntityFiles"`
	GenerateEntities    []GeneratedEntity    `json:"generateEntities"`
}

// ExistingEntityFile is an entity found in a repository.
type ExistingEntityFile struct {
	Location     LocationRef `json:"location"`
	IsRegistered bool        `json:"isRegistered"`
	Entity       *Entity     `json:"entity"`
}

// GeneratedEntity is a proposal for a descriptor.
type GeneratedEntity struct {
	Entity *Entity           `json:"entity"`
	Fields []GeneratedFields `json:"fields"`
}

// GeneratedFields says how sure a proposal is of one field.
type GeneratedFields struct {
	Field       string `json:"field"`
	State       string `json:"state"` // analysisSuggestedValue, analysisSuggestedNoValue or needsUserInput
	Value       string `json:"value,omitempty"`
	Description string `json:"description"`
}

// ValidateRequest is the body of POST /validate-entity.
type ValidateRequest struct {
	Entity   *Entity `json:"entity"`
	Location string  `json:"location"` // where the entity would come from: a location reference of type url
}

// ValidationError says why an entity would not be accepted: the body of the answer of status 400 to POST /validate-entity.
type ValidationError struct {
	Errors []ErrorInfo `json:"errors"` // at least one
}

// Error joins the messages.
func (e *ValidationError) Error() string {
	messages := make([]string, len(e.Errors))
	for i, info := range e.Errors {
		messages[i] = info.String()
	}
	return "entity is not valid: " + strings.Join(messages, "; ")
}

// StatusCode returns 400.
func (e *ValidationError) StatusCode() int { return http.StatusBadRequest }
