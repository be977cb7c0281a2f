package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// directives are those of a Cache-Control header, in lower case, with their values.
type directives map[string]string

func parseDirectives(h http.Header) directives {
	var d directives
	for _, line := range h["Cache-Control"] {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if name == "" {
				continue
			}
			if d == nil {
				d = make(directives)
			}
			d[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return d
}

func (d directives) has(name string) bool {
	_, ok := d[name]
	return ok
}

// seconds returns a duration; a value that cannot be read is 0, the careful reading.
func (d directives) seconds(name string) (time.Duration, bool) {
	text, ok := d[name]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, true
	}
	return time.Duration(n) * time.Second, true
}

// storable reports whether a shared cache may keep an answer, and for how long it is good without asking. fallback is how long one is good that does not say.
func storable(res *http.Response, fallback time.Duration, now time.Time) (fresh time.Duration, ok bool) {
	d := parseDirectives(res.Header)
	if d.has("no-store") || d.has("private") || mentions(res.Header["Vary"], "*") || res.Header["Set-Cookie"] != nil {
		return 0, false
	}
	fresh, explicit := freshFor(res.Header, d, now)
	switch res.StatusCode {
	case http.StatusOK:
		if !explicit {
			fresh = fallback
		}
	case http.StatusNotFound, http.StatusGone:
		if !explicit {
			return 0, false
		}
	default:
		return 0, false
	}
	if d.has("no-cache") {
		fresh = 0
	}
	return fresh, fresh > 0 || validators(res.Header)
}

// freshFor returns how long an answer says that it is good from now on.
func freshFor(h http.Header, d directives, now time.Time) (fresh time.Duration, explicit bool) {
	if fresh, explicit = d.seconds("s-maxage"); !explicit {
		fresh, explicit = d.seconds("max-age")
	}
	if explicit {
		age, _ := strconv.ParseInt(h.Get("Age"), 10, 32)
		return max(fresh-time.Duration(age)*time.Second, 0), true
	}
	text := h.Get("Expires")
	if text == "" {
		return 0, false
	}
	expires, err := http.ParseTime(text)
	if err != nil {
		return 0, true // such as 0, which means that it has expired
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(expires.Sub(now), 0), forever), true
}

// forever is how long answers are good at most: a time with which one can still calculate.
const forever = 366 * 24 * time.Hour

// validators reports whether the target can be asked if an answer still holds.
func validators(h http.Header) bool { return h.Get("Etag") != "" || h.Get("Last-Modified") != "" }

// unchanged reports whether the client's conditions say that it has the answer already.
func unchanged(r *http.Request, h http.Header) bool {
	if conditions := r.Header["If-None-Match"]; conditions != nil {
		tag := strings.TrimPrefix(h.Get("Etag"), "W/")
		for _, line := range conditions {
			for candidate := range strings.SplitSeq(line, ",") {
				candidate = strings.TrimSpace(candidate)
				if candidate == "*" || tag != "" && strings.TrimPrefix(candidate, "W/") == tag {
					return true
				}
			}
		}
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	return err == nil && !modified.After(since)
}
