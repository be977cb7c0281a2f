// Package auditservice is the audit service: a queue of audits, workers that run them, and the REST API of lighthouse-audit-service over what they found.
//
// Several processes can share one PostgreSQL database; an audit that one of them takes is nobody else's until it ends or its worker is gone. On SQLite there is one process.
package auditservice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
)

// Auditor runs one audit. It is safe for concurrent use. *runner.Runner is the real one.
type Auditor interface {
	Run(ctx context.Context, job runner.Job) (runner.Outcome, error)
}

// Renderer makes a page of a report. *runner.Renderer is the real one.
type Renderer interface {
	Render(report json.RawMessage) string
}

var (
	_ Auditor  = (*runner.Runner)(nil)
	_ Renderer = (*runner.Renderer)(nil)
)

// Settings are what a [Service] needs. All but Token, CORS, Alone and Logger are required.
type Settings struct {
	Store       *store.Store
	Signals     *database.Signals
	Auditor     Auditor
	Renderer    Renderer
	Policy      *guard.Policy
	Ping        func(context.Context) error // asks the database
	Concurrency int                         // audits at a time; 0 answers requests and leaves audits to other processes
	Timeout     time.Duration               // of one audit; bounds how long a request may wait for one
	Token       string                      // that callers must bear; empty asks for none
	CORS        bool                        // lets pages of other sites call the API
	Alone       bool                        // no other process uses the database
	Logger      *slog.Logger                // nil discards
}

// Service is the audit service. Make one with [New], serve its [Service.Handler] and call [Service.Run].
type Service struct {
	Settings
	worker  string // names this process in the queue
	wake    chan struct{}
	metrics *metrics
	mux     http.Handler

	mu      sync.Mutex
	waiters map[string][]chan struct{} // by audit
}

// New returns a Service that does nothing yet.
func New(s Settings) *Service {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	service := &Service{Settings: s, worker: host + "/" + strconv.Itoa(os.Getpid()) + "/" + newID()[:8], wake: make(chan struct{}, 1), metrics: newMetrics(), waiters: map[string][]chan struct{}{}}
	service.mux = service.routes()
	return service
}

// Topics of signals between replicas. The payload of the second is an audit's id.
const (
	topicQueued = "queued"
	topicEnded  = "ended"
)

// lookInterval is how often the queue is looked at without a signal: signals can be lost.
const lookInterval = 5 * time.Second

// Run runs audits until ctx ends, and returns when none runs any more; those that did are given back to the queue. The error is nil then.
func (s *Service) Run(ctx context.Context) error {
	if failed, err := s.Store.Recover(ctx, s.Alone); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	} else if failed > 0 {
		s.Logger.WarnContext(ctx, "audits that had ended the service were given up", "audits", failed)
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.listen(ctx, topicQueued, func(string) { s.nudge() }) })
	running.Go(func() { s.listen(ctx, topicEnded, s.tell) })
	running.Go(func() { s.recover(ctx) })
	slots := make(chan struct{}, max(1, s.Concurrency))
	if s.Concurrency <= 0 {
		<-ctx.Done()
		return nil
	}
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		asked := time.Now()
		job, ok, err := s.Store.Claim(ctx, s.worker)
		if err != nil && ctx.Err() == nil {
			s.Logger.ErrorContext(ctx, "the queue cannot be read; it is tried again", "error", err)
		}
		if ok {
			running.Go(func() {
				defer func() { <-slots }()
				s.work(ctx, job, time.Since(asked))
			})
			continue
		}
		<-slots
		select {
		case <-s.wake:
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Service) listen(ctx context.Context, topic string, fn func(string)) {
	if err := s.Signals.Listen(ctx, topic, fn); err != nil && ctx.Err() == nil {
		s.Logger.WarnContext(ctx, "signals cannot be heard; the queue is looked at every few seconds instead", "error", err)
	}
}

// recover sees to what other replicas left behind.
func (s *Service) recover(ctx context.Context) {
	every := time.NewTicker(store.Lease)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		if _, err := s.Store.Recover(ctx, false); err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "audits of workers that are gone cannot be recovered", "error", err)
		}
	}
}

// nudge has the queue looked at.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // somebody has already said so
	}
}

// tell wakes those who wait for an audit; everybody when it is not known which one has ended.
func (s *Service) tell(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for audit, waiters := range s.waiters {
		if id == "" || id == audit {
			for _, waiter := range waiters {
				close(waiter)
			}
			delete(s.waiters, audit)
		}
	}
}

// publish tells the other replicas. That it fails makes them late, no more.
func (s *Service) publish(ctx context.Context, topic, payload string) {
	if err := s.Signals.Publish(ctx, topic, payload); err != nil && ctx.Err() == nil {
		s.Logger.WarnContext(ctx, "other replicas are not told", "topic", topic, "error", err)
	}
}

// endTimeout bounds the storing of what came of an audit, which happens even while the service stops.
const endTimeout = 20 * time.Second

// work runs an audit and stores what came of it.
func (s *Service) work(ctx context.Context, job store.Job, claiming time.Duration) {
	log := s.Logger.With("audit", job.ID, "url", job.URL)
	log.InfoContext(ctx, "audit begun")
	s.metrics.running.Inc()
	defer s.metrics.running.Dec()
	begun := time.Now()
	outcome, err := s.attempt(ctx, job)
	ran := time.Since(begun)

	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	ended := time.Now()
	var failed *runner.FailedError
	var stored error
	result := "completed"
	switch {
	case err == nil:
		stored = s.Store.Complete(ending, job.ID, s.worker, outcome.Categories, outcome.Report)
		log.InfoContext(ctx, "audit completed", "duration", ran, "lighthouse", outcome.Lighthouse)
	case errors.As(err, &failed):
		result = "failed"
		stored = s.Store.Fail(ending, job.ID, s.worker, failed.Reason)
		log.WarnContext(ctx, "audit failed", "duration", ran, "error", err)
	default: // the service stops, or the audit is another's by now
		result = "abandoned"
		stored = s.Store.Release(ending, job.ID, s.worker)
		log.InfoContext(ctx, "audit given back", "reason", err)
	}
	if stored != nil {
		log.ErrorContext(ctx, "what came of the audit is not stored", "error", stored)
	}
	s.metrics.audits.WithLabelValues(result).Inc()
	if result != "abandoned" {
		s.metrics.duration.Observe(ran.Seconds())
		s.metrics.overhead.Observe((claiming + time.Since(ended)).Seconds())
	}
	s.publish(ending, topicEnded, job.ID)
}

// attempt runs an audit while it is this process's.
func (s *Service) attempt(ctx context.Context, job store.Job) (outcome runner.Outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	beating.Go(func() { s.beat(ctx, job.ID, cancel) })
	defer beating.Wait()
	defer cancel(nil)
	defer func() {
		if value := recover(); value != nil {
			err = &runner.FailedError{Reason: "the audit service could not run it", Err: fmt.Errorf("panic: %v", value)}
		}
	}()
	return s.Auditor.Run(ctx, runner.Job{URL: job.URL, Config: json.RawMessage(job.Config), UpTimeout: time.Duration(job.UpTimeout) * time.Millisecond})
}

// beat keeps an audit this process's until ctx ends, and ends the audit when it no longer is.
func (s *Service) beat(ctx context.Context, id string, end context.CancelCauseFunc) {
	every := time.NewTicker(store.Lease / 3)
	defer every.Stop()
	last := time.Now()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		sent := time.Now()
		attempt, cancel := context.WithTimeout(ctx, store.Lease/3)
		err := s.Store.Beat(attempt, id, s.worker)
		cancel()
		switch {
		case err == nil:
			last = sent
		case errors.Is(err, store.ErrLost), time.Since(last) > store.Lease:
			end(fmt.Errorf("stop audit: %w", err))
			return
		}
	}
}

// await waits until an audit has ended, as far as ctx allows.
func (s *Service) await(ctx context.Context, id string) (auditapi.Audit, error) {
	for {
		told := make(chan struct{})
		s.mu.Lock()
		s.waiters[id] = append(s.waiters[id], told)
		s.mu.Unlock()
		audit, err := s.Store.Audit(ctx, id)
		if err != nil || audit.Status != auditapi.Running {
			s.tell(id) // others who wait for it learn it too
			return audit, err
		}
		look := time.NewTimer(lookInterval)
		select {
		case <-told:
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return audit, nil
		}
		look.Stop()
	}
}
