package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Parse reads all documents of a file. Documents that hold nothing (comments only, or null) are left out. The error, an [*Error], is about the file as a whole: it is too long, or not text.
func Parse(text []byte, limits Limits) ([]Document, error) {
	documents, err := Documents(text, limits)
	if err != nil {
		return nil, err
	}
	var all []Document
	for document := range documents {
		all = append(all, document)
	}
	return all, nil
}

// Documents is [Parse] for files of many documents: each is parsed when the loop asks for it, so that memory is needed for one at a time. Text must not change meanwhile.
func Documents(text []byte, limits Limits) (iter.Seq[Document], error) {
	limits = limits.withDefaults()
	text, err := readable(text, limits)
	if err != nil {
		return nil, err
	}
	return func(yield func(Document) bool) {
		for i, chunk := range split(text) {
			root, value, err := parseChunk(chunk, limits, false)
			document := Document{Index: i, Line: chunk.line, Err: err, root: root}
			if root != nil {
				document.Line = root.Line
			}
			if err == nil {
				object, isObject := value.(map[string]any)
				switch {
				case value == nil:
					continue
				case isObject:
					document.Object = object
				default:
					document.Err = at(root, "Expected object at root, got %s", typeName(value))
				}
			}
			if document.Err != nil {
				document.Object, document.root = nil, nil
				document.Hint = hint(chunk.text)
			}
			if !yield(document) {
				return
			}
		}
	}, nil
}

// Value reads a file of exactly one document, which may hold any value.
func Value(text []byte, limits Limits) (any, error) { return value(text, limits, false) }

// OrderedValue is [Value] with each object as an [*Object].
func OrderedValue(text []byte, limits Limits) (any, error) { return value(text, limits, true) }

func value(text []byte, limits Limits, ordered bool) (any, error) {
	limits = limits.withDefaults()
	text, err := readable(text, limits)
	if err != nil {
		return nil, err
	}
	chunks := split(text)
	if len(chunks) != 1 {
		return nil, &Error{Reason: fmt.Sprintf("expected exactly one YAML document, found %d", len(chunks))}
	}
	_, value, failed := parseChunk(chunks[0], limits, ordered)
	if failed != nil {
		return nil, failed
	}
	return value, nil
}

// readable returns the text without its byte order mark.
func readable(text []byte, limits Limits) ([]byte, error) {
	if len(text) > limits.FileBytes {
		return nil, &Error{Line: 1, Column: 1, Reason: fmt.Sprintf("the file has %d bytes, more than the limit of %d; split it", len(text), limits.FileBytes)}
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, &Error{Line: 1, Column: 1, Reason: "the file is UTF-16; save it as UTF-8"}
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, &Error{Line: 1 + bytes.Count(text[:i], []byte("\n")), Column: 1, Reason: "the file is not text: it has a zero byte"}
	}
	return text, nil
}

func parseChunk(c chunk, limits Limits, ordered bool) (root *yaml.Node, value any, failed *Error) {
	if len(c.text) > limits.DocumentBytes {
		return nil, nil, &Error{c.line, 1, fmt.Sprintf("the document has %d bytes, more than the limit of %d", len(c.text), limits.DocumentBytes)}
	}
	if len(c.text) > limits.Nodes && mostNodes(c.text) > 4*limits.Nodes { // a cheap upper bound, before memory is spent on nodes
		return nil, nil, &Error{c.line, 1, fmt.Sprintf("the document has more than %d values; split it", limits.Nodes)}
	}
	if i := invalidUTF8(c.text); i >= 0 {
		line, column := place(c.text, i)
		return nil, nil, &Error{line + c.line - 1, column, "this is not UTF-8; save the file as UTF-8"}
	}
	version, text := withoutVersion(c.text)
	loader, err := yaml.NewLoader(bytes.NewReader(joinSurrogates(text)))
	if err != nil {
		return nil, nil, &Error{c.line, 1, err.Error()}
	}
	var document yaml.Node
	switch err := load(loader, &document); {
	case errors.Is(err, io.EOF):
		return nil, nil, nil
	case err != nil:
		return nil, nil, located(err, c)
	}
	if len(document.Content) != 1 {
		return nil, nil, nil
	}
	root = document.Content[0]
	shift(root, c.line-1)
	if err := load(loader, new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, nil, located(err, c)
		}
		return nil, nil, at(root, "a second document follows without a line --- before it")
	}
	b := builder{limits: limits, yaml11: version == "1.1", ordered: ordered}
	value, failed = b.value(root, 0)
	return root, value, failed
}

// load is Load, with a panic of the library turned into an error: a file that somebody wrote must not stop the portal.
func load(loader *yaml.Loader, node *yaml.Node) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", reason)
		}
	}()
	return loader.Load(node)
}

// located turns an error of the library, whose lines count from the start of the chunk, into ours.
func located(err error, c chunk) *Error {
	var detail *yaml.LoadError
	if !errors.As(err, &detail) {
		return &Error{c.line, 1, err.Error()}
	}
	reason := detail.Message
	if detail.ContextMsg != "" {
		reason = detail.ContextMsg + ": " + reason
	}
	mark := detail.Mark
	if opened := detail.ContextMark; opened.Line > 0 && (mark.Line == 0 || mark.Line > lineCount(c.text)) {
		mark = opened // of what the end of the document leaves open
	}
	if mark.Line > lineCount(c.text) { // beyond the last line: say its end
		mark.Line, mark.Column = place(c.text, len(bytes.TrimRight(c.text, "\r\n")))
	}
	return &Error{c.line + max(mark.Line, 1) - 1, max(mark.Column, 1), reason + advice(reason)}
}

// advice says how to mend the mistakes that people make most.
func advice(reason string) string {
	switch {
	case strings.Contains(reason, "mapping values are not allowed"):
		return " (a value with a colon and a space in it needs quotes; or the indentation of this line is wrong)"
	case strings.Contains(reason, "cannot start any token"):
		return " (indent with spaces, not tabs; a value that starts with @, ` or % needs quotes)"
	case strings.Contains(reason, "did not find expected key"), strings.Contains(reason, "did not find expected '-' indicator"):
		return " (lines of one list or object need the same indentation)"
	case strings.Contains(reason, "could not find expected ':'"):
		return " (expected key: value)"
	case strings.Contains(reason, "unknown anchor"):
		return " (a value that starts with * needs quotes)"
	default:
		return ""
	}
}

// shift moves the lines of a document's nodes to where it is in the file. Aliases point to nodes of the same tree, which move once.
func shift(node *yaml.Node, by int) {
	if by == 0 {
		return
	}
	node.Line += by
	for _, child := range node.Content {
		shift(child, by)
	}
}

func lineCount(text []byte) int {
	return bytes.Count(bytes.TrimRight(text, "\r\n"), []byte("\n")) + 1
}

func mostNodes(text []byte) int {
	n := 1
	for _, c := range text {
		switch c {
		case ',', ':', '-', '?', '[', '{', '\n':
			n++
		}
	}
	return n
}

func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// place returns the line and column, in characters, of a byte.
func place(text []byte, offset int) (line, column int) {
	before := text[:offset]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// withoutVersion returns what the document's %YAML directive says, and the text with the directive made a comment: the YAML library refuses the versions that it does not know, which includes 1.2.
func withoutVersion(text []byte) (version string, same []byte) {
	for at := 0; at < len(text); {
		line := text[at : at+lineLength(text[at:])]
		fields := strings.Fields(string(line))
		switch {
		case len(fields) == 0 || fields[0][0] == '#':
		case fields[0] == "%YAML" && line[0] == '%' && len(fields) > 1:
			same = bytes.Clone(text)
			same[at] = '#'
			return fields[1], same
		case line[0] != '%':
			return "", text
		}
		at += len(line)
	}
	return "", text
}

var surrogatePair = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

// joinSurrogates replaces the two escapes by which JSON writes a character beyond U+FFFF, which the YAML library refuses, by the character. Only text that looks like JSON is touched: elsewhere a backslash may just be a backslash.
func joinSurrogates(text []byte) []byte {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("---")), " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' || !bytes.Contains(text, []byte(`\u`)) {
		return text
	}
	return surrogatePair.ReplaceAllFunc(text, func(pair []byte) []byte {
		high, low := hex4(pair[2:6]), hex4(pair[8:12])
		return utf8.AppendRune(nil, (high-0xd800)<<10+(low-0xdc00)+0x10000)
	})
}

func hex4(digits []byte) rune {
	var r rune
	for _, c := range digits {
		r <<= 4
		switch {
		case c <= '9':
			r += rune(c - '0')
		default:
			r += rune(c|0x20-'a') + 10
		}
	}
	return r
}

func typeName(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	default:
		return "array"
	}
}
