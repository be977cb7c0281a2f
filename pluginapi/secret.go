package pluginapi

import (
	"fmt"
	"log/slog"
)

// Secret is a configuration value that must not be seen: a password, a token, a key. Whatever formats it (fmt, slog, encoding/json, YAML) writes [redacted] instead;
// only [Secret.Reveal] gives the text. The zero value is "not configured".
//
// A Secret never reaches the browser, even in a struct whose field is marked visible.
type Secret struct{ text string }

const redacted = "[redacted]"

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text. Call it where the value is used, not before, and do not store the result.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether no secret was configured.
func (s Secret) IsZero() bool { return s.text == "" }

// Format writes "[redacted]" for every verb, so that %v, %s, %q, %x and %#v are all safe.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// String returns "[redacted]", or nothing when no secret was configured.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// LogValue keeps the text out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the text out of JSON, YAML and every other text encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text from configuration.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}
