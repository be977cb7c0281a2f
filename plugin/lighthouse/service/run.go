// Package lighthouseservice is the audit service as a function: the program lighthouse-audit-service is nothing else, and a program with more to do, such as one for trying things out, can run it beside other things.
package lighthouseservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
)

// Options are what a program gives to the service.
type Options struct {
	// Args are flags, as in os.Args without the program's name. They win over the environment; -help lists them.
	Args []string

	// LookupEnv finds a variable of the environment. Nil means os.LookupEnv.
	LookupEnv func(name string) (value string, set bool)

	// Output receives the log, and the list of settings if Args ask for it.
	Output io.Writer

	// Listening is called with the address when requests are answered. Nil means that nobody waits for it.
	Listening func(net.Addr)
}

const (
	startTimeout = 30 * time.Second // for the database
	stopTimeout  = 30 * time.Second
)

// Run serves until ctx ends, and returns nil when everything has stopped. Its error says all that is wrong with the settings, which program is missing, or what failed; it is [flag.ErrHelp] when Args asked for help.
func Run(ctx context.Context, o Options) error {
	lookup := o.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	c, err := readSettings(o.Args, lookup, o.Output)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(o.Output, nil))
	install, err := runner.FindInstall(c.lighthouse)
	if err != nil {
		return err
	}
	renderer, err := runner.NewRenderer(install)
	if err != nil {
		return err
	}
	if c.concurrency > 0 {
		if err := c.findPrograms(); err != nil {
			return err
		}
	}
	databases, err := database.Open(database.Options{Config: c.database, DataDir: c.data, Logger: log})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err := databases.Close(closing); err != nil {
			log.Warn("the database was not closed", "error", err)
		}
	}()
	if err := prepare(ctx, databases, log); err != nil {
		return err
	}
	db, err := databases.For(databaseID)
	if err != nil {
		return err
	}
	signals, err := databases.Signals(databaseID)
	if err != nil {
		return err
	}
	policy := &guard.Policy{Hosts: c.hosts, Networks: c.networks}
	service := auditservice.New(auditservice.Settings{
		Store:   store.New(db, c.keep),
		Signals: signals,
		Auditor: runner.New(runner.Settings{Node: c.node, Chromium: c.chromium, Flags: c.chromiumFlags, Install: install, Policy: policy, Timeout: c.timeout}),

		Renderer:    renderer,
		Policy:      policy,
		Ping:        func(ctx context.Context) error { return databases.Ping(ctx, databaseID) },
		Concurrency: c.concurrency,
		Timeout:     c.timeout,
		Token:       c.token,
		CORS:        c.cors,
		Alone:       database.DialectOf(db) == database.SQLite,
		Logger:      log,
	})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(c.host, c.port))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("listening", "address", listener.Addr().String(), "lighthouse", install.Version, "database", database.DialectOf(db), "concurrency", c.concurrency, "token", c.token != "")
	if o.Listening != nil {
		o.Listening(listener.Addr())
	}
	return serve(ctx, service, listener, log)
}

// prepare brings the tables up to date. A database that is still starting is waited for.
func prepare(ctx context.Context, databases *database.Databases, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := databases.Prepare(ctx, databaseID)
		if err == nil {
			err = databases.Migrate(ctx, databaseID, store.Migrations())
		}
		if err == nil || !errors.Is(err, database.ErrUnavailable) {
			return err
		}
		log.Warn("the database does not answer yet", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return err
		}
	}
}

// serve answers requests and runs audits until ctx ends or one of the two cannot go on.
func serve(ctx context.Context, service *auditservice.Service, listener net.Listener, log *slog.Logger) error {
	server := &http.Server{
		Handler:           service.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- service.Run(ctx) }()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			ended <- err
			return
		}
		ended <- nil
	}()
	left := 2
	var first error
	select {
	case <-ctx.Done():
	case first = <-ended:
		left--
	}
	log.Info("stopping")
	cancel()
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer stop()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close()
	}
	for range left {
		first = errors.Join(first, <-ended)
	}
	return first
}
