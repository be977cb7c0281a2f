package api

import (
	"net/http"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// precondition reads the headers of a conditional write.
func precondition(r *http.Request) (access.Precondition, error) {
	match, err := entityTags(r.Header, "If-Match")
	if err != nil {
		return access.Precondition{}, err
	}
	noneMatch, err := entityTags(r.Header, "If-None-Match")
	return access.Precondition{Match: match, NoneMatch: noneMatch}, err
}

// entityTags reads a list of ETags, or * for any. A weak one is as good as a strong one: what compresses answers on their way makes all of them weak, and ours are of the entity, however it is written.
// One without quotes is taken as well. A header that is there but names none is refused, since who sends it expects something.
func entityTags(h http.Header, name string) ([]string, error) {
	values := h.Values(name)
	if len(values) == 0 {
		return nil, nil
	}
	rest := strings.Join(values, ",")
	if strings.TrimSpace(rest) == access.AnyTag {
		return []string{access.AnyTag}, nil
	}
	const blank = " \t,"
	var tags []string
	for rest = strings.TrimLeft(rest, blank); rest != ""; rest = strings.TrimLeft(rest, blank) {
		rest = strings.TrimPrefix(rest, "W/")
		var tag string
		closed := true
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			tag, rest, closed = strings.Cut(quoted, `"`)
			closed = closed && (rest == "" || strings.ContainsAny(rest[:1], blank))
		} else {
			end := strings.IndexAny(rest+",", blank)
			tag, rest = rest[:end], rest[end:]
		}
		if !closed || tag == access.AnyTag || strings.Contains(tag, `"`) {
			return nil, pluginapi.BadInput(`%s is no list of ETags such as "a", "b", and not *, which stands alone and without quotes`, name)
		}
		tags = append(tags, tag)
	}
	if tags == nil {
		return nil, pluginapi.BadInput("%s is empty; leave it out, or name an ETag", name)
	}
	return tags, nil
}
