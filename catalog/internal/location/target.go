package location

import (
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// Target is one place that a Location entity leads to.
type Target struct {
	Location catalogcommon.LocationRef
	Optional bool   // that it does not exist is no error
	Pointer  string // JSON pointer of where the entity says so
	Err      error  // why it must not be read; other targets are not concerned
}

// TargetResolver finds out where targets lead.
type TargetResolver struct {
	// AllowedTypes are the types that a Location entity may name although it comes from a location of another type; nil means url only. So a file from the web cannot make the portal read its own disk.
	AllowedTypes []string
	// URL knows the hosts in the targets of locations of type url; nil knows github.com and gitlab.com.
	URL *URLs
}

// Targets returns what the spec of a valid Location entity leads to: spec.target first, then spec.targets. From is the location that the entity was read from.
func (r TargetResolver) Targets(spec map[string]any, from catalogcommon.LocationRef) []Target {
	kind, _ := spec["type"].(string)
	if kind == "" {
		kind = from.Type
	}
	optional := spec["presence"] == catalogcommon.PresenceOptional
	var targets []Target
	add := func(value any, pointer string) {
		text, ok := value.(string)
		if !ok || text == "" {
			return
		}
		target := Target{Location: catalogcommon.LocationRef{Type: kind, Target: text}, Optional: optional, Pointer: pointer}
		target.Location.Target, target.Err = r.resolve(kind, text, from)
		if _, err := catalogcommon.ParseLocationRef(target.Location.String()); err != nil && target.Err == nil {
			target.Err = catalogcommon.InputError("%v", err)
		}
		target.Location = nameable(target.Location)
		targets = append(targets, target)
	}
	add(spec["target"], "/spec/target")
	if list, ok := spec["targets"].([]any); ok {
		for i, item := range list {
			add(item, "/spec/targets/"+strconv.Itoa(i))
		}
	}
	return targets
}

// nameable is a location itself, or what stands for one that cannot be: that it is wrong is stored under its name, for which databases take neither zero characters nor texts of any length.
func nameable(l catalogcommon.LocationRef) catalogcommon.LocationRef {
	const shown = 200
	if len(l.String()) > catalogcommon.MaxLocationRef {
		l = catalogcommon.LocationRef{Type: l.Type[:min(len(l.Type), shown)], Target: l.Target[:min(len(l.Target), shown)] + "… (" + l.EntityName() + ")"}
	}
	clean := func(s string) string { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "") }
	l.Type, l.Target = clean(l.Type), clean(l.Target)
	return l
}

func (r TargetResolver) resolve(kind, target string, from catalogcommon.LocationRef) (string, error) {
	allowed := r.AllowedTypes
	if allowed == nil {
		allowed = []string{catalogcommon.LocationTypeURL}
	}
	if kind != from.Type && !slices.Contains(allowed, kind) {
		return target, catalogcommon.InputError("type %q is not allowed in a location that was read from %s; allowed: %s", kind, from, quoted(slices.Compact(slices.Sorted(slices.Values(append([]string{from.Type}, allowed...))))))
	}
	if catalogcommon.IsScriptURL(target) {
		return target, catalogcommon.InputError("target %q is a script, which is refused", target)
	}
	switch kind {
	case catalogcommon.LocationTypeFile, catalogcommon.LocationTypeEmbedded:
		if err := checkFileTarget(target); err != nil {
			return target, err
		}
		if kind != from.Type || !strings.HasPrefix(target, ".") {
			return target, nil
		}
		if kind == catalogcommon.LocationTypeEmbedded {
			return strings.TrimPrefix(path.Join("/", path.Dir(from.Target), target), "/"), nil
		}
		return filepath.Join(filepath.Dir(from.Target), filepath.FromSlash(target)), nil
	case catalogcommon.LocationTypeURL:
		if kind != from.Type {
			return target, nil
		}
		return r.URL.hosts().Resolve(target, from.Target)
	}
	return target, nil
}

func quoted(texts []string) string {
	list := make([]string, len(texts))
	for i := range texts {
		list[i] = strconv.Quote(texts[i])
	}
	return strings.Join(list, ", ")
}
