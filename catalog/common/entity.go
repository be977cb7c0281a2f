package catalogcommon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Entity is one thing in the catalog.
//
// Nothing of an entity gets lost between reading and writing it as JSON: what this type has no field for is under Extra, and so is a known field whose value is not of the field's type (which happens before
// validation) or is an explicit null or empty string. When both are set, the field counts. Only inside relations and status, which the catalog computes, are unknown members dropped.
//
// Trees under Spec and Extra are made of the types that encoding/json makes: map[string]any, []any, string, float64, bool and nil. Numbers are float64, as for every other client of this API. In entities you
// build yourself, []string, map[string]string and Go integers do as well.
//
// An Entity is not safe for concurrent changes. One that a [Client] returned belongs to the caller.
type Entity struct {
	APIVersion string
	Kind       string
	Metadata   Metadata
	Spec       map[string]any // kind-specific; nil if absent. See [SpecOf]
	Relations  []Relation     // computed by the catalog; sorted by type, then target. Input may not have them
	Status     *Status        // computed by the catalog; nil when there is nothing to say. Input may not have it
	Extra      map[string]any // further root fields; the catalog accepts none as input
}

// Metadata is what entities of every kind have.
type Metadata struct {
	Name        string
	Namespace   string // the catalog fills in [DefaultNamespace]
	UID         string // given by the catalog; another one after the entity was removed and registered again
	ETag        string // changes with the content
	Title       string // for display; see [Entity.Title]
	Description string
	Labels      map[string]string
	Annotations map[string]string
	Tags        []string
	Links       []Link
	Extra       map[string]any // further fields, all allowed
}

// Link is a web page about an entity.
type Link struct {
	URL   string // absolute
	Title string
	Icon  string // the name of an icon, not an image
	Type  string
	Extra map[string]any // further fields, all allowed
}

// Relation is a directed connection from the entity that has it to another, which need not exist.
type Relation struct {
	Type      string `json:"type"`      // one of the Relation… constants, or a plugin's own
	TargetRef string `json:"targetRef"` // as [Ref.String] writes it
}

// Status says how the catalog fares with an entity.
type Status struct {
	Items []StatusItem `json:"items,omitempty"`
}

// Levels of a [StatusItem].
const (
	LevelInfo    = "info"
	LevelWarning = "warning"
	LevelError   = "error"
)

// StatusCatalogProcessing is the type of status items that the catalog itself makes of processing errors.
const StatusCatalogProcessing = "backstage.io/catalog-processing"

// StatusItem is one remark on an entity.
type StatusItem struct {
	Type    string     `json:"type"`            // such as [StatusCatalogProcessing]
	Level   string     `json:"level"`           // LevelInfo, LevelWarning or LevelError
	Message string     `json:"message"`         // for people
	Error   *ErrorInfo `json:"error,omitempty"` // what went wrong, if something did
}

// ErrorInfo is an error as data.
type ErrorInfo struct {
	Name    string     `json:"name"` // such as InputError or NotFoundError
	Message string     `json:"message"`
	Code    string     `json:"code,omitempty"`
	Cause   *ErrorInfo `json:"cause,omitempty"`
	At      *Position  `json:"at,omitempty"` // where in a descriptor, if that is known
}

// String says where it is, as far as that is known, and what.
func (i ErrorInfo) String() string {
	if i.At == nil {
		return i.Message
	}
	at := i.At.String()
	if at == "" || strings.HasPrefix(i.Message, at) {
		return i.Message
	}
	return at + ": " + i.Message
}

// Position is a place in a descriptor file, or in an entity that is in none.
type Position struct {
	Source  string `json:"source,omitempty"`  // a location reference such as file:/etc/catalog-info.yaml
	Line    int    `json:"line,omitempty"`    // from 1; 0 if unknown
	Column  int    `json:"column,omitempty"`  // from 1, in characters; 0 if unknown
	Pointer string `json:"pointer,omitempty"` // JSON pointer within the document, such as /spec/owner
}

// String returns source:line:column, leaving out what is unknown, or the pointer if nothing else is known.
func (p Position) String() string {
	switch {
	case p.Line == 0 && p.Source == "":
		return p.Pointer
	case p.Line == 0:
		return p.Source
	case p.Source == "":
		return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
	default:
		return fmt.Sprintf("%s:%d:%d", p.Source, p.Line, p.Column)
	}
}

// Ref returns the entity's reference, in the entity's own casing and with its namespace written out.
func (e *Entity) Ref() Ref {
	namespace := e.Metadata.Namespace
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return Ref{Kind: e.Kind, Namespace: namespace, Name: e.Metadata.Name}
}

// Title returns the name to show to people: metadata.title, else the display name of a user's or group's profile, else metadata.name.
func (e *Entity) Title() string {
	if e.Metadata.Title != "" {
		return e.Metadata.Title
	}
	if profile, ok := e.Spec["profile"].(map[string]any); ok {
		if name, ok := profile["displayName"].(string); ok && name != "" {
			return name
		}
	}
	return e.Metadata.Name
}

// Annotation returns the annotation's value, or an empty string.
func (e *Entity) Annotation(key string) string { return e.Metadata.Annotations[key] }

// SpecString returns the string at spec.<key>, or an empty string if there is none or it is something else.
func (e *Entity) SpecString(key string) string {
	text, _ := e.Spec[key].(string)
	return text
}

// Targets returns the targets of the entity's relations of one type, sorted. Relations whose target is not a reference are left out.
func (e *Entity) Targets(relationType string) []Ref {
	var refs []Ref
	for _, relation := range e.Relations {
		if relation.Type != relationType {
			continue
		}
		if ref, err := ParseRef(relation.TargetRef, RefDefaults{}); err == nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

// Clone returns a deep copy.
func (e *Entity) Clone() *Entity {
	if e == nil {
		return nil
	}
	c := *e
	c.Metadata.Labels = cloneStrings(e.Metadata.Labels)
	c.Metadata.Annotations = cloneStrings(e.Metadata.Annotations)
	c.Metadata.Tags = slices.Clone(e.Metadata.Tags)
	c.Metadata.Links = slices.Clone(e.Metadata.Links)
	for i := range c.Metadata.Links {
		c.Metadata.Links[i].Extra = cloneObject(c.Metadata.Links[i].Extra)
	}
	c.Metadata.Extra = cloneObject(e.Metadata.Extra)
	c.Spec = cloneObject(e.Spec)
	c.Relations = slices.Clone(e.Relations)
	if e.Status != nil {
		c.Status = &Status{Items: slices.Clone(e.Status.Items)}
		for i := range c.Status.Items {
			c.Status.Items[i].Error = c.Status.Items[i].Error.clone()
		}
	}
	c.Extra = cloneObject(e.Extra)
	return &c
}

func (i *ErrorInfo) clone() *ErrorInfo {
	if i == nil {
		return nil
	}
	c := *i
	c.Cause = i.Cause.clone()
	if i.At != nil {
		at := *i.At
		c.At = &at
	}
	return &c
}

// SpecOf decodes the entity's spec into a struct of yours or one of this package's ([ComponentSpec] and so on). Fields that T lacks are skipped; those that the spec lacks stay zero.
// A field of another type than T's is an error that names the entity and the field.
func SpecOf[T any](e *Entity) (T, error) {
	var spec T
	if e.Spec == nil {
		return spec, nil
	}
	text, err := AppendJSON(nil, e.Spec)
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil {
		var zero T
		return zero, fmt.Errorf("read spec of %s as %T: %w", e.Ref(), zero, err)
	}
	return spec, nil
}

// SpecFrom is the reverse of [SpecOf]: it turns a struct into the tree that [Entity.Spec] holds.
func SpecFrom(spec any) (map[string]any, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("write %T as spec: %w", spec, err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("write %T as spec: %w", spec, err)
	}
	return tree, nil
}
