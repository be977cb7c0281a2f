package descriptor

import "bytes"

// chunk is the text of one document.
type chunk struct {
	text []byte
	line int // number of its first line in the file, from 1
}

// split cuts a file into its documents without parsing them. YAML makes that safe: a line that starts with --- or ... and then ends or goes on with white space is a marker wherever it stands, even in the middle of a quoted text.
// So an error in one document cannot reach into the next.
func split(text []byte) []chunk {
	var chunks []chunk
	start, startLine := 0, 1
	started := false // whether the current chunk has more than comments, directives and empty lines
	line := 0
	for at := 0; at < len(text); {
		line++
		end := at + lineLength(text[at:])
		content := text[at:end]
		switch {
		case isMarker(content, "---"):
			if started {
				chunks = append(chunks, chunk{text[start:at], startLine})
				start, startLine = at, line
			}
			started = true
		case isMarker(content, "..."):
			if started {
				chunks = append(chunks, chunk{text[start:end], startLine})
			}
			start, startLine, started = end, line+1, false
		case !started:
			trimmed := bytes.TrimLeft(content, " \t\r\n")
			started = len(trimmed) > 0 && trimmed[0] != '#' && content[0] != '%'
		}
		at = end
	}
	if started {
		chunks = append(chunks, chunk{text[start:], startLine})
	}
	return chunks
}

// lineLength returns the length of the first line with its end, which is a line feed, a carriage return, or both.
func lineLength(text []byte) int {
	i := bytes.IndexByte(text, '\n')
	line := text
	if i >= 0 {
		line = text[:i]
	}
	if j := bytes.IndexByte(line, '\r'); j >= 0 && j+1 < len(text) && text[j+1] != '\n' {
		return j + 1
	}
	if i < 0 {
		return len(text)
	}
	return i + 1
}

func isMarker(line []byte, marker string) bool {
	if len(line) < len(marker) || string(line[:len(marker)]) != marker {
		return false
	}
	return len(line) == len(marker) || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}
