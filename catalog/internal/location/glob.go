package location

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Globs are those that people know from Backstage: * and ? within one part of a path, [a-z] and [!a-z], {a,b} and {1..3}, @(a|b) ?(a|b) *(a|b) +(a|b), and ** for any number of whole parts.

// maxAlternatives bounds what braces may multiply to.
const maxAlternatives = 1000

// isGlob reports whether the pattern is more than a plain path.
func isGlob(pattern string) bool {
	return strings.ContainsAny(pattern, "*?[{") || strings.Contains(pattern, "@(") || strings.Contains(pattern, "+(")
}

// compileMatcher makes a function that tells whether a whole text, taken as a path, fits the pattern, without regard to case. Parts that start with a dot are nothing special here.
func compileMatcher(pattern string) (func(string) bool, error) {
	alternatives, err := expandBraces(pattern)
	if err != nil {
		return nil, err
	}
	var forms []string
	for _, alternative := range alternatives {
		segments := strings.Split(collapseSlashes(alternative), "/")
		var form strings.Builder
		for i, segment := range segments {
			last := i == len(segments)-1
			switch {
			case segment == "**" && last:
				form.WriteString(".*")
			case segment == "**":
				form.WriteString("(?:[^/]*/)*") // also the empty part before the slash of an absolute path
			default:
				part, err := segmentForm(segment)
				if err != nil {
					return nil, fmt.Errorf("read pattern %q: %w", pattern, err)
				}
				form.WriteString(part)
				if !last {
					form.WriteByte('/')
				}
			}
		}
		forms = append(forms, form.String())
	}
	expression, err := regexp.Compile("(?is)^(?:" + strings.Join(forms, "|") + ")$")
	if err != nil {
		return nil, fmt.Errorf("read pattern %q: %w", pattern, err)
	}
	return func(text string) bool { return expression.MatchString(collapseSlashes(text)) }, nil
}

func collapseSlashes(text string) string {
	for strings.Contains(text, "//") {
		text = strings.ReplaceAll(text, "//", "/")
	}
	return text
}

// segmentForm turns the pattern of one part of a path into a regular expression.
func segmentForm(segment string) (string, error) {
	var form strings.Builder
	var groups []byte // the kinds of the groups that are open
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if i+1 < len(segment) && segment[i+1] == '(' && strings.IndexByte("@?*+!", c) >= 0 {
			if c == '!' {
				return "", errors.New("!(…) is not supported")
			}
			form.WriteString("(?:")
			groups = append(groups, c)
			i++
			continue
		}
		switch {
		case c == '*':
			form.WriteString("[^/]*")
		case c == '?':
			form.WriteString("[^/]")
		case c == '\\' && i+1 < len(segment):
			_, size := utf8.DecodeRuneInString(segment[i+1:])
			form.WriteString(regexp.QuoteMeta(segment[i+1 : i+1+size]))
			i += size
		case c == '[':
			class, length := characterClass(segment[i:])
			form.WriteString(class)
			i += length - 1
		case c == '|' && len(groups) > 0:
			form.WriteByte('|')
		case c == ')' && len(groups) > 0:
			form.WriteByte(')')
			if kind := groups[len(groups)-1]; kind != '@' {
				form.WriteByte(kind)
			}
			groups = groups[:len(groups)-1]
		default:
			_, size := utf8.DecodeRuneInString(segment[i:])
			form.WriteString(regexp.QuoteMeta(segment[i : i+size]))
			i += size - 1
		}
	}
	if len(groups) > 0 {
		return "", errors.New("a ( is not closed")
	}
	return form.String(), nil
}

// characterClass returns the expression for [...] at the start of text, and its length there. A bracket that is not closed stands for itself.
func characterClass(text string) (form string, length int) {
	end := strings.IndexByte(text[1:], ']')
	if end == 0 || end == 1 && (text[1] == '!' || text[1] == '^') { // a ] at the start is one of the characters
		if next := strings.IndexByte(text[end+2:], ']'); next >= 0 {
			end += next + 1
		} else {
			end = -1
		}
	}
	if end < 0 {
		return `\[`, 1
	}
	content := text[1 : end+1]
	negated := ""
	if content[0] == '!' || content[0] == '^' {
		negated, content = "^/", content[1:]
	}
	content = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "^", `\^`, "&", `\&`).Replace(content)
	form = "[" + negated + content + "]"
	if _, err := regexp.Compile(form); err != nil {
		return `\[`, 1
	}
	return form, end + 2
}

// expandBraces writes {a,b} and {1..3} out. A brace without a comma or range stands for itself.
func expandBraces(pattern string) ([]string, error) {
	results := []string{""}
	for len(pattern) > 0 {
		start, end := outerBraces(pattern)
		options := []string{pattern}
		rest := ""
		if start >= 0 {
			results = appendAll(results, []string{pattern[:start]})
			inner, err := braceOptions(pattern[start+1 : end])
			if err != nil {
				return nil, err
			}
			options, rest = inner, pattern[end+1:]
		}
		if len(results)*len(options) > maxAlternatives {
			return nil, fmt.Errorf("read pattern: braces stand for more than %d patterns", maxAlternatives)
		}
		results, pattern = appendAll(results, options), rest
	}
	return results, nil
}

func appendAll(starts, ends []string) []string {
	all := make([]string, 0, len(starts)*len(ends))
	for _, start := range starts {
		for _, end := range ends {
			all = append(all, start+end)
		}
	}
	return all
}

// outerBraces finds the first pair of braces.
func outerBraces(pattern string) (start, end int) {
	depth := 0
	start = -1
	for i := range len(pattern) {
		switch pattern[i] {
		case '{':
			if depth == 0 {
				start = i
			}
			depth++
		case '}':
			if depth > 0 {
				if depth--; depth == 0 {
					return start, i
				}
			}
		}
	}
	return -1, -1
}

func braceOptions(inner string) ([]string, error) {
	var parts []string
	depth, start := 0, 0
	for i := range len(inner) {
		switch inner[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, inner[start:i])
				start = i + 1
			}
		}
	}
	if parts == nil {
		if numbers := braceRange(inner); numbers != nil {
			return numbers, nil
		}
		nested, err := expandBraces(inner)
		if err != nil {
			return nil, err
		}
		return appendAll(appendAll([]string{`\{`}, nested), []string{`\}`}), nil
	}
	var options []string
	for _, part := range append(parts, inner[start:]) {
		nested, err := expandBraces(part)
		if err != nil {
			return nil, err
		}
		if options = append(options, nested...); len(options) > maxAlternatives {
			return nil, fmt.Errorf("read pattern: braces stand for more than %d patterns", maxAlternatives)
		}
	}
	return options, nil
}

func braceRange(inner string) []string {
	low, high, found := strings.Cut(inner, "..")
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	if !found || err1 != nil || err2 != nil || to < from || to-from > maxAlternatives {
		return nil
	}
	var numbers []string
	for n := from; n <= to; n++ {
		numbers = append(numbers, strconv.Itoa(n))
	}
	return numbers
}

// walker finds the files that a pattern stands for.
type walker struct {
	ctx     context.Context
	files   fs.FS
	max     int // of directory entries looked at
	seen    map[string]bool
	visited map[string]bool
	failed  map[string]error
}

// findFiles returns the files that fit the pattern, sorted. Folders that cannot be listed are in failed, and do not keep others from being searched. As usual, * and ** skip names that start with a dot, and ** does not follow
// links to folders.
func findFiles(ctx context.Context, files fs.FS, pattern string, maxEntries int) (found []string, failed map[string]error, err error) {
	alternatives, err := expandBraces(pattern)
	if err != nil {
		return nil, nil, err
	}
	w := &walker{ctx: ctx, files: files, max: maxEntries, seen: map[string]bool{}, visited: map[string]bool{}, failed: map[string]error{}}
	for _, alternative := range alternatives {
		var parts []globPart
		for segment := range strings.SplitSeq(alternative, "/") {
			if segment == "" || segment == "." {
				continue
			}
			part, err := newGlobPart(segment)
			if err != nil {
				return nil, nil, fmt.Errorf("read pattern %q: %w", pattern, err)
			}
			if part.any && len(parts) > 0 && parts[len(parts)-1].any {
				continue
			}
			parts = append(parts, part)
		}
		w.visited = map[string]bool{}
		if err := w.walk(".", parts); err != nil {
			return nil, nil, err
		}
	}
	for name := range w.seen {
		found = append(found, name)
	}
	slices.Sort(found)
	return found, w.failed, nil
}

type globPart struct {
	literal string         // a plain name, if form is nil
	any     bool           // **
	form    *regexp.Regexp // of a name
	dots    bool           // names that start with a dot may fit
}

func newGlobPart(segment string) (globPart, error) {
	if segment == "**" {
		return globPart{any: true}, nil
	}
	if !isGlob(segment) && !strings.Contains(segment, `\`) {
		return globPart{literal: segment}, nil
	}
	form, err := segmentForm(segment)
	if err != nil {
		return globPart{}, err
	}
	expression, err := regexp.Compile("^" + form + "$")
	return globPart{form: expression, dots: segment[0] == '.'}, err
}

func (w *walker) walk(dir string, parts []globPart) error {
	key := strconv.Itoa(len(parts)) + dir
	if w.visited[key] {
		return nil
	}
	w.visited[key] = true
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if len(parts) == 0 {
		if info, err := fs.Stat(w.files, dir); err == nil && !info.IsDir() {
			w.seen[dir] = true
		}
		return nil
	}
	part, rest := parts[0], parts[1:]
	if part.form == nil && !part.any {
		if part.literal == ".." {
			return w.walk(path.Join(dir, ".."), rest)
		}
		return w.walk(path.Join(dir, part.literal), rest)
	}
	if part.any {
		if err := w.walk(dir, rest); err != nil {
			return err
		}
	}
	entries, err := fs.ReadDir(w.files, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !isNotDirectory(w.files, dir) {
			w.failed[dir] = err
		}
		return nil
	}
	for _, entry := range entries {
		if w.max--; w.max < 0 {
			return errors.New("the pattern makes the search too long; name the folders more exactly")
		}
		name := entry.Name()
		if part.any {
			if len(rest) == 0 && name[0] != '.' && !entry.IsDir() {
				if err := w.walk(path.Join(dir, name), nil); err != nil {
					return err
				}
			}
			if entry.IsDir() && name[0] != '.' {
				if err := w.walk(path.Join(dir, name), parts); err != nil {
					return err
				}
			}
			continue
		}
		if (name[0] != '.' || part.dots) && part.form.MatchString(name) {
			if err := w.walk(path.Join(dir, name), rest); err != nil {
				return err
			}
		}
	}
	return nil
}

func isNotDirectory(files fs.FS, dir string) bool {
	info, err := fs.Stat(files, dir)
	return err == nil && !info.IsDir()
}
