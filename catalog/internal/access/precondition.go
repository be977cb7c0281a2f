package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// AnyTag in a [Precondition] is the ETag of every entity.
const AnyTag = "*"

// Precondition is what a direct write demands of the entity as it is. The zero value demands nothing.
type Precondition struct {
	Match     []string // if any: the entity must be there, and have one of these ETags
	NoneMatch []string // if any: the entity must not be there, or have none of these ETags
}

func (p Precondition) isZero() bool { return len(p.Match)+len(p.NoneMatch) == 0 }

// met is nil if the entity, whose body is nil if there is none, is what is demanded.
func (p Precondition) met(body []byte) error {
	if p.isZero() {
		return nil
	}
	has := func([]string) bool { return false }
	if body != nil {
		tag, err := ETag(body)
		if err != nil {
			return err
		}
		has = func(tags []string) bool { return slices.Contains(tags, AnyTag) || slices.Contains(tags, tag) }
	}
	if len(p.Match) > 0 && !has(p.Match) || has(p.NoneMatch) {
		return &pluginapi.Error{Status: http.StatusPreconditionFailed, Name: "ConflictError", Message: "the entity is not what the request expects; read it again"}
	}
	return nil
}

// ETag returns metadata.etag of an entity as it is stored.
func ETag(body []byte) (string, error) {
	var entity struct {
		Metadata struct {
			ETag string `json:"etag"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &entity); err != nil {
		return "", fmt.Errorf("read a stored entity: %w", err)
	}
	return entity.Metadata.ETag, nil
}
