package ui

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// ansiStyle is how text looks after the escape sequences before it. Colours are 0 for the default and 1 to 8 for the eight of terminals.
type ansiStyle struct {
	fore, back                                       uint8
	bold, faint, italic, underline, inverse, crossed bool
}

// ansiColor is the name of a colour in classes.
func ansiColor(number uint8) string {
	switch number {
	case 1:
		return "black"
	case 2:
		return "red"
	case 3:
		return "green"
	case 4:
		return "yellow"
	case 5:
		return "blue"
	case 6:
		return "magenta"
	case 7:
		return "cyan"
	}
	return "white"
}

// class returns the classes of a span in this style, empty for plain text. Text on a coloured background keeps the default colour: the pairs that programs choose for their own
// terminal's background are not readable on ours.
func (s ansiStyle) class() string {
	var classes []string
	fore, back := s.fore, s.back
	if s.inverse {
		fore, back = back, fore
		if back == 0 {
			back = 8
		}
	}
	switch {
	case back != 0:
		classes = append(classes, "ui-on-"+ansiColor(back))
	case fore != 0:
		classes = append(classes, "ui-ansi-"+ansiColor(fore))
	case s.faint:
		classes = append(classes, "ui-muted")
	}
	for _, mark := range []struct {
		set  bool
		name string
	}{{s.bold, "ui-bold"}, {s.italic, "ui-italic"}, {s.underline, "ui-underline"}, {s.crossed, "ui-crossed"}} {
		if mark.set {
			classes = append(classes, mark.name)
		}
	}
	return strings.Join(classes, " ")
}

// apply changes the style by the parameters of one SGR sequence ("1;31"). What it does not know it passes over.
func (s *ansiStyle) apply(parameters string) {
	codes := ansiCodes(parameters)
	for i := 0; i < len(codes); i++ {
		switch code := codes[i]; {
		case code == 0:
			*s = ansiStyle{}
		case code == 1:
			s.bold = true
		case code == 2:
			s.faint = true
		case code == 3:
			s.italic = true
		case code == 4:
			s.underline = true
		case code == 7:
			s.inverse = true
		case code == 9:
			s.crossed = true
		case code == 22:
			s.bold, s.faint = false, false
		case code == 23:
			s.italic = false
		case code == 24:
			s.underline = false
		case code == 27:
			s.inverse = false
		case code == 29:
			s.crossed = false
		case code >= 30 && code <= 37:
			s.fore = uint8(code-30) + 1
		case code == 38 || code == 48:
			color, used := extendedColor(codes[i+1:])
			if code == 38 {
				s.fore = color
			} else {
				s.back = color
			}
			i += used
		case code == 39:
			s.fore = 0
		case code >= 40 && code <= 47:
			s.back = uint8(code-40) + 1
		case code == 49:
			s.back = 0
		case code >= 90 && code <= 97:
			s.fore = uint8(code-90) + 1
		case code >= 100 && code <= 107:
			s.back = uint8(code-100) + 1
		}
	}
}

// ansiCodes splits parameters; an empty one is 0, one that is no number a code that means nothing.
func ansiCodes(parameters string) []int {
	codes := make([]int, 0, 4)
	for field := range strings.SplitSeq(strings.ReplaceAll(parameters, ":", ";"), ";") {
		code := 0
		if field != "" {
			n, err := strconv.ParseUint(field, 10, 16)
			if err != nil {
				n = 65535
			}
			code = int(n)
		}
		codes = append(codes, code)
	}
	return codes
}

// extendedColor reads the rest of a 38 or 48 sequence, "5;n" or "2;r;g;b", and returns the nearest of the eight colours and how many codes it took.
func extendedColor(codes []int) (color uint8, used int) {
	switch {
	case len(codes) >= 2 && codes[0] == 5:
		n := codes[1]
		switch {
		case n < 0 || n > 255:
			return 0, 2
		case n < 16:
			return uint8(n%8) + 1, 2
		case n < 232:
			n -= 16
			return nearestColor(n/36*51, n/6%6*51, n%6*51), 2
		default:
			level := (n-232)*10 + 8
			return nearestColor(level, level, level), 2
		}
	case len(codes) >= 4 && codes[0] == 2:
		return nearestColor(codes[1], codes[2], codes[3]), 4
	}
	return 0, len(codes)
}

// nearestColor returns the number of the colour whose channels are on where these are well above the middle of their range.
func nearestColor(red, green, blue int) uint8 {
	low, high := min(red, green, blue), max(red, green, blue)
	if high-low < 40 { // gray
		if high < 96 {
			return 1
		}
		return 8
	}
	middle, number := (low+high)/2, uint8(0)
	if red > middle {
		number |= 1
	}
	if green > middle {
		number |= 2
	}
	if blue > middle {
		number |= 4
	}
	return number + 1
}

// appendANSI appends one line of terminal output to html as escaped text in spans, and leaves the style in which the next line starts. A carriage return starts the line anew, as progress
// bars expect; every other control sequence is left out.
func appendANSI(html []byte, line string, style *ansiStyle) []byte {
	start := len(html)
	for line != "" {
		cut := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
		if cut < 0 {
			return appendStyled(html, line, *style)
		}
		html = appendStyled(html, line[:cut], *style)
		control := line[cut]
		line = line[cut+1:]
		switch control {
		case '\r':
			if line != "" {
				html = html[:start]
			}
		case 0x1b:
			line = afterEscape(line, style)
		}
	}
	return html
}

func appendStyled(html []byte, text string, style ansiStyle) []byte {
	if text == "" {
		return html
	}
	class := style.class()
	if class == "" {
		return append(html, templ.EscapeString(text)...)
	}
	html = append(html, `<span class="`...)
	html = append(html, class...)
	html = append(html, `">`...)
	html = append(html, templ.EscapeString(text)...)
	return append(html, "</span>"...)
}

// afterEscape returns what follows an escape sequence, of which rest is the part after ESC.
func afterEscape(rest string, style *ansiStyle) string {
	if rest == "" {
		return ""
	}
	switch rest[0] {
	case '[': // CSI: parameters, then one final byte
		for i := 1; i < len(rest); i++ {
			if c := rest[i]; c >= 0x40 && c <= 0x7e {
				if c == 'm' {
					style.apply(rest[1:i])
				}
				return rest[i+1:]
			} else if c < 0x20 || c > 0x7e {
				return rest[i:] // broken off
			}
		}
		return ""
	case ']', 'P', '^', '_', 'X': // strings up to BEL or ESC \
		for i := 1; i < len(rest); i++ {
			if rest[i] == 0x07 {
				return rest[i+1:]
			}
			if rest[i] == 0x1b && i+1 < len(rest) && rest[i+1] == '\\' {
				return rest[i+2:]
			}
		}
		return ""
	case '(', ')', '*', '+', '#', '%': // three bytes in all
		return rest[min(2, len(rest)):]
	}
	if rest[0] < 0x80 {
		return rest[1:]
	}
	return rest
}
