package catalogcommon

import (
	"encoding/json"
	"errors"
	"maps"
)

// MarshalJSON writes the entity with all keys in alphabetical order at every depth, so that equal entities give equal bytes.
func (e Entity) MarshalJSON() ([]byte, error) { return AppendJSON(nil, e.Object()) }

// UnmarshalJSON reads any JSON object; only text that is no object is an error. Whether the content makes sense is validation's task.
func (e *Entity) UnmarshalJSON(text []byte) error {
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	if tree == nil {
		return errors.New("read entity: expected a JSON object, found null")
	}
	*e = *EntityOf(tree)
	return nil
}

// EntityOf makes an entity of a JSON object. It takes the tree over: the result shares spec and further parts with it, and the maps at the root and under metadata are emptied of what became fields.
func EntityOf(tree map[string]any) *Entity {
	e := &Entity{Extra: tree}
	take(tree, "apiVersion", &e.APIVersion)
	take(tree, "kind", &e.Kind)
	takeIf(tree, "spec", &e.Spec, func(v map[string]any) bool { return v != nil })
	if metadata, ok := tree["metadata"].(map[string]any); ok && len(metadata) > 0 {
		delete(tree, "metadata")
		e.Metadata = metadataOf(metadata)
	}
	if relations, ok := relationsOf(tree["relations"]); ok {
		delete(tree, "relations")
		e.Relations = relations
	}
	if status, ok := tree["status"].(map[string]any); ok {
		e.Status = new(Status)
		if decodeInto(status, e.Status) {
			delete(tree, "status")
		} else {
			e.Status = nil
		}
	}
	e.Extra = nilIfEmpty(e.Extra)
	return e
}

// Object returns the entity as a JSON object. It shares spec, labels and the like with the entity: a change in one is seen in the other. Clone first if that is not wanted.
func (e *Entity) Object() map[string]any {
	tree := make(map[string]any, 6+len(e.Extra))
	maps.Copy(tree, e.Extra)
	put(tree, "apiVersion", e.APIVersion)
	put(tree, "kind", e.Kind)
	if metadata := e.Metadata.object(); len(metadata) > 0 {
		tree["metadata"] = metadata
	}
	if e.Spec != nil {
		tree["spec"] = e.Spec
	}
	if e.Relations != nil {
		tree["relations"] = e.Relations
	}
	if e.Status != nil {
		tree["status"] = e.Status
	}
	return tree
}

func metadataOf(tree map[string]any) Metadata {
	m := Metadata{}
	take(tree, "name", &m.Name)
	take(tree, "namespace", &m.Namespace)
	take(tree, "uid", &m.UID)
	take(tree, "etag", &m.ETag)
	take(tree, "title", &m.Title)
	take(tree, "description", &m.Description)
	takeStrings(tree, "labels", &m.Labels)
	takeStrings(tree, "annotations", &m.Annotations)
	switch tags := tree["tags"].(type) {
	case []string:
		m.Tags = tags
		delete(tree, "tags")
	case []any:
		if list, ok := stringList(tags); ok {
			m.Tags = list
			delete(tree, "tags")
		}
	}
	if links, ok := linksOf(tree["links"]); ok {
		m.Links = links
		delete(tree, "links")
	}
	m.Extra = nilIfEmpty(tree)
	return m
}

func (m *Metadata) object() map[string]any {
	tree := make(map[string]any, 10+len(m.Extra))
	maps.Copy(tree, m.Extra)
	put(tree, "name", m.Name)
	put(tree, "namespace", m.Namespace)
	put(tree, "uid", m.UID)
	put(tree, "etag", m.ETag)
	put(tree, "title", m.Title)
	put(tree, "description", m.Description)
	if m.Labels != nil {
		tree["labels"] = m.Labels
	}
	if m.Annotations != nil {
		tree["annotations"] = m.Annotations
	}
	if m.Tags != nil {
		tree["tags"] = m.Tags
	}
	if m.Links != nil {
		links := make([]any, len(m.Links))
		for i := range m.Links {
			links[i] = m.Links[i].object()
		}
		tree["links"] = links
	}
	return tree
}

func linksOf(value any) ([]Link, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	for _, item := range list {
		if _, ok := item.(map[string]any); !ok {
			return nil, false
		}
	}
	links := make([]Link, len(list))
	for i, item := range list {
		tree := item.(map[string]any)
		take(tree, "url", &links[i].URL)
		take(tree, "title", &links[i].Title)
		take(tree, "icon", &links[i].Icon)
		take(tree, "type", &links[i].Type)
		links[i].Extra = nilIfEmpty(tree)
	}
	return links, true
}

func (l *Link) object() map[string]any {
	tree := make(map[string]any, 4+len(l.Extra))
	maps.Copy(tree, l.Extra)
	put(tree, "url", l.URL)
	put(tree, "title", l.Title)
	put(tree, "icon", l.Icon)
	put(tree, "type", l.Type)
	return tree
}

// MarshalJSON writes the link with its further fields.
func (l Link) MarshalJSON() ([]byte, error) { return AppendJSON(nil, l.object()) }

// UnmarshalJSON reads any JSON object.
func (l *Link) UnmarshalJSON(text []byte) error {
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	if tree == nil {
		return errors.New("read link: expected a JSON object, found null")
	}
	links, _ := linksOf([]any{tree})
	*l = links[0]
	return nil
}

func relationsOf(value any) ([]Relation, bool) {
	switch list := value.(type) {
	case []Relation:
		return list, true
	case []any:
		relations := make([]Relation, len(list))
		for i, item := range list {
			tree, ok := item.(map[string]any)
			if !ok {
				return nil, false
			}
			relationType, ok1 := tree["type"].(string)
			target, ok2 := tree["targetRef"].(string)
			if !ok1 || !ok2 {
				return nil, false
			}
			relations[i] = Relation{relationType, target}
		}
		return relations, true
	}
	return nil, false
}

// take moves a non-empty string from the tree to a field. An empty one stays in the tree, where it is not lost.
func take(tree map[string]any, key string, field *string) {
	takeIf(tree, key, field, func(v string) bool { return v != "" })
}

func takeIf[T any](tree map[string]any, key string, field *T, fits func(T) bool) {
	if value, ok := tree[key].(T); ok && fits(value) {
		*field = value
		delete(tree, key)
	}
}

func takeStrings(tree map[string]any, key string, field *map[string]string) {
	switch value := tree[key].(type) {
	case map[string]string:
		*field = value
	case map[string]any:
		texts := make(map[string]string, len(value))
		for k, v := range value {
			text, ok := v.(string)
			if !ok {
				return
			}
			texts[k] = text
		}
		*field = texts
	default:
		return
	}
	delete(tree, key)
}

func put(tree map[string]any, key, value string) {
	if value != "" {
		tree[key] = value
	}
}

func stringList(list []any) ([]string, bool) {
	texts := make([]string, len(list))
	for i, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		texts[i] = text
	}
	return texts, true
}

func nilIfEmpty(tree map[string]any) map[string]any {
	if len(tree) == 0 {
		return nil
	}
	return tree
}

func decodeInto(value, target any) bool {
	text, err := AppendJSON(nil, value)
	return err == nil && json.Unmarshal(text, target) == nil
}
