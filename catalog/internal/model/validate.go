package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/rawjson"
)

// Problem is one thing that is wrong with an entity.
type Problem struct {
	Pointer string // JSON pointer of the place; empty means the whole entity
	Message string // what is wrong, with its place
}

// Error returns the message.
func (p Problem) Error() string { return p.Message }

const formatDocument = "See https://backstage.io/docs/features/software-catalog/descriptor-format for the format."

// maxDepth is how deep an entity may be nested. Descriptors are not half as deep, but entities come from programs, too, and all that reads them later has an end at some depth.
const maxDepth = 256

func deeperThan(value any, depth int) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			if depth == 0 || deeperThan(member, depth-1) {
				return true
			}
		}
	case []any:
		for _, item := range value {
			if depth == 0 || deeperThan(item, depth-1) {
				return true
			}
		}
	}
	return false
}

// Envelope checks the little that every entity needs before anything can be done with it: apiVersion, kind and metadata.name, a namespace that is a text if there is one, all of which can be stored, and a depth that can be walked.
func Envelope(entity map[string]any) []Problem {
	if deeperThan(entity, maxDepth) {
		return []Problem{{"", fmt.Sprintf("the entity is nested more than %d deep; keep data of that kind elsewhere", maxDepth)}}
	}
	var problems []Problem
	problems = text(entity, "", "apiVersion", true, problems)
	problems = text(entity, "", "kind", true, problems)
	value, has := entity["metadata"]
	metadata, isObject := value.(map[string]any)
	switch {
	case !has:
		return append(problems, required("", "metadata"))
	case !isObject:
		return append(problems, wrongType("/metadata", TypeObject))
	}
	problems = text(metadata, "/metadata", "name", true, problems)
	problems = text(metadata, "/metadata", "namespace", false, problems)
	problems = storable(entity, "/kind", "kind", problems)
	problems = storable(metadata, "/metadata/name", "name", problems)
	return storable(metadata, "/metadata/namespace", "namespace", problems)
}

// maxPart is how long a part of a reference may be so that there can be an index of references, in bytes. What is not nearly as long is not valid, but can be stored and shown with its faults.
const maxPart = 500

// storable checks a part of the entity's reference, which is stored as it is.
func storable(object map[string]any, pointer, name string, problems []Problem) []Problem {
	value, _ := object[name].(string)
	switch {
	case len(value) > maxPart:
		return append(problems, Problem{pointer, fmt.Sprintf("%s must not have more than 63 characters; it has %d bytes", pointer, len(value))})
	case strings.IndexByte(value, 0) >= 0: // which databases do not take
		return append(problems, Problem{pointer, pointer + " must not have a zero character"})
	}
	return problems
}

// Normalize does to a new entity what the catalog does before it looks closer: it fills in the default namespace, and sorts the arrays of references (if they hold nothing but text), so that their order does not count as a change.
// The entity is changed in place; its [Envelope] must have been checked.
func (m *Model) Normalize(entity map[string]any) {
	if metadata, ok := entity["metadata"].(map[string]any); ok {
		if _, has := metadata["namespace"]; !has {
			metadata["namespace"] = catalogcommon.DefaultNamespace
		}
	}
	k := m.kindOf(entity)
	if k == nil {
		return
	}
	for _, field := range k.relations {
		if list, ok := lookup(entity, field.path).([]any); ok && isSortable(list) {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
}

func isSortable(list []any) bool {
	return !slices.ContainsFunc(list, func(item any) bool { _, isText := item.(string); return !isText })
}

// Validate checks an entity against everything that the catalog asks of one: the fields of the envelope and their forms, no root fields but the four that users may write, a known kind, and that kind's schema.
// It returns all problems it finds, those of the envelope first; none means that the entity is valid.
func (m *Model) Validate(entity map[string]any) []Problem {
	problems := Envelope(entity)
	if len(problems) > 0 {
		return problems
	}
	problems = metadataTypes(entity, problems)
	problems = foreignFields(entity, problems)
	problems = append(problems, formats(entity)...)
	k := m.kindOf(entity)
	if k == nil {
		return append(problems, m.unrecognized(entity))
	}
	return k.Schema.validate(entity, "", problems)
}

// Recognizes reports whether a kind of the model is meant for the entity, valid or not.
func (m *Model) Recognizes(entity map[string]any) bool { return m.kindOf(entity) != nil }

func foreignFields(entity map[string]any, problems []Problem) []Problem {
	found := len(problems)
	for name := range entity {
		switch name {
		case "apiVersion", "kind", "metadata", "spec":
		default:
			problems = append(problems, Problem{"/" + rawjson.EscapeStep(name), "Unknown field " + name})
		}
	}
	slices.SortFunc(problems[found:], func(a, b Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return problems
}

// metadataTypes checks that the fields that every kind has are of their types.
func metadataTypes(entity map[string]any, problems []Problem) []Problem {
	if spec, has := entity["spec"]; has && typeOf(spec) != TypeObject {
		problems = append(problems, wrongType("/spec", TypeObject))
	}
	metadata := entity["metadata"].(map[string]any)
	for _, name := range []string{"uid", "etag", "title"} {
		problems = text(metadata, "/metadata", name, false, problems)
	}
	if value, has := metadata["description"]; has && typeOf(value) != TypeString {
		problems = append(problems, wrongType("/metadata/description", TypeString))
	}
	problems = textMap(metadata, "labels", problems)
	problems = textMap(metadata, "annotations", problems)
	if value, has := metadata["tags"]; has {
		tags, isArray := value.([]any)
		if !isArray {
			problems = append(problems, wrongType("/metadata/tags", TypeArray))
		}
		for i, tag := range tags {
			if s, ok := tag.(string); !ok || s == "" {
				problems = notText(tag, "/metadata/tags/"+strconv.Itoa(i), problems)
			}
		}
	}
	value, has := metadata["links"]
	if !has {
		return problems
	}
	links, isArray := value.([]any)
	if !isArray {
		return append(problems, wrongType("/metadata/links", TypeArray))
	}
	for i, item := range links {
		pointer := "/metadata/links/" + strconv.Itoa(i)
		link, isObject := item.(map[string]any)
		if !isObject {
			problems = append(problems, wrongType(pointer, TypeObject))
			continue
		}
		problems = text(link, pointer, "url", true, problems)
		for _, name := range []string{"title", "icon", "type"} {
			problems = text(link, pointer, name, false, problems)
		}
	}
	return problems
}

// formats checks the forms of fields whose types are right; of the others [metadataTypes] tells.
func formats(entity map[string]any) []Problem {
	var problems []Problem
	check := func(field, pointer string, value any, fits bool, expected string) {
		if !fits {
			problems = append(problems, Problem{pointer, fmt.Sprintf("%q is not valid; expected %s but found %q. %s", field, expected, show(value), formatDocument)})
		}
	}
	const (
		nameForm      = "a string of letters and digits with any of [-_.] between them, at most 63 characters in total"
		labelForm     = "a string of small letters and digits with [-] between them, at most 63 characters in total"
		tagForm       = "a string of any of [a-z0-9:+#] with single [-] between them, at most 63 characters in total"
		prefixedForm  = "a valid suffix, or a valid prefix and suffix with a / between them"
		kindForm      = "a letter followed by letters and digits, at most 63 characters in total"
		notBlankForm  = "a string that is not blank"
		absoluteForm  = "an absolute URL"
		namespacePath = "/metadata/namespace"
	)
	apiVersion, _ := entity["apiVersion"].(string)
	kindName, _ := entity["kind"].(string)
	metadata := entity["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	check("apiVersion", "/apiVersion", apiVersion, isAPIVersion(apiVersion), prefixedForm)
	check("kind", "/kind", kindName, isKind(kindName), kindForm)
	check("metadata.name", "/metadata/name", name, isName(name), nameForm)
	if namespace, ok := metadata["namespace"].(string); ok {
		check("metadata.namespace", namespacePath, namespace, isDNSLabel(namespace), labelForm)
	}
	if labels, ok := metadata["labels"].(map[string]any); ok {
		for key, value := range labels {
			content, _ := value.(string) // an empty one is valid
			if isKey(key) && isLabelValue(content) {
				continue
			}
			pointer := "/metadata/labels/" + rawjson.EscapeStep(key)
			check("labels."+key, pointer, key, isKey(key), prefixedForm)
			check("labels."+key, pointer, content, isLabelValue(content), nameForm)
		}
	}
	if annotations, ok := metadata["annotations"].(map[string]any); ok {
		for key := range annotations {
			if !isKey(key) {
				check("annotations."+key, "/metadata/annotations/"+rawjson.EscapeStep(key), key, false, prefixedForm)
			}
		}
	}
	if tags, ok := metadata["tags"].([]any); ok {
		for i, item := range tags {
			if tag, _ := item.(string); tag != "" && !isTag(tag) {
				check("tags."+strconv.Itoa(i), "/metadata/tags/"+strconv.Itoa(i), tag, false, tagForm)
			}
		}
	}
	if links, ok := metadata["links"].([]any); ok {
		for i, item := range links {
			link, _ := item.(map[string]any)
			field, pointer := "links."+strconv.Itoa(i), "/metadata/links/"+strconv.Itoa(i)
			if address, _ := link["url"].(string); address != "" {
				check(field+".url", pointer+"/url", address, isAbsoluteURL(address), absoluteForm)
			}
			for _, key := range []string{"title", "icon"} {
				if value, _ := link[key].(string); value != "" {
					check(field+"."+key, pointer+"/"+key, value, strings.TrimSpace(value) != "", notBlankForm)
				}
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Pointer, b.Pointer) }) // maps have no order
	return problems
}

// text checks that a field is a string that is not empty.
func text(object map[string]any, parent, name string, mandatory bool, problems []Problem) []Problem {
	value, has := object[name]
	if !has {
		if mandatory {
			problems = append(problems, required(parent, name))
		}
		return problems
	}
	if s, ok := value.(string); ok && s != "" {
		return problems
	}
	return notText(value, parent+"/"+name, problems)
}

func notText(value any, pointer string, problems []Problem) []Problem {
	if value == "" {
		return append(problems, Problem{pointer, pointer + " must NOT have fewer than 1 characters - limit: 1"})
	}
	return append(problems, wrongType(pointer, TypeString))
}

func textMap(metadata map[string]any, name string, problems []Problem) []Problem {
	value, has := metadata[name]
	if !has {
		return problems
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return append(problems, wrongType("/metadata/"+name, TypeObject))
	}
	for _, content := range object {
		if typeOf(content) == TypeString {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(object)) { // something is wrong: take the time to report in order
			if typeOf(object[key]) != TypeString {
				problems = append(problems, wrongType("/metadata/"+name+"/"+rawjson.EscapeStep(key), TypeString))
			}
		}
		return problems
	}
	return problems
}

func required(pointer, name string) Problem {
	return Problem{pointer, fmt.Sprintf("%s must have required property '%s' - missingProperty: %s", orRoot(pointer), name, name)}
}

func wrongType(pointer string, want Type) Problem {
	return Problem{pointer, fmt.Sprintf("%s must be %s - type: %s", orRoot(pointer), want, want)}
}

func lookup(entity map[string]any, path []string) any {
	var value any = entity
	for _, step := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[step]
	}
	return value
}
