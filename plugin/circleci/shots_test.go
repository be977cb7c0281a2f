package circleci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/plugin/circleci/circlecifake"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestScreenshots writes pictures of what there is to see into the folder that CIRCLECI_SCREENSHOTS names, for people to look at.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("CIRCLECI_SCREENSHOTS")
	if folder == "" {
		t.Skip("set CIRCLECI_SCREENSHOTS to a folder for pictures")
	}
	s := start(t, options{})
	failed := workflowID(t, s, "payments", "pipeline-45")
	job := jobNumber(t, s, "payments", failed, "unit-tests")
	s.Get(tab("website")).Want(200)
	b := browsertest.Start(t)
	pages := map[string]string{
		"tab":      tab("payments"),
		"workflow": tab("payments", "workflow="+failed),
		"rerun":    tab("payments", "workflow="+failed, "rerun=failed"),
		"job":      tab("payments", "workflow="+failed, "job="+job),
		"running":  tab("ledger"),
		"onhold":   tab("website"),
		"ids":      tab("tickets"),
		"empty":    tab("importer"),
		"typo":     tab("typo"),
		"gone":     tab("gone"),
		"page":     "/circleci",
	}
	take := func(name string) {
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 390} {
				if theme == "dark" && width == 390 && name != "job" && name != "tab" {
					continue
				}
				b.Emulate(width, 900)
				b.Media(map[string]string{"prefers-color-scheme": theme})
				time.Sleep(100 * time.Millisecond)
				b.Screenshot(filepath.Join(folder, name+"-"+theme+map[int64]string{1440: "", 390: "-narrow"}[width]+".png"))
			}
		}
		b.Emulate(1440, 900)
	}
	for name, at := range pages {
		b.Open(s.URL + at)
		time.Sleep(300 * time.Millisecond)
		if strings.HasPrefix(name, "running") || name == "tab" {
			b.Click(".circleci-trends summary")
			b.Wait(`document.querySelector(".circleci-trends table") !== null`)
		}
		take(name)
	}
	for name, fault := range map[string]circlecifake.Fault{"401": {Status: 401}, "429": {Status: 429, RetryAfter: 42 * time.Second}, "500": {Status: 500}, "garbage": {Garbage: true}} {
		broken := start(t, options{})
		broken.fake.Fail(fault)
		b.Open(broken.URL + tab("payments"))
		take("fault-" + name)
	}
}
