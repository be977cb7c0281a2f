package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	healthPath    = "/.backstage/health/"
	healthTimeout = 10 * time.Second // of the report; probes answer at once
)

// ownEndpoints are those of the server itself.
func (h *Handler) ownEndpoints() []Endpoint {
	own := []Endpoint{
		{ID: "liveness", Pattern: "GET " + healthPath + "v1/liveness", Public: true, Run: h.liveness},
		{ID: "readiness", Pattern: "GET " + healthPath + "v1/readiness", Public: true, Run: h.readiness},
	}
	if h.s.Health != nil {
		own = append(own, Endpoint{ID: "plugin health", Pattern: "GET " + healthPath + "v1/plugins", Public: true, Run: h.health})
	}
	if h.s.Assets != nil {
		own = append(own, Endpoint{ID: "assets", Pattern: "GET " + assetsPath + "{hash}/{plugin}/{name...}", Public: true, Run: h.s.Assets.serve})
	}
	return own
}

type probe struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// liveness answers as long as there is somebody to answer.
func (h *Handler) liveness(w http.ResponseWriter, _ *http.Request) error {
	return writeReport(w, http.StatusOK, probe{Status: "ok"})
}

func (h *Handler) readiness(w http.ResponseWriter, _ *http.Request) error {
	if h.draining.Load() {
		return writeReport(w, http.StatusServiceUnavailable, probe{"error", errShuttingDown.Error()})
	}
	if h.s.Ready != nil {
		if err := h.s.Ready(); err != nil {
			return writeReport(w, http.StatusServiceUnavailable, probe{"error", err.Error()})
		}
	}
	return writeReport(w, http.StatusOK, probe{Status: "ok"})
}

func (h *Handler) health(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	return writeReport(w, http.StatusOK, h.s.Health(ctx))
}

func writeReport(w http.ResponseWriter, status int, report any) error {
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("encode health: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may have left
	return nil
}

var _ pluginapi.RouteFunc = (*Handler)(nil).liveness
