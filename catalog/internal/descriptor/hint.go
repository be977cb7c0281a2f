package descriptor

import (
	"bytes"
	"regexp"
	"slices"
)

var (
	hintKind     = regexp.MustCompile(`(?m)^["']?kind["']?[ \t]*:[ \t]+(.*)$`)
	hintMetadata = regexp.MustCompile(`(?m)^["']?metadata["']?[ \t]*:[ \t]*`)
	hintMember   = regexp.MustCompile(`^([ \t]+)["']?(name|namespace)["']?[ \t]*:[ \t]+(.*)$`)
	hintWord     = regexp.MustCompile(`^["']?([A-Za-z0-9][-A-Za-z0-9_.]*)["']?[ \t]*(?:#.*)?$`)
)

// hint finds out which entity a document is about that cannot be parsed: from what is there of its kind and its metadata, in block or in flow style. A wrong hint is worse than none, since what a document is not about can be removed.
func hint(text []byte) Hint {
	text = text[:min(len(text), 16<<10)]
	if start := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("---")), " \t\r\n"); len(start) > 0 && start[0] == '{' {
		members := flow(start)
		metadata := flow(members["metadata"])
		return Hint{Kind: word(members["kind"]), Namespace: word(metadata["namespace"]), Name: word(metadata["name"])}
	}
	var h Hint
	if kind := hintKind.FindSubmatch(text); kind != nil {
		h.Kind = word(kind[1])
	}
	at := hintMetadata.FindIndex(text)
	if at == nil {
		return h
	}
	rest := text[at[1]:]
	if value := bytes.TrimLeft(rest, " \t\r\n"); len(value) > 0 && value[0] == '{' {
		members := flow(value)
		h.Namespace, h.Name = word(members["namespace"]), word(members["name"])
		return h
	}
	least := map[string]int{} // the indentation of what was found: members of members, such as an annotation "name", stand further in
	for i, line := range slices.Collect(bytes.Lines(rest)) {
		line = bytes.TrimRight(line, "\r\n")
		if i > 0 && len(line) > 0 && line[0] != ' ' && line[0] != '\t' && line[0] != '#' {
			break
		}
		member := hintMember.FindSubmatch(line)
		if member == nil {
			continue
		}
		field := string(member[2])
		if indent, found := least[field]; found && indent <= len(member[1]) {
			continue
		}
		least[field] = len(member[1])
		if field == "name" {
			h.Name = word(member[3])
		} else {
			h.Namespace = word(member[3])
		}
	}
	return h
}

// word returns a value that is one word, with or without quotes; "" for anything else.
func word(value []byte) string {
	if match := hintWord.FindSubmatch(bytes.TrimSpace(value)); match != nil {
		return string(match[1])
	}
	return ""
}

// flow returns the texts of an object's members, by key. The object is in flow style, {key: value, "key": [value]}, and may be broken: what comes after the fault can be missing.
func flow(text []byte) map[string][]byte {
	members := map[string][]byte{}
	if len(text) == 0 || text[0] != '{' {
		return members
	}
	depth, start, key := 1, 1, ""
	put := func(end int) {
		if value := bytes.TrimSpace(text[start:end]); key != "" && members[key] == nil {
			members[key] = value
		}
		key = ""
	}
	fresh := true // whether a value or a key may begin here; elsewhere a quote is a character like others
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case fresh && (c == '"' || c == '\''):
			for i++; i < len(text) && (text[i] != c || c == '\'' && bytes.HasPrefix(text[i+1:], []byte("'"))); i++ {
				if text[i] == c || c == '"' && text[i] == '\\' {
					i++ // an escape
				}
			}
		case c == '{' || c == '[':
			depth++
			fresh = true
			continue
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				put(i)
				return members
			}
		case c == ',':
			if depth == 1 {
				put(i)
				start = i + 1
			}
			fresh = true
			continue
		case c == ':' && (i+1 == len(text) || bytes.IndexByte([]byte(" \t\r\n{[\"'"), text[i+1]) >= 0):
			if depth == 1 && key == "" {
				key = string(bytes.Trim(bytes.TrimSpace(text[start:i]), `"'`))
				start = i + 1
			}
			fresh = true
			continue
		}
		fresh = false
	}
	// It is not closed. A collection may go on to the end, anything else is what its line says.
	end := len(text)
	value := bytes.TrimLeft(text[min(start, end):], " \t\r\n")
	if line := bytes.IndexByte(value, '\n'); line >= 0 && value[0] != '{' && value[0] != '[' {
		end = end - len(value) + line
	}
	put(end)
	return members
}
