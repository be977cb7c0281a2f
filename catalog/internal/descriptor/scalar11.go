package descriptor

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// plain11 is [plain] for documents under a %YAML 1.1 directive, where yes and on are true, 014 is 12, 1_000 is 1000, 1:30 is 90 and dates are times (which JSON holds as text).
func plain11(text string) any {
	switch text {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false
	}
	if text == "" || !strings.ContainsRune("+-.0123456789", rune(text[0])) {
		return plain(text)
	}
	if moment, ok := timestamp(text); ok {
		return moment
	}
	if number, ok := number11(text); ok {
		return number
	}
	return text
}

func number11(text string) (value any, ok bool) {
	negative := text[0] == '-'
	unsigned := text
	if negative || text[0] == '+' {
		unsigned = text[1:]
	}
	digits := strings.ReplaceAll(unsigned, "_", "")
	switch {
	case digits == "" || unsigned[0] == '_':
		return nil, false
	case digits[0] == '.' && len(digits) > 1 && (digits[1] < '0' || digits[1] > '9'):
		return coreNumber(text) // .inf and .nan
	case strings.HasPrefix(digits, "0b"):
		value, ok = inBase(digits[2:], 2)
	case strings.HasPrefix(digits, "0x"):
		value, ok = inBase(digits[2:], 16)
	case strings.Contains(digits, ":"):
		value, ok = sexagesimal(digits)
	case len(digits) > 1 && strings.Trim(digits, "01234567") == "" && digits[0] == '0':
		value, ok = inBase(digits, 8)
	case isDecimal(digits):
		value, ok = finite(strconv.ParseFloat(digits, 64))
	}
	if number, isNumber := value.(float64); isNumber && negative {
		value = -number
	}
	return value, ok
}

// sexagesimal reads 1:30:15.5: hours, minutes and seconds of any meaning.
func sexagesimal(digits string) (value any, ok bool) {
	total := 0.0
	parts := strings.Split(digits, ":")
	for i, part := range parts {
		number, err := strconv.ParseFloat(part, 64)
		last := i == len(parts)-1
		if err != nil || !isDecimal(part) || i > 0 && number >= 60 || !last && strings.Contains(part, ".") {
			return nil, false
		}
		total = total*60 + number
	}
	return finite(total, nil)
}

var timestampForm = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[tT]|[ \t]+)(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(?:[ \t]*(Z|([-+])(\d{1,2})(?::?(\d{2}))?))?)?$`)

// timestamp returns the moment in the form of JavaScript's JSON: UTC, with milliseconds.
func timestamp(text string) (string, bool) {
	parts := timestampForm.FindStringSubmatch(text)
	if parts == nil {
		return "", false
	}
	number := func(i int) int {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return 0 // the group is absent
		}
		return n
	}
	fraction, err := strconv.ParseFloat("0"+parts[7], 64)
	if err != nil {
		fraction = 0
	}
	moment := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), int(fraction*1e3)*1e6, time.UTC)
	zone := time.Duration(number(10))*time.Hour + time.Duration(number(11))*time.Minute
	if parts[9] == "-" {
		zone = -zone
	}
	return moment.Add(-zone).Format("2006-01-02T15:04:05.000Z"), true
}
