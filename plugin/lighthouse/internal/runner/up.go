package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
)

const (
	upInterval = 500 * time.Millisecond // between two looks whether a page answers
	upAttempt  = 10 * time.Second       // one look
)

// waitUntilUp asks for a page until it answers with anything but a server's error, as a page that was deployed a moment ago may not do at once.
func waitUntilUp(ctx context.Context, policy *guard.Policy, url string, patience time.Duration) error {
	transport := &http.Transport{DialContext: policy.DialContext, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	client := &http.Client{
		Transport:     transport,
		Timeout:       upAttempt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is an answer; the browser follows it, guarded
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	look := time.NewTicker(upInterval)
	defer look.Stop()
	var last error
	for {
		err := answers(waiting, client, url)
		if err == nil {
			return nil
		}
		var refused *guard.RefusedError
		if errors.As(err, &refused) {
			return &FailedError{Reason: refused.Error()}
		}
		if waiting.Err() == nil {
			last = err
		}
		select {
		case <-look.C:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if last == nil {
				last = err
			}
			return &FailedError{Reason: fmt.Sprintf("the page did not answer within %s: %s", patience, plain(last)), Err: last}
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("it answers with status %s", res.Status)
	}
	return nil
}

// plain returns an error of the HTTP client without the address around it, which is shown beside it anyway.
func plain(err error) error {
	for {
		inner := errors.Unwrap(err)
		if _, ok := err.(interface{ Timeout() bool }); !ok || inner == nil {
			return err
		}
		err = inner
	}
}
