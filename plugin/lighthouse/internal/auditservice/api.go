package auditservice

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
)

// Handler is the REST API. It is safe for concurrent use.
func (s *Service) Handler() http.Handler { return s.mux }

func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /v1/audits":             s.create,
		"GET /v1/audits":              s.audits,
		"GET /v1/audits/{id}":         s.audit,
		"DELETE /v1/audits/{id}":      s.remove,
		"GET /v1/audits/{id}/website": s.auditWebsite,
		"GET /v1/websites":            s.websites,
		"GET /v1/websites/{url}":      s.website,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if !s.bears(r) {
				w.Header().Set("WWW-Authenticate", "Bearer")
				say(w, http.StatusUnauthorized, "this service asks for a token: Authorization: Bearer …")
				return
			}
			if err := handle(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("GET /_ping", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "OK") })
	mux.HandleFunc("GET /_health", s.health)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if s.CORS && allowOrigin(w, r) {
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// allowOrigin answers as a service whose API pages of any site may call, and reports whether that was all that was asked.
func allowOrigin(w http.ResponseWriter, r *http.Request) (done bool) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	w.Header().Set("Access-Control-Allow-Methods", "GET,HEAD,POST,DELETE")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		w.Header().Set("Access-Control-Allow-Headers", asked)
		w.Header().Add("Vary", "Access-Control-Request-Headers")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// bears reports whether a request has the token.
func (s *Service) bears(r *http.Request) bool {
	if s.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.Token))
	return strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// fail answers with an error as the API does: in plain text.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	var wrong invalid
	var refused *guard.RefusedError
	switch {
	case errors.As(err, &wrong):
		say(w, http.StatusBadRequest, wrong.Error())
	case errors.As(err, &refused):
		say(w, http.StatusBadRequest, refused.Error())
	case errors.Is(err, store.ErrNotFound):
		say(w, http.StatusNotFound, "no audit found for id "+strconv.Quote(r.PathValue("id")))
	default:
		if r.Context().Err() == nil {
			s.Logger.ErrorContext(r.Context(), "a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		say(w, http.StatusInternalServerError, "the audit service could not answer; its log says why")
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func answer(w http.ResponseWriter, status int, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have left
	return nil
}

const (
	maxRequest  = 1 << 20         // bytes
	lookupLimit = 5 * time.Second // of the check of a target
)

// create answers POST /v1/audits.
func (s *Service) create(w http.ResponseWriter, r *http.Request) error {
	request, err := readRequest(w, r)
	if err != nil {
		return err
	}
	o := request.Options
	if set(o.ChromePath) {
		return invalid("options.chromePath is not accepted: the service's own configuration names the browser")
	}
	config, formFactor, err := checkConfig(o.LighthouseConfig)
	if err != nil {
		return err
	}
	wait, err := upTimeout(o)
	if err != nil {
		return err
	}
	lookup, cancel := context.WithTimeout(r.Context(), lookupLimit)
	defer cancel()
	if err := s.Policy.Target(lookup, request.URL); err != nil && lookup.Err() == nil {
		return err
	}
	audit, err := s.Store.Create(r.Context(), store.NewAudit{ID: newID(), URL: request.URL, FormFactor: formFactor, Config: config, UpTimeout: wait})
	if err != nil {
		return err
	}
	s.nudge()
	s.publish(r.Context(), topicQueued, audit.ID)
	if set(o.ChromePort) {
		w.Header().Set("Lighthouse-Ignored", "options.chromePort: each audit has a browser and a port of its own")
	}
	body := auditapi.AuditWithReport{Audit: audit}
	if o.AwaitAuditCompleted {
		waiting, cancel := context.WithTimeout(r.Context(), 2*s.Timeout)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2*s.Timeout + time.Minute))
		if body.Audit, err = s.await(waiting, audit.ID); err != nil {
			return err
		}
		if err := s.attach(r.Context(), &body); err != nil {
			return err
		}
	}
	w.Header().Set("Location", "/v1/audits/"+audit.ID)
	return answer(w, http.StatusCreated, body)
}

func readRequest(w http.ResponseWriter, r *http.Request) (auditapi.Request, error) {
	var request auditapi.Request
	// Only what declares itself as JSON: a page of another site cannot send that without asking first.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return request, invalid("the request has no JSON: send Content-Type: application/json and a url")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return request, invalid("the request cannot be read, or is longer than a megabyte")
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return request, invalid("the request is not the JSON that is expected here: " + err.Error())
	}
	switch {
	case request.URL == "":
		return request, invalid("the request names no url")
	case !strings.HasPrefix(request.URL, "http://") && !strings.HasPrefix(request.URL, "https://"):
		return request, invalid(fmt.Sprintf("url %q must begin with http:// or https://", request.URL))
	}
	return request, nil
}

func set(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

// attach adds its report to an audit that is completed.
func (s *Service) attach(ctx context.Context, body *auditapi.AuditWithReport) (err error) {
	if body.Status == auditapi.Completed {
		body.Report, err = s.Store.Report(ctx, body.ID)
		body.Categories = nil // they are in the report
	}
	return err
}

// paging reads limit and offset as JavaScript's Number would, as far as that makes sense: an empty one is 0.
func paging(query url.Values) (limit, offset int, err error) {
	read := func(name string, value int, most float64) (int, error) {
		if !query.Has(name) {
			return value, nil
		}
		text := strings.TrimSpace(query.Get(name))
		if text == "" {
			return 0, nil
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n != math.Trunc(n) || n < 0 {
			return 0, invalid(name + " must be a number, whole and not below 0")
		}
		return int(min(n, most)), nil
	}
	if limit, err = read("limit", 25, 1000); err != nil {
		return 0, 0, err
	}
	offset, err = read("offset", 0, math.MaxInt32)
	return limit, offset, err
}

func (s *Service) audits(w http.ResponseWriter, r *http.Request) error {
	limit, offset, err := paging(r.URL.Query())
	if err != nil {
		return err
	}
	list, err := s.Store.Audits(r.Context(), limit, offset)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list)
}

// reportPolicy keeps a report, which is full of texts of the page that was audited, away from everything else on this origin.
const reportPolicy = "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

// audit answers GET /v1/audits/{id}: with JSON if that and nothing else is accepted, otherwise with Lighthouse's own page.
func (s *Service) audit(w http.ResponseWriter, r *http.Request) error {
	audit, err := s.Store.Audit(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if r.Header.Get("Accept") == "application/json" {
		body := auditapi.AuditWithReport{Audit: audit}
		if err := s.attach(r.Context(), &body); err != nil {
			return err
		}
		return answer(w, http.StatusOK, body)
	}
	switch audit.Status {
	case auditapi.Running:
		say(w, http.StatusNotFound, "this audit is still running; there is no report yet")
		return nil
	case auditapi.Failed:
		say(w, http.StatusNotFound, "this audit failed, so there is no report: "+audit.Reason)
		return nil
	}
	report, err := s.Store.Report(r.Context(), audit.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", reportPolicy)
	_, _ = io.WriteString(w, s.Renderer.Render(report))
	return nil
}

func (s *Service) remove(w http.ResponseWriter, r *http.Request) error {
	audit, err := s.Store.Audit(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	body := auditapi.AuditWithReport{Audit: audit}
	if err := s.attach(r.Context(), &body); err != nil {
		return err
	}
	if err := s.Store.Delete(r.Context(), audit.ID); err != nil {
		return err
	}
	s.publish(r.Context(), topicEnded, audit.ID)
	return answer(w, http.StatusOK, body)
}

func (s *Service) auditWebsite(w http.ResponseWriter, r *http.Request) error {
	audit, err := s.Store.Audit(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	site, err := s.Store.Website(r.Context(), audit.URL)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, site)
}

func (s *Service) websites(w http.ResponseWriter, r *http.Request) error {
	limit, offset, err := paging(r.URL.Query())
	if err != nil {
		return err
	}
	list, err := s.Store.Websites(r.Context(), limit, offset)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, list)
}

func (s *Service) website(w http.ResponseWriter, r *http.Request) error {
	site, err := s.Store.Website(r.Context(), r.PathValue("url"))
	if errors.Is(err, store.ErrNotFound) {
		// Backstage's plugin knows by the beginning of this text that it is not an error.
		say(w, http.StatusNotFound, "no audited website found for url "+strconv.Quote(r.PathValue("url")))
		return nil
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, site)
}

// health tells whether the service can work, for probes.
func (s *Service) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := s.Ping(ctx); err != nil {
		s.Logger.WarnContext(ctx, "the database does not answer", "error", err)
		_ = answer(w, http.StatusServiceUnavailable, map[string]string{"status": "error", "message": "the database does not answer"})
		return
	}
	_ = answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
