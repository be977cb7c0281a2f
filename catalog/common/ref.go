package catalogcommon

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// DefaultNamespace is the namespace of entities and references that name none.
const DefaultNamespace = "default"

// Ref names an entity. Refs are the same when their [Ref.String] is, which ignores case; use [Ref.Equal] rather than == unless both came from [Ref.Normal].
// As text (JSON strings, map keys, URLs' query values) a Ref is its String.
type Ref struct {
	Kind      string // never empty in a valid Ref
	Namespace string // empty means [DefaultNamespace]
	Name      string // never empty in a valid Ref
}

// RefDefaults fills in what a reference leaves out. The zero value makes the kind mandatory and the namespace [DefaultNamespace].
type RefDefaults struct {
	Kind      string
	Namespace string
}

// ParseRef reads [kind:][namespace/]name. A part that is absent comes from d; a part that is present but empty is an error, and so is a missing kind without a default.
// Case and white space are kept as written, and characters are not checked, which is validation's task; except for a zero character and bytes that are not UTF-8, which databases do not store.
//
// The first colon ends the kind, unless a slash comes before it; the first slash after that ends the namespace; all that follows is the name.
func ParseRef(text string, d RefDefaults) (Ref, error) {
	ref := Ref{Kind: d.Kind, Namespace: d.Namespace, Name: text}
	if ref.Namespace == "" {
		ref.Namespace = DefaultNamespace
	}
	if !storable(text) {
		return Ref{}, refError(text, "it has a zero character, or is not UTF-8")
	}
	colon, slash := strings.IndexByte(text, ':'), strings.IndexByte(text, '/')
	if colon >= 0 && (slash < 0 || colon < slash) {
		ref.Kind, ref.Name = text[:colon], text[colon+1:]
		if ref.Kind == "" {
			return Ref{}, refError(text, "the kind before the colon is empty")
		}
	}
	if namespace, name, found := strings.Cut(ref.Name, "/"); found {
		if namespace == "" {
			return Ref{}, refError(text, "the namespace before the slash is empty")
		}
		ref.Namespace, ref.Name = namespace, name
	}
	if ref.Name == "" {
		return Ref{}, refError(text, "the name is empty")
	}
	if ref.Kind == "" {
		return Ref{}, refError(text, "the kind is missing and the context has no default for it; write kind:namespace/name")
	}
	return ref, nil
}

// storable reports whether databases store a text.
func storable(text string) bool { return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) }

func refError(text, why string) error {
	return fmt.Errorf("parse entity reference %q: %s", text, why)
}

// String returns kind:namespace/name in lower case, the form in which references are stored and compared.
func (r Ref) String() string {
	namespace := r.Namespace
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return strings.ToLower(r.Kind + ":" + namespace + "/" + r.Name)
}

// Normal returns r in lower case and with its namespace written out, so that equal references are == and can be map keys.
func (r Ref) Normal() Ref {
	namespace := r.Namespace
	if namespace == "" {
		namespace = DefaultNamespace
	}
	return Ref{strings.ToLower(r.Kind), strings.ToLower(namespace), strings.ToLower(r.Name)}
}

// Equal reports whether both name the same entity.
func (r Ref) Equal(other Ref) bool { return r.Normal() == other.Normal() }

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Short returns r as people prefer to read it: without the kind if it is d.Kind, without the namespace if it is d.Namespace (or [DefaultNamespace], if d has none).
// Case is kept. ParseRef with the same d reads it back.
func (r Ref) Short(d RefDefaults) string {
	namespace := d.Namespace
	if namespace == "" {
		namespace = DefaultNamespace
	}
	text := r.Name
	sameNamespace := r.Namespace == "" && namespace == DefaultNamespace || strings.EqualFold(r.Namespace, namespace)
	if !sameNamespace || strings.Contains(text, "/") {
		if r.Namespace == "" {
			text = DefaultNamespace + "/" + text
		} else {
			text = r.Namespace + "/" + text
		}
	}
	sameKind := d.Kind != "" && strings.EqualFold(r.Kind, d.Kind)
	if !sameKind || strings.Contains(text, ":") && !strings.Contains(text, "/") {
		text = r.Kind + ":" + text
	}
	return text
}

// MarshalText returns String.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is [ParseRef] without defaults.
func (r *Ref) UnmarshalText(text []byte) error {
	parsed, err := ParseRef(string(text), RefDefaults{})
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
