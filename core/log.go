package core

import (
	"fmt"
	"io"
	"log/slog"
)

// logging is backend.logger.
type logging struct {
	Level  level  `yaml:"level"`  // debug, info, warn or error; default info; followed while the portal runs
	Format string `yaml:"format"` // text or json; default text
}

// level is a log level as text.
type level struct{ slog.Level }

// UnmarshalText reads a level, in any case.
func (l *level) UnmarshalText(text []byte) error {
	if err := l.Level.UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is no log level; there are debug, info, warn and error", text)
	}
	return nil
}

// Validate checks the format.
func (l logging) Validate() error {
	if l.Format != "" && l.Format != "text" && l.Format != "json" {
		return fmt.Errorf("%q is no log format; there are text and json", l.Format)
	}
	return nil
}

func newLogger(to io.Writer, format string, level slog.Leveler) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}
