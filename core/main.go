package core

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Main is the whole main function of a program that is a portal. It reads the flags (--config FILE, as often as needed; the last file wins; --check, to be told what is wrong and end), runs the portal until it is told to stop by
// SIGINT or SIGTERM, and ends the process: with status 0 after a clean stop, 1 when the portal could not start or stop, or --check found a fault, 2 when the flags are wrong. A second signal ends it at once.
func Main(o Options, plugins ...pluginapi.Plugin) {
	if status := run(o, os.Args, os.Stderr, plugins); status != 0 {
		os.Exit(status)
	}
}

// gcPercent is how much garbage a portal may hold, in percent of what it keeps: most of its memory is kept for as long as it runs, so Go's default of 100 would double that for little time saved.
const gcPercent = 60

func run(o Options, args []string, to io.Writer, plugins []pluginapi.Plugin) (status int) {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(to)
	flags.Func("config", "configuration `file` to read instead of app-config.yaml; repeat it to add more, the last one wins", func(file string) error {
		o.ConfigFiles = append(o.ConfigFiles, file)
		return nil
	})
	checkOnly := flags.Bool("check", false, "say what is wrong with the configuration and the list of plugins, and end: with status 0 if nothing is; nothing is opened or started")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(to, "%s takes flags only, not %q; configuration files are named with --config\n", args[0], flags.Arg(0))
		return 2
	}
	if *checkOnly {
		if err := check(o, plugins, to); err != nil {
			_, _ = fmt.Fprintf(to, "the portal would not start:\n  %s\n", indented(err))
			return 1
		}
		return 0
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, cancel) // from here on a second signal is the system's to handle
	if err := Run(ctx, o, plugins...); err != nil {
		_, _ = fmt.Fprintf(to, "the portal stopped:\n  %s\n", indented(err))
		return 1
	}
	return 0
}

func indented(err error) string { return strings.ReplaceAll(err.Error(), "\n", "\n  ") }
