package circlecifake

import (
	"fmt"
	"strings"
)

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

func spinUp() []stepPlan {
	return []stepPlan{
		{"Spin up environment", "", 0.08, []string{"Build-agent version 1.0.254431", "Creating a dedicated VM with ubuntu-2404:current", "  using image cimg/go@sha256:3f1c4fcf9d5e1f5ac2b4", "Time to upload agent and config: 411.3ms", "Time to start containers: 355.8ms"}},
		{"Preparing environment variables", "", 0.01, []string{"Using build environment variables:", "  BASH_ENV=/tmp/.bash_env", "  CI=true", "  CIRCLECI=true", "", "The redacted variables listed above will be masked in run step output."}},
		{"Checkout code", "", 0.06, []string{"Cloning git repository", "Cloning into '.'...", "HEAD is now at " + bold + "3f2a1c9" + reset}},
	}
}

func lintSteps() []stepPlan {
	return append(spinUp(), stepPlan{"Run the linter", "#!/bin/bash -eo pipefail\ngolangci-lint run ./...", 0.85, []string{"level=info msg=\"[config_reader] Used config file .golangci.yml\"", green + "0 issues." + reset}})
}

// failure is what the test that fails says.
const failure = "%[1]s_test.go:88: one request sent twice made two %[2]s:\n    first  at 2026-11-20T01:12:08Z, request 4711\n    second at 2026-11-20T01:12:09Z, request 4711"

// testName is the name of a test about what the project deals with.
func testName(p *project, i int) string {
	many, _ := p.things()
	return fmt.Sprintf("Test%s%s%s%d", []string{"Create", "Change", "Import", "Export", "Search", "Delete"}[i%6], strings.ToUpper(many[:1]), many[1:], i/6+1)
}

func testSteps(p *project, fails bool) []stepPlan {
	var lines []string
	for i := range 220 {
		name := testName(p, i)
		lines = append(lines, fmt.Sprintf("%s=== RUN%s   %s", yellow, reset, name))
		if fails && i == 137 {
			lines = append(lines, fmt.Sprintf("%s--- FAIL: %s (0.31s)%s", red, name, reset))
			lines = append(lines, strings.Split("    "+strings.ReplaceAll(p.say(failure), "\n", "\n    "), "\n")...)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s--- PASS: %s%s (%.2fs)", green, name, reset, float64(seed(p.Slug, name)%90)/100))
	}
	if fails {
		lines = append(lines, red+"FAIL"+reset, p.say("FAIL\texample.com/%[3]s/%[2]s\t12.401s"), "", "Exited with code exit status 1")
	} else {
		lines = append(lines, green+"PASS"+reset, p.say("ok  \texample.com/%[3]s/%[2]s\t12.210s"))
	}
	steps := append(spinUp(),
		stepPlan{"Restore module cache", "", 0.05, []string{"Found a cache from build 4012 at go-mod-v2-", "Size: 214 MiB", "Cached paths:", "  * /home/circleci/go/pkg/mod"}},
		stepPlan{"Run unit tests", "#!/bin/bash -eo pipefail\ngotestsum --junitfile results/unit.xml -- -race ./...", 0.76, lines})
	return append(steps, stepPlan{"Uploading test results", "", 0.04, []string{"Archiving the following test results", "  * /home/circleci/project/results", "", "Uploaded"}})
}

func integrationSteps(p *project) []stepPlan {
	return append(spinUp(),
		stepPlan{"Wait for the database", "#!/bin/bash -eo pipefail\ndockerize -wait tcp://localhost:5432 -timeout 1m", 0.1, []string{"Waiting for: tcp://localhost:5432", "Connected to tcp://localhost:5432"}},
		stepPlan{"Run integration tests", "#!/bin/bash -eo pipefail\nmake integration", 0.75, []string{"go test -tags integration ./...", p.say("ok  \texample.com/%[3]s/store\t41.302s"), p.say("ok  \texample.com/%[3]s/api\t18.772s")}})
}

func imageSteps(p *project) []stepPlan {
	return append(spinUp(),
		stepPlan{"Build image", p.say("#!/bin/bash -eo pipefail\ndocker build -t %[3]s ."), 0.7, []string{"#1 [internal] load build definition from Dockerfile", "#5 [build 2/4] COPY go.mod go.sum ./", "#8 exporting to image", "#8 DONE 3.1s"}},
		stepPlan{"Uploading artifacts", "", 0.15, []string{"Uploading /home/circleci/project/dist to dist", p.say("  Uploading dist/%[3]s-linux-amd64 (18 MB): DONE"), "  Uploading dist/sbom.json (212 kB): DONE"}})
}

func deploySteps(p *project) []stepPlan {
	return append(spinUp(), stepPlan{"Deploy", p.say("#!/bin/bash -eo pipefail\nhelm upgrade --install %[3]s chart"), 0.85, []string{p.say("Release \"%[3]s\" has been upgraded. Happy Helming!"), "STATUS: deployed", "REVISION: 88"}})
}
