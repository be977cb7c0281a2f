package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// CORS lets pages of other origins use the portal's APIs. Without it none can.
type CORS struct {
	Origin         Words `yaml:"origin"`         // such as https://portal.example.com or https://*.example.com, in any case; "*" alone is any
	Methods        Words `yaml:"methods"`        // default: GET, HEAD, PUT, PATCH, POST, DELETE
	AllowedHeaders Words `yaml:"allowedHeaders"` // default: those that are asked for
	ExposedHeaders Words `yaml:"exposedHeaders"`
	Credentials    bool  `yaml:"credentials"` // cookies are sent and accepted
	MaxAge         int   `yaml:"maxAge"`      // seconds for which browsers remember the answer; default: their own
}

// Words is a list that may be written as one text with commas or blanks.
type Words []string

// UnmarshalText splits a text.
func (w *Words) UnmarshalText(text []byte) error {
	*w = strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == ' ' })
	return nil
}

// Validate refuses what would let every site act as the portal's users.
func (c CORS) Validate() error {
	for _, origin := range c.Origin {
		if origin == "*" && c.Credentials {
			return errors.New(`origin "*" with credentials would let every website act as the portal's users; name the origins`)
		}
		if strings.HasSuffix(origin, "/") || origin != "*" && !strings.Contains(origin, "://") {
			return fmt.Errorf("origin %q must be like https://portal.example.com, without a path", origin)
		}
	}
	return nil
}

// apply sets the headers of CORS. allowed tells that the request's origin may do what the portal's own pages may; done that it was a preflight request, which these headers answer.
func (c *CORS) apply(h http.Header, r *http.Request) (allowed, done bool) {
	addVary(h, "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !c.allows(origin) {
		return false, false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		if len(c.ExposedHeaders) > 0 {
			h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ", "))
		}
		return true, false
	}
	addVary(h, "Access-Control-Request-Headers")
	methods := "GET, HEAD, PUT, PATCH, POST, DELETE"
	if len(c.Methods) > 0 {
		methods = strings.Join(c.Methods, ", ")
	}
	h.Set("Access-Control-Allow-Methods", methods)
	headers := r.Header.Get("Access-Control-Request-Headers")
	if len(c.AllowedHeaders) > 0 {
		headers = strings.Join(c.AllowedHeaders, ", ")
	}
	if headers != "" {
		h.Set("Access-Control-Allow-Headers", headers)
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
	}
	return true, true
}

func (c *CORS) allows(origin string) bool {
	origin = strings.ToLower(origin)
	for _, pattern := range c.Origin {
		if pattern == "*" || glob(strings.ToLower(pattern), origin) {
			return true
		}
	}
	return false
}

// glob matches a text against a pattern in which * stands for anything without a slash.
func glob(pattern, text string) bool {
	start, rest, found := strings.Cut(pattern, "*")
	if !strings.HasPrefix(text, start) {
		return false
	}
	text = text[len(start):]
	if !found {
		return text == ""
	}
	for i := 0; ; i++ {
		if glob(rest, text[i:]) {
			return true
		}
		if i == len(text) || text[i] == '/' {
			return false
		}
	}
}
