package catalogcommon

import (
	"crypto/sha1" // the name is an identifier that other tools compute too, not a protection
	"encoding/hex"
	"fmt"
	"strings"
)

// Location is a registered place from which the catalog reads descriptors.
type Location struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Target    string `json:"target"`
	EntityRef string `json:"entityRef,omitempty"` // of the Location entity that stands for it
}

// Ref returns the location's type and target.
func (l Location) Ref() LocationRef { return LocationRef{l.Type, l.Target} }

// Types of locations that the catalog reads by itself.
const (
	LocationTypeFile     = "file"     // a path on the machine of the catalog; globs are allowed
	LocationTypeURL      = "url"      // a file served over HTTP
	LocationTypeEmbedded = "embedded" // a path within the files that are built into the portal; globs are allowed
)

// LocationRef is a place in the form type:target, as the location annotations hold it.
type LocationRef struct {
	Type   string `json:"type"`
	Target string `json:"target"`
}

// MaxLocationRef is how long a reference of a location may be, in bytes.
const MaxLocationRef = 1200

// ParseLocationRef reads type:target. White space around both is dropped; neither may be empty. The types http and https are refused, because they are what remains of a URL written without its type url,
// and so are targets that a browser would run as a script, and texts that databases do not store, or not with an index: with a zero character, not UTF-8, or of more than [MaxLocationRef] bytes.
func ParseLocationRef(text string) (LocationRef, error) {
	kind, target, found := strings.Cut(text, ":")
	ref := LocationRef{strings.TrimSpace(kind), strings.TrimSpace(target)}
	switch {
	case !found || ref.Type == "" || ref.Target == "":
		return LocationRef{}, fmt.Errorf("parse location reference %q: expected type:target, such as url:https://host/catalog-info.yaml", text)
	case ref.Type == "http" || ref.Type == "https":
		return LocationRef{}, fmt.Errorf("parse location reference %q: a web address needs the type url; write url:%s", text, text)
	case len(text) > MaxLocationRef:
		return LocationRef{}, fmt.Errorf("parse location reference %.100q…: it has more than %d bytes", text, MaxLocationRef)
	case !storable(text):
		return LocationRef{}, fmt.Errorf("parse location reference %q: it has a zero character, or is not UTF-8", text)
	case IsScriptURL(ref.Target):
		return LocationRef{}, fmt.Errorf("parse location reference %q: the target is a script, which is refused", text)
	}
	return ref, nil
}

// String returns type:target.
func (r LocationRef) String() string { return r.Type + ":" + r.Target }

// EntityName returns the name of the Location entity that the catalog makes for a registered or configured location: generated- and the SHA-1 of type:target in hexadecimal.
func (r LocationRef) EntityName() string {
	sum := sha1.Sum([]byte(r.String()))
	return "generated-" + hex.EncodeToString(sum[:])
}

// EntityRef returns the reference of the Location entity that [LocationRef.EntityName] names.
func (r LocationRef) EntityRef() Ref {
	return Ref{Kind: "location", Namespace: DefaultNamespace, Name: r.EntityName()}
}

// IsScriptURL reports whether a browser would run the URL as a script (javascript:…), with the white space and control characters that browsers overlook. Such a URL must never become a link.
func IsScriptURL(url string) bool {
	const scheme = "javascript:"
	rest := strings.TrimLeftFunc(url, func(r rune) bool { return r <= ' ' })
	matched := 0
	for i := 0; i < len(rest) && matched < len(scheme); i++ {
		c := rest[i]
		if c == '\t' || c == '\n' || c == '\r' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != scheme[matched] {
			return false
		}
		matched++
	}
	return matched == len(scheme)
}
