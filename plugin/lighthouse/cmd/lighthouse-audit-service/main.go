// The lighthouse-audit-service program runs audits of web pages with Lighthouse, keeps what they found, and answers over the REST API of the service of the same name that Backstage uses.
//
// It needs Node.js, Chromium and npm's package lighthouse. Run it with -help for its settings; each can also be given in the environment.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	lighthouseservice "github.com/proscenium-dev/proscenium/plugin/lighthouse/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := lighthouseservice.Run(ctx, lighthouseservice.Options{Args: os.Args[1:], Output: os.Stderr})
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "lighthouse-audit-service:", err)
		os.Exit(1)
	}
}
