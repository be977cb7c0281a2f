package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Directive is what configuration says about one directive of the content security policy: its sources, or false to leave the directive out.
type Directive []string

// off is how a Directive remembers false; no source is called that.
const off = "false"

// UnmarshalText reads a scalar: false, or sources with blanks between them.
func (d *Directive) UnmarshalText(text []byte) error {
	*d = strings.Fields(string(text))
	return nil
}

// Validate refuses what would end the directive, or the header.
func (d Directive) Validate() error {
	for _, source := range d {
		if strings.ContainsAny(source, ";,\r\n") {
			return fmt.Errorf("content security policy: a source cannot contain %q", source)
		}
	}
	return nil
}

// policy makes the security headers. All answers share its slices: nobody writes into them, and appending to them copies.
type policy struct {
	options       []string
	referrer      []string // no-referrer would also hide the origin of forms
	fixed         []string // the whole content security policy, without a nonce
	before, after string   // around the nonce; both empty when scripts need none
}

// newPolicy returns the default policy with changes made to it.
func newPolicy(changes map[string]Directive) policy {
	directives := map[string][]string{
		"default-src":     {"'self'"},
		"script-src":      {"'self'"},
		"style-src":       {"'self'"},
		"img-src":         {"'self'", "data:", "https:"},
		"connect-src":     {"'self'"},
		"frame-ancestors": {"'self'"},
		"form-action":     {"'self'"},
		"base-uri":        {"'none'"},
		"object-src":      {"'none'"},
	}
	for name, sources := range changes {
		if name = strings.ToLower(name); slices.Equal(sources, Directive{off}) {
			delete(directives, name)
		} else {
			directives[name] = sources
		}
	}
	var before, after strings.Builder
	names := make([]string, 0, len(directives))
	for name := range directives {
		names = append(names, name)
	}
	slices.Sort(names)
	at := slices.Index(names, "script-src")
	for i, name := range names {
		to := &before
		if at >= 0 && i > at {
			to = &after
		}
		if i > 0 {
			to.WriteString("; ")
		}
		to.WriteString(strings.TrimSpace(name + " " + strings.Join(directives[name], " ")))
	}
	p := policy{options: []string{"nosniff"}, referrer: []string{"same-origin"}, fixed: []string{before.String() + after.String()}}
	// A nonce switches 'unsafe-inline' off; who asked for that means it.
	if at >= 0 && !slices.Contains(directives["script-src"], "'unsafe-inline'") {
		p.before, p.after = before.String(), after.String()
	}
	return p
}

// apply sets the security headers, with a nonce for scripts unless it is "". There is no upgrade-insecure-requests: over plain HTTP it makes pages blank.
func (p policy) apply(h http.Header, nonce string) {
	h["X-Content-Type-Options"] = p.options
	h["Referrer-Policy"] = p.referrer
	h["Content-Security-Policy"] = p.fixed
	if nonce != "" && p.before != "" {
		h["Content-Security-Policy"] = []string{p.before + " 'nonce-" + nonce + "'" + p.after}
	}
}
