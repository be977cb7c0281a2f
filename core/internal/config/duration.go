package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
	year  = 365 * day
)

// durationUnits are the keys of a duration that is written as an object, in the order messages list them.
func durationUnits() []string {
	return []string{"years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds"}
}

// unitOf returns the length of a unit by any of its names, 0 when it is not one.
func unitOf(name string) time.Duration {
	switch strings.ToLower(name) {
	case "years", "year", "yrs", "yr", "y":
		return year
	case "months", "month", "mo":
		return month
	case "weeks", "week", "w":
		return 7 * day
	case "days", "day", "d":
		return day
	case "hours", "hour", "hrs", "hr", "h":
		return time.Hour
	case "minutes", "minute", "mins", "min", "m":
		return time.Minute
	case "seconds", "second", "secs", "sec", "s":
		return time.Second
	case "milliseconds", "millisecond", "msecs", "msec", "ms":
		return time.Millisecond
	case "us", "µs", "μs":
		return time.Microsecond
	case "ns":
		return time.Nanosecond
	}
	return 0
}

var (
	isoDuration  = regexp.MustCompile(`^P(?:([\d.,]+)Y)?(?:([\d.,]+)M)?(?:([\d.,]+)W)?(?:([\d.,]+)D)?(?:T(?:([\d.,]+)H)?(?:([\d.,]+)M)?(?:([\d.,]+)S)?)?$`)
	durationPart = regexp.MustCompile(`^([0-9]*\.?[0-9]+|[0-9]+\.)\s*([A-Za-zµμ]+)\s*`)
)

var (
	errNotDuration  = errors.New("not a duration")
	errNoUnit       = errors.New("it has no unit")
	errNegative     = errors.New("it is negative")
	errLongDuration = errors.New("it is longer than 292 years")
)

// parseDuration reads "90s", "2 days", "1h30m" and ISO 8601 as in "PT5M". A year counts 365 days and a month 30.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	switch text {
	case "0":
		return 0, nil
	case "":
		return 0, errNotDuration
	}
	if strings.HasPrefix(text, "-") {
		return 0, errNegative
	}
	if strings.HasPrefix(text, "P") {
		return parseISODuration(text)
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, errNoUnit
	}
	var total time.Duration
	for text != "" {
		m := durationPart.FindStringSubmatch(text)
		if m == nil || unitOf(m[2]) == 0 {
			return 0, errNotDuration
		}
		var err error
		if total, err = addDuration(total, m[1], unitOf(m[2])); err != nil {
			return 0, err
		}
		text = text[len(m[0]):]
	}
	return total, nil
}

func parseISODuration(text string) (time.Duration, error) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, errNotDuration
	}
	var total time.Duration
	for i, unit := range []time.Duration{year, month, 7 * day, day, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		var err error
		if total, err = addDuration(total, strings.Replace(m[i+1], ",", ".", 1), unit); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// addDuration adds number units to total.
func addDuration(total time.Duration, number string, unit time.Duration) (time.Duration, error) {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, errNotDuration
	}
	if n < 0 {
		return 0, errNegative
	}
	added := math.Round(n * float64(unit))
	if added+float64(total) >= math.MaxInt64 {
		return 0, errLongDuration
	}
	return total + time.Duration(added), nil
}

// duration decodes a duration from text, from a number of milliseconds, or from an object such as {minutes: 5}.
func (d *decoder) duration(n *node, p *keyPath) (time.Duration, bool) {
	const expected = `a duration such as "30s", "5m" or "2 days"`
	var (
		total time.Duration
		err   error
	)
	switch n.kind {
	case kindText:
		total, err = parseDuration(n.text)
	case kindNumber:
		number, _ := parseNumber(n.text)
		total, err = addDuration(0, strconv.FormatFloat(number, 'f', -1, 64), time.Millisecond)
	case kindObject:
		return d.durationObject(n, p)
	default:
		err = errNotDuration
	}
	switch {
	case err == nil:
		return total, true
	case errors.Is(err, errNotDuration):
		d.fail(n.pos, p, wrongType(expected, n))
	default:
		d.fail(n.pos, p, wrongType(expected, n)+", and "+err.Error())
	}
	return 0, false
}

func (d *decoder) durationObject(n *node, p *keyPath) (time.Duration, bool) {
	var total time.Duration
	found, ok := false, true
	for _, e := range n.entries {
		if unit := unitOf(e.key); unit == 0 || !contains(durationUnits(), e.key) {
			d.unknownKey(e, p.child(e.key), durationUnits())
			ok = false
			continue
		}
		if e.value.absent() {
			continue
		}
		number, good := d.number(e.value, p.child(e.key))
		if !good {
			ok = false
			continue
		}
		sum, err := addDuration(total, strconv.FormatFloat(number, 'f', -1, 64), unitOf(e.key))
		if err != nil {
			d.fail(e.value.pos, p.child(e.key), fmt.Sprintf("expected a number of %s but found %s, and %s", e.key, e.value.describe(), err))
			ok = false
			continue
		}
		total, found = sum, true
	}
	if ok && !found {
		d.fail(n.pos, p, "expected a duration, with one or more of "+strings.Join(durationUnits(), ", "))
		return 0, false
	}
	return total, ok
}
