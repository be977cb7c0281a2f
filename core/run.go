package core

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// stopTimeout is how long everything that stops may take together.
const stopTimeout = 30 * time.Second

// Run runs a portal on the address that the configuration says, until ctx ends. It returns nil after a clean stop. The error says why the portal did not start, line by line,
// or what did not stop within 30 seconds.
//
// When the configuration says that the portal cannot do without a plugin (backend.startup), and that plugin fails its first attempt to start, Run stops and returns the reason.
func Run(ctx context.Context, o Options, plugins ...pluginapi.Plugin) error {
	p, err := New(o, plugins...)
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // told to stop before it listened, which is no fault
		return p.stop(nil)
	}
	listener, err := p.settings.Load().backend.Config.Open(ctx)
	if err != nil {
		return errors.Join(err, p.stop(nil))
	}
	return p.Serve(ctx, listener)
}

// Serve runs the portal on a listener, which it closes, until ctx ends. See [Run].
func (p *Portal) Serve(ctx context.Context, listener net.Listener) error {
	front, err := server.Serve(listener, p.server, p.settings.Load().backend.Config)
	if err != nil {
		return errors.Join(err, p.stop(nil))
	}
	told := []any{"url", p.url(listener.Addr())}
	if p.settings.Load().backend.Guarded() {
		told = append(told, "reach", "this machine only, because everybody is guest; backend.auth in the configuration changes that")
	}
	p.logger.Info("portal listens", told...)
	p.Start(ctx)
	return errors.Join(p.awaitEnd(ctx, front), p.stop(front))
}

// awaitEnd returns when the portal has to stop: with nil because ctx has ended, else with what went wrong.
func (p *Portal) awaitEnd(ctx context.Context, front *server.Server) error {
	settled := p.Settled()
	for {
		select {
		case <-ctx.Done():
			p.logger.Info("portal stops")
			return nil
		case <-front.Done():
			return front.Err()
		case <-settled:
			if err := p.Ready(); err != nil {
				return fmt.Errorf("start: %w", err)
			}
			p.logger.Info("portal is ready")
			settled = nil
		}
	}
}

// url is where the portal is, as seen from this machine.
func (p *Portal) url(at net.Addr) string {
	scheme := "http"
	if p.settings.Load().backend.HTTPS != nil {
		scheme = "https"
	}
	return scheme + "://" + at.String() + p.links.base + "/"
}

// stop ends serving, then the portal, within one deadline.
func (p *Portal) stop(front *server.Server) error {
	p.holdNoLines() // a second signal would end the process at once
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var err error
	if front != nil {
		err = front.Shutdown(ctx)
	}
	return errors.Join(err, p.Stop(ctx))
}
