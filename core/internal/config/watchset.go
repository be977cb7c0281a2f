package config

import (
	"os"
	"path/filepath"
	"strings"
)

// watchSet is what to watch on disk so that no change of some files is missed.
type watchSet struct {
	// folders are watched: files themselves cannot be, because most programs save by replacing them.
	folders map[string]bool
	// names are the full paths whose events matter. Folders have others: databases, logs, editors' temporary files.
	names map[string]bool
}

// newWatchSet finds every name on the way to the files whose change would change what is read: the file,
// and each symbolic link that leads to it. A mounted ConfigMap is changed by pointing one such link elsewhere.
func newWatchSet(files []string) watchSet {
	set := watchSet{folders: map[string]bool{}, names: map[string]bool{}}
	for _, file := range files {
		set.add(file, 0)
	}
	return set
}

// maxLinks is how many symbolic links are followed for one file, as systems limit it.
const maxLinks = 40

func (s watchSet) add(path string, links int) {
	path = filepath.Clean(path)
	root := filepath.VolumeName(path) + string(filepath.Separator)
	folder := root
	steps := strings.Split(strings.TrimPrefix(path, root), string(filepath.Separator))
	for i, step := range steps {
		name := filepath.Join(folder, step)
		info, err := os.Lstat(name)
		last := i == len(steps)-1
		isLink := err == nil && info.Mode()&os.ModeSymlink != 0
		if last || err != nil || isLink {
			s.folders[folder], s.names[name] = true, true
		}
		if err != nil {
			return // the rest can only come to be by this name coming to be
		}
		if isLink && links < maxLinks {
			if target, err := os.Readlink(name); err == nil {
				if !filepath.IsAbs(target) {
					target = filepath.Join(folder, target)
				}
				s.add(filepath.Join(append([]string{target}, steps[i+1:]...)...), links+1)
			}
			return
		}
		folder = name
	}
}
