package core

import (
	"fmt"
	"log/slog"

	"github.com/proscenium-dev/proscenium/core/internal/lines"
	"github.com/proscenium-dev/proscenium/pluginapi"
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
		return pluginapi.BadConfig("format", "%q is no log format; there are text and json", l.Format)
	}
	return nil
}

func newLogger(to *lines.Buffer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(to.Handler(slog.NewJSONHandler(to, options)))
	}
	return slog.New(to.Handler(slog.NewTextHandler(to, options)))
}

// holdNoLines has the log written as it comes from now on: the process may end at any moment.
func (p *Portal) holdNoLines() {
	if p.lines != nil {
		p.lines.Close()
	}
}
