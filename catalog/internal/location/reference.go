package location

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// References reads the files that placeholders in entities refer to.
type References struct {
	Readers Readers
	URL     *URLs // knows the hosts in URLs; nil knows github.com and gitlab.com
}

// From returns the function that [Substitute] wants, for an entity that was read from base, as part of what was registered as origin.
//
// In a location of type url, a reference may be a URL or a path that [Hosts.Resolve] understands; from one repository to another is refused, unless the reference says otherwise. In file and embedded locations, which nobody but the portal's owner can register, a reference
// is a URL or a relative path that stays within the folder of origin (or else of base).
func (r References) From(base, origin catalogcommon.LocationRef) ReadReference {
	root := base
	if origin.Type == base.Type {
		root = origin
	}
	return func(ctx context.Context, reference Reference) ([]byte, string, error) {
		start := base
		if reference.From != "" {
			var err error
			if start, err = catalogcommon.ParseLocationRef(reference.From); err != nil {
				return nil, "", err
			}
		}
		target, err := r.resolve(reference, start, root)
		if err != nil {
			return nil, "", err
		}
		result, err := r.Readers.Read(ctx, target, "")
		if err != nil {
			return nil, target.String(), err
		}
		if len(result.Files) != 1 {
			return nil, target.String(), catalogcommon.InputError("%s is %d files, not one", target, len(result.Files))
		}
		return result.Files[0].Text, target.String(), result.Files[0].Err
	}
}

func (r References) resolve(to Reference, base, root catalogcommon.LocationRef) (catalogcommon.LocationRef, error) {
	none, reference := catalogcommon.LocationRef{}, to.Target
	address, err := url.Parse(reference)
	absolute := err == nil && address.Scheme != ""
	if base.Type == catalogcommon.LocationTypeURL {
		hosts := r.URL.hosts()
		resolved, err := hosts.Resolve(reference, base.Target)
		if err != nil {
			return none, err
		}
		if both, same := hosts.SameRepository(base.Target, resolved); both && !same && !to.OtherRepository {
			return none, catalogcommon.InputError("%s is in another repository than %s", resolved, base.Target)
		}
		return catalogcommon.LocationRef{Type: base.Type, Target: resolved}, nil
	}
	if absolute {
		return catalogcommon.LocationRef{Type: catalogcommon.LocationTypeURL, Target: reference}, nil
	}
	if base.Type != catalogcommon.LocationTypeFile && base.Type != catalogcommon.LocationTypeEmbedded {
		return none, catalogcommon.InputError("%q is relative, and what locations of type %s would make of that is not known", reference, base.Type)
	}
	if isGlob(reference) || strings.HasPrefix(reference, "/") || filepath.IsAbs(reference) {
		return none, catalogcommon.InputError("%q is not a path relative to this file", reference)
	}
	within, target := folderOf(root.Target), path.Join(path.Dir(filepath.ToSlash(base.Target)), reference)
	if target != within && !strings.HasPrefix(target, strings.TrimSuffix(within, "/")+"/") && within != "." || strings.HasPrefix(target, "../") {
		return none, catalogcommon.InputError("%q leads out of the folder %s of this location", reference, within)
	}
	return catalogcommon.LocationRef{Type: base.Type, Target: filepath.FromSlash(target)}, nil
}

// folderOf returns the folder of a target, which may be a pattern, with slashes.
func folderOf(target string) string {
	target = filepath.ToSlash(target)
	if i := strings.IndexAny(target, "*?[{"); i >= 0 {
		target = target[:i] + "x"
	}
	return path.Dir(path.Clean(target))
}
