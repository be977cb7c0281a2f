package circleci_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
)

// TestMeasure prints how long the tab takes the server when all is on the shelf, and how often CircleCI is asked by 1 and by 100 open tabs in the same time, which CIRCLECI_MEASURE gives (5m).
// Both are figures to look at; nothing here fails because of them.
func TestMeasure(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("CIRCLECI_MEASURE"))
	if err != nil {
		t.Skip("set CIRCLECI_MEASURE to a length of time, such as 5m, to measure")
	}
	projects := []circlecifake.Project{{Slug: "gh/nordwind/payments", Running: true, Pace: length}}
	config := "circleci: {token: " + circlecifake.Token + "}\n" // the default intervals
	t.Run("tab", func(t *testing.T) {
		s := start(t, options{config: config, fake: circlecifake.Options{Projects: projects}})
		s.Get(tab("payments")).Want(200).Has("#pipeline-45")
		for name, path := range map[string]string{"tab": tab("payments"), "fragment": "/api/circleci/entities/default/component/payments/view"} {
			times := load(t, s.URL+path, 16, 300)
			t.Logf("%s, 16 connections, %d requests: median %s, p99 %s, slowest %s", name, len(times), times[len(times)/2], times[len(times)*99/100], times[len(times)-1])
		}
	})
	t.Run("open tabs", func(t *testing.T) {
		for _, tabs := range []int{1, 100} {
			t.Run(strconv.Itoa(tabs), func(t *testing.T) {
				t.Parallel()
				s := start(t, options{config: config, fake: circlecifake.Options{Projects: projects}})
				before := len(s.fake.Requests())
				looks := openTabs(t, s, tabs, length)
				t.Logf("%d open tabs over %s looked %d times; CircleCI got %d requests", tabs, length, looks, len(s.fake.Requests())-before)
			})
		}
	})
}

// load asks for an address over a number of connections, and returns how long each request took, sorted.
func load(t *testing.T, address string, connections, each int) []time.Duration {
	var (
		mu    sync.Mutex
		times []time.Duration
		all   sync.WaitGroup
	)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for range connections {
		all.Go(func() {
			for range each {
				begin := time.Now()
				status, _, err := ask(t.Context(), client, address, "")
				took := time.Since(begin)
				if err != nil || status != http.StatusOK {
					t.Errorf("status %d, %v", status, err)
					return
				}
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(times)
	return times
}

// openTabs behaves as a number of browsers do that have the tab open: they look again as soon as the last view said.
func openTabs(t *testing.T, s *setup, tabs int, length time.Duration) (looks int) {
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: tabs}}
	defer client.CloseIdleConnections()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for i := range tabs {
		all.Go(func() {
			pause, tag := time.Duration(i)*10*time.Second/time.Duration(tabs), ""
			for {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return
				}
				_, answer, err := ask(ctx, client, s.URL+"/api/circleci/entities/default/component/payments/view", tag)
				if err != nil {
					return
				}
				mu.Lock()
				looks++
				mu.Unlock()
				tag = answer.tag
				if answer.every > 0 {
					pause = answer.every
				}
			}
		})
	}
	all.Wait()
	return looks
}

type looked struct {
	tag   string
	every time.Duration
}

func ask(ctx context.Context, client *http.Client, address, tag string) (int, looked, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, looked{}, err
	}
	r.Header.Set("Accept", "text/html")
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, looked{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	_, rest, _ := strings.Cut(string(text), `data-every="`)
	number, _, _ := strings.Cut(rest, `"`)
	seconds, _ := strconv.Atoi(number)
	return res.StatusCode, looked{res.Header.Get("Etag"), time.Duration(seconds) * time.Second}, err
}
