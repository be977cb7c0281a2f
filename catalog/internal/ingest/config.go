package ingest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Config is the section catalog. Its keys and their meaning are Backstage's.
type Config struct {
	// Locations are read in addition to those that are registered. A change takes effect at once.
	Locations []Location `yaml:"locations"`

	// Rules say which kinds of entities may come from which locations. Without any, those are Component, API and Location; an empty list allows nothing. A change takes effect at once.
	Rules []location.Rule `yaml:"rules"`

	// Readonly refuses to register, change and remove locations, and to remove entities.
	Readonly bool `yaml:"readonly"`

	// OrphanStrategy is what becomes of entities that nothing leads to any more: delete, the default, which leaves them half a minute; or keep.
	OrphanStrategy Strategy `yaml:"orphanStrategy"`

	// OrphanProviderStrategy is what becomes, at start, of the entities of providers that are no longer there: delete, the default, or keep.
	OrphanProviderStrategy Strategy `yaml:"orphanProviderStrategy"`

	// ProcessingInterval is the time between two looks at what can change by itself, such as files; up to half of it is added by chance. The default is 100 seconds; false processes nothing at all.
	ProcessingInterval Interval `yaml:"processingInterval"`

	// ProcessorOptions and ProviderOptions are about contributed processors and providers, by the names or ids of their extensions.
	ProcessorOptions map[string]ProcessorOptions `yaml:"processorOptions"`
	ProviderOptions  map[string]ProviderOptions  `yaml:"providerOptions"`

	// DefaultLocationConflictStrategy is what registering a location again means: reject, the default, or refresh.
	DefaultLocationConflictStrategy ConflictStrategy `yaml:"defaultLocationConflictStrategy"`
}

// Location is one of catalog.locations.
type Location struct {
	Type     string         `yaml:"type"`   // file, url or embedded
	Target   string         `yaml:"target"` // relative paths start in the working directory
	Presence string         `yaml:"presence"`
	Rules    []LocationRule `yaml:"rules"` // kinds that this location may bring besides
}

// Validate checks what the fields say together.
func (l Location) Validate() error {
	_, err := l.ref()
	if l.Presence != "" && l.Presence != catalogcommon.PresenceOptional && l.Presence != catalogcommon.PresenceRequired {
		err = errors.Join(err, pluginapi.BadConfig("presence", "%q is not known; write optional or required", l.Presence))
	}
	return err
}

// LocationRule allows kinds.
type LocationRule struct {
	Allow []location.AllowedKind `yaml:"allow"`
}

// ProcessorOptions are about one processor.
type ProcessorOptions struct {
	Disabled bool `yaml:"disabled"`
	Priority *int `yaml:"priority"` // instead of its own; lower runs first
}

// ProviderOptions are about one provider.
type ProviderOptions struct {
	Disabled bool `yaml:"disabled"`
}

// Strategy is delete or keep.
type Strategy string

// UnmarshalText takes the words that there are.
func (s *Strategy) UnmarshalText(text []byte) error {
	if *s = Strategy(text); *s != "delete" && *s != "keep" {
		return fmt.Errorf("%q is not known; write delete or keep", text)
	}
	return nil
}

// ConflictStrategy is reject or refresh.
type ConflictStrategy string

// UnmarshalText takes the words that there are.
func (s *ConflictStrategy) UnmarshalText(text []byte) error {
	if *s = ConflictStrategy(text); *s != catalogcommon.OnConflictReject && *s != catalogcommon.OnConflictRefresh {
		return fmt.Errorf("%q is not known; write reject or refresh", text)
	}
	return nil
}

// Interval is a duration, or false for never. It is written as 30m, "30 minutes", PT30M, {minutes: 30}, or as a number of milliseconds.
type Interval struct {
	Weeks        float64 `yaml:"weeks"`
	Days         float64 `yaml:"days"`
	Hours        float64 `yaml:"hours"`
	Minutes      float64 `yaml:"minutes"`
	Seconds      float64 `yaml:"seconds"`
	Milliseconds float64 `yaml:"milliseconds"`
	Off          bool    `yaml:"-"`
}

const defaultInterval = 100 * time.Second

// Duration is the interval; 0 means never.
func (i Interval) Duration() time.Duration {
	if i.Off {
		return 0
	}
	seconds := i.Weeks*7*86400 + i.Days*86400 + i.Hours*3600 + i.Minutes*60 + i.Seconds + i.Milliseconds/1000
	if seconds == 0 {
		return defaultInterval
	}
	return max(time.Second, time.Duration(seconds*float64(time.Second)))
}

// UnmarshalText reads the forms that are not objects.
func (i *Interval) UnmarshalText(text []byte) error {
	*i = Interval{}
	word := strings.TrimSpace(string(text))
	if word == "false" {
		i.Off = true
		return nil
	}
	if n, err := strconv.ParseFloat(word, 64); err == nil && n > 0 {
		i.Milliseconds = n
		return nil
	}
	if i.iso(word) || i.words(word) {
		return nil
	}
	return fmt.Errorf("%q is not an interval; write false, or a duration such as 30m, PT30M or {minutes: 30}", word)
}

// words reads 1h 30m, "2 days" and the like.
func (i *Interval) words(text string) bool {
	units := map[string]*float64{
		"w": &i.Weeks, "week": &i.Weeks, "d": &i.Days, "day": &i.Days, "h": &i.Hours, "hr": &i.Hours, "hour": &i.Hours, "m": &i.Minutes, "min": &i.Minutes, "minute": &i.Minutes,
		"s": &i.Seconds, "sec": &i.Seconds, "second": &i.Seconds, "ms": &i.Milliseconds, "msec": &i.Milliseconds, "millisecond": &i.Milliseconds,
	}
	total := 0.0
	for text = strings.ToLower(text); text != ""; text = strings.TrimSpace(text) {
		rest := strings.TrimLeft(text, "0123456789.")
		n, err := strconv.ParseFloat(text[:len(text)-len(rest)], 64)
		if err != nil {
			return false
		}
		rest = strings.TrimSpace(rest)
		text = strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
		name := rest[:len(rest)-len(text)]
		unit := units[name]
		if unit == nil {
			unit = units[strings.TrimSuffix(name, "s")]
		}
		if unit == nil {
			return false
		}
		*unit += n
		total += n
	}
	return total > 0
}

// iso reads P1DT2H3M4S.
func (i *Interval) iso(word string) bool {
	rest, ok := strings.CutPrefix(strings.ToUpper(word), "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return false
	}
	units := map[byte]*float64{'W': &i.Weeks, 'D': &i.Days}
	for rest != "" {
		if rest[0] == 'T' {
			units = map[byte]*float64{'H': &i.Hours, 'M': &i.Minutes, 'S': &i.Seconds}
			rest = rest[1:]
			continue
		}
		digits := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if digits <= 0 || units[rest[digits]] == nil {
			return false
		}
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return false
		}
		*units[rest[digits]] = n
		rest = rest[digits+1:]
	}
	return true
}
